//! What is counted of what an engine tells.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use causeway_model::observe::StepTimes;
use causeway_model::{Fault, FileId, FileState as S, JobId, Phase, Scope, Timestamp};

use super::*;

struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

struct Bench {
    book: LinkBook,
    clock: Arc<TestClock>,
    names: [Arc<str>; 3],
}

impl Bench {
    fn new() -> Self {
        let clock = Arc::new(TestClock(AtomicI64::new(1_800_000_000)));
        Self {
            book: LinkBook::new(clock.clone()),
            clock,
            names: ["vo".into(), "mock://a".into(), "mock://b".into()],
        }
    }

    fn lane(&self) -> Lane<'_> {
        let [vo, source_se, dest_se] = &self.names;
        Lane {
            vo,
            source_se,
            dest_se,
        }
    }

    fn take(&self, state: S) {
        let lane = self.lane();
        self.book.observe(&Observation::FileTaken { lane, state });
    }

    fn leave(&self, state: S) {
        let lane = self.lane();
        self.book.observe(&Observation::FileLeft { lane, state });
    }

    fn pass(&self, states: &[S]) {
        for pair in states.windows(2) {
            self.book.observe(&Observation::FileMoved {
                job: JobId::deterministic("vo", "1"),
                file: FileId(1),
                lane: self.lane(),
                from: pair[0],
                to: pair[1],
                submitted: Timestamp::default(),
            });
        }
    }

    fn attempt(&self, outcome: AttemptOutcome<'_>, copy_seconds: f64) {
        self.book.observe(&Observation::AttemptEnded {
            lane: self.lane(),
            source_scheme: "mock",
            dest_scheme: "mock",
            rung: None,
            outcome,
            copy_seconds,
            steps: StepTimes::default(),
        });
    }

    fn later(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn only(&self) -> LinkReport {
        let mut reports = self.book.links(&LinkChoice::default());
        assert_eq!(reports.len(), 1);
        reports.remove(0)
    }

    fn now(&self) -> (u64, u64) {
        let it = self.only();
        (it.submitted, it.active)
    }
}

#[test]
fn states_come_and_go() {
    let bench = Bench::new();
    for state in [S::Submitted, S::Submitted, S::Active, S::Staging, S::OnHold] {
        bench.take(state);
    }
    assert_eq!(bench.now(), (2, 1));
    bench.pass(&[S::Submitted, S::Ready, S::Active]);
    assert_eq!(bench.now(), (1, 2));
    bench.pass(&[S::Submitted, S::ForceStart]);
    assert_eq!(bench.now(), (1, 2));
    bench.pass(&[S::ForceStart, S::Ready]);
    bench.pass(&[S::Staging, S::Started, S::Submitted]);
    bench.pass(&[S::Active, S::Submitted]);
    assert_eq!(bench.now(), (2, 2));
    bench.leave(S::Submitted);
    bench.leave(S::NotUsed);
    assert_eq!(bench.now(), (1, 2));
    bench.pass(&[S::Ready, S::Active, S::Finished]);
    bench.pass(&[S::Active, S::Failed]);
    bench.pass(&[S::Submitted, S::Canceled]);
    let it = bench.only();
    assert_eq!((it.submitted, it.active), (0, 0));
    assert_eq!((it.finished, it.failed), (1, 1));
}

#[test]
fn the_last_hour() {
    let bench = Bench::new();
    let fault = |text: &str| Fault::new(Scope::Source, Phase::Transfer, 2, text);
    let failed = |fault: &Fault| {
        let retried = true;
        bench.attempt(AttemptOutcome::Failed { fault, retried }, 1.0);
    };
    for seconds in [1, 3] {
        let waited = Duration::from_secs(seconds);
        let lane = bench.lane();
        bench.book.observe(&Observation::Picked { lane, waited });
    }
    bench.attempt(AttemptOutcome::Finished { bytes: Some(300) }, 3.0);
    bench.attempt(AttemptOutcome::Finished { bytes: Some(100) }, 5.0);
    failed(&fault("gone"));
    failed(&fault("busy"));
    failed(&fault("gone"));
    let cancel = Fault::new(Scope::Transfer, Phase::Transfer, 125, "canceled");
    (0..9).for_each(|_| failed(&cancel));
    let it = bench.only();
    assert_eq!(it.avg_queued, Some(2.0));
    assert_eq!(
        (it.avg_duration, it.avg_throughput),
        (Some(4.0), Some(60.0))
    );
    assert_eq!(it.frequent_error.as_deref(), Some("SOURCE [2] gone"));
    bench.take(S::Submitted);
    bench.later(3600);
    let it = bench.only();
    assert_eq!((it.submitted, it.avg_queued), (1, None));
    assert_eq!((it.avg_duration, it.frequent_error), (None, None));
}

#[test]
fn answers_are_in_order_and_chosen() {
    let mut bench = Bench::new();
    for (vo, source) in [("w", "mock://a"), ("v", "mock://b"), ("v", "mock://a")] {
        bench.names = [vo.into(), source.into(), "mock://c".into()];
        bench.take(S::Submitted);
    }
    let names = |choice: &LinkChoice| {
        let reports = bench.book.links(choice).into_iter();
        let names = reports.map(|it| format!("{} {}", it.vo_name, it.source_se));
        names.collect::<Vec<_>>()
    };
    let all = ["v mock://a", "v mock://b", "w mock://a"];
    assert_eq!(names(&LinkChoice::default()), all);
    let choice = LinkChoice {
        source_se: Some("mock://a".into()),
        ..LinkChoice::default()
    };
    assert_eq!(names(&choice), ["v mock://a", "w mock://a"]);
}

#[test]
fn links_that_nobody_uses_are_forgotten() {
    let mut bench = Bench::new();
    let mut kept = Vec::new();
    for number in 0..20_000 {
        bench.names[1] = format!("mock://{number}").into();
        bench.take(S::Active);
        bench.pass(&[S::Active, S::Finished]);
        bench.later(60);
        kept.push(bench.book.pages.lock().links.len());
    }
    assert!(kept.iter().all(|it| *it <= FEW), "{:?}", kept.iter().max());
    // 60 to 65 were used in the last hour.
    let shown = bench.book.links(&LinkChoice::default()).len();
    assert!((55..=65).contains(&shown), "{shown}");
}

#[test]
fn many_links_are_read_in_parts() {
    let mut bench = Bench::new();
    for number in 0..AT_ONCE * 2 + 7 {
        bench.names[1] = format!("mock://{number}").into();
        bench.take(S::Submitted);
    }
    let reports = bench.book.links(&LinkChoice::default());
    assert_eq!(reports.len(), AT_ONCE * 2 + 7);
}

#[test]
fn all_observers_are_told() {
    let bench = Bench::new();
    let books = [(); 2].map(|()| Arc::new(LinkBook::new(bench.clock.clone())));
    let both = all(vec![books[0].clone(), books[1].clone()]);
    let (lane, state) = (bench.lane(), S::Submitted);
    both.observe(&Observation::FileTaken { lane, state });
    for book in books {
        assert_eq!(book.links(&LinkChoice::default()).len(), 1);
    }
}
