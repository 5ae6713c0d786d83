//! What is fuzzed: one function for each place where bytes of strangers come in.
//!
//! libFuzzer calls them through `fuzz_targets/`; `tests/fuzz_smoke.rs` of the workspace takes this
//! same file in and calls them with a few thousand inputs on any compiler. A target fails by a
//! panic: the code's own, or that of an assertion about what must hold for every input. Each answers
//! whether the input was accepted, so that those who call can see how deep they get.

pub mod dn;
pub mod gridftp_blocks;
pub mod gridftp_marker;
pub mod gridftp_reply;
pub mod proxy_chain;
pub mod submit;
pub mod url;
