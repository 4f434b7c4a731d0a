//! How git is started: one command, bounded in time and output, in an environment we made.
//!
//! Knows processes and git's switches; must not know what a command is for.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::credential::Lent;
use super::error::{GitError, classify, last_lines};
use super::names::RemoteUrl;

/// Standard output kept in memory, at most.
const MAX_OUT: usize = 16 * 1024 * 1024;
/// The end of standard error that is kept.
const MAX_ERR: usize = 16 * 1024;

/// Variables git is handed from our own environment: how to find programs, scratch space, proxies, certificates.
const ALLOWED: [&str; 13] = [
    "PATH",
    "TMPDIR",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "CURL_CA_BUNDLE",
];

/// What no repository's configuration may say otherwise: everything that would run a program or ask a person.
const SETTINGS: [&str; 28] = [
    "protocol.ext.allow=never",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.sshCommand=false",
    "core.gitProxy=",
    "core.askPass=",
    "core.pager=cat",
    "core.editor=false",
    "core.alternateRefsCommand=true",
    "core.logAllRefUpdates=false",
    "core.quotePath=false",
    "core.preloadIndex=true",
    "credential.helper=",
    "diff.external=",
    "gpg.program=false",
    "commit.gpgSign=false",
    "push.gpgSign=false",
    "push.followTags=false",
    "push.recurseSubmodules=no",
    "fetch.recurseSubmodules=no",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "http.followRedirects=initial",
    "advice.detachedHead=false",
    "advice.addEmbeddedRepo=false",
    "init.defaultBranch=main",
];

/// A way to start git. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Git {
    program: PathBuf,
    home: PathBuf,
    limit: Duration,
}

impl Git {
    /// The `git` of the search path. `home`: an empty folder of ours that git takes for the user's.
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self { program: PathBuf::from("git"), home: home.into(), limit: Duration::from_secs(600) }
    }

    /// Another program in git's place.
    #[must_use]
    pub fn with_program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = program.into();
        self
    }

    /// The longest a single command may take; 10 minutes unless said otherwise.
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    pub(super) fn call(&self, verb: &'static str) -> Call<'_> {
        Call {
            git: self,
            verb,
            settings: Vec::new(),
            args: Vec::new(),
            env: Vec::new(),
            input: Input::None,
            to: None,
            lent: None,
            fails: &[],
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear();
        for name in ALLOWED {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .env("HOME", &self.home)
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "false")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            // No transport at all unless the verb names its remote.
            .env("GIT_ALLOW_PROTOCOL", "none")
            .env("GIT_PROTOCOL_FROM_USER", "0")
            .kill_on_drop(true)
            .process_group(0);
        for setting in SETTINGS {
            command.arg("-c").arg(setting);
        }
        command
    }
}

enum Input {
    None,
    Bytes(Vec<u8>),
    File(File),
}

/// One command in the making.
pub(super) struct Call<'a> {
    git: &'a Git,
    verb: &'static str,
    settings: Vec<(String, OsString)>,
    args: Vec<OsString>,
    env: Vec<(&'static str, OsString)>,
    input: Input,
    to: Option<File>,
    lent: Option<Lent>,
    /// Exit codes beside 0 that are answers, not failures.
    fails: &'static [i32],
}

/// What a command said.
pub(super) struct Said {
    pub code: i32,
    pub out: Vec<u8>,
    pub err: String,
}

impl Said {
    /// Standard output without its last newline.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).trim_end().to_owned()
    }
}

