//! Handlers, one file per resource. A handler reads as checks in plain order, then the one effect.

pub mod delegation;
pub mod dm;
pub mod docs;
pub mod files;
pub mod health;
pub mod jobs;
pub mod root;
pub mod whoami;
