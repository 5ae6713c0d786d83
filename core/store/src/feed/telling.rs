//! A frame of the journal as what happened.

use std::collections::HashMap;
use std::sync::Arc;

use causeway_model::events::Event;
use causeway_model::feed::Happened;
use causeway_model::ports::StoreError;
use causeway_model::{FileId, Job, JobId, Transfer};

use crate::record::{self, Record, Rows};

/// Gives what a frame tells to `each`, in order. The same frame tells the same every time.
pub(super) fn each(payload: &[u8], mut each: impl FnMut(Happened)) -> Result<(), StoreError> {
    let mut rows = Beside::default();
    record::decode_all(payload, |record| {
        match record {
            Record::Insert(new) => submitted(new, &mut each),
            Record::Apply(changed) => rows = Beside::of(changed),
            Record::Events(events) => {
                for event in events {
                    match rows.join(event) {
                        Some(what) => each(what),
                        None => tracing::error!("an event in the journal has no row beside it"),
                    }
                }
            }
            Record::Decided(decisions) => decisions
                .into_iter()
                .for_each(|it| each(Happened::Decided(it))),
            Record::Mark(_) | Record::End(_) | Record::Settings(..) | Record::Optimizer(_) => {}
        }
        Ok(())
    })
}

fn submitted(rows: Rows, each: &mut impl FnMut(Happened)) {
    for job in rows.jobs {
        each(Happened::Taken { job: job.clone() });
        for file in rows.files.iter().filter(|it| it.job_id == job.job_id) {
            each(Happened::Submitted {
                job: job.clone(),
                file: file.clone(),
            });
        }
    }
}

/// The rows that changed together with some events.
#[derive(Default)]
struct Beside {
    jobs: HashMap<JobId, Arc<Job>>,
    files: HashMap<FileId, Arc<Transfer>>,
}

impl Beside {
    fn of(rows: Rows) -> Self {
        let jobs = rows.jobs.into_iter().map(|it| (it.job_id, it));
        let files = rows.files.into_iter().map(|it| (it.file_id, it));
        Self {
            jobs: jobs.collect(),
            files: files.collect(),
        }
    }

    fn join(&self, event: Event) -> Option<Happened> {
        let job = self.jobs.get(&event.job_id()).cloned();
        Some(match event {
            Event::File(moved) => Happened::File {
                file: self.files.get(&moved.file_id)?.clone(),
                moved,
                job,
            },
            Event::Attempt(ended) => Happened::Attempt {
                file: self.files.get(&ended.file_id)?.clone(),
                ended,
                job,
            },
            Event::Job(moved) => Happened::Job { moved, job },
        })
    }
}
