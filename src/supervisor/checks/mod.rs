//! What must pass before the work counts, run by us on the committed tree.
//!
//! ```text
//!   plan:  the brief's checks  else  .devtask.toml of the base commit  else  detected  else  none
//!   round: export the commit ─► set-up (once) ─► every check ─► evidence, policy, feedback
//! ```
//! Checks execute the repository's code: how a command is started is handed in ([`Start`]), so that it runs in the same
//! cage as the agent. Knows commands, evidence and policy; must not know the agent or who reads the result.

mod count;
mod detect;
mod plan;
mod round;
mod run;
mod settings;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use crate::domain::limits::Policy;
use crate::domain::report::{CheckKind, Report};

pub use plan::{PlanError, plan};
pub use round::{Progress, Round, ending};

/// Builds the command for an argument list in a folder: cage and environment are the caller's. We add pipes, a process
/// group and our mark, and kill everything that carries it.
pub type Start<'a> = dyn Fn(&[String], &Path) -> Command + Send + Sync + 'a;

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// `test`, `lint`, or the name it was given.
    pub name: String,
    pub kind: CheckKind,
    /// As it was written, for people.
    pub line: String,
    pub argv: Vec<String>,
    pub limit: Duration,
}

/// What will run, and where that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// `the brief`, `.devtask.toml`, `detected from Cargo.toml`, `none`.
    pub source: String,
    pub setup: Vec<Check>,
    pub checks: Vec<Check>,
    /// The session's, made stricter by the repository where it says so.
    pub policy: Policy,
    pub max_consecutive_failures: u32,
    /// What a reader of the log should know: wishes that were not taken, settings not understood.
    pub notes: Vec<String>,
}

impl Plan {
    /// The report of what will run.
    pub fn report(&self) -> Report {
        let commands = self.checks.iter().map(|c| c.line.clone()).collect();
        Report::ChecksPlanned { source: self.source.clone(), commands }
    }
}
