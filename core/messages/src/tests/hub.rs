//! Listeners: live, coming back, too slow.

use causeway_model::{FileState, JobState};

use super::*;
use crate::Kind;
use crate::world::{World, voice};

fn hub(world: &World, kept: usize, clients: usize) -> Hub {
    Hub::new(world.feed(), world.store.clone(), voice(), kept, clients)
}

async fn message(listener: &mut Subscription) -> Arc<Message> {
    let next = tokio::time::timeout(Duration::from_secs(20), listener.next()).await;
    match next.expect("a message comes") {
        Next::Message(message) => message,
        other => panic!("{other:?}"),
    }
}

async fn kinds(listener: &mut Subscription, count: usize) -> Vec<Kind> {
    let mut found = Vec::new();
    for _ in 0..count {
        found.push(message(listener).await.kind);
    }
    found
}

#[tokio::test]
async fn everybody_hears_what_happens_from_now_on() {
    let world = World::new();
    let hub = hub(&world, 100, 10);
    world.submit(1).await;
    let (mut one, mut two) = (hub.listen(None).unwrap(), hub.listen(None).unwrap());
    let job = world.submit(2).await;
    world.moves(&job, &[FileState::Active]).await;
    world.moves_job(&job, JobState::Active).await;
    let expected = [Kind::Job, Kind::State, Kind::State, Kind::Start, Kind::Job];
    assert_eq!(kinds(&mut one, 5).await, expected);
    assert_eq!(kinds(&mut two, 5).await, expected);
}

#[tokio::test]
async fn whoever_comes_back_hears_what_was_missed() {
    let world = World::new();
    let hub = hub(&world, 100, 10);
    let mut listener = hub.listen(None).unwrap();
    let job = world.submit(1).await;
    let last = [message(&mut listener).await, message(&mut listener).await];
    drop(listener);
    world
        .moves(&job, &[FileState::Ready, FileState::Active])
        .await;
    // In the ring.
    let mut again = hub.listen(Some(last[1].after)).unwrap();
    assert_eq!(
        kinds(&mut again, 3).await,
        [Kind::State, Kind::State, Kind::Start]
    );
    // And after a restart, when there is no ring yet.
    let other = self::hub(&world, 100, 10);
    let mut again = other.listen(Some(last[0].after)).unwrap();
    let expected = [Kind::State, Kind::State, Kind::State, Kind::Start];
    assert_eq!(kinds(&mut again, 4).await, expected);
    world.moves(&job, &[FileState::Finished]).await;
    assert_eq!(kinds(&mut again, 1).await, [Kind::State]);
}

#[tokio::test]
async fn a_slow_one_is_cut_off() {
    let world = World::new();
    let hub = hub(&world, 3, 10);
    let mut slow = hub.listen(None).unwrap();
    let mut quick = hub.listen(None).unwrap();
    for number in 1..4 {
        world.submit(number).await;
        kinds(&mut quick, 2).await;
    }
    assert!(matches!(slow.next().await, Next::Late));
}

#[tokio::test]
async fn nothing_is_read_for_nobody() {
    let world = World::new();
    let hub = hub(&world, 10, 10);
    drop(hub.listen(None).unwrap());
    assert!(hub.0.is_alone() && hub.0.ring.lock().is_running);
    tokio::time::pause();
    // Something happens all the time, and nobody wants to hear it.
    for number in 0..20 {
        world.submit(number).await;
        tokio::time::advance(LINGER / 8).await;
        tokio::task::yield_now().await;
        if !hub.0.ring.lock().is_running {
            break;
        }
        tokio::time::resume();
        tokio::time::sleep(Duration::from_millis(20)).await;
        tokio::time::pause();
    }
    assert!(!hub.0.ring.lock().is_running);
    // The next one begins anew.
    tokio::time::resume();
    let mut listener = hub.listen(None).unwrap();
    world.submit(100).await;
    assert_eq!(kinds(&mut listener, 2).await, [Kind::Job, Kind::State]);
}

#[tokio::test]
async fn there_is_room_for_so_many() {
    let world = World::new();
    let hub = hub(&world, 3, 1);
    let first = hub.listen(None);
    assert!(first.is_some() && hub.listen(None).is_none());
    drop(first);
    assert!(hub.listen(None).is_some());
}

#[tokio::test]
async fn the_end_of_the_gateway_is_the_end() {
    let world = World::new();
    let hub = hub(&world, 10, 1);
    let mut listener = hub.listen(None).unwrap();
    hub.close();
    assert!(matches!(listener.next().await, Next::Closed));
}

#[tokio::test]
async fn an_unknown_place_is_told_as_a_gap() {
    let world = World::new();
    let hub = hub(&world, 10, 1);
    let mut listener = hub.listen(Some(Position::default())).unwrap();
    assert!(matches!(listener.next().await, Next::Gap));
}
