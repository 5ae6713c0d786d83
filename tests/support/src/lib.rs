//! What whole-program tests share: a gateway of their own, and real servers of their own.
//!
//! Every test owns its directory and its ports; whatever it started ends with it, by pid.

pub mod arena;
pub mod attack;
pub mod broker;
pub mod client;
pub mod data;
pub mod depots;
pub mod drip;
pub mod drive;
pub mod flaky;
pub mod gateway;
pub mod grid;
pub mod guests;
pub mod hook;
pub mod issuer;
pub mod lab;
pub mod listener;
pub mod live;
pub mod outcome;
pub mod place;
pub mod plugins;
pub mod processes;
pub mod programs;
pub mod puller;
pub mod repository;
pub mod rest;
pub mod signed_header;

pub use arena::Arena;
pub use flaky::Flaky;
pub use gateway::{Gateway, GatewayOptions};
pub use grid::{Done, Grid};
pub use lab::{Pki, Server};
pub use rest::{Answer, Identity};
