//! The arguments ssh is started with: nothing of this user's own configuration counts, and nothing ever asks.
//!
//! Pure. Knows OpenSSH's options; must not know what runs at the far end.

use std::path::Path;
use std::time::Duration;

use super::{Settings, Target, quote};

/// Those of the connection all others go over. It stays for as long as its standard input does.
pub(super) fn master(
    settings: &Settings,
    state: &State<'_>,
    target: &Target,
    ready: &str,
) -> Option<Vec<String>> {
    let mut out = common(state.control);
    let known = state.known.to_str()?;
    out.extend(["-M".to_owned(), "-i".to_owned(), state.key.to_str()?.to_owned()]);
    let alive = settings.alive.max(Duration::from_secs(1)).as_secs();
    for option in [
        format!("ProxyCommand={}", proxy(&target.proxy_command)?),
        format!("HostKeyAlias={}", target.alias),
        // ssh takes a list of files here; a path with a space is one file between quotes.
        format!("UserKnownHostsFile=\"{known}\""),
        "GlobalKnownHostsFile=none".to_owned(),
        "StrictHostKeyChecking=accept-new".to_owned(),
        "UpdateHostKeys=no".to_owned(),
        "IdentitiesOnly=yes".to_owned(),
        "IdentityAgent=none".to_owned(),
        "PreferredAuthentications=publickey".to_owned(),
        "TCPKeepAlive=no".to_owned(),
        "Compression=yes".to_owned(),
        format!("ConnectTimeout={}", settings.connect.as_secs().max(1)),
        format!("ServerAliveInterval={alive}"),
        "ServerAliveCountMax=3".to_owned(),
    ] {
        out.extend(["-o".to_owned(), option]);
    }
    // Says that it is up behind whatever a login shell prints, and ends when we do.
    let say = format!("printf '\\n%s\\n' {ready}; exec cat >/dev/null");
    out.extend([destination(target), quote::line(&["sh", "-c", &say])?]);
    Some(out)
}

/// Those of one command over a connection that stands; without one it fails at once instead of making its own.
pub(super) fn client(state: &State<'_>, target: &Target, line: String) -> Vec<String> {
    let mut out = common(state.control);
    for option in ["ControlMaster=no", "ProxyCommand=false"] {
        out.extend(["-o".to_owned(), option.to_owned()]);
    }
    out.extend([destination(target), line]);
    out
}

/// Where ssh keeps what for one node.
pub(super) struct State<'a> {
    pub(super) control: &'a Path,
    pub(super) known: &'a Path,
    pub(super) key: &'a Path,
}

fn common(control: &Path) -> Vec<String> {
    let mut out: Vec<String> =
        ["-F", "none", "-T", "-a", "-x", "-e", "none", "-S"].into_iter().map(str::to_owned).collect();
    out.push(control.to_string_lossy().into_owned());
    for option in ["BatchMode=yes", "LogLevel=ERROR", "ControlPersist=no", "PermitLocalCommand=no"] {
        out.extend(["-o".to_owned(), option.to_owned()]);
    }
    out
}

fn destination(target: &Target) -> String {
    format!("{}@{}", target.user, target.alias)
}

/// ssh gives it to a shell after it has looked for percent signs.
fn proxy(argv: &[String]) -> Option<String> {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    quote::line(&words).map(|line| line.replace('%', "%%"))
}
