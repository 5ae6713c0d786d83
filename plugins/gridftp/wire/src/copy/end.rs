//! Ending a copy that failed: finding out why, and stopping the side that still runs.

use std::time::Duration;

use super::{Side, is_telling};
use crate::data::{Marker, Progress};
use crate::{Error, Result, Session};

/// How long the other side may take to say what is wrong, when the first only saw something break.
const EXPLAIN: Duration = Duration::from_secs(2);
/// How long an aborted server may take to stop.
const STOP: Duration = Duration::from_secs(3);
/// Most replies that are read while a server stops.
const MAX_REPLIES: usize = 1000;

/// Stops what still runs, and answers with the failure that tells most. What the receiver confirms
/// before that is added to `progress`.
pub(super) async fn abandon(
    source: &mut Session,
    destination: &mut Session,
    first: Error,
    progress: &mut Progress,
) -> Error {
    source.link = None;
    destination.link = None;
    let mut told = first;
    if !is_telling(told.kind()) {
        let explained = tokio::join!(
            explanation(source, Side::Source, None),
            explanation(destination, Side::Destination, Some(progress))
        );
        let mut others = [explained.0, explained.1].into_iter().flatten();
        if let Some(other) = others.find(|it| is_telling(it.kind())) {
            told = other;
        }
    }
    // What comes of it changes nothing: a session that is not idle afterwards is not used again.
    drop(tokio::join!(stop(source), stop(destination)));
    told
}

/// What a side says that has not said its last word. Markers are for `progress`.
async fn explanation(
    session: &mut Session,
    side: Side,
    mut progress: Option<&mut Progress>,
) -> Option<Error> {
    let waiting = async {
        for _ in 0..MAX_REPLIES {
            if !session.owes() || session.is_broken() {
                break;
            }
            let reply = session.next_reply(EXPLAIN).await.ok()?; // gone as well: nothing to tell
            if reply.code() >= 400 {
                return Some(reply.refusal(side.what()));
            }
            if let (Some(progress), 111) = (&mut progress, reply.code()) {
                let marker = Marker::parse(111, &reply.text());
                // One that cannot be tells nothing; the copy has failed in any case.
                drop(marker.and_then(|it| progress.add(&it)));
            }
        }
        None
    };
    tokio::time::timeout(EXPLAIN, waiting).await.ok()? // it has nothing to tell
}

/// Aborts what runs and waits for the end of it, so that the file can be removed afterwards.
pub(crate) async fn stop(session: &mut Session) -> Result<()> {
    if !session.owes() || session.is_broken() {
        return Ok(());
    }
    let stopping = async {
        session.send(&["ABOR"]).await?;
        for _ in 0..MAX_REPLIES {
            if !session.owes() {
                break;
            }
            session.next_reply(STOP).await?;
        }
        Ok(())
    };
    match tokio::time::timeout(STOP, stopping).await {
        Ok(done) => done,
        Err(_) => Err(Error::timed_out("abort a copy", STOP)),
    }
}
