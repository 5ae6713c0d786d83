//! Routes that are this gateway's own: no other service of the kind has them, so no client knows
//! their shapes but from `docs/explain.md`.

pub mod conditions;
pub mod explain;
mod nothing;
pub mod plan;
mod shape;

pub(crate) use nothing::NoInsight;
