//! The far end of a link that comes as a program's standard input and output: bytes to the supervisor's socket and back.
//!
//! It ends with whichever side ends first, so that nothing of a cut link stays. Must not know what the bytes say.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

use super::home::{Home, HomeError};

#[derive(Debug, thiserror::Error)]
enum AttachError {
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error("no supervisor answers here")]
    Nobody(#[source] io::Error),
    #[error("the pipes cannot be used")]
    Pipes(#[from] io::Error),
}

/// `devtask attach --home DIR`. 0: it stood and has ended; 1: nobody was there.
pub fn main(dir: &Path) -> ExitCode {
    match attach(dir) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {}", super::text::chain(&error));
            ExitCode::FAILURE
        }
    }
}

fn attach(dir: &Path) -> Result<(), AttachError> {
    let home = Home::open(dir)?;
    let socket = UnixStream::connect(home.socket()).map_err(AttachError::Nobody)?;
    // The descriptors themselves: nothing is held back in a buffer on its way.
    let mut input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let (mut down, mut up) = (socket.try_clone()?, socket);
    // What a shell has printed before us may have no end of line; the magic line begins one.
    output.write_all(b"\n")?;
    std::thread::spawn(move || {
        pass(&mut input, &mut down);
        let _ = down.shutdown(Shutdown::Both);
    });
    // Its end is the end of the program, and of the thread that may wait for input still.
    pass(&mut up, &mut output);
    Ok(())
}

/// Reads and writes, and nothing cleverer: the system's own copying waits for the socket with the pipe locked, and
/// whoever reads the pipe, sshd, stands still meanwhile.
fn pass(from: &mut impl Read, to: &mut impl Write) {
    let mut chunk = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut chunk) {
        if to.write_all(chunk.get(..read).unwrap_or_default()).is_err() {
            return;
        }
    }
}
