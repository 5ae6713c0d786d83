//! Counting again in slices: what is right stays, what is wrong is found and put right.

use super::*;

/// Twelve transfers over six links, of which four run.
fn some() -> Scheduler {
    let mut it = scheduler(4, 2, 9, 9);
    for file in 0..12 {
        let source = ["a", "b", "c"][file as usize % 3];
        let destination = ["x", "y"][file as usize % 2];
        assert!(ask(file, source, destination).queue(&mut it));
    }
    assert_eq!(starts(&mut it).len(), 4);
    it
}

/// All slices; what they found.
fn pass(it: &mut Scheduler, most: usize) -> Vec<String> {
    let (mut from, mut wrong, mut slices) = (Some(0), Vec::new(), 0);
    while let Some(begin) = from {
        let found = it.recount_slice(begin, most);
        wrong.extend(found.wrong);
        from = found.next;
        slices += 1;
    }
    assert_eq!(slices, it.links.len().div_ceil(most).max(1));
    wrong
}

#[test]
fn what_is_right_is_left_alone() {
    let mut it = some();
    for most in [1, 4, 100] {
        assert!(pass(&mut it, most).is_empty());
    }
    it.recount().unwrap();
    assert!(pass(&mut scheduler(1, 1, 1, 1), 1).is_empty());
}

#[test]
fn what_is_wrong_is_put_right_and_goes_on() {
    let spoil: [fn(&mut Scheduler); 5] = [
        |it| it.active += 1,
        |it| {
            let id = it.links.ids()[3];
            it.links[id].active += 2;
        },
        |it| {
            let id = it.links.ids()[0];
            it.links[id].queued += 1;
        },
        |it| {
            let id = it.storages.ids()[0];
            let half = it.storages[id].half_mut(causeway_model::explain::Side::Outbound);
            half.active += 9;
        },
        |it| assert!(it.round.pop().is_some()),
    ];
    for (number, spoil) in spoil.into_iter().enumerate() {
        let mut it = some();
        spoil(&mut it);
        assert!(it.recount().is_err(), "{number}");
        assert!(!pass(&mut it, 2).is_empty(), "{number}");
        it.recount().unwrap();
        assert!(pass(&mut it, 2).is_empty(), "{number}");
        let running: Vec<u64> = it.running.keys().map(|file| file.0).collect();
        release(&mut it, &running);
        let mut left = 8;
        while left > 0 {
            let next = starts(&mut it);
            assert!(!next.is_empty(), "{number}: {left} are stuck");
            left -= next.len();
            release(&mut it, &next);
        }
    }
}
