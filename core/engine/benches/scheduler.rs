//! What a decision of the scheduler costs, with much and with little queued.
//!
//! `cargo bench -p causeway-engine --bench scheduler` queues transfers of 5 VOs with shares and 4
//! activities with shares over 10,000 links, then lets them start and end: one decision is one
//! start. One JSON line for each size, with the memory of a queued ticket, and one with the ratio.
//! `SCHEDULER_QUEUED=n` sets the larger size. `cargo test` runs one small round.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use causeway_engine::scheduler::{ActivityShares, Lane, Limits, Request, Scheduler, Shares};
use causeway_model::FileId;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const VOS: [&str; 5] = ["atlas", "cms", "lhcb", "alice", "dteam"];
const ACTIVITIES: [(&str, f64); 4] = [
    ("production", 0.5),
    ("analysis", 0.3),
    ("express", 0.2),
    ("default", 0.1),
];
/// Storages on each side; every pair of them is a link.
const STORAGES: u64 = 100;
/// Slots in all: so many run all the time.
const SLOTS: usize = 2000;

fn main() {
    let small = !std::env::args().any(|it| it == "--bench");
    let asked = std::env::var("SCHEDULER_QUEUED").ok();
    let asked = asked.and_then(|it| it.parse().ok());
    let (much, decisions) = match small {
        true => (asked.unwrap_or(20_000), 2_000),
        false => (asked.unwrap_or(1_000_000), 500_000),
    };
    let little = much / 100;
    let with_little = measure(little, decisions);
    let with_much = measure(much, decisions);
    println!(
        "{{\"bench\":\"scheduler_ratio\",\"little\":{little},\"much\":{much},\
         \"cost_ratio\":{:.2}}}",
        with_little / with_much
    );
}

/// Names of what is queued, made once: the rows of the transfers share them, too.
struct World {
    sources: Vec<Arc<str>>,
    destinations: Vec<Arc<str>>,
    vos: Vec<Arc<str>>,
    activities: Vec<Arc<str>>,
    dice: StdRng,
    next_file: u64,
}

impl World {
    fn new() -> Self {
        let storages =
            |side| (0..STORAGES).map(move |n| format!("x://{side}{n}.example.org").into());
        Self {
            sources: storages("source").collect(),
            destinations: storages("destination").collect(),
            vos: VOS.map(Arc::from).to_vec(),
            activities: ACTIVITIES.map(|(name, _)| Arc::from(name)).to_vec(),
            dice: StdRng::seed_from_u64(7),
            next_file: 0,
        }
    }

    fn scheduler(&self) -> Scheduler {
        let limits = Limits {
            total: SLOTS,
            link: 10,
            inbound: 200,
            outbound: 200,
        };
        let mut it = Scheduler::new(limits, StdRng::seed_from_u64(11));
        for vo in &self.vos {
            it.set_activity_shares(vo, Some(ActivityShares::new(ACTIVITIES)));
        }
        for source in &self.sources {
            for destination in &self.destinations {
                let rows = [("atlas", 40), ("cms", 40), ("public", 20)];
                let rows = rows.map(|(vo, weight)| (Arc::from(vo), weight));
                it.set_shares(source, destination, Shares::new(rows));
            }
        }
        it
    }

    /// Queues one more transfer, anywhere.
    fn queue(&mut self, it: &mut Scheduler) {
        fn any<'a>(dice: &mut StdRng, names: &'a [Arc<str>]) -> &'a Arc<str> {
            &names[dice.random_range(0..names.len())]
        }
        self.next_file += 1;
        let dice = &mut self.dice;
        it.enqueue(Request {
            file: FileId(self.next_file),
            source: any(dice, &self.sources),
            destination: any(dice, &self.destinations),
            vo: any(dice, &self.vos),
            activity: any(dice, &self.activities),
            priority: if dice.random_bool(0.2) { 4 } else { 3 },
            lane: Lane::Normal,
            files: 1,
        });
    }
}

/// Decisions per second with so many queued all the time.
fn measure(queued: usize, decisions: usize) -> f64 {
    let mut world = World::new();
    let mut it = world.scheduler();
    let before = resident_bytes();
    let began = Instant::now();
    for _ in 0..queued {
        world.queue(&mut it);
    }
    let enqueue = began.elapsed();
    let bytes = resident_bytes().saturating_sub(before);
    let mut running: VecDeque<FileId> = std::iter::from_fn(|| it.start_next()).collect();
    while it.queued() < queued {
        world.queue(&mut it);
    }
    let mut deciding = std::time::Duration::ZERO;
    let mut started = 0;
    while started < decisions {
        // A batch of ends, the starts they make room for, and as many newly queued.
        let began = Instant::now();
        for file in running.drain(..running.len().min(100)) {
            it.release(file);
        }
        let before = running.len();
        running.extend(std::iter::from_fn(|| it.start_next()));
        deciding += began.elapsed();
        let new = running.len() - before;
        started += new;
        while it.queued() < queued {
            world.queue(&mut it);
        }
        assert!(new > 0, "nothing starts any more");
    }
    if let Err(error) = it.recount() {
        panic!("counters are wrong: {error}");
    }
    let per_second = started as f64 / deciding.as_secs_f64();
    println!(
        "{{\"bench\":\"scheduler\",\"queued\":{queued},\"links\":{},\"running\":{},\
         \"decisions\":{started},\"per_second\":{per_second:.0},\"enqueue_ns\":{:.0},\
         \"bytes_per_ticket\":{:.0}}}",
        it.links().count(),
        running.len(),
        enqueue.as_nanos() as f64 / queued as f64,
        bytes as f64 / queued as f64,
    );
    per_second
}

fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|it| it.starts_with("VmRSS:"));
    let field = line.and_then(|it| it.split_whitespace().nth(1));
    field.and_then(|it| it.parse::<u64>().ok()).unwrap_or(0) * 1024
}