impl Call<'_> {
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    #[must_use]
    pub fn args<I: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = I>) -> Self {
        self.args.extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// One more setting. It goes through the environment: key and value may hold anything.
    #[must_use]
    pub fn setting(mut self, key: impl Into<String>, value: impl AsRef<OsStr>) -> Self {
        self.settings.push((key.into(), value.as_ref().to_owned()));
        self
    }

    #[must_use]
    pub fn env(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name, value.as_ref().to_owned()));
        self
    }

    #[must_use]
    pub fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.input = Input::Bytes(bytes);
        self
    }

    #[must_use]
    pub fn stdin_file(mut self, file: File) -> Self {
        self.input = Input::File(file);
        self
    }

    #[must_use]
    pub fn stdout_to(mut self, file: File) -> Self {
        self.to = Some(file);
        self
    }

    /// Exit codes that the caller reads as an answer.
    #[must_use]
    pub fn may_fail(mut self, codes: &'static [i32]) -> Self {
        self.fails = codes;
        self
    }

    /// Opens exactly the transport of `url` to this command, and lends it the credential.
    pub fn talks_to(mut self, url: &RemoteUrl, credential: Option<&SecretString>) -> Result<Self, GitError> {
        if let (Some(secret), Some(origin)) = (credential, url.origin()) {
            self.lent = Some(Lent::new(secret, origin).map_err(GitError::Io)?);
        }
        Ok(self.env("GIT_ALLOW_PROTOCOL", url.protocol()))
    }

    /// Runs to the end, or to the time limit: then the whole process group is killed.
    pub async fn run(mut self) -> Result<Said, GitError> {
        let mut child = self.spawn()?;
        let group = Group(child.id());
        let limit = self.git.limit;
        let ended = tokio::time::timeout(limit, self.drive(&mut child)).await;
        if let Ok(Ok(_)) = ended {
            std::mem::forget(group);
        }
        let said = ended.map_err(|_| GitError::TimedOut { verb: self.verb, limit })??;
        if said.code == 0 || self.fails.contains(&said.code) {
            return Ok(said);
        }
        Err(self.failed(&said))
    }

    fn failed(&self, said: &Said) -> GitError {
        let all = format!("{}\n{}", said.text(), said.err);
        tracing::debug!(git.verb = self.verb, git.code = said.code, "a git command failed");
        GitError::Failed { verb: self.verb, failure: classify(&all), last: last_lines(&said.err) }
    }

    fn spawn(&mut self) -> Result<Child, GitError> {
        let mut command = self.git.command();
        for (n, (key, value)) in self.settings.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{n}"), key).env(format!("GIT_CONFIG_VALUE_{n}"), value);
        }
        command.env("GIT_CONFIG_COUNT", self.settings.len().to_string());
        command.arg(self.verb).args(&self.args).envs(self.env.iter().map(|(k, v)| (k, v)));
        if let Some(lent) = &self.lent {
            command.env("GIT_ASKPASS", lent.program());
        }
        command.stdin(match std::mem::replace(&mut self.input, Input::None) {
            Input::None => Stdio::null(),
            Input::File(file) => Stdio::from(file),
            bytes @ Input::Bytes(_) => {
                self.input = bytes;
                Stdio::piped()
            }
        });
        command.stdout(self.to.take().map_or_else(Stdio::piped, Stdio::from)).stderr(Stdio::piped());
        command.spawn().map_err(GitError::Io)
    }

    async fn drive(&mut self, child: &mut Child) -> Result<Said, GitError> {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let bytes = match std::mem::replace(&mut self.input, Input::None) {
            Input::Bytes(bytes) => bytes,
            _ => Vec::new(),
        };
        let feed = async move {
            if let Some(mut pipe) = stdin {
                // A command that stops reading early says so with its exit code.
                pipe.write_all(&bytes).await.ok();
            }
        };
        let ((), out, err) = tokio::join!(feed, head(stdout), tail(stderr));
        let out = out.map_err(GitError::Io)?.ok_or(GitError::TooMuch { verb: self.verb, max: MAX_OUT })?;
        let err = err.map_err(GitError::Io)?;
        let status = child.wait().await.map_err(GitError::Io)?;
        Ok(Said { code: status.code().unwrap_or(-1), out, err })
    }
}

/// Kills the process group when dropped: on a time-out, an error, or when nobody waits for the command any more.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let pid = self.0.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // The leader is not reaped yet, so the number is still ours. It may be dead already.
            kill_process_group(pid, Signal::KILL).ok();
        }
    }
}

/// All of it, or `None` when it is more than [`MAX_OUT`].
async fn head(from: Option<impl AsyncRead + Unpin>) -> std::io::Result<Option<Vec<u8>>> {
    let mut out = Vec::new();
    if let Some(from) = from {
        from.take(MAX_OUT as u64 + 1).read_to_end(&mut out).await?;
    }
    Ok((out.len() <= MAX_OUT).then_some(out))
}

/// The last [`MAX_ERR`] bytes.
async fn tail(from: Option<impl AsyncRead + Unpin>) -> std::io::Result<String> {
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    if let Some(mut from) = from {
        loop {
            let n = from.read(&mut buffer).await?;
            if n == 0 {
                break;
            }
            kept.extend_from_slice(buffer.get(..n).unwrap_or_default());
            if kept.len() > 2 * MAX_ERR {
                kept.drain(..kept.len() - MAX_ERR);
            }
        }
    }
    Ok(String::from_utf8_lossy(&kept).into_owned())
}
