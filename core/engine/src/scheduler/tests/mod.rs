//! The scheduler by itself: order, shares, limits, reasons, and random rounds against a model.

mod explain;
mod limits;
mod model;
mod order;
mod random;
mod shares;
mod slice;
mod told;

use std::sync::Arc;

use causeway_model::FileId;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{Lane, Limits, Request, Scheduler};

/// A request in short.
#[derive(Clone, Debug)]
struct Ask {
    file: u64,
    link: (Arc<str>, Arc<str>),
    vo: Arc<str>,
    activity: Arc<str>,
    priority: i32,
    lane: Lane,
    files: u32,
}

fn ask(file: u64, source: &str, destination: &str) -> Ask {
    Ask {
        file,
        link: (source.into(), destination.into()),
        vo: "vo".into(),
        activity: "default".into(),
        priority: 3,
        lane: Lane::Normal,
        files: 1,
    }
}

impl Ask {
    fn vo(mut self, vo: &str) -> Self {
        self.vo = vo.into();
        self
    }

    fn activity(mut self, activity: &str) -> Self {
        self.activity = activity.into();
        self
    }

    fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    fn lane(mut self, lane: Lane) -> Self {
        self.lane = lane;
        self
    }

    fn queue(&self, it: &mut Scheduler) -> bool {
        it.enqueue(Request {
            file: FileId(self.file),
            source: &self.link.0,
            destination: &self.link.1,
            vo: &self.vo,
            activity: &self.activity,
            priority: self.priority,
            lane: self.lane,
            files: self.files,
        })
    }
}

fn scheduler(total: usize, link: u32, inbound: u32, outbound: u32) -> Scheduler {
    let limits = Limits {
        total,
        link,
        inbound,
        outbound,
    };
    Scheduler::new(limits, StdRng::seed_from_u64(1))
}

/// Everything that starts now, in order.
fn starts(it: &mut Scheduler) -> Vec<u64> {
    std::iter::from_fn(|| it.start_next())
        .map(|file| file.0)
        .collect()
}

fn release(it: &mut Scheduler, files: &[u64]) {
    for file in files {
        assert!(it.release(FileId(*file)), "{file} did not run");
    }
    it.recount().unwrap();
}
