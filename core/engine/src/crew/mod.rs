//! Where workers come from, how they live and how they are replaced.
//!
//! The dispatcher gives orders to a [`Crew`] and knows no worker. Every attempt it started comes
//! back as a last report: done, failed, or lost with its worker.
//!
//! Two makers: [`Inside`] runs attempts in this process, for tests and commands; [`Processes`]
//! runs them in processes of their own, which alone load plugins. With those, whoever needs a
//! storage in the server asks a worker through [`RemoteStorages`].
//!
//! | to learn about | read |
//! |---|---|
//! | what goes over the wire | `wire`, `call`, `keyring` |
//! | which worker gets what, and who has it | `roster` |
//! | the life of one process, from start to burial, and whether it still lives | `process` |
//! | replacing what died, generations, calls | `processes` |
//! | storages that are elsewhere | `remote` |
//! | whether URLs may be used at all | `admission` |
//! | plugins that kill | `ledger`, `loss` |
//! | the other end | `child` |
//!
//! # Invariants
//! - A lost worker costs only the attempts it had: `tests/workers.rs` of the whole program.
//! - What a worker reported before it died counts: reports are taken before the loss is told.

mod admission;
mod call;
pub mod child;
mod inside;
mod keyring;
mod ledger;
mod loss;
mod process;
mod processes;
mod remote;
mod roster;
mod wire;

use tokio::sync::mpsc;

use crate::messages::{Order, Report};

pub use admission::Admissions;
pub use inside::Inside;
pub use loss::{Loss, Part, end_in_words};
pub use processes::{ProcessOptions, Processes};
pub use remote::RemoteStorages;
pub use wire::{PluginCard, PluginNews, Setup, Table};

/// Runs attempts somewhere.
pub trait Crew: Send + Sync {
    /// Where reports go. Called once, before the first order.
    fn report_to(&self, reports: mpsc::Sender<Report>);

    /// Takes an order. Never waits: what is under way is bounded by whoever gives orders, an
    /// attempt that is started waits here until a worker has room, and an order about an attempt
    /// that has ended is dropped, its last report being on its way.
    fn order(&self, order: Order);
}
