//! The reason that is given is the one that stops a transfer.

use causeway_model::explain::{Closure, Side, Wait};

use super::*;
use crate::scheduler::{ActivityShares, Hold, HoldKind, Priorities, Shares};

/// Ten transfers on one link, with wide limits.
fn ten() -> Scheduler {
    let mut it = scheduler(100, 100, 100, 100);
    for file in 0..10 {
        ask(file, "a", "b").queue(&mut it);
    }
    it
}

fn name(name: &str) -> Arc<str> {
    name.into()
}

fn why(it: &Scheduler, file: u64) -> Vec<Wait> {
    it.explain(FileId(file))
}

/// Makes one obstacle, sees that it is what is said first, takes it away, and sees it gone.
fn shows(mut it: Scheduler, wait: Wait, change: impl Fn(&mut Scheduler, bool)) {
    change(&mut it, true);
    starts(&mut it);
    assert_eq!(why(&it, 9).first(), Some(&wait));
    assert!(wait.is_obstacle());
    change(&mut it, false);
    let waits = why(&it, 9);
    assert!(!waits.iter().any(Wait::is_obstacle), "{waits:?}");
    starts(&mut it);
    assert_eq!(why(&it, 9), []);
}

#[test]
fn limits() {
    let (active, limit) = (2, 2);
    let wait = Wait::LinkLimit {
        source: name("a"),
        destination: name("b"),
        active,
        limit,
    };
    shows(ten(), wait, |it, on| {
        it.set_link_limit(&name("a"), &name("b"), on.then_some(2));
    });
    let at = |storage: &str, side| Wait::StorageLimit {
        storage: name(storage),
        side,
        active,
        limit,
    };
    shows(ten(), at("a", Side::Outbound), |it, on| {
        it.set_storage_limits(&name("a"), None, on.then_some(2));
    });
    shows(ten(), at("b", Side::Inbound), |it, on| {
        it.set_storage_limits(&name("b"), on.then_some(2), None);
    });
    let wait = Wait::Total {
        active: 2,
        limit: 2,
    };
    shows(ten(), wait, |it, on| {
        let mut limits = it.limits;
        limits.total = if on { 2 } else { 100 };
        it.set_limits(limits);
    });
}

#[test]
fn throughput() {
    let mut it = ten();
    it.set_link_limit(&name("a"), &name("b"), Some(1));
    starts(&mut it);
    it.set_throughput_limit(&name("b"), Side::Inbound, Some(10.0));
    let wait = Wait::Throughput {
        storage: name("b"),
        side: Side::Inbound,
        current: 12.5,
        limit: 10.0,
    };
    shows(it, wait, |it, on| {
        it.set_link_limit(&name("a"), &name("b"), None);
        it.report_throughput("b", Side::Inbound, if on { 12.5 } else { 0.0 });
    });
}

#[test]
fn holds_and_a_closed_node() {
    let wait = Wait::Ban {
        storage: name("b"),
        vo: Some(name("vo")),
        message: Some("full".into()),
    };
    shows(ten(), wait, |it, on| {
        let message = Some("full".into());
        match on {
            true => it.hold(
                &name("b"),
                Side::Inbound,
                Some(&name("vo")),
                Hold::Ban { message },
            ),
            false => assert!(it.release_hold("b", Side::Inbound, Some("vo"), HoldKind::Ban)),
        }
    });
    let wait = Wait::Breaker {
        storage: name("a"),
        until: None,
    };
    shows(ten(), wait, |it, on| match on {
        true => it.hold(
            &name("a"),
            Side::Outbound,
            None,
            Hold::Breaker { until: None },
        ),
        false => assert!(it.release_hold("a", Side::Outbound, None, HoldKind::Breaker)),
    });
    let wait = Wait::Trial { storage: name("a") };
    shows(ten(), wait, |it, on| {
        it.set_trial(&name("a"), Side::Outbound, on);
    });
    let why = Closure::LowMemory;
    shows(ten(), Wait::Closed { why }, |it, on| {
        it.set_closed(on.then_some(why));
    });
}

#[test]
fn shares_and_priorities() {
    let wait = Wait::NoShare { vo: name("vo") };
    shows(ten(), wait, |it, on| {
        let rows = on.then(|| (name("atlas"), 1));
        it.set_shares(&name("a"), &name("b"), Shares::new(rows));
    });
    let wait = Wait::OnlyPriority { own: 3, only: 5 };
    shows(ten(), wait, |it, on| {
        it.set_priorities(if on {
            Priorities::Fixed(5)
        } else {
            Priorities::Honoured
        });
    });
    let mut it = ten();
    it.set_closed(Some(Closure::Drained));
    for file in 20..23 {
        ask(file, "a", "b").priority(4).queue(&mut it);
    }
    ask(23, "a", "b").priority(5).queue(&mut it);
    let wait = Wait::Priority {
        own: 3,
        highest: 5,
        ahead: 4,
    };
    assert!(why(&it, 9).contains(&wait), "{:?}", why(&it, 9));
}

#[test]
fn the_part_of_a_vo_and_of_an_activity() {
    let mut it = ten();
    for file in 10..12 {
        ask(file, "a", "b").vo("other").queue(&mut it);
        ask(file + 10, "a", "b").activity("Express").queue(&mut it);
    }
    let rows = [(name("vo"), 30), (name("public"), 10)];
    it.set_shares(&name("a"), &name("b"), Shares::new(rows));
    let shares = ActivityShares::new([("express", 0.2), ("default", 0.6)]);
    it.set_activity_shares(&name("vo"), Some(shares));
    let share = Wait::Share {
        vo: name("vo"),
        weight: 30.0,
        probability: 0.75,
    };
    let activity = |activity: &str, weight: f64| Wait::Activity {
        activity: name(activity),
        weight,
        probability: weight / 0.8,
    };
    let ahead = |ahead| Wait::Position { ahead, exact: true };
    let first = why(&it, 3);
    assert_eq!(first[..2], [share.clone(), activity("default", 0.6)]);
    assert_eq!(first[2], ahead(3));
    assert_eq!(why(&it, 21), [share, activity("Express", 0.2), ahead(1)]);
    // Only those who could start take part.
    it.hold(
        &name("a"),
        Side::Outbound,
        Some(&name("other")),
        Hold::Breaker { until: None },
    );
    assert_eq!(why(&it, 3).len(), 2);
}

#[test]
fn the_first_is_next_and_what_is_not_queued_has_no_reason() {
    let mut it = ten();
    assert_eq!(why(&it, 0), [Wait::Next]);
    assert_eq!(why(&it, 99), []);
    ask(50, "a", "b").lane(Lane::Begun).queue(&mut it);
    let ahead = || Wait::Position {
        ahead: 1,
        exact: true,
    };
    assert_eq!(why(&it, 0), [ahead()]);
    // A forced one is not bound by the limits of its link.
    it.set_link_limit(&name("a"), &name("b"), Some(0));
    ask(60, "a", "b").lane(Lane::Forced).queue(&mut it);
    ask(61, "a", "b").lane(Lane::Forced).queue(&mut it);
    assert_eq!(why(&it, 60), [Wait::Next]);
    assert_eq!(why(&it, 61), [ahead()]);
}
