//! Floor 5: the command line: parses, puts the rooms together for a role, and says how it went.
//!
//! [`main`] is the whole program; what it cannot know by itself comes in as [`Roles`]. Commands reach sessions only
//! through `dyn Control`, in practice `client::Remote`. Holds no rules. Without the feature `server` only
//! `supervise` is left.

pub mod args;
#[cfg(feature = "server")]
pub mod doctor;
#[cfg(feature = "server")]
mod server_side;
#[cfg(feature = "server")]
pub mod talk;

use std::process::ExitCode;

use args::{Cli, Verb};
use clap::FromArgMatches;
#[cfg(feature = "server")]
pub use server_side::serve;

/// What `main` hands in: roles that no other room may know. `None`: this build does not have it.
#[derive(Clone, Copy, Default)]
pub struct Roles {
    /// `devtask demo`.
    #[cfg(feature = "workbench")]
    pub demo: Option<fn(common: args::Common, args: args::Demo) -> ExitCode>,
    /// `devtask agent-sim`, the scripted agent; its arguments are the agent's own.
    #[cfg(feature = "workbench")]
    pub agent_sim: Option<fn(args: Vec<std::ffi::OsString>) -> ExitCode>,
}

/// The program.
pub fn main(roles: Roles) -> ExitCode {
    let matches = args::command().get_matches();
    match Cli::from_arg_matches(&matches) {
        Ok(cli) => run(cli, roles),
        Err(error) => error.exit(),
    }
}

#[cfg_attr(
    not(feature = "workbench"),
    expect(unused_variables, reason = "such a build has no roles to hand in")
)]
fn run(cli: Cli, roles: Roles) -> ExitCode {
    match cli.verb {
        Verb::Supervise(args) => crate::supervisor::main(&args.home, args.detach),
        #[cfg(feature = "workbench")]
        Verb::Demo(args) => roles.demo.map_or_else(|| lacks("demo"), |role| role(cli.common, args)),
        #[cfg(feature = "workbench")]
        Verb::AgentSim { args } => roles.agent_sim.map_or_else(|| lacks("agent-sim"), |role| role(args)),
        #[cfg(feature = "server")]
        verb => server_side::run(&cli.common, verb),
    }
}

#[cfg(feature = "workbench")]
#[expect(clippy::print_stderr, reason = "the command line's own word")]
fn lacks(role: &str) -> ExitCode {
    eprintln!("error: this build of DevTask has no `{role}`");
    ExitCode::from(3)
}
