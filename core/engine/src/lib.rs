//! Moves files: from a stored job to bytes that are verified at their destination.
//!
//! Two actors that share no memory and speak in serialisable messages:
//!
//! - the **dispatcher** owns all running state, decides what starts, and is the only writer of
//!   jobs and transfers;
//! - a **worker** runs attempts, and is the only caller of storages.
//!
//! Both know storages by what they can do and never by a protocol. Requests come in through
//! [`Engine`], which implements [`causeway_model::ports::JobControl`].
//!
//! | to learn about | read |
//! |---|---|
//! | the loop that decides, and what waits for the journal | `dispatcher`, `board`, `settle`, `journal` |
//! | which transfer starts next | [`scheduler`] |
//! | one attempt, step by step | `attempt`, `prepare`, `copy`, `verify`, `cleanup` |
//! | third-party copy or streamed | [`plan`] |
//! | bytes through the worker | `stream`, `ranges`, `watchdog` |
//! | what follows a failure | `retry`, `outcome`, `ending` |
#![warn(missing_docs)]

mod attempt;
mod board;
mod channel;
mod cleanup;
mod clock;
mod commands;
mod config;
mod control;
mod copy;
mod credentials;
mod dispatcher;
mod ending;
mod journal;
pub mod messages;
mod order;
mod outcome;
pub mod plan;
mod prepare;
mod ranges;
mod retry;
pub mod scheduler;
mod settle;
mod siblings;
mod site;
mod start;
mod starting;
mod stopping;
mod stream;
mod transfer_log;
mod verify;
mod watchdog;
mod worker;

pub use clock::TestClock;
pub use config::EngineConfig;
pub use control::Engine;
pub use start::Parts;
pub use worker::Worker;
