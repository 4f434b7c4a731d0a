//! Starting a supervisor that outlives its starter: the same command again, in a session of its own.
//!
//! Knows how to start it and how to tell that it stands; must not know what it does.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::wire::link::MAGIC;

use super::home::{Home, HomeError};

/// Tells the started one to leave our session.
pub const DETACHED: &str = "_DEVTASK_DETACHED";
/// It may have to end an older attempt's supervisor first.
const PATIENCE: Duration = Duration::from_secs(50);
const STEP: Duration = Duration::from_millis(25);
/// A log that is longer is put aside.
const MAX_LOG: u64 = 1024 * 1024;
const SHOWN: u64 = 4 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum DetachError {
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error("the supervisor could not be started")]
    Start(#[from] std::io::Error),
    #[error("the supervisor ended at once; its log says:\n{0}")]
    Ended(String),
    #[error("the supervisor did not answer within {} seconds; its log says:\n{log}", PATIENCE.as_secs())]
    Silent { log: String },
}

/// Starts a supervisor for this home and returns when its socket answers for the attempt of `run.json`.
/// One that answers already is left alone.
pub fn start(dir: &Path) -> Result<(), DetachError> {
    let home = Home::open(dir)?;
    let attempt = home.run()?.attempt;
    let stands = || home.holder().is_some_and(|(_, held)| held == attempt) && answers(&home.socket());
    if home.try_lock()?.is_none() && stands() {
        return Ok(());
    }
    let log = open_log(&home.log())?;
    let mut child = Command::new("/proc/self/exe")
        .arg0(std::env::args_os().next().unwrap_or_default())
        .args(std::env::args_os().skip(1).filter(|a| a != "--detach"))
        .env(DETACHED, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()?;
    let begun = Instant::now();
    loop {
        if stands() {
            return Ok(());
        }
        if let Some(status) = child.try_wait()? {
            // It left because another one stands, or it failed.
            let log = || DetachError::Ended(tail(&home.log()));
            return if status.success() && stands() { Ok(()) } else { Err(log()) };
        }
        if begun.elapsed() > PATIENCE {
            return Err(DetachError::Silent { log: tail(&home.log()) });
        }
        std::thread::sleep(STEP);
    }
}

/// [`start`] for a `main`: words on standard error, 0 or 1.
pub fn main(dir: &Path) -> ExitCode {
    match start(dir) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {}", super::text::chain(&error));
            ExitCode::FAILURE
        }
    }
}

fn answers(socket: &Path) -> bool {
    let Ok(stream) = UnixStream::connect(socket) else { return false };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
    let mut line = String::new();
    let read = BufReader::new(stream.take(64)).read_line(&mut line);
    read.is_ok() && line.trim_end() == MAGIC
}

fn open_log(path: &Path) -> std::io::Result<File> {
    if std::fs::metadata(path).is_ok_and(|m| m.len() > MAX_LOG) {
        std::fs::rename(path, path.with_extension("log.old"))?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

fn tail(path: &Path) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(SHOWN)))?;
        let mut bytes = Vec::new();
        file.take(SHOWN).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_or_else(|_| "(there is no log)".to_owned(), |b| String::from_utf8_lossy(&b).trim().to_owned())
}
