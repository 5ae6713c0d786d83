//! Delivery: what a receiver that fails, comes back or is slow gets.

use std::collections::VecDeque;

use causeway_model::FileState;
use causeway_model::ports::SystemClock;
use parking_lot::Mutex;

use super::*;
use crate::world::{World, now};

/// A receiver that does what it is told, once for each delivery; then it takes everything.
#[derive(Clone, Default)]
struct Receiver {
    taken: Arc<Mutex<Vec<Message>>>,
    /// How many it takes before it fails.
    moods: Arc<Mutex<VecDeque<usize>>>,
}

#[async_trait]
impl Sink for Receiver {
    fn wants(&self, kind: Kind) -> bool {
        kind == Kind::State
    }

    async fn deliver(&mut self, messages: &[Message]) -> (usize, Result<(), Refusal>) {
        let mood = self.moods.lock().pop_front();
        let count = mood.unwrap_or(messages.len()).min(messages.len());
        self.taken.lock().extend_from_slice(&messages[..count]);
        match mood {
            Some(_) => (count, Err(Refusal("no".into()))),
            None => (count, Ok(())),
        }
    }
}

struct Running {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    tally: Arc<SinkTally>,
}

impl Running {
    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

async fn run(world: &World, receiver: &Receiver, max_age: Duration) -> Running {
    let feed = world.feed();
    let place = feed.hold(&["r".to_owned()]).await.unwrap()[0];
    let tally = Arc::new(SinkTally::default());
    let pump = Pump {
        name: "r".into(),
        feed,
        narrator: world.narrator(),
        sink: Box::new(receiver.clone()),
        tally: tally.clone(),
        clock: Arc::new(SystemClock),
        options: PumpOptions {
            max_age,
            pause_max: Duration::from_millis(300),
        },
    };
    let stop = CancellationToken::new();
    let task = tokio::spawn(pump.run(place, stop.clone()));
    Running { stop, task, tally }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

fn states(receiver: &Receiver) -> Vec<String> {
    let state = |it: &Message| {
        let body: serde_json::Value = serde_json::from_str(&it.body).unwrap();
        body["file_state"].as_str().unwrap().to_owned()
    };
    receiver.taken.lock().iter().map(state).collect()
}

const DAY: Duration = Duration::from_secs(86_400);
const PATH: [FileState; 3] = [FileState::Ready, FileState::Active, FileState::Finished];

#[tokio::test]
async fn a_receiver_that_fails_gets_everything_in_order() {
    let world = World::new();
    let receiver = Receiver::default();
    receiver.moods.lock().extend([0, 1, 0, 2]);
    let running = run(&world, &receiver, DAY).await;
    let job = world.submit(1).await;
    world.moves(&job, &PATH).await;
    until("all four", || receiver.taken.lock().len() >= 4).await;
    running.stop().await;
    assert_eq!(
        states(&receiver),
        ["SUBMITTED", "READY", "ACTIVE", "FINISHED"]
    );
}

#[tokio::test]
async fn a_second_life_goes_on_where_the_first_one_stopped() {
    let world = World::new();
    let receiver = Receiver::default();
    let running = run(&world, &receiver, DAY).await;
    let first = world.submit(1).await;
    until("one", || receiver.taken.lock().len() == 1).await;
    running.stop().await;
    world.moves(&first, &PATH).await;
    let running = run(&world, &receiver, DAY).await;
    until("all", || receiver.taken.lock().len() >= 4).await;
    running.stop().await;
    assert_eq!(
        states(&receiver),
        ["SUBMITTED", "READY", "ACTIVE", "FINISHED"]
    );
}

#[tokio::test]
async fn what_was_not_taken_is_not_acknowledged() {
    let world = World::new();
    let receiver = Receiver::default();
    // It fails for longer than this test takes.
    receiver.moods.lock().extend(std::iter::repeat_n(0, 10_000));
    let running = run(&world, &receiver, DAY).await;
    world.submit(1).await;
    until("a failure", || running.tally.failures() > 0).await;
    assert!(running.tally.oldest_waiting() > 0 && !running.tally.is_well());
    running.stop().await;
    assert!(receiver.taken.lock().is_empty());
    receiver.moods.lock().clear();
    let running = run(&world, &receiver, DAY).await;
    until("the message", || receiver.taken.lock().len() == 1).await;
    assert!(running.tally.is_well());
    running.stop().await;
}

#[tokio::test]
async fn what_is_too_old_is_dropped_and_counted() {
    let world = World::new();
    let receiver = Receiver::default();
    receiver.moods.lock().extend(std::iter::repeat_n(0, 10_000));
    let running = run(&world, &receiver, Duration::from_millis(300)).await;
    world.submit(1).await;
    until("the drop", || running.tally.dropped() == 1).await;
    receiver.moods.lock().clear();
    world.submit(2).await;
    until("the other one", || receiver.taken.lock().len() == 1).await;
    running.stop().await;
}

#[test]
fn an_event_in_two_messages_is_done_after_both() {
    let message = |offset| Message {
        after: Position {
            segment: 1,
            offset,
            done: 0,
        },
        completes: true,
        kind: Kind::State,
        at: now(),
        job: None,
        body: String::new(),
    };
    let messages = [message(10), message(20), message(20), message(30)];
    let at = |count| done(&messages, count).map(|it| it.offset);
    assert_eq!((at(0), at(1), at(2)), (None, Some(10), Some(10)));
    assert_eq!((at(3), at(4)), (Some(20), Some(30)));
    assert_eq!(done(&messages[1..], 1), None);
}
