//! The REST surface driven as a service: no TLS, no network, a store in memory. One file per file
//! of routes, and some about what stands around them.

#![recursion_limit = "256"]

mod cancel;
mod delegation;
mod dm;
mod explain;
mod fakes;
mod files;
mod health;
mod job_types;
mod list;
mod malformed;
mod malformed_bodies;
mod middleware;
mod modify;
mod parser;
mod query;
mod root;
mod storages;
mod submit;
mod support;
mod traps;
mod whoami;
