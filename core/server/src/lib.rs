//! The `causeway` program: wiring, configuration, command line, development mode.
//!
//! It sees every room and decides nothing that belongs to one of them.

#![expect(
    unreachable_pub,
    reason = "a program: nobody outside uses it as a library"
)]

mod bans;
mod bundled;
mod callers;
pub mod cli;
mod client;
pub mod config;
pub mod dev;
mod idle;
mod listen;
mod messages;
mod metrics;
mod plugins;
pub mod serve;
mod shutdown;
mod telemetry;
mod tokens;
mod trust;
mod voms;
mod wiring;
mod worker;
mod workers;
