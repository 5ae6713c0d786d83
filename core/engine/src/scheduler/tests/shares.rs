//! Slots split between VOs and activities, over many rounds on a fixed seed.

use std::collections::BTreeMap;

use super::*;
use crate::scheduler::{ActivityShares, Shares};

const ROUNDS: u64 = 20_000;

/// Keeps one transfer of each asked kind queued on a link with one slot, and counts who starts.
fn parts(it: &mut Scheduler, asks: &[Ask], name: impl Fn(&Ask) -> String) -> BTreeMap<String, f64> {
    let kinds = asks.len() as u64;
    for ask in asks {
        ask.queue(it);
    }
    let mut counts = BTreeMap::new();
    for round in 0..ROUNDS {
        let file = it.start_next().unwrap().0;
        let kind = &asks[(file % kinds) as usize];
        *counts.entry(name(kind)).or_insert(0.0) += 1.0 / ROUNDS as f64;
        it.release(FileId(file));
        let next = (round + 1) * kinds + file % kinds;
        Ask {
            file: next,
            ..kind.clone()
        }
        .queue(it);
    }
    it.recount().unwrap();
    counts
}

fn of_vos(vos: &[&str]) -> Vec<Ask> {
    let ask = |(file, vo): (u64, &&str)| ask(file, "a", "b").vo(vo);
    (0..).zip(vos).map(ask).collect()
}

fn rows(rows: &[(&str, u32)]) -> Shares {
    Shares::new(rows.iter().map(|(vo, weight)| ((*vo).into(), *weight)))
}

fn near(parts: &BTreeMap<String, f64>, wanted: &[(&str, f64)]) {
    assert_eq!(parts.len(), wanted.len(), "{parts:?}");
    for (name, part) in wanted {
        let got = parts.get(*name).copied().unwrap_or(0.0);
        assert!((got - part).abs() < 0.02, "{name}: {got} instead of {part}");
    }
}

