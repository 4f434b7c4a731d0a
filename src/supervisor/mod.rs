//! Floor 2: the far end, one session on one machine.
//!
//! ```text
//!   control ◄─ link ─► listen ─ station ─► run (shell) ─ life (pure) ─► agent in its cage
//!                        journal, commands     └─ yard: workspace, checks
//! ```
//! Knows its folder, its agent and its link; must not know SQL, Slack, a forge's API or any other session.

mod attach;
mod checks;
mod desk;
mod detach;
#[cfg(test)]
mod fixture;
mod home;
mod inbox;
mod journal;
mod life;
mod listen;
mod process;
mod prompt;
mod run;
mod sandbox;
mod serve;
mod station;
mod text;
mod transcript;
mod workspace;
mod yard;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

pub use attach::main as attach;
pub use text::chain;

use crate::clock::Clock;

/// `devtask supervise --home DIR [--detach]`. 0: the attempt ended, or (detached) a supervisor stands.
pub fn main(home: &Path, detach: bool) -> ExitCode {
    if detach {
        return detach::main(home);
    }
    if std::env::var_os(detach::DETACHED).is_some() {
        // Fails only for the leader of a group, which has no terminal to lose.
        let _ = rustix::process::setsid();
    }
    // What the agent may be told by its environment, it shall not read from ours.
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    match serve(home) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn serve(home: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(serve::serve(home, Clock::system(), crate::agent::adapter, true))?)
}
