//! A credential lent to one git command.
//!
//! git asks the program in `GIT_ASKPASS`. That is a fixed script in a folder of its own (0700), which reads one line
//! from one of two named pipes (0600) beside it; the pipes hold the words in the kernel's memory and are gone with the
//! command. So the secret is in no argument, no environment, no configuration and on no disk. The script answers only
//! a prompt that names the remote's own origin: a redirect elsewhere gets nothing.
//!
//! Knows how git asks; must not know where the credential comes from. A process of the same user that guesses the
//! folder's random name while the command runs could read the pipe: agents are kept from it by their sandbox.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;

/// How often git may ask in one command: the first request, and again after a retry.
const ANSWERS: usize = 4;

/// Holds the pipes open while the command runs.
pub(super) struct Lent {
    folder: TempDir,
    _pipes: [File; 2],
}

impl Lent {
    /// `credential`: `user:password`. `origin`: `https://host[:port]`, the only one it is told to.
    pub(super) fn new(credential: &SecretString, origin: &str) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("devtask-ask-").tempdir()?;
        let (user, password) = credential.expose_secret().split_once(':').unwrap_or(("", ""));
        let pipes = [pipe(&folder.path().join("user"), user)?, pipe(&folder.path().join("pass"), password)?];
        script(&folder.path().join("ask"), folder.path(), origin)?;
        Ok(Self { folder, _pipes: pipes })
    }

    /// What `GIT_ASKPASS` is set to.
    pub(super) fn program(&self) -> PathBuf {
        self.folder.path().join("ask")
    }
}

/// A named pipe that already holds the answers. It is held open for reading too, so that filling it does not wait.
fn pipe(path: &Path, word: &str) -> io::Result<File> {
    if word.contains(['\n', '\r', '\0']) || word.len() > 8 * 1024 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the credential is no single line"));
    }
    make_pipe(path)?;
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let mut file = File::options().read(true).write(true).custom_flags(flags).open(path)?;
    for _ in 0..ANSWERS {
        file.write_all(format!("{word}\n").as_bytes())?;
    }
    Ok(file)
}

#[cfg(not(target_vendor = "apple"))]
fn make_pipe(path: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, Mode};
    Ok(rustix::fs::mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR)?)
}

#[cfg(target_vendor = "apple")]
fn make_pipe(path: &Path) -> io::Result<()> {
    let made = std::process::Command::new("mkfifo").args(["-m", "600", "--"]).arg(path).status()?;
    if made.success() { Ok(()) } else { Err(io::ErrorKind::Other.into()) }
}

fn script(path: &Path, folder: &Path, origin: &str) -> io::Result<()> {
    let folder = folder.to_str().filter(|f| !f.contains('\'')).ok_or(io::ErrorKind::InvalidFilename)?;
    // `origin` is made of letters, digits and -.:[]/ only; git names it as 'https://host' or 'https://user@host'.
    let (scheme, host) = origin.split_once("://").unwrap_or(("https", origin));
    let host = host.replace('[', "\\[").replace(']', "\\]");
    let text = format!(
        "#!/bin/sh\ncase \"$1\" in\n\"Username for '\"{scheme}://{host}\"'\"*) f=user ;;\n\
\n*) exit 1 ;;\nesac\n\
         IFS= read -r line <'{folder}'/$f && printf '%s\\n' \"$line\"\n"
    );
    let mut file = File::options().write(true).create_new(true).mode(0o700).open(path)?;
    file.write_all(text.as_bytes())
}
