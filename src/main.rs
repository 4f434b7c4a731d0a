//! The program: hands the roles of the workbench to the command line.

fn main() -> std::process::ExitCode {
    devtask::cli::main(devtask::cli::Roles::default())
}
