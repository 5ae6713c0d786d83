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
//! | one attempt, step by step | `attempt`, `approach`, `leftover`, `prepare`, `parents`, `copy`, `verify`, `cleanup` |
//! | third-party copy or streamed | [`plan`] |
//! | bytes through the worker | `stream`, `ranges`, `watchdog` |
//! | a broken stream goes on where it was | `resume_attempt`, `resume_track`, `resume_sums`, `resume`, `broken_off` |
//! | how many transfers a link may run, and why | [`optimizer`], `tuning`, `measuring` |
//! | from tape to disk before a copy, and to tape after it | `staging`, `archiving` |
//! | deletions | `deletions`, `deletion_attempt` |
//! | files that share a session, replicas, hops | `session`, `siblings` |
//! | what operators set, and what it does | `settings`, `steering`, `introduced`, `bans` |
//! | why something waits, what a plan would get | `insight`, `reasons` |
//! | what attempts teach about storages and links | `breaker`, `guard`, `ways`, `way_memory` |
//! | limits of time, passes over many rows, the past | `time_limits`, `walk`, `sanity`, `retention` |
//! | counters compared with what they count, for tests | `recount` |
//! | proxies and tokens for storages | `credentials`, `token_prep` |
//! | what follows a failure | `retry`, `outcome`, `ending` |
#![warn(missing_docs)]

mod alarm;
mod approach;
mod archiving;
mod attempt;
mod bans;
mod board;
mod breaker;
mod broken_off;
mod channel;
mod cleanup;
mod clock;
mod commands;
mod config;
mod control;
mod copy;
mod credentials;
pub mod crew;
mod deletion_attempt;
mod deletions;
mod dispatcher;
mod due;
mod ending;
mod guard;
mod handout;
mod index;
mod insight;
mod introduced;
mod journal;
mod leftover;
mod lost;
mod measuring;
mod memory;
pub mod messages;
pub mod optimizer;
mod optimizer_config;
mod order;
mod outcome;
mod parents;
pub mod plan;
mod prepare;
mod quality;
mod ranges;
mod reasons;
mod recount;
mod resume;
mod resume_attempt;
mod resume_sums;
mod resume_track;
mod retention;
mod retry;
mod sanity;
pub mod scheduler;
mod session;
mod settings;
mod settle;
mod siblings;
mod site;
mod staging;
mod start;
mod starting;
mod steering;
mod steps;
mod stopping;
mod stream;
mod time_limits;
mod token_prep;
mod transfer_log;
mod tuning;
mod verify;
mod walk;
mod watchdog;
mod watching;
mod way_memory;
mod ways;
mod worker;

pub use clock::TestClock;
pub use config::{EngineConfig, Isolation};
pub use control::Engine;
pub use optimizer_config::OptimizerConfig;
#[doc(hidden)]
pub use recount::Census;
pub use retention::retire_ended_jobs;
pub use start::Parts;
pub use steps::TRACE_TARGET;
pub use worker::Worker;
