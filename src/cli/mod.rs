//! Floor 5: the command line: parses, puts the rooms together for a role, and says how it went.
//!
//! Commands reach sessions only through `dyn Control`, in practice `client::Remote`. Holds no rules. Without the
//! feature `server` only `supervise` and `attach` are left.

pub mod args;
#[cfg(feature = "workbench")]
mod demo;
#[cfg(feature = "server")]
pub mod doctor;
#[cfg(feature = "server")]
pub mod health;
#[cfg(feature = "server")]
mod server_side;
#[cfg(feature = "server")]
pub mod slack;
#[cfg(feature = "server")]
pub mod talk;

use std::process::ExitCode;

use args::{Cli, Verb};
use clap::FromArgMatches;
#[cfg(feature = "server")]
pub use server_side::serve;

/// The program.
pub fn main() -> ExitCode {
    let matches = args::command().get_matches();
    match Cli::from_arg_matches(&matches) {
        Ok(cli) => run(cli),
        Err(error) => error.exit(),
    }
}

fn run(cli: Cli) -> ExitCode {
    match cli.verb {
        Verb::Supervise(args) => crate::supervisor::main(&args.home, args.detach),
        Verb::Attach { home } => crate::supervisor::attach(&home),
        #[cfg(feature = "workbench")]
        Verb::GhStandIn { args } => crate::workbench::codespace::stand_in(&args),
        #[cfg(feature = "workbench")]
        Verb::BoxInside { sshd, reach } => crate::workbench::codespace::inside(sshd.as_deref(), &reach),
        #[cfg(feature = "workbench")]
        Verb::Demo(args) => demo::main(&cli.common, args),
        #[cfg(feature = "workbench")]
        Verb::AgentSim { args } => crate::workbench::agent::main(&args),
        #[cfg(feature = "server")]
        verb => server_side::run(&cli.common, verb),
    }
}
