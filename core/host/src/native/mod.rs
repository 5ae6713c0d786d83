//! Native libraries: all unsafe code of the core.

// Loading a library and reading its memory is what this module is for; each block says what makes
// it sound.
#![allow(unsafe_code)]

mod bridge;
mod elf;
mod loader;

pub(crate) use loader::{load_installed, load_library};
