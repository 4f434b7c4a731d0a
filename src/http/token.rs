//! The bearer token of the TCP door: a file with mode 0600, made at first start.
//!
//! Knows how a token is made, read and compared in constant time; must not know which requests need one.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Settings;
use crate::clock::Clock;

/// Shorter ones are not taken: somebody typed them.
const MIN_CHARS: usize = 24;

/// The token as a digest: what a request brings is hashed and compared, so neither length nor bytes leak by time.
#[derive(Clone)]
pub struct Token([u8; 32]);

#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("the token file `{}` cannot be used", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the token file `{}` can be read by others; run `chmod 600 {}` and, if they may have, delete it for a new one", path.display(), path.display())]
    Open { path: PathBuf },
    #[error("the token in `{}` has fewer than {MIN_CHARS} characters; delete the file and a new one is made", path.display())]
    Short { path: PathBuf },
}

impl Token {
    pub fn new(secret: &SecretString) -> Self {
        Self(Sha256::digest(secret.expose_secret().as_bytes()).into())
    }

    pub fn matches(&self, offered: &str) -> bool {
        let offered: [u8; 32] = Sha256::digest(offered.as_bytes()).into();
        self.0.ct_eq(&offered).into()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Where the token lies.
pub fn token_file(settings: &Settings, data_dir: &Path) -> PathBuf {
    settings.token_file.clone().unwrap_or_else(|| data_dir.join("token"))
}

/// Reads the token, making it first where there is none.
pub(super) fn ensure(path: &Path, clock: &Clock) -> Result<SecretString, TokenError> {
    match make(path, clock) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        Err(source) => return Err(TokenError::Io { path: path.to_owned(), source }),
    }
    read(path)
}

/// Reads a token that is there; refused where others can read it too.
pub fn read(path: &Path) -> Result<SecretString, TokenError> {
    let io = |source| TokenError::Io { path: path.to_owned(), source };
    let mode = fs::metadata(path).map_err(io)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(TokenError::Open { path: path.to_owned() });
    }
    let text = fs::read_to_string(path).map_err(io)?;
    let text = text.trim();
    if text.chars().count() < MIN_CHARS {
        return Err(TokenError::Short { path: path.to_owned() });
    }
    Ok(SecretString::from(text.to_owned()))
}

/// Written beside and linked into place: a crash leaves no half a token, and of two starts one wins.
fn make(path: &Path, clock: &Clock) -> io::Result<()> {
    if path.exists() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let beside = path.with_extension(format!("{}", clock.random_id().simple()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    writeln!(file, "devtask_{}{}", clock.random_id().simple(), clock.random_id().simple())?;
    file.sync_all()?;
    let linked = fs::hard_link(&beside, path);
    fs::remove_file(&beside)?;
    linked
}
