//! The book by itself: workers are channels that are read here.

use std::time::Duration;

use causeway_model::JobId;
use causeway_model::workers::VersionState;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;
use crate::crew::loss::Part;
use crate::crew::wire::{PluginCard, PluginNews};
use crate::messages::{AttemptEvent, orders};

type Letters = UnboundedReceiver<ToWorker>;

/// A book with so many workers that can work, and what each of them is sent.
fn book(workers: usize, per_worker: usize) -> (Roster, Vec<(u64, Letters)>) {
    let ledger = Ledger::new(3, Duration::from_secs(60));
    let mut roster = Roster::new(String::new(), per_worker, ledger);
    let letters = (0..workers).map(|_| hire(&mut roster)).collect();
    (roster, letters)
}

fn hire(roster: &mut Roster) -> (u64, Letters) {
    let (outbox, letters) = unbounded_channel();
    let id = roster.number();
    let generation = roster.generation;
    roster.enlist(id, generation, None, outbox);
    let table = Table {
        plugins: Vec::new(),
        serves: vec![("mock".into(), "mock".into())],
    };
    roster.ready(id, table);
    (id, letters)
}

fn attempt(number: u64, session: Option<JobId>) -> Order {
    let start = orders().into_iter().find_map(|it| match it {
        Order::Start(mut spec) => {
            spec.attempt = AttemptId(number);
            spec.session = session;
            Some(Order::Start(spec))
        }
        _ => None,
    });
    start.unwrap()
}

/// Starts an attempt and tells which worker got it.
fn place(roster: &mut Roster, number: u64, session: Option<JobId>) -> Option<u64> {
    assert!(roster.start(attempt(number, session)).is_none());
    roster.at.get(&AttemptId(number)).copied()
}

#[test]
fn the_next_file_of_a_session_goes_where_the_last_was() {
    let (mut roster, workers) = book(2, 10);
    let (first, second) = (workers[0].0, workers[1].0);
    let session = Some(JobId::random());
    assert_eq!(place(&mut roster, 1, session), Some(first));
    // By the number of attempts it would be the other's turn.
    for number in 2..5 {
        place(&mut roster, number, None);
    }
    place(&mut roster, 5, Some(JobId::random()));
    for number in 10..20 {
        let before = number - 1;
        roster.ended(AttemptId(if number == 10 { 1 } else { before }));
        let others = roster.lines[&first].attempts() + 1;
        assert_eq!(place(&mut roster, number, session), Some(first));
        assert_eq!(roster.lines[&first].attempts(), others);
        place(&mut roster, 100 + number, None);
    }
    // As long as it lives.
    roster.bury(first).unwrap();
    assert_eq!(place(&mut roster, 20, session), Some(second));
    let third = hire(&mut roster).0;
    assert_eq!(place(&mut roster, 21, None), Some(third));
    roster.ended(AttemptId(20));
    assert_eq!(place(&mut roster, 22, session), Some(second));
}

#[test]
fn a_session_does_not_keep_an_old_worker_at_work() {
    let (mut roster, workers) = book(1, 10);
    let session = Some(JobId::random());
    assert_eq!(place(&mut roster, 1, session), Some(workers[0].0));
    roster.renew(None);
    let newer = hire(&mut roster).0;
    roster.ended(AttemptId(1));
    assert_eq!(place(&mut roster, 2, session), Some(newer));
    assert!(roster.lines[&workers[0].0].leaving);
}

#[test]
fn a_full_worker_takes_the_next_file_of_its_session_and_nothing_else() {
    let (mut roster, _workers) = book(2, 1);
    let session = Some(JobId::random());
    let ours = place(&mut roster, 1, session);
    roster.ended(AttemptId(1));
    assert_eq!(place(&mut roster, 2, None), ours);
    assert_eq!(place(&mut roster, 3, session), ours);
    let other = place(&mut roster, 4, None);
    assert!(other.is_some() && other != ours);
    assert_eq!(place(&mut roster, 5, None), None);
    // It starts as soon as there is room, which one of the two does not make.
    assert!(roster.ended(AttemptId(2)).is_empty());
    assert_eq!(roster.at.get(&AttemptId(5)), None);
    assert!(roster.ended(AttemptId(3)).is_empty());
    assert_eq!(roster.at.get(&AttemptId(5)).copied(), ours);
}

