//! Small files between the same two servers: few pairs of sessions, each with the commands of
//! several files ahead, instead of a pair for every file.
//!
//! A copy of a small file puts itself into the queue of its link. A lane takes a share of the queue,
//! copies it in one run, and takes the next; it ends when the queue is empty. What stood behind a
//! file that failed is given back, to be copied alone.
//!
//! # Invariants
//! - A file's guard stays with the run until the servers are done with the file, so a caller who
//!   gave up removes nothing that is still being written.
//! - A link has at most as many lanes as configured, and no lane without work.

use causeway_gridftp_wire::copy::{Broken, CopyPlan, News, copy_many};
use causeway_gridftp_wire::{Endpoint, Error as WireError, Pool};
use tokio::sync::oneshot;

use crate::cleanup::{Guard, Opened};
use crate::queues::Queues;

/// Files of one run, at most: the caller of the first waits for nobody else's, but its lane does.
const MAX_RUN: usize = 32;

/// How a file fared.
pub(crate) enum Fared {
    /// Both servers said that it is complete; and so many bytes, if the receiver told.
    Complete(Option<u64>),
    Failed(WireError),
    /// Another one failed before its turn.
    Untried,
}

/// Which pair of servers, in which names, over how many connections.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Link {
    from: String,
    to: String,
    streams: u32,
}

struct Job {
    plan: CopyPlan,
    guard: Guard,
    tell: oneshot::Sender<(Fared, Guard)>,
}

/// The queues of all links.
#[derive(Clone)]
pub(crate) struct Lanes {
    pool: Pool,
    most: usize,
    queues: Queues<Link, Job>,
}

impl Lanes {
    pub(crate) fn new(pool: Pool, most: usize) -> Self {
        Self {
            pool,
            most,
            queues: Queues::new(),
        }
    }

    /// Copies a file in company. Dropping the future gives the guard to the lane, which lets go of
    /// it when the servers are done.
    pub(crate) async fn copy(
        &self,
        from: &Endpoint,
        to: &Endpoint,
        plan: CopyPlan,
        guard: Guard,
    ) -> Option<(Fared, Guard)> {
        let link = Link {
            from: from.key(),
            to: to.key(),
            streams: plan.streams,
        };
        let (tell, told) = oneshot::channel();
        let job = Job { plan, guard, tell };
        if self.queues.put(&link, job, |_, lanes| lanes < self.most) {
            let (lanes, from, to) = (self.clone(), from.clone(), to.clone());
            tokio::spawn(async move { lanes.run(link, from, to).await });
        }
        // Nothing comes when the lane's task is gone, with the runtime it ran on.
        told.await.ok()
    }

    async fn run(self, link: Link, from: Endpoint, to: Endpoint) {
        loop {
            // Who gave up before his turn leaves nothing behind.
            let is_wanted = |it: &Job| !it.tell.is_closed();
            let share = |waiting: usize| waiting.div_ceil(self.most.max(1)).min(MAX_RUN);
            let jobs = self.queues.take(&link, is_wanted, share);
            if jobs.is_empty() {
                return;
            }
            self.copy_run(jobs, &from, &to).await;
        }
    }

    async fn copy_run(&self, jobs: Vec<Job>, from: &Endpoint, to: &Endpoint) {
        let plans: Vec<CopyPlan> = jobs.iter().map(|job| job.plan.clone()).collect();
        let mut jobs: Vec<Option<Job>> = jobs.into_iter().map(Some).collect();
        let copied = async {
            let pair = self.pool.pair(from, to).await;
            let (mut source, mut destination) = pair.map_err(|error| Broken {
                complete: 0,
                failed: 0,
                error,
            })?;
            let mut hear = |number: usize, news: News<'_>| match (jobs.get_mut(number), news) {
                (Some(Some(job)), News::Asked) => job.guard.notes(Opened::Perhaps),
                (Some(Some(job)), News::Refused) => job.guard.notes(Opened::No),
                (Some(Some(job)), News::Begun) => job.guard.notes(Opened::Yes),
                (job, News::Complete(told)) => tell(job, Fared::Complete(told)),
                _ => {}
            };
            copy_many(&mut source, &mut destination, &plans, &mut hear).await
        };
        if let Err(broken) = copied.await {
            tell(jobs.get_mut(broken.failed), Fared::Failed(broken.error));
            for job in &mut jobs {
                tell(Some(job), Fared::Untried);
            }
        }
    }
}

/// Tells who waits, once. When nobody does, the guard goes, and removes what is there.
fn tell(job: Option<&mut Option<Job>>, fared: Fared) {
    if let Some(job) = job.and_then(Option::take) {
        drop(job.tell.send((fared, job.guard)));
    }
}
