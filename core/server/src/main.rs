//! The `causeway` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    causeway_server::cli::main()
}
