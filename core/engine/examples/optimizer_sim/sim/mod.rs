//! A world of storages and links in which the optimizer can be tried: fake clock, fixed seed.
//!
//! | to learn about | read |
//! |---|---|
//! | how bytes flow and attempts fail | `world`, `flow` |
//! | what is tried | `scenario` |
//! | who decides in it, and one run | `run` |
//! | what is measured | `measure` |

pub(crate) mod flow;
pub(crate) mod measure;
pub(crate) mod run;
pub(crate) mod scenario;
pub(crate) mod world;
