//! The sentences of the reasons, in the one place where they are worded.

use std::fmt;

use super::{Closure, Sibling, Side, Wait};
use crate::Timestamp;

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { why } => why.fmt(f),
            Self::Ban {
                storage,
                vo,
                message,
            } => {
                write!(f, "The storage {storage} is banned")?;
                if let Some(vo) = vo {
                    write!(f, " for the VO {vo}")?;
                }
                match message {
                    Some(message) => write!(f, ": {}.", message.trim_end_matches('.')),
                    None => f.write_str("."),
                }
            }
            Self::Breaker { storage, until } => {
                write!(f, "The storage {storage} keeps failing and is left alone")?;
                end_with_time(f, " until ", *until)
            }
            Self::Trial { storage } => write!(
                f,
                "The storage {storage} kept failing; one transfer at a time tries whether it works \
                 again."
            ),
            Self::NoShare { vo } => {
                write!(
                    f,
                    "The link has shares, and none of them is for the VO {vo}."
                )
            }
            Self::OnlyPriority { own, only } => write!(
                f,
                "Only transfers of priority {only} are started, and this one has priority {own}."
            ),
            Self::Total { active, limit } => {
                write!(f, "All slots are taken: {active} of {limit} transfers run.")
            }
            Self::LinkLimit {
                source,
                destination,
                active,
                limit,
            } => write!(
                f,
                "The link from {source} to {destination} is full: {active} of {limit} transfers run."
            ),
            Self::StorageLimit {
                storage,
                side,
                active,
                limit,
            } => write!(
                f,
                "The storage {storage} is full {side}: {active} of {limit} transfers run."
            ),
            Self::Throughput {
                storage,
                side,
                current,
                limit,
            } => write!(
                f,
                "The storage {storage} moves {current:.1} MiB/s {side}, more than its limit of \
                 {limit:.1} MiB/s."
            ),
            Self::Priority {
                own,
                highest,
                ahead,
            } => {
                let (transfers, come) = counted(*ahead);
                write!(
                    f,
                    "{ahead} {transfers} of a higher priority, up to {highest}, {come} first; this \
                     one has priority {own}."
                )
            }
            Self::Share {
                vo,
                weight,
                probability,
            } => write!(
                f,
                "The VO {vo} shares the link with others: its weight of {weight} gives it {:.1}% \
                 of the slots.",
                probability * 100.0
            ),
            Self::Activity {
                activity,
                weight,
                probability,
            } if *weight > 0.0 => write!(
                f,
                "The activity {activity} shares the slots of its VO: its weight of {weight} gives \
                 it {:.1}% of them.",
                probability * 100.0
            ),
            Self::Activity { activity, .. } => write!(
                f,
                "The activity {activity} has no weight and runs when nothing else of its VO is \
                 queued."
            ),
            Self::Position { ahead, exact } => {
                let about = if *exact { "" } else { "About " };
                let (transfers, come) = counted(*ahead);
                write!(
                    f,
                    "{about}{ahead} {transfers} of the same VO on this link {come} first."
                )
            }
            Self::Next => f.write_str("Nothing is in its way: it starts with the next round."),
            Self::RetryAt { at } => {
                write!(
                    f,
                    "The last attempt failed; the next one starts after {at}."
                )
            }
            Self::Credential { expires: None } => {
                f.write_str("There is no credential to run it with.")
            }
            Self::Credential { expires: Some(at) } => {
                write!(
                    f,
                    "The credential expires at {at}, too early to run it with."
                )
            }
            Self::Staging { since } => {
                f.write_str("The source is being brought online")?;
                end_with_time(f, ", since ", *since)
            }
            Self::NotEnabled { waits_for, sibling } => match sibling {
                Sibling::Hop => {
                    write!(f, "The hop before it, transfer {waits_for}, has to finish.")
                }
                Sibling::Replica => write!(
                    f,
                    "Another replica, transfer {waits_for}, is tried before this one."
                ),
            },
            Self::OtherNode { host: Some(host) } => write!(f, "The node {host} takes care of it."),
            Self::OtherNode { host: None } => f.write_str("Another node takes care of it."),
            Self::Token => f.write_str("Its tokens are being exchanged."),
            Self::Delayed { what } => write!(f, "It waits for {what}."),
        }
    }
}

fn end_with_time(f: &mut fmt::Formatter<'_>, word: &str, time: Option<Timestamp>) -> fmt::Result {
    match time {
        Some(time) => write!(f, "{word}{time}."),
        None => f.write_str("."),
    }
}

/// Noun and verb for so many.
fn counted(number: u64) -> (&'static str, &'static str) {
    match number {
        1 => ("transfer", "comes"),
        _ => ("transfers", "come"),
    }
}

impl fmt::Display for Side {
    /// Fits behind "full".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
        })
    }
}

impl fmt::Display for Closure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Drained => "This node is being drained and starts nothing.",
            Self::LowMemory => "This node is short of memory and starts nothing.",
            Self::Stopping => "This node is being stopped and starts nothing.",
        })
    }
}
