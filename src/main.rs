//! The program: hands the roles of other rooms to the command line.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<std::ffi::OsString> = std::env::args_os().skip(1).collect();
    let home = args.iter().position(|a| a == "--home").and_then(|at| args.get(at + 1));
    match (args.first().and_then(|verb| verb.to_str()), home) {
        (Some("supervise"), Some(home)) => {
            devtask::supervisor::main(Path::new(home), args.iter().any(|a| a == "--detach"))
        }
        #[cfg(feature = "workbench")]
        (Some("agent-sim"), _) => devtask::workbench::agent::main(args.get(1..).unwrap_or_default()),
        _ => ExitCode::from(64),
    }
}
