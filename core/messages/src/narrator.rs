//! From what happened to messages about it.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use causeway_model::feed::{Happened, Recorded};
use causeway_model::ports::{JobStore, StoreError};
use causeway_model::{FileState, Job, JobId};

use crate::message::{Kind, Message};
use crate::shape::{self, State};

/// Jobs that are remembered, so that the store is not asked for each message.
const JOBS: usize = 4096;

/// What messages say about this service and may say about users. Cheap to clone.
#[derive(Clone)]
pub struct Voice {
    endpoint: Arc<str>,
    shows_dn: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl Voice {
    /// `endpoint` as users write it; `shows_dn` says of a VO whether messages name its users.
    pub fn new(endpoint: &str, shows_dn: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self {
            endpoint: endpoint.into(),
            shows_dn: Arc::new(shows_dn),
        }
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) fn shows_dn(&self, vo: &str) -> bool {
        (self.shows_dn)(vo)
    }
}

impl fmt::Debug for Voice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Voice").field(&self.endpoint).finish()
    }
}

/// Tells what happened. Remembers the jobs it has seen last.
pub struct Narrator {
    voice: Voice,
    store: Arc<dyn JobStore>,
    jobs: HashMap<JobId, Arc<Job>>,
    /// The oldest first.
    order: VecDeque<JobId>,
}

impl Narrator {
    /// One that has seen nothing yet.
    pub fn new(voice: Voice, store: Arc<dyn JobStore>) -> Self {
        Self {
            voice,
            store,
            jobs: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Messages about some events, in order; only those of kinds that are wanted.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn tell(
        &mut self,
        events: &[Recorded],
        wanted: impl Fn(Kind) -> bool + Send,
    ) -> Result<Vec<Message>, StoreError> {
        let mut told = Vec::new();
        for event in events {
            let Some(kinds) = kinds(&event.what) else {
                continue;
            };
            let kinds: Vec<Kind> = kinds.iter().copied().filter(|it| wanted(*it)).collect();
            // The job is remembered in any case: later events rely on it.
            let job = self.job_of(&event.what, !kinds.is_empty()).await?;
            let before = told.len();
            for kind in kinds {
                told.extend(self.message(kind, event, job.clone()));
            }
            if let Some(last) = told[before..].last_mut() {
                last.completes = true;
            }
        }
        Ok(told)
    }

    /// The job of an event; asks the store only if it is needed.
    async fn job_of(
        &mut self,
        what: &Happened,
        needed: bool,
    ) -> Result<Option<Arc<Job>>, StoreError> {
        let (id, row) = match what {
            Happened::Taken { job } | Happened::Submitted { job, .. } => {
                (job.job_id, Some(job.clone()))
            }
            Happened::File { moved, job, .. } => (moved.job_id, job.clone()),
            Happened::Attempt { ended, job, .. } => (ended.job_id, job.clone()),
            Happened::Job { moved, job } => (moved.job_id, job.clone()),
            Happened::Decided(_) => return Ok(None),
        };
        if let Some(row) = row {
            self.remember(row.clone());
            return Ok(Some(row));
        }
        if let Some(known) = self.jobs.get(&id) {
            return Ok(Some(known.clone()));
        }
        if !needed {
            return Ok(None);
        }
        let found = self.store.job(id).await?;
        match &found {
            Some(row) => self.remember(row.clone()),
            None => {
                tracing::warn!(job.id = %id, "no message: the job is not in the store any more")
            }
        }
        Ok(found)
    }

    fn remember(&mut self, job: Arc<Job>) {
        let id = job.job_id;
        if self.jobs.insert(id, job).is_none() {
            self.order.push_back(id);
            if self.order.len() > JOBS
                && let Some(oldest) = self.order.pop_front()
            {
                self.jobs.remove(&oldest);
            }
        }
    }

    fn message(&self, kind: Kind, event: &Recorded, job: Option<Arc<Job>>) -> Option<Message> {
        let voice = &self.voice;
        let (at, body) = match (&event.what, job.as_deref()) {
            (Happened::Decided(row), _) => (row.datetime, shape::optimizer(row)),
            (Happened::Taken { .. }, Some(job)) => {
                let at = job.submit_time;
                (at, shape::job(voice, job, job.state, at))
            }
            (Happened::Submitted { file, .. }, Some(job)) => {
                let state = State {
                    job: job.state,
                    file: file.state,
                    retry: file.retry,
                    at: job.submit_time,
                    is_new: true,
                };
                (state.at, shape::state(voice, job, file, state))
            }
            (Happened::File { moved, file, .. }, Some(job)) if kind == Kind::State => {
                let state = State {
                    job: moved.job_state,
                    file: moved.to,
                    retry: moved.retry,
                    at: moved.at,
                    is_new: false,
                };
                (moved.at, shape::state(voice, job, file, state))
            }
            (Happened::File { moved, file, .. }, Some(job)) => {
                (moved.at, shape::start(voice, job, file, moved.at))
            }
            (Happened::Attempt { ended, file, .. }, Some(job)) => {
                (ended.at, shape::complete(voice, job, file, ended))
            }
            (Happened::Job { moved, .. }, Some(job)) => {
                (moved.at, shape::job(voice, job, moved.state, moved.at))
            }
            (_, None) => return None,
        };
        Some(Message {
            after: event.after,
            completes: false,
            kind,
            at,
            job,
            body,
        })
    }
}

/// In which messages an event is told.
fn kinds(what: &Happened) -> Option<&'static [Kind]> {
    Some(match what {
        Happened::Taken { .. } | Happened::Job { .. } => &[Kind::Job],
        Happened::Submitted { .. } => &[Kind::State],
        Happened::File { moved, .. } if moved.to == FileState::Active => {
            &[Kind::State, Kind::Start]
        }
        Happened::File { .. } => &[Kind::State],
        Happened::Attempt { .. } => &[Kind::Complete],
        Happened::Decided(_) => &[Kind::Optimizer],
    })
}
