//! Routes that are this gateway's own: no other service of the kind has them, so no client knows
//! their shapes but from `docs/explain.md`, `docs/isolation.md`, `docs/messages.md` and
//! `docs/plugins/operating.md`.

pub mod conditions;
pub mod events;
pub mod explain;
pub mod log_file;
pub mod monitor;
mod nothing;
pub mod plan;
pub mod plugin_changes;
pub mod plugins;
mod shape;
pub mod workers;

pub(crate) use nothing::NoInsight;
