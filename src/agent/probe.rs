//! Whether the program on this machine is an agent we can work with.
//!
//! Knows the version range and the hidden flags we depend on; must not know sessions. Two short runs in a throw-away
//! folder, without network and without the caller's environment, bounded in time and output.

use std::fmt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;

/// The version everything here was measured with; what a person is told to install.
pub const PINNED: Version = Version(2, 1, 329);
const BELOW: Version = Version(3, 0, 0);
/// A cold start reads hundreds of megabytes from disk.
const PATIENCE: Duration = Duration::from_secs(30);
const MAX_OUTPUT: u64 = 64 * 1024;

/// Without these an approval can be skipped or a session cannot move, so they are tried before they are trusted.
const HIDDEN: [&str; 2] = ["--await-initialize", "--session-mirror"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl Version {
    /// The version at the start of `text`: `2.1.329 (Claude Code)`.
    pub fn parse(text: &str) -> Option<Self> {
        let word = text.split_whitespace().next()?;
        let mut parts = word.split(['-', '+']).next()?.split('.').map(str::parse);
        let version = Self(parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
        parts.next().is_none().then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// Why the agent on this machine is not used.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error("the agent program `{0}` was not found; {how}", how = install())]
    NotFound(String),
    #[error("the agent program `{program}` could not be run")]
    Run { program: String, source: std::io::Error },
    #[error("the agent program `{0}` did not answer within {secs} seconds", secs = PATIENCE.as_secs())]
    TimedOut(String),
    #[error("the agent program `{program}` does not say its version; it printed `{printed}`")]
    NoVersion { program: String, printed: String },
    #[error("the agent has version {0}, and DevTask works with {PINNED} up to below {BELOW}; {how}", how = install())]
    Version(Version),
    #[error("the agent has version {version} and does not know `{flag}`, which DevTask depends on; {how}", how = install())]
    Flag { version: Version, flag: String },
}

fn install() -> String {
    format!("install it with `npm install --global @anthropic-ai/claude-code@{PINNED}`")
}

/// Refuses a version outside the range.
pub fn accept(version: Version) -> Result<Version, ProbeError> {
    if (PINNED..BELOW).contains(&version) { Ok(version) } else { Err(ProbeError::Version(version)) }
}

/// Runs the agent twice: for its version, and with the hidden flags and no input.
/// `command`: program and leading arguments. `path`: where programs are looked for.
pub async fn probe(command: &[String], path: &str) -> Result<Version, ProbeError> {
    let program = command.first().cloned().unwrap_or_default();
    let failed = |source| ProbeError::Run { program: program.clone(), source };
    let home = tempfile::tempdir().map_err(failed)?;
    let said = run(command, &["--version"], path, home.path()).await?;
    let version = Version::parse(&said.stdout)
        .ok_or_else(|| ProbeError::NoVersion { program: program.clone(), printed: said.either() })?;
    let version = accept(version)?;
    let flags = ["-p", "--output-format", "stream-json", "--input-format", "stream-json", "--verbose"];
    let flags = [flags.as_slice(), &["--setting-sources="], &HIDDEN].concat();
    match unknown_option(&run(command, &flags, path, home.path()).await?) {
        Some(flag) => Err(ProbeError::Flag { version, flag }),
        None => Ok(version),
    }
}

/// What a run printed.
#[derive(Debug)]
struct Printed {
    ok: bool,
    stdout: String,
    stderr: String,
}

impl Printed {
    fn either(&self) -> String {
        let text = if self.stdout.trim().is_empty() { &self.stderr } else { &self.stdout };
        text.trim().chars().take(200).collect()
    }
}

/// The option a failed run complains about.
fn unknown_option(printed: &Printed) -> Option<String> {
    let complaint = printed.stderr.lines().find(|l| l.contains("unknown option")).filter(|_| !printed.ok)?;
    let named = HIDDEN.iter().find(|flag| complaint.contains(*flag));
    Some(named.map_or_else(|| complaint.chars().take(100).collect(), |flag| (*flag).to_owned()))
}

async fn run(command: &[String], args: &[&str], path: &str, home: &Path) -> Result<Printed, ProbeError> {
    let program = command.first().cloned().unwrap_or_default();
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => ProbeError::NotFound(program.clone()),
        _ => ProbeError::Run { program: program.clone(), source },
    };
    let mut child = Command::new(&program)
        .args(command.get(1..).unwrap_or_default())
        .args(args)
        .env_clear()
        .env("PATH", path)
        .env("HOME", home)
        .env("CLAUDE_CONFIG_DIR", home)
        .env("DISABLE_AUTOUPDATER", "1")
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .current_dir(home)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let work = async {
        let (stdout, stderr) = tokio::join!(read(out), read(err));
        let status = child.wait().await?;
        Ok::<_, std::io::Error>(Printed { ok: status.success(), stdout, stderr })
    };
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(printed) => printed.map_err(failed),
        Err(_) => Err(ProbeError::TimedOut(program.clone())),
    }
}

/// The start of a stream; the rest is read and dropped, so that the writer never blocks.
async fn read(stream: Option<impl tokio::io::AsyncRead + Unpin>) -> String {
    let mut kept = Vec::new();
    if let Some(mut stream) = stream {
        let _ = (&mut stream).take(MAX_OUTPUT).read_to_end(&mut kept).await;
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    }
    String::from_utf8_lossy(&kept).into_owned()
}

#[cfg(test)]
mod tests;
