//! The program: hands the roles of other rooms to the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    devtask::cli::main(&devtask::cli::Roles {
        supervise: None,
        #[cfg(feature = "server")]
        providers: |_, _| Ok(devtask::control::Providers::new()),
        #[cfg(feature = "server")]
        checks: |_| Vec::new(),
        #[cfg(feature = "workbench")]
        demo: None,
        #[cfg(feature = "workbench")]
        agent_sim: None,
    })
}
