//! The program: all it does is in `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    devtask::cli::main()
}
