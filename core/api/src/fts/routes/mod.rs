//! Handlers, one file per resource. A handler reads as checks in plain order, then the one effect.

pub mod admin;
pub mod archive;
pub mod autocomplete;
pub mod ban;
pub mod config;
pub mod cs;
pub mod delegation;
pub mod dm;
pub mod docs;
pub mod files;
pub mod health;
pub mod jobs;
pub mod oauth2;
pub mod optimizer;
pub mod root;
pub mod snapshot;
pub mod status;
pub mod whoami;