/// The table of outcomes: shares, VOs with queued work, parts.
#[test]
fn vos_get_their_part() {
    type Row<'a> = (&'a [(&'a str, u32)], &'a [(&'a str, f64)]);
    let table: [Row<'_>; 6] = [
        (&[], &[("atlas", 0.5), ("cms", 0.5)]),
        (
            &[("atlas", 80), ("cms", 20)],
            &[("atlas", 0.8), ("cms", 0.2)],
        ),
        (
            &[("atlas", 50), ("public", 50)],
            &[("atlas", 0.5), ("cms", 0.25), ("lhcb", 0.25)],
        ),
        (&[("atlas", 50), ("public", 50)], &[("atlas", 1.0)]),
        (
            &[("atlas", 50), ("public", 50)],
            &[("cms", 0.5), ("lhcb", 0.5)],
        ),
        (&[("atlas", 90), ("cms", 10)], &[("cms", 1.0)]),
    ];
    for (shares, wanted) in table {
        let mut it = scheduler(1, 1, 1, 1);
        it.set_shares(&"a".into(), &"b".into(), rows(shares));
        let vos: Vec<&str> = wanted.iter().map(|(vo, _)| *vo).collect();
        let got = parts(&mut it, &of_vos(&vos), |ask| ask.vo.to_string());
        near(&got, wanted);
        assert_eq!(it.take_unshared(10), []);
    }
}

#[test]
fn a_vo_without_a_share_is_handed_back() {
    let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
    let mut it = scheduler(10, 10, 10, 10);
    it.set_shares(&a, &b, rows(&[("atlas", 100), ("lhcb", 0)]));
    for file in 0..5 {
        ask(file, "a", "b").vo("cms").queue(&mut it);
    }
    ask(5, "a", "b").vo("lhcb").queue(&mut it);
    ask(6, "a", "b").vo("atlas").queue(&mut it);
    ask(7, "a", "c").vo("cms").queue(&mut it);
    let mut started = starts(&mut it);
    started.sort_unstable();
    assert_eq!(started, [6, 7]);
    let mut failed = it.take_unshared(4);
    it.recount().unwrap();
    assert_eq!(failed.len(), 4);
    failed.extend(it.take_unshared(4));
    failed.sort_unstable();
    assert_eq!(failed, [0, 1, 2, 3, 4, 5].map(FileId));
    it.recount().unwrap();
}

#[test]
fn shares_act_on_what_is_queued() {
    let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
    let mut it = scheduler(1, 10, 10, 10);
    it.set_shares(&a, &b, rows(&[("atlas", 1)]));
    ask(1, "a", "b").vo("cms").queue(&mut it);
    assert_eq!(starts(&mut it), [0; 0]);
    it.set_shares(&a, &b, rows(&[("public", 1)]));
    assert_eq!(it.take_unshared(10), []);
    assert_eq!(starts(&mut it), [1]);
    ask(2, "a", "b").vo("cms").queue(&mut it);
    it.set_shares(&a, &b, rows(&[("atlas", 1)]));
    assert_eq!(it.take_unshared(10), [FileId(2)]);
    // What had begun goes on, whatever the shares are now.
    ask(3, "a", "b").vo("cms").lane(Lane::Begun).queue(&mut it);
    release(&mut it, &[1]);
    assert_eq!(starts(&mut it), [3]);
    it.set_shares(&a, &b, Shares::default());
    release(&mut it, &[3]);
    assert_eq!(it.links().count(), 0);
}

fn of_activities(activities: &[&str]) -> Vec<Ask> {
    let ask = |(file, name): (u64, &&str)| ask(file, "a", "b").activity(name);
    (0..).zip(activities).map(ask).collect()
}

#[test]
fn activities_get_their_part() {
    type Row<'a> = (&'a [(&'a str, f64)], &'a [(&'a str, f64)]);
    let table: [Row<'_>; 4] = [
        (
            &[("Production", 0.75), ("default", 0.25)],
            &[("production", 0.75), ("default", 0.25)],
        ),
        // What is not listed counts as the default, which gets the remainder.
        (
            &[("production", 0.6), ("express", 0.2)],
            &[("production", 0.6), ("Express", 0.2), ("mine", 0.2)],
        ),
        (
            &[("production", 6.0), ("express", 4.0)],
            &[("production", 0.6), ("express", 0.4)],
        ),
        (
            &[("production", 1.0), ("idle", 0.0)],
            &[("production", 1.0)],
        ),
    ];
    for (shares, wanted) in table {
        let mut it = scheduler(1, 1, 1, 1);
        it.set_activity_shares(
            &"vo".into(),
            Some(ActivityShares::new(shares.iter().copied())),
        );
        let names: Vec<&str> = wanted.iter().map(|(name, _)| *name).collect();
        let got = parts(&mut it, &of_activities(&names), |ask| {
            ask.activity.to_string()
        });
        near(&got, wanted);
    }
}

#[test]
fn an_activity_without_weight_runs_when_nothing_else_does() {
    let mut it = scheduler(10, 1, 10, 10);
    let shares = ActivityShares::new([("production", 1.0), ("express", 0.0)]);
    it.set_activity_shares(&"vo".into(), Some(shares));
    for (file, activity) in [
        (1, "express"),
        (2, "mine"),
        (3, "production"),
        (4, "PRODUCTION"),
        (5, "express"),
    ] {
        ask(file, "a", "b").activity(activity).queue(&mut it);
    }
    for file in [3, 4, 1, 2, 5] {
        assert_eq!(starts(&mut it), [file]);
        release(&mut it, &[file]);
    }
}

#[test]
fn activity_shares_sort_what_is_queued_again() {
    let mut it = scheduler(10, 1, 10, 10);
    for (file, activity) in [(1, "a"), (2, "b"), (3, "c"), (4, "b")] {
        ask(file, "a", "b").activity(activity).queue(&mut it);
    }
    it.set_activity_shares(&"vo".into(), Some(ActivityShares::new([("b", 1.0)])));
    it.recount().unwrap();
    assert_eq!(starts(&mut it), [2]);
    release(&mut it, &[2]);
    assert_eq!(starts(&mut it), [4]);
    it.set_activity_shares(&"vo".into(), None);
    release(&mut it, &[4]);
    assert_eq!(starts(&mut it), [1]);
}

#[test]
fn priority_comes_before_activity_and_within_the_vo_only() {
    let mut it = scheduler(10, 1, 10, 10);
    let shares = ActivityShares::new([("production", 1.0)]);
    it.set_activity_shares(&"vo".into(), Some(shares));
    ask(1, "a", "b").activity("production").queue(&mut it);
    ask(2, "a", "b").activity("mine").priority(5).queue(&mut it);
    assert_eq!(starts(&mut it), [2]);
    let mut it = scheduler(1, 1, 1, 1);
    let asks = [
        ask(0, "a", "b").vo("atlas").priority(5),
        ask(1, "a", "b").vo("cms").priority(1),
    ];
    let got = parts(&mut it, &asks, |ask| ask.vo.to_string());
    near(&got, &[("atlas", 0.5), ("cms", 0.5)]);
}
