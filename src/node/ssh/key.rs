//! Our own key, made once: no key of the person who runs us is used or touched.
//!
//! Knows `ssh-keygen` and the folder; must not know who is to take the key.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::super::NodeError;

const NAME: &str = "key";

/// The private key's path; the public one stands beside it as `key.pub`.
pub(super) async fn ensure(folder: &Path) -> Result<PathBuf, NodeError> {
    let key = folder.join(NAME);
    if key.exists() {
        return Ok(key);
    }
    let part = folder.join("key.part");
    for old in [part.clone(), part.with_extension("part.pub")] {
        let _ = std::fs::remove_file(old);
    }
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-C", "devtask", "-f"]).arg(&part);
    command.stdin(Stdio::null()).kill_on_drop(true);
    let ended = tokio::time::timeout(Duration::from_secs(20), command.output()).await;
    let cannot = |why: String| NodeError::Permanent(format!("no key for ssh could be made: {why}"));
    match ended {
        Ok(Ok(output)) if output.status.success() => {}
        Ok(Ok(output)) => return Err(cannot(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
        Ok(Err(error)) => return Err(cannot(format!("`ssh-keygen`: {error}"))),
        Err(_) => return Err(cannot("`ssh-keygen` does not end".to_owned())),
    }
    // The private one last: where it stands, both are whole.
    let moved = std::fs::rename(folder.join("key.part.pub"), folder.join("key.pub"))
        .and_then(|()| std::fs::rename(&part, &key));
    moved.map_err(|error| cannot(error.to_string()))?;
    Ok(key)
}
