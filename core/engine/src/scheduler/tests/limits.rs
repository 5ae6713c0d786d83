//! Limits, throughput and holds that change while transfers wait and run.

use causeway_model::explain::{Closure, Side};

use super::*;
use crate::scheduler::{Hold, HoldKind};

fn names() -> (Arc<str>, Arc<str>) {
    ("a".into(), "b".into())
}

fn queued(number: u64, limits: (usize, u32, u32, u32)) -> Scheduler {
    let mut it = scheduler(limits.0, limits.1, limits.2, limits.3);
    for file in 0..number {
        ask(file, "a", "b").queue(&mut it);
    }
    it
}

#[test]
fn a_link_limit_rises_and_falls() {
    let (a, b) = names();
    let mut it = queued(10, (10, 2, 10, 10));
    assert_eq!(starts(&mut it), [0, 1]);
    it.set_link_limit(&a, &b, Some(4));
    assert_eq!(starts(&mut it), [2, 3]);
    it.set_link_limit(&a, &b, Some(1));
    release(&mut it, &[0, 1, 2]);
    assert_eq!(starts(&mut it), [0; 0]);
    release(&mut it, &[3]);
    assert_eq!(starts(&mut it), [4]);
    it.set_link_limit(&a, &b, None);
    assert_eq!(starts(&mut it), [5]);
    it.set_link_limit(&a, &b, Some(0));
    release(&mut it, &[4, 5]);
    assert_eq!(starts(&mut it), [0; 0]);
}

#[test]
fn storage_limits_wake_those_who_waited() {
    let (a, b) = names();
    let mut it = scheduler(20, 20, 20, 1);
    for file in 0..12 {
        let destination = ["b", "c", "d"][file as usize % 3];
        ask(file, "a", destination).queue(&mut it);
    }
    assert_eq!(starts(&mut it).len(), 1);
    it.set_storage_limits(&a, None, Some(4));
    assert_eq!(starts(&mut it).len(), 3);
    it.set_storage_limits(&b, Some(0), None);
    it.set_storage_limits(&a, None, Some(20));
    // b takes no more than the two it has at most.
    assert!((6..=8).contains(&starts(&mut it).len()));
    assert!(it.active_at("b", Side::Inbound) <= 2);
    it.set_storage_limits(&b, None, None);
    starts(&mut it);
    assert_eq!(it.active(), 12);
    it.recount().unwrap();
}

#[test]
fn default_limits_can_change() {
    let mut it = queued(10, (2, 1, 1, 1));
    assert_eq!(starts(&mut it), [0]);
    it.set_limits(Limits {
        total: 5,
        link: 10,
        inbound: 3,
        outbound: 10,
    });
    assert_eq!(starts(&mut it), [1, 2]);
}

#[test]
fn throughput_above_its_limit_stops_a_side() {
    for (side, name) in [(Side::Outbound, "a"), (Side::Inbound, "b")] {
        let mut it = queued(10, (3, 10, 10, 10));
        it.set_throughput_limit(&name.into(), side, Some(100.0));
        assert_eq!(starts(&mut it), [0, 1, 2]);
        it.report_throughput(name, side, 100.5);
        release(&mut it, &[0]);
        assert_eq!(starts(&mut it), [0; 0]);
        it.report_throughput(name, side, 99.0);
        assert_eq!(starts(&mut it), [3]);
        it.report_throughput(name, side, 150.0);
        release(&mut it, &[1]);
        assert_eq!(starts(&mut it), [0; 0]);
        it.set_throughput_limit(&name.into(), side, Some(200.0));
        assert_eq!(starts(&mut it), [4]);
        // Where nothing runs nothing moves, whatever was said last.
        it.report_throughput(name, side, 500.0);
        release(&mut it, &[2, 3]);
        assert_eq!(starts(&mut it), [0; 0]);
        release(&mut it, &[4]);
        assert_eq!(starts(&mut it), [5]);
    }
}

#[test]
fn holds_stop_a_storage_for_all_or_for_one_vo() {
    let (a, b) = names();
    let ban = || Hold::Ban { message: None };
    let mut it = scheduler(20, 20, 20, 20);
    it.hold(&a, Side::Outbound, None, ban());
    for file in 0..4 {
        ask(file, "a", "b")
            .vo(["x", "y"][file as usize % 2])
            .queue(&mut it);
        ask(file + 10, "b", "a").queue(&mut it);
    }
    assert_eq!(starts(&mut it), [10, 11, 12, 13]);
    it.hold(&b, Side::Inbound, Some(&"x".into()), ban());
    assert!(it.release_hold("a", Side::Outbound, None, HoldKind::Ban));
    assert!(!it.release_hold("a", Side::Outbound, None, HoldKind::Ban));
    assert_eq!(starts(&mut it), [1, 3]);
    ask(4, "a", "b").vo("x").lane(Lane::Begun).queue(&mut it);
    assert_eq!(starts(&mut it), [0; 0]);
    assert!(it.release_hold("b", Side::Inbound, Some("x"), HoldKind::Ban));
    assert_eq!(starts(&mut it), [4, 0, 2]);
    it.recount().unwrap();
}

#[test]
fn a_forced_transfer_passes_a_breaker_but_not_a_ban() {
    let (a, _) = names();
    let mut it = scheduler(20, 20, 20, 20);
    it.hold(&a, Side::Outbound, None, Hold::Breaker { until: None });
    it.hold(&a, Side::Outbound, None, Hold::Ban { message: None });
    ask(1, "a", "b").lane(Lane::Forced).queue(&mut it);
    ask(2, "a", "b").queue(&mut it);
    assert_eq!(starts(&mut it), [0; 0]);
    assert!(it.release_hold("a", Side::Outbound, None, HoldKind::Ban));
    assert_eq!(starts(&mut it), [1]);
    assert!(it.release_hold("a", Side::Outbound, None, HoldKind::Breaker));
    assert_eq!(starts(&mut it), [2]);
}

#[test]
fn one_at_a_time_tries_a_storage_that_failed() {
    let (_, b) = names();
    let mut it = queued(10, (10, 10, 10, 10));
    it.hold(&b, Side::Inbound, None, Hold::Breaker { until: None });
    assert_eq!(starts(&mut it), [0; 0]);
    it.set_trial(&b, Side::Inbound, true);
    assert!(it.release_hold("b", Side::Inbound, None, HoldKind::Breaker));
    assert_eq!(starts(&mut it), [0]);
    release(&mut it, &[0]);
    assert_eq!(starts(&mut it), [1]);
    it.set_trial(&b, Side::Inbound, false);
    assert_eq!(starts(&mut it).len(), 8);
}

#[test]
fn a_closed_node_starts_nothing() {
    let mut it = queued(2, (10, 10, 10, 10));
    ask(5, "a", "b").lane(Lane::Forced).queue(&mut it);
    it.set_closed(Some(Closure::Drained));
    assert_eq!(starts(&mut it), [0; 0]);
    it.set_closed(None);
    assert_eq!(starts(&mut it), [5, 0, 1]);
}
