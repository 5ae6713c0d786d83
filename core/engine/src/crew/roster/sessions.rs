//! Which worker had the last file of a session, so that the next one finds its connections.
//!
//! A session has at most one file under way, and the next follows at once; so a place is kept from
//! the end of a file to the start of the next. Nobody says when a session is over: places that are
//! not asked for leave when there are too many of them, the oldest first.

use std::collections::{HashMap, VecDeque};

use causeway_model::JobId;

/// Places that are kept at most.
const KEPT: usize = 1024;

/// Workers by session.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    places: HashMap<JobId, Place>,
    /// In the order in which they were left; some were taken again meanwhile.
    left: VecDeque<(JobId, u64)>,
    stamp: u64,
}

#[derive(Debug)]
struct Place {
    worker: u64,
    stamp: u64,
}

impl Sessions {
    /// A file of a session ended in this worker.
    pub(super) fn leave(&mut self, session: JobId, worker: u64) {
        self.stamp += 1;
        let stamp = self.stamp;
        self.places.insert(session, Place { worker, stamp });
        self.left.push_back((session, stamp));
        if self.left.len() > KEPT
            && let Some((oldest, stamp)) = self.left.pop_front()
            && self.places.get(&oldest).is_some_and(|it| it.stamp == stamp)
        {
            self.places.remove(&oldest);
        }
    }

    /// The worker that had the last file of a session, for the next one.
    pub(super) fn take(&mut self, session: JobId) -> Option<u64> {
        self.places.remove(&session).map(|it| it.worker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_kept_until_the_next_file_and_not_for_ever() {
        let mut sessions = Sessions::default();
        let (ours, other) = (JobId::random(), JobId::random());
        sessions.leave(ours, 7);
        assert_eq!((sessions.take(ours), sessions.take(ours)), (Some(7), None));
        sessions.leave(ours, 8);
        sessions.leave(other, 9);
        // The newest end of a file counts, not the first.
        for _ in 0..KEPT - 1 {
            sessions.take(ours);
            sessions.leave(ours, 8);
        }
        assert_eq!(sessions.take(ours), Some(8));
        assert_eq!(sessions.take(other), Some(9));
        for number in 0..3 * KEPT as u64 {
            sessions.leave(JobId::random(), number);
        }
        assert_eq!((sessions.places.len(), sessions.left.len()), (KEPT, KEPT));
    }
}
