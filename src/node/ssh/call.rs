//! One command over a connection: bytes in, bounded bytes out, and how it ended.
//!
//! Knows time limits and pipes; must not know what the command does.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::master::Master;
use super::options::State;
use super::script::{End, Kept};
use super::{Pool, Target, group, options};

/// What came of a command.
pub(super) struct Told {
    pub(super) end: End,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    /// What ssh itself said, noise included; for when the end is unknown.
    pub(super) said: String,
}

impl Pool {
    /// Runs `line` in the far login shell. `mark`: what its answer stands between. `Ok(None)`: not in time.
    pub(super) async fn call(
        &self,
        master: &Master,
        target: &Target,
        call: Call<'_>,
    ) -> std::io::Result<Option<Told>> {
        let nowhere = std::path::Path::new("/dev/null");
        let state = State { control: &master.control, known: nowhere, key: nowhere };
        let mut child = group::start(Self::ssh(target, &options::client(&state, target, call.line)))?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let give = async {
            if let Some(mut stdin) = stdin {
                // A far side that reads no further tells why by its end.
                let _ = stdin.write_all(call.input).await;
                let _ = stdin.shutdown().await;
            }
        };
        let all = async { tokio::join!(give, keep(stdout), keep(stderr), child.wait()) };
        let Ok(((), stdout, stderr, status)) = tokio::time::timeout(call.limit, all).await else {
            return Ok(None);
        };
        status?;
        Ok(Some(Told {
            end: stdout.end(call.mark),
            stdout: stdout.body(call.mark),
            stderr: stderr.body(call.mark),
            said: stderr.text(),
        }))
    }
}

/// What is to be run, and within which limits.
pub(super) struct Call<'a> {
    pub(super) line: String,
    pub(super) mark: &'a str,
    pub(super) input: &'a [u8],
    pub(super) limit: Duration,
}

async fn keep(pipe: Option<impl AsyncRead + Unpin>) -> Kept {
    let mut kept = Kept::default();
    let Some(mut pipe) = pipe else { return kept };
    let mut chunk = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = pipe.read(&mut chunk).await {
        kept.take(chunk.get(..read).unwrap_or_default());
    }
    kept
}
