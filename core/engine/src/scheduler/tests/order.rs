//! Who goes first.

use super::*;
use crate::scheduler::Priorities;

fn queue_by_priority(it: &mut Scheduler) {
    for (priority, file) in [(3, 1), (5, 2), (3, 3), (5, 4)] {
        ask(file, "a", "b").priority(priority).queue(it);
    }
}

#[test]
fn priority_first_then_age() {
    let mut it = scheduler(10, 10, 10, 10);
    queue_by_priority(&mut it);
    assert_eq!(starts(&mut it), [2, 4, 1, 3]);
}

#[test]
fn priorities_can_be_ignored_or_fixed_at_any_time() {
    let mut it = scheduler(1, 10, 10, 10);
    queue_by_priority(&mut it);
    it.set_priorities(Priorities::Ignored);
    it.recount().unwrap();
    assert_eq!(starts(&mut it), [1]);
    it.set_priorities(Priorities::Fixed(3));
    release(&mut it, &[1]);
    assert_eq!(starts(&mut it), [3]);
    release(&mut it, &[3]);
    assert_eq!(starts(&mut it), [0; 0]);
    it.set_priorities(Priorities::Honoured);
    assert_eq!(starts(&mut it), [2]);
}

#[test]
fn links_take_turns() {
    let mut it = scheduler(4, 10, 10, 10);
    for file in 0..10 {
        ask(file, "a", "b").queue(&mut it);
        ask(file + 10, "a", "c").queue(&mut it);
    }
    assert_eq!(starts(&mut it), [0, 10, 1, 11]);
}

#[test]
fn a_free_slot_goes_to_the_next_that_waits() {
    let mut it = scheduler(10, 10, 10, 1);
    ask(1, "a", "b").queue(&mut it);
    ask(2, "a", "c").queue(&mut it);
    assert_eq!(starts(&mut it), [1]);
    release(&mut it, &[1]);
    assert_eq!(starts(&mut it), [2]);
    assert!(!it.remove(FileId(2)));
}

#[test]
fn a_slot_that_woke_a_link_is_passed_on_when_the_link_goes() {
    let mut it = scheduler(10, 10, 1, 1);
    for (file, destination) in [(1, "b"), (2, "c"), (3, "d")] {
        ask(file, "a", destination).queue(&mut it);
    }
    assert_eq!(starts(&mut it), [1]);
    release(&mut it, &[1]);
    assert!(it.remove(FileId(2)));
    assert_eq!(starts(&mut it), [3]);
}

#[test]
fn what_had_begun_goes_before_all_links() {
    let mut it = scheduler(3, 10, 10, 10);
    for file in 0..5 {
        ask(file, "a", "b").priority(5).queue(&mut it);
    }
    ask(10, "c", "d").lane(Lane::Begun).queue(&mut it);
    ask(11, "a", "b").lane(Lane::Begun).queue(&mut it);
    // The older link first, but both before anything new.
    assert_eq!(starts(&mut it), [11, 10, 0]);
}

#[test]
fn what_had_begun_is_first_when_a_storage_gets_room() {
    let mut it = scheduler(10, 10, 10, 1);
    for (file, destination) in [(1, "b"), (2, "c"), (3, "d")] {
        ask(file, "a", destination).queue(&mut it);
    }
    assert_eq!(starts(&mut it), [1]);
    ask(4, "a", "d").lane(Lane::Begun).queue(&mut it);
    release(&mut it, &[1]);
    assert_eq!(starts(&mut it), [4]);
}

#[test]
fn forced_goes_ahead_of_limits_but_not_of_the_total() {
    let mut it = scheduler(3, 1, 1, 1);
    for file in 0..3 {
        ask(file, "a", "b").queue(&mut it);
    }
    assert_eq!(starts(&mut it), [0]);
    for file in 10..13 {
        ask(file, "a", "b").lane(Lane::Forced).queue(&mut it);
    }
    assert_eq!(starts(&mut it), [10, 11]);
    assert_eq!(it.active_on("a", "b"), 3);
    release(&mut it, &[0]);
    assert_eq!(starts(&mut it), [12]);
    // What is forced takes slots like all others.
    release(&mut it, &[10, 11]);
    assert_eq!(starts(&mut it), [0; 0]);
    release(&mut it, &[12]);
    assert_eq!(starts(&mut it), [1]);
}

#[test]
fn a_unit_takes_one_slot_and_counts_its_files() {
    let mut it = scheduler(10, 1, 10, 10);
    let unit = Ask {
        files: 7,
        ..ask(1, "a", "b")
    };
    unit.queue(&mut it);
    ask(2, "a", "b").queue(&mut it);
    assert_eq!(it.queued_on("a", "b"), 8);
    assert_eq!(starts(&mut it), [1]);
    assert_eq!((it.queued_on("a", "b"), it.active_on("a", "b")), (1, 1));
    it.recount().unwrap();
}

#[test]
fn queueing_again_moves_and_a_running_one_is_refused() {
    let mut it = scheduler(1, 10, 10, 10);
    ask(1, "a", "b").queue(&mut it);
    ask(2, "a", "b").queue(&mut it);
    assert!(ask(2, "a", "b").priority(5).queue(&mut it));
    assert_eq!(it.queued(), 2);
    assert_eq!(starts(&mut it), [2]);
    assert!(!ask(2, "a", "b").queue(&mut it));
    assert!(!it.release(FileId(1)));
    it.recount().unwrap();
}

#[test]
fn what_is_idle_is_forgotten() {
    let mut it = scheduler(10, 10, 10, 10);
    for file in 0..20 {
        let destination = format!("d{file}");
        ask(file, "a", &destination)
            .activity(&destination)
            .queue(&mut it);
    }
    assert_eq!(it.links().count(), 20);
    let first = starts(&mut it);
    release(&mut it, &first);
    let second = starts(&mut it);
    release(&mut it, &second);
    assert_eq!(it.links().count(), 0);
    assert_eq!(
        (it.storages.len(), it.names.len(), it.flows.len()),
        (0, 0, 0)
    );
    ask(1, "a", "b").queue(&mut it);
    assert_eq!(it.links().count(), 1);
    it.set_link_limit(&"a".into(), &"b".into(), Some(3));
    it.remove(FileId(1));
    assert_eq!(it.links().next().unwrap().limit, 3);
    it.set_link_limit(&"a".into(), &"b".into(), None);
    assert_eq!((it.links().count(), it.storages.len()), (0, 0));
}
