//! What else must be well before the gateway may be sent work; whoever wires it knows.

/// Answers at once whether something is missing.
pub trait Readiness: Send + Sync {
    /// What is missing, for the answer of `/readyz`; nothing when all is well.
    fn obstacle(&self) -> Option<String>;
}

/// Nothing is ever missing.
#[derive(Clone, Copy, Debug, Default)]
pub struct AlwaysReady;

impl Readiness for AlwaysReady {
    fn obstacle(&self) -> Option<String> {
        None
    }
}
