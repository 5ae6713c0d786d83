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
mod clouds;
pub mod config;
pub mod dev;
mod idle;
mod links;
mod listen;
mod messages;
mod metrics;
mod outbound;
mod pages;
mod plugins;
pub mod serve;
mod settings;
mod shutdown;
mod telemetry;
mod tokens;
mod trust;
mod voms;
mod wiring;
mod worker;
mod workers;
