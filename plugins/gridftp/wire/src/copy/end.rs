//! Ending a copy that failed: finding out why, and stopping the side that still runs.

use std::time::Duration;

use super::{Side, is_telling};
use crate::reply::Reply;
use crate::{Error, Result, Session};

/// How long the other side may take to say what is wrong, when the first only saw something break.
const EXPLAIN: Duration = Duration::from_secs(2);
/// How long the receiver may take to say whether it takes the file. Not long: one that waits for a connection of the
/// sender's has not opened it, and says nothing.
const DOUBT: Duration = Duration::from_millis(300);
/// How long an aborted server may take to stop.
const STOP: Duration = Duration::from_secs(3);
/// Most replies that are read while a server stops.
const MAX_REPLIES: usize = 1000;

/// Who takes note of what the receiver says, also after the failure.
pub(super) trait Witness: Send {
    fn hear(&mut self, reply: &Reply);

    /// True while the receiver has a file to take and has not said whether it does.
    fn is_in_doubt(&self) -> bool;
}

/// Stops what still runs, and answers with the failure that tells most.
pub(super) async fn abandon(
    source: &mut Session,
    destination: &mut Session,
    first: Error,
    witness: &mut dyn Witness,
) -> Error {
    source.link = None;
    destination.link = None;
    let mut told = first;
    if !is_telling(told.kind()) {
        let explained = tokio::join!(
            explanation(source, Side::Source, |_| {}),
            explanation(destination, Side::Destination, |it| witness.hear(it))
        );
        let mut others = [explained.0, explained.1].into_iter().flatten();
        if let Some(other) = others.find(|it| is_telling(it.kind())) {
            told = other;
        }
    }
    let stopping = async {
        // A receiver that is stopped before it has said whose the file is leaves that open.
        drop(tokio::time::timeout(DOUBT, resolve(destination, witness)).await);
        stop(destination, |it| witness.hear(it)).await
    };
    // What comes of it changes nothing: a session that is not idle afterwards is not used again.
    drop(tokio::join!(stop(source, |_| {}), stopping));
    told
}

/// Hears the receiver until it has said whether it takes the file.
async fn resolve(destination: &mut Session, witness: &mut dyn Witness) -> Result<()> {
    while witness.is_in_doubt() && destination.owes() && !destination.is_broken() {
        // Much longer than the limit around it: a session whose own limit ends is not told to stop any more.
        witness.hear(&destination.next_reply(STOP).await?);
    }
    Ok(())
}

/// What a side says that has not said its last word.
async fn explanation(
    session: &mut Session,
    side: Side,
    mut hear: impl FnMut(&Reply),
) -> Option<Error> {
    let waiting = async {
        for _ in 0..MAX_REPLIES {
            if !session.owes() || session.is_broken() {
                break;
            }
            let reply = session.next_reply(EXPLAIN).await.ok()?; // gone as well: nothing to tell
            hear(&reply);
            if reply.code() >= 400 {
                return Some(reply.refusal(side.what()));
            }
        }
        None
    };
    tokio::time::timeout(EXPLAIN, waiting).await.ok()? // it has nothing to tell
}

/// Aborts what runs and waits for the end of it, so that the file can be removed afterwards.
pub(crate) async fn stop(session: &mut Session, mut hear: impl FnMut(&Reply)) -> Result<()> {
    if !session.owes() || session.is_broken() {
        return Ok(());
    }
    let stopping = async {
        session.send(&["ABOR"]).await?;
        for _ in 0..MAX_REPLIES {
            if !session.owes() {
                break;
            }
            hear(&session.next_reply(STOP).await?);
        }
        Ok(())
    };
    match tokio::time::timeout(STOP, stopping).await {
        Ok(done) => done,
        Err(_) => Err(Error::timed_out("abort a copy", STOP)),
    }
}