#[test]
fn what_is_lost_with_a_worker_is_told_to_everybody() {
    let (mut roster, workers) = book(1, 10);
    place(&mut roster, 1, None);
    let fallen = roster.bury(workers[0].0).unwrap();
    assert_eq!((fallen.attempts(), fallen.only_plugin()), (1, Some("mock")));
    let reports = fallen.mourn("signal 9 (SIGKILL)", &["mock".to_owned()]);
    let [report] = &reports[..] else {
        panic!("{reports:?}");
    };
    let AttemptEvent::Lost(loss) = &report.event else {
        panic!("{report:?}");
    };
    assert_eq!((loss.part, report.attempt), (Part::Suspect, AttemptId(1)));
    assert!(roster.at.is_empty());
}

fn news(name: &str, calls: u64, is_degraded: bool) -> Vec<PluginNews> {
    let marks = PluginMarks {
        calls,
        ..PluginMarks::default()
    };
    vec![PluginNews {
        name: name.into(),
        marks,
        counters: [("own".to_owned(), calls * 2)].into_iter().collect(),
        is_degraded,
    }]
}

#[test]
fn what_workers_count_outlives_them() {
    let (mut roster, workers) = book(2, 10);
    let (first, second) = (workers[0].0, workers[1].0);
    roster.hear_of_plugins(first, news("mock", 5, false));
    roster.hear_of_plugins(second, news("mock", 2, false));
    roster.hear_of_plugins(first, news("mock", 6, false));
    roster.bury(first).unwrap();
    // One that is buried has nothing to say.
    roster.hear_of_plugins(first, news("mock", 100, false));
    let third = hire(&mut roster).0;
    roster.hear_of_plugins(third, news("mock", 1, false));
    assert_eq!(roster.marks()["mock"].calls, 9);
    let own = roster.counters()["mock"].iter().collect::<Vec<_>>();
    assert_eq!(own, [("own", 18)]);
}

#[test]
fn versions_serve_or_drain_and_one_degraded_worker_is_enough() {
    let (mut roster, workers) = book(1, 10);
    let card = |version: &str| PluginCard {
        name: "mock".into(),
        version: version.into(),
        state: "ready".into(),
        capabilities: Some(causeway_sdk::Capabilities::default()),
        ..PluginCard::default()
    };
    let table = |version| Table {
        plugins: vec![card(version)],
        serves: vec![("mock".into(), "mock".into())],
    };
    let old = workers[0].0;
    roster.ready(old, table("1.0.0"));
    place(&mut roster, 1, None);
    roster.renew(None);
    let (new, _letters) = hire(&mut roster);
    roster.ready(new, table("2.0.0"));
    place(&mut roster, 2, None);
    place(&mut roster, 3, None);
    let shown = |roster: &Roster| {
        let versions = &roster.versions()["mock"];
        let shown = versions
            .iter()
            .map(|it| (it.version.clone(), it.state, it.attempts));
        shown.collect::<Vec<_>>()
    };
    let serving = ("2.0.0".to_owned(), VersionState::Serving, 2);
    let draining = ("1.0.0".to_owned(), VersionState::Draining, 1);
    assert_eq!(shown(&roster), [serving.clone(), draining]);
    roster.hear_of_plugins(old, news("mock", 1, true));
    assert_eq!(roster.cards()[0].state, "ready");
    roster.hear_of_plugins(new, news("mock", 1, true));
    assert_eq!(roster.cards()[0].state, "degraded");
    roster.bury(old).unwrap();
    assert_eq!(shown(&roster), [serving]);
}
