//! Several observers of the engine as one.

use std::sync::Arc;

use causeway_model::observe::{Observation, Observer};
use causeway_model::{FileId, JobId};

struct All(Vec<Arc<dyn Observer>>);

/// One that tells them all, in this order; traces are the first one's that has any.
pub fn all(observers: Vec<Arc<dyn Observer>>) -> Arc<dyn Observer> {
    Arc::new(All(observers))
}

impl Observer for All {
    fn observe(&self, what: &Observation<'_>) {
        self.0.iter().for_each(|it| it.observe(what));
    }

    fn trace(&self, job: JobId, file: FileId) -> Option<String> {
        self.0.iter().find_map(|it| it.trace(job, file))
    }
}
