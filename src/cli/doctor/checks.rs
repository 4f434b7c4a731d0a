//! The checks that need no other room: programs, folders, the server.
//!
//! Each looks and says; none changes anything.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::{Check, Finding};
use crate::agent::probe::probe;
use crate::client::{Remote, Target};
use crate::config::Vars;
use crate::github;
use crate::wire::api::Code;

/// Oldest git whose `merge-tree` and `--porcelain` outputs are what we read.
const GIT: (u32, u32) = (2, 38);
/// Less free space than this is too little for clones.
const FREE_MIN: u64 = 1 << 30;

/// What a program says of itself; the error is a sentence.
async fn version(program: &str, path: &str) -> Result<String, String> {
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

/// An agent's program and whether its version is one we know. `needed`: sessions that name no agent use it.
/// `setting`: where another can be named.
pub fn agent(command: Vec<String>, path: String, needed: bool, setting: String) -> Check {
    Check::new("agent", async move {
        let name = command.first().cloned().unwrap_or_default();
        match probe(&command, &path).await {
            Ok(version) => Finding::ok(format!("{name} {version}")),
            Err(error) => {
                let mend =
                    format!("npm install -g @anthropic-ai/claude-code, or name a program in `{setting}`");
                let found = error.to_string();
                if needed { Finding::fail(found, mend) } else { Finding::warn(found, mend) }
            }
        }
    })
}

/// Whether agents can be locked in: the program is there and may make namespaces.
pub fn bubblewrap(path: String, unsandboxed: bool) -> Check {
    Check::new("bubblewrap", async move {
        let found = match version("bwrap", &path).await {
            Ok(text) => match namespaces(&path).await {
                Ok(()) => return Finding::ok(text),
                Err(why) => format!("{text}, but it may not make namespaces here: {why}"),
            },
            Err(what) => what,
        };
        let mend = "install bubblewrap, for example `apt install bubblewrap`, or set `nodes.local.unsandboxed = true`";
        if unsandboxed {
            Finding::warn(format!("{found}; local agents run with all your rights"), mend)
        } else {
            Finding::fail(found, mend)
        }
    })
}

async fn namespaces(path: &str) -> Result<(), String> {
    let args = ["--ro-bind", "/", "/", "--unshare-pid", "--", "true"];
    let run = tokio::process::Command::new("bwrap")
        .args(args)
        .env("PATH", path)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = run.await.map_err(|e| e.to_string())?;
    let why = String::from_utf8_lossy(&output.stderr);
    let why = why.lines().next().unwrap_or("no reason given").chars().take(160).collect();
    if output.status.success() { Ok(()) } else { Err(why) }
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
        let size = std::fs::metadata(&file).map_or(0, |m| m.len());
        Finding::ok(format!(
            "{} KiB, {}",
            size >> 10,
            if held { "a server holds it" } else { "nobody holds it" }
        ))
    })
}

/// Whether there is a token for the forge; whether it works is the forge's own check.
pub fn github_token(settings: &github::Settings, vars: &Vars) -> Check {
    let named = settings.token_env.clone();
    let found = match (&settings.token, &settings.token_file, &named) {
        (Some(_), _, _) => Finding::ok("a token in the configuration"),
        (None, Some(path), _) if !path.is_file() => {
            Finding::fail(format!("there is no file {}", path.display()), "mend `github.token_file`")
        }
        (None, Some(path), _) if is_wide(path) => {
            let shown = path.display();
            Finding::warn(format!("{shown} can be read by others"), format!("chmod 600 {shown}"))
        }
        (None, Some(path), _) => Finding::ok(format!("a token in {}", path.display())),
        (None, None, Some(name)) if vars.get(name).is_some_and(|v| !v.is_empty()) => {
            Finding::ok(format!("a token in the variable {name}"))
        }
        (None, None, Some(name)) => {
            Finding::fail(format!("the variable {name} is not set"), "set it, or mend `github.token_env`")
        }
        (None, None, None) => Finding::warn(
            "no token: sessions work on folders, without pull requests",
            "set `github.token_file`",
        ),
    };
    Check::new("forge", async move { found })
}

/// Whether the forge knows the token. Without a token there is nothing to ask.
pub fn github_answers(settings: &github::Settings) -> Check {
    let settings = settings.clone();
    Check::new("forge answers", async move {
        if settings.token.is_none() && settings.token_file.is_none() && settings.token_env.is_none() {
            return Finding::ok("not asked: there is no token");
        }
        let asked = async { github::GitHub::new(&settings)?.viewer().await };
        match asked.await {
            Ok(login) => Finding::ok(format!("{} knows the token as {login}", settings.api_url)),
            Err(error) => {
                Finding::fail(error.sentence(), "gh auth token > FILE, and name FILE in `github.token_file`")
            }
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

/// For tests of the parts that read names.
#[cfg(test)]
mod tests {
    use super::{is_wide, numbers};
    use std::path::Path;

    #[test]
    fn versions_are_read_from_what_git_prints() {
        assert_eq!(numbers("git version 2.39.5 (Apple Git-154)"), (2, 39));
        assert_eq!(numbers("git version 2.47.0.windows.1"), (2, 47));
        assert_eq!(numbers("nothing"), (0, 0));
    }

    #[test]
    fn what_is_not_there_is_not_wide() {
        assert!(!is_wide(Path::new("/no/such/file")));
    }
}
