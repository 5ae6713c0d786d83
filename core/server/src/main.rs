//! The `causeway` program.

use std::process::ExitCode;

/// A transfer is some hundred small allocations on several threads: a profile of a flood showed about
/// 12 % of its time in the C library's allocator. The gain of this one was not measured by itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    causeway_server::cli::main()
}
