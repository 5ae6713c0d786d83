//! What is believed of directories, and for how long.

use super::*;
use crate::place::Endpoint;

fn place(key: &str) -> Place {
    let endpoint = Endpoint {
        tls: false,
        host: "h".into(),
        region: None,
        is_virtual: false,
        is_amazon: false,
    };
    Place {
        endpoint,
        bucket: "b".into(),
        key: key.into(),
    }
}

fn advice(all: &Subdirs, owner: &str, key: &str) -> Advice {
    let place = place(key);
    let (at, name) = Directory::of(owner, &place);
    all.advice(&at, name)
}

/// As many questions as lead to a listing, and what it brought.
fn known(all: &Subdirs, names: &[&str]) {
    for number in 0..FEW {
        assert_eq!(advice(all, "o", &format!("d/{number}")), Advice::Ask);
    }
    assert_eq!(advice(all, "o", "d/x"), Advice::List);
    // The others do not wait for it.
    assert_eq!(advice(all, "o", "d/y"), Advice::Ask);
    let names = names.iter().map(|it| (*it).to_owned()).collect();
    all.learn(&Directory::of("o", &place("d/x")).0, Some(names));
}

#[test]
fn many_questions_are_answered_by_one_listing() {
    let all = Subdirs::default();
    known(&all, &["sub"]);
    assert_eq!(advice(&all, "o", "d/x"), Advice::Free);
    // What is gone may have been removed.
    assert_eq!(advice(&all, "o", "d/sub"), Advice::Ask);
    assert_eq!(advice(&all, "other", "d/x"), Advice::Ask);
    assert_eq!(advice(&all, "o", "x"), Advice::Ask);
}

#[test]
fn what_is_made_is_known_at_every_depth() {
    let all = Subdirs::default();
    known(&all, &[]);
    all.made(&place("d/file"));
    assert_eq!(advice(&all, "o", "d/file"), Advice::Free);
    all.made(&place("d/sub/deeper/file"));
    assert_eq!(advice(&all, "o", "d/sub"), Advice::Ask);
    all.made(&place("d/marker/"));
    assert_eq!(advice(&all, "o", "d/marker"), Advice::Ask);
}

#[test]
fn what_is_made_while_it_is_listed_makes_the_listing_worthless() {
    let all = Subdirs::default();
    for number in 0..FEW {
        advice(&all, "o", &format!("d/{number}"));
    }
    assert_eq!(advice(&all, "o", "d/x"), Advice::List);
    all.made(&place("d/sub/file"));
    all.learn(&Directory::of("o", &place("d/x")).0, Some(HashSet::new()));
    assert_eq!(advice(&all, "o", "d/sub"), Advice::Ask);
}

/// Makes all that is known older.
fn age(all: &Subdirs, by: Duration) {
    for known in all.0.lock().values_mut() {
        let (Known::Asked(_, since)
        | Known::Listed(since)
        | Known::Has(_, since)
        | Known::TooLarge(since)) = known;
        *since = since.checked_sub(by).unwrap();
    }
}

fn list(all: &Subdirs) -> Directory {
    for number in 0..FEW {
        advice(all, "o", &format!("d/{number}"));
    }
    assert_eq!(advice(all, "o", "d/x"), Advice::List);
    Directory::of("o", &place("d/x")).0
}

#[test]
fn a_listing_is_believed_from_its_beginning() {
    let all = Subdirs::default();
    let at = list(&all);
    age(&all, MAX_AGE / 2);
    all.learn(&at, Some(HashSet::new()));
    assert_eq!(advice(&all, "o", "d/x"), Advice::Free);
    age(&all, MAX_AGE / 2);
    assert_eq!(advice(&all, "o", "d/x"), Advice::Ask);
    // One that took longer than that is worth nothing.
    let at = Subdirs::default();
    let directory = list(&at);
    age(&at, MAX_AGE);
    at.learn(&directory, Some(HashSet::new()));
    assert_eq!(advice(&at, "o", "d/x"), Advice::Ask);
}

#[test]
fn not_too_many_names_are_kept() {
    let names = |most: usize| (0..most).map(|it| it.to_string()).collect::<HashSet<_>>();
    let all = Subdirs::default();
    all.learn(&list(&all), Some(names(MAX_NAMES + 1)));
    assert_eq!(advice(&all, "o", "d/x"), Advice::Ask);
    let all = Subdirs::default();
    all.learn(&list(&all), Some(names(MAX_NAMES)));
    assert_eq!(advice(&all, "o", "d/x"), Advice::Free);
    all.made(&place("d/0/file"));
    assert_eq!(advice(&all, "o", "d/x"), Advice::Free);
    all.made(&place("d/sub/file"));
    assert_eq!(advice(&all, "o", "d/x"), Advice::Ask);
}

#[test]
fn what_is_old_is_dropped_when_something_is_learnt() {
    let all = Subdirs::default();
    all.learn(&list(&all), Some(HashSet::new()));
    age(&all, MAX_AGE);
    all.learn(&Directory::of("o", &place("e/x")).0, None);
    assert!(all.0.lock().is_empty());
}

#[test]
fn a_large_directory_is_left_alone() {
    let all = Subdirs::default();
    for number in 0..FEW {
        advice(&all, "o", &format!("d/{number}"));
    }
    assert_eq!(advice(&all, "o", "d/x"), Advice::List);
    all.learn(&Directory::of("o", &place("d/x")).0, None);
    for _ in 0..2 * FEW {
        assert_eq!(advice(&all, "o", "d/x"), Advice::Ask);
    }
}
