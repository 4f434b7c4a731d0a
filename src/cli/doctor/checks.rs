//! The checks that need no other room: programs, folders, the server.
//!
//! Each looks and says; none changes anything.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::{Check, Finding};
use crate::agent::probe::probe;
use crate::client::{Remote, Target};
use crate::github::{self, GitHub};
use crate::node;
use crate::supervisor::chain;
use crate::wire::api::Code;

/// Oldest git whose `merge-tree` and `--porcelain` outputs are what we read.
const GIT: (u32, u32) = (2, 38);
/// Less free space than this is too little for clones.
const FREE_MIN: u64 = 1 << 30;

/// What a program says of itself; the error is a sentence.
pub(super) async fn version(program: &str, path: &str) -> Result<String, String> {
    let run = tokio::process::Command::new(program)
        .arg("--version")
        .env("PATH", path)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = run.await.map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => format!("`{program}` was not found"),
        _ => format!("`{program}` could not be run: {e}"),
    })?;
    if !output.status.success() {
        return Err(format!("`{program} --version` ended with {}", output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().trim().chars().take(80).collect())
}

pub fn git(path: String) -> Check {
    Check::new("git", async move {
        match version("git", &path).await {
            Ok(text) if numbers(&text) >= GIT => Finding::ok(text),
            Ok(text) => Finding::fail(format!("{text}, and {}.{} is needed", GIT.0, GIT.1), "update git"),
            Err(what) => Finding::fail(what, "install git, for example `apt install git`"),
        }
    })
}

/// The first two numbers of `git version 2.39.5 (…)`.
fn numbers(text: &str) -> (u32, u32) {
    let word = text.split(' ').find(|w| w.starts_with(|c: char| c.is_ascii_digit())).unwrap_or_default();
    let mut parts = word.split('.').map(|p| p.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// An agent's program: of `claude` also whether its version and flags are those DevTask works with.
/// `needed`: sessions that name no agent use it.
pub fn agent(name: &str, command: Vec<String>, path: String, needed: bool) -> Check {
    let claude = name == "claude";
    let mend = format!("or name another program in `agents.{name}.command`");
    let mend = if claude { mend } else { format!("install it, {mend}") };
    Check::new("agent", async move {
        let program = command.first().cloned().unwrap_or_default();
        let said = if claude {
            probe(&command, &path).await.map(|v| format!("{v}")).map_err(|e| chain(&e))
        } else {
            version(&program, &path).await
        };
        match said {
            Ok(text) => Finding::ok(format!("{program} {text}")),
            Err(what) if needed => Finding::fail(what, mend),
            Err(what) => Finding::warn(what, mend),
        }
    })
}

/// Whether agents can be locked in: the program is there and works for this user.
pub fn bubblewrap(path: String, unsandboxed: bool) -> Check {
    Check::new("bubblewrap", async move {
        let found = match (version("bwrap", &path).await, node::local::bubblewrap().await) {
            (Ok(text), Some(_)) => return Finding::ok(text),
            (Ok(text), None) => format!("{text}, but it may not make namespaces here"),
            (Err(what), _) => what,
        };
        let mend = "install bubblewrap, for example `apt install bubblewrap`, or set `nodes.local.unsandboxed = true`";
        if unsandboxed {
            Finding::warn(format!("{found}; local agents run with all your rights"), mend)
        } else {
            Finding::fail(found, mend)
        }
    })
}

/// The data folder: ours alone, and room in it.
pub fn data_dir(dir: PathBuf) -> Check {
    Check::new("data folder", async move {
        let shown = dir.display();
        let Some(there) = dir.ancestors().find(|d| d.exists()) else {
            return Finding::fail(format!("no part of {shown} exists"), "name another with `--data-dir`");
        };
        if there != dir && rustix::fs::access(there, rustix::fs::Access::WRITE_OK).is_err() {
            let found = format!("{shown} cannot be made: {} may not be written", there.display());
            return Finding::fail(found, "name another with `--data-dir`");
        }
        if there == dir && is_wide(&dir) {
            return Finding::fail(format!("{shown} is open to other users"), format!("chmod 700 {shown}"));
        }
        let free = rustix::fs::statvfs(there).map_or(0, |s| s.f_bavail.saturating_mul(s.f_frsize));
        let free_text = format!("{} GiB free", free >> 30);
        if free < FREE_MIN {
            return Finding::fail(
                format!("{shown}, {free_text}"),
                "make room, or name another with `--data-dir`",
            );
        }
        let state = if there == dir { "" } else { " (made at first start)" };
        Finding::ok(format!("{shown}{state}, {free_text}"))
    })
}

fn is_wide(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o077 != 0)
}

/// The database file: private, and whether a server holds it. It is not opened: that is the server's business.
pub fn database(dir: PathBuf) -> Check {
    Check::new("database", async move {
        let file = dir.join("devtask.db");
        if !file.exists() {
            return Finding::ok("none yet; made at first start");
        }
        if is_wide(&file) {
            let shown = file.display();
            return Finding::fail(format!("{shown} is open to other users"), format!("chmod 600 {shown}"));
        }
        if rustix::fs::access(&file, rustix::fs::Access::WRITE_OK).is_err() {
            return Finding::fail(
                format!("{} may not be written", file.display()),
                "run as the user it belongs to",
            );
        }
        let held = std::fs::File::open(dir.join("lock")).is_ok_and(|f| f.try_lock_shared().is_err());
        let bytes = |name: &str| std::fs::metadata(dir.join(name)).map_or(0, |m| m.len());
        let size = bytes("devtask.db") + bytes("devtask.db-wal");
        Finding::ok(format!(
            "{} KiB, {}",
            size >> 10,
            if held { "a server holds it" } else { "nobody holds it" }
        ))
    })
}

/// Whether the forge knows us by the token there is.
pub fn forge(settings: github::Settings) -> Check {
    Check::new("forge", async move {
        if settings.token.is_none() && settings.token_file.is_none() && settings.token_env.is_none() {
            let found = "no token: sessions work on folders, without pull requests";
            return Finding::warn(found, "set `github.token_file`");
        }
        if let Some(path) = settings.token_file.as_ref().filter(|p| is_wide(p)) {
            let shown = path.display();
            return Finding::fail(format!("{shown} can be read by others"), format!("chmod 600 {shown}"));
        }
        let place = settings.api_url.clone();
        let github = match GitHub::new(&settings) {
            Ok(github) => github,
            Err(error) => return Finding::fail(error.sentence(), "mend the `[github]` section"),
        };
        match github.viewer().await {
            Ok(login) => Finding::ok(format!("{login} at {place}")),
            Err(error) => Finding::fail(error.sentence(), "mend the token or `github.api_url`"),
        }
    })
}

/// Whether a control plane answers.
pub fn server(remote: Remote) -> Check {
    Check::new("server", async move {
        let place = remote.target().to_string();
        match remote.ready().await {
            Ok(ready) if ready.state == "ok" => Finding::ok(format!("{} at {place}", ready.version)),
            Ok(ready) => {
                Finding::warn(format!("{} at {place} is {}", ready.version, ready.state), "see its log")
            }
            Err(e) if e.code == Code::Unreachable && matches!(remote.target(), Target::Socket(_)) => {
                Finding::warn(format!("none answers at {place}"), "devtask serve")
            }
            Err(e) => Finding::fail(e.message, e.hint.unwrap_or_else(|| "see its log".to_owned())),
        }
    })
}

#[cfg(test)]
mod tests;
