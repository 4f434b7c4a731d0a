//! Whether sessions could run on codespaces from here: the programs the way in goes through, and ours to bring there.
//!
//! Looks at this machine alone; must not make a codespace, nor sign in.

use super::checks::version;
use super::{Check, Finding};
use crate::config::Config;
use crate::node::bootstrap::Binaries;

/// Only where somebody set codespaces up.
pub fn codespaces(config: &Config, path: &str) -> Option<Check> {
    let settings = &config.nodes.codespaces;
    let wanted = !settings.identities.is_empty();
    if !wanted && config.github.client_id.is_none() {
        return None;
    }
    let gh = settings.gh.first().cloned().unwrap_or_default();
    let (path, folder) = (path.to_owned(), config.nodes.binaries.clone());
    Some(Check::new("codespaces", async move {
        match look(&gh, &path, Binaries::new(folder)).await {
            Ok(found) => Finding::ok(found),
            Err((found, mend)) if wanted => Finding::fail(found, mend),
            Err((found, mend)) => Finding::warn(found, mend),
        }
    }))
}

async fn look(gh: &str, path: &str, binaries: Binaries) -> Result<String, (String, String)> {
    let said = version(gh, path).await.map_err(|what| {
        (what, "install GitHub's command line, or name it in `nodes.codespaces.gh`".to_owned())
    })?;
    // It knows no `--version`; that it is there has to do.
    if !std::env::split_paths(path).any(|folder| folder.join("ssh").is_file()) {
        let mend = "install OpenSSH's client, for example `apt install openssh-client`";
        return Err(("`ssh` was not found".to_owned(), mend.to_owned()));
    }
    let build = || "build it with `docker/node-binary` and say where in `nodes.binaries`".to_owned();
    match binaries.kinds() {
        Ok(kinds) if !kinds.is_empty() => Ok(format!("{said}; DevTask for {}", kinds.join(" and "))),
        Ok(_) => Err((format!("{said}, but no `devtask-x86_64` to bring to a codespace"), build())),
        Err(error) => Err((error.to_string(), build())),
    }
}
