//! A process of ours with all it started: ended together, whoever lets go of it first.
//!
//! It leads a process group of its own, so that a proxy command goes with its ssh and a Ctrl-C at our terminal reaches
//! neither. Dropped, the group is killed. Should we be killed ourselves, our pipes close, and every command that is run
//! through here ends at that. Must not know what runs.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStdin, Command};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A running group. `gone` is cancelled once its leader has ended.
pub(super) struct Group {
    pub(super) gone: CancellationToken,
    _end: DropGuard,
}

/// Starts it with three pipes; standard input is held open for as long as it is given no other use.
pub(super) fn start(mut command: Command) -> std::io::Result<Child> {
    command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true).spawn()
}

impl Group {
    /// Takes over the end of a child from [`start`].
    pub(super) fn tend(mut child: Child, stdin: Option<ChildStdin>) -> Self {
        let (gone, end) = (CancellationToken::new(), CancellationToken::new());
        let (said, asked) = (gone.clone(), end.clone());
        tokio::spawn(async move {
            let _held = stdin;
            tokio::select! {
                _ = child.wait() => {}
                () = asked.cancelled() => kill(&mut child).await,
            }
            said.cancel();
        });
        Self { gone, _end: end.drop_guard() }
    }
}

/// The whole group, while its leader's number is still its own.
async fn kill(child: &mut Child) {
    let leader = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
    if let Some(leader) = leader {
        let _ = kill_process_group(leader, Signal::KILL);
    }
    let _ = child.wait().await;
}
