//! Names of which was just seen that nothing has them, neither an object nor a directory.
//!
//! The gateway looks at a destination before it opens it for writing, and the writing would ask the
//! same question again: for small objects that is a request in four.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::place::Place;

/// Older sights say nothing.
const MAX_AGE: Duration = Duration::from_secs(10);
/// Most names remembered.
const MAX_NAMES: usize = 4096;

/// Names seen to be free.
#[derive(Default)]
pub(crate) struct Absent(Mutex<HashMap<String, Instant>>);

impl Absent {
    /// Nothing had that name when the server was asked, which began then.
    pub(crate) fn saw(&self, place: &Place, began: Instant) {
        let mut names = self.0.lock();
        if names.len() >= MAX_NAMES {
            names.retain(|_, at| at.elapsed() < MAX_AGE);
        }
        if names.len() >= MAX_NAMES {
            names.clear();
        }
        names.insert(place.to_string(), began);
    }

    /// Whether nothing had that name a moment ago. A sight is good for one answer.
    pub(crate) fn take(&self, place: &Place) -> bool {
        let seen = self.0.lock().remove(&place.to_string());
        seen.is_some_and(|at| at.elapsed() < MAX_AGE)
    }
}
