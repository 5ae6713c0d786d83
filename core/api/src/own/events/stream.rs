//! A listener's events as text, with signs of life in between.
//!
//! A task of its own reads for the listener and hands a few events ahead. When the listener takes
//! none of them for a while the task ends, so that nobody who does not read holds anything.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use causeway_messages::{Message, Next, Subscription};
use futures_util::{Stream, stream};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::filter::Filter;

/// Events handed ahead.
const AHEAD: usize = 32;
/// A listener that takes nothing for so long is cut off.
const PATIENCE: Duration = Duration::from_secs(60);
/// Time between two signs of life.
const ALIVE: Duration = Duration::from_secs(15);
/// After so long everybody has to come again.
const LIFE: Duration = Duration::from_secs(3600);

/// The stream, as it goes into the body of the answer.
pub(super) fn events(
    listener: Subscription,
    filter: Filter,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static {
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::spawn(tell(listener, filter, sender));
    stream::unfold(receiver, |mut receiver| async move {
        let text: Bytes = receiver.recv().await?;
        Some((Ok(text), receiver))
    })
}

async fn tell(mut listener: Subscription, filter: Filter, to: mpsc::Sender<Bytes>) {
    let end = Instant::now() + LIFE;
    let mut greeting = Some(Bytes::from_static(b"retry: 3000\n\n"));
    loop {
        let (text, is_last) = match greeting.take() {
            Some(text) => (text, false),
            None => tokio::select! {
                next = listener.next() => match shown(&next, &filter) {
                    Some(it) => it,
                    None => continue,
                },
                () = tokio::time::sleep(ALIVE) => (Bytes::from_static(b": alive\n\n"), false),
                () = tokio::time::sleep_until(end) => return,
                () = to.closed() => return,
            },
        };
        // It has gone, or it does not read.
        if to.send_timeout(text, PATIENCE).await.is_err() || is_last {
            return;
        }
    }
}

/// What comes next as text, and whether it is the last; nothing when the listener does not get it.
fn shown(next: &Next, filter: &Filter) -> Option<(Bytes, bool)> {
    Some(match next {
        Next::Message(message) if filter.lets(message) => (event(message), false),
        Next::Message(_) => return None,
        Next::Gap => (Bytes::from_static(b"event: gap\ndata: {}\n\n"), false),
        Next::Late => (Bytes::from_static(b"event: late\ndata: {}\n\n"), true),
        Next::Broken | Next::Closed => (Bytes::new(), true),
    })
}

/// Of an event that is told in several messages only the last one carries the id, so that whoever
/// comes back with it has had them all.
fn event(message: &Message) -> Bytes {
    let id = match message.completes {
        true => format!("id: {}\n", message.after),
        false => String::new(),
    };
    let kind = message.kind.name();
    format!("{id}event: {kind}\ndata: {}\n\n", message.body).into()
}
