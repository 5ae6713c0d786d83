//! What engine and worker say to each other: orders one way, reports the other.
//!
//! They share no memory, so that a worker can be a process of its own: whatever a worker needs is
//! in the order, whatever the engine learns is in a report.
//!
//! # Invariants
//! - Every message survives serialisation: `every_message_survives_the_wire`.

mod orders;
mod reports;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::orders::{AttemptLimits, AttemptSpec, DeletionSpec, Order, Replace, Resume};
pub use self::reports::{AttemptEvent, AttemptFailure, AttemptResult, DstFile, LogLine, Report};
#[cfg(test)]
pub(crate) use tests::{events, orders};

/// Names one attempt, or one deletion, within the life of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AttemptId(pub u64);
