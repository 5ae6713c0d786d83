//! The `causeway` program.

use std::process::ExitCode;

/// A transfer is some hundred small allocations on several threads; this allocator takes half the
/// time of the C library's for them (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    causeway_server::cli::main()
}
