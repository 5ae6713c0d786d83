//! Objects in an archive: restores asked for and watched.
//!
//! S3 keeps the state of a restore with the object, so a request needs no memory of ours: the token
//! only says that it is one of these, and survives every restart.

use std::time::Duration;

use causeway_sdk::{
    Error, ErrorKind, FileState, Result, StageRequest, Staged, StagingState, Url as Surl,
};
use futures_util::StreamExt as _;
use futures_util::stream;
use http::{Method, StatusCode};

use crate::caller::Caller;
use crate::exchange::{Request, send};
use crate::inspect::{Archived, head, nothing};
use crate::place::Place;
use crate::xml;

const TOKEN: &str = "s3-restore-1";
/// Files of one request that are asked for at the same time.
const PARALLEL: usize = 16;
const DAY: u64 = 24 * 3600;
/// Most files in one call of the gateway.
pub(crate) const BULK: u32 = 1000;

/// Asks for restores.
pub(crate) async fn bring_online(caller: &Caller, request: StageRequest) -> Result<Staged> {
    let days = days(request.pin);
    let ask = |url: Surl| async move {
        let state = match ask(caller, &url, days).await {
            Ok(state) => state,
            Err(error) => StagingState::Failed(error),
        };
        FileState { url, state }
    };
    let asked = stream::iter(request.files).map(ask).buffered(PARALLEL);
    let mut files: Vec<FileState> = asked.collect().await;
    files.retain(|it| it.state != StagingState::Pending);
    Ok(Staged {
        token: TOKEN.to_owned(),
        files,
    })
}

/// S3 counts in days.
fn days(pin: Duration) -> u64 {
    pin.as_secs().div_ceil(DAY).max(1)
}

async fn ask(caller: &Caller, url: &Surl, days: u64) -> Result<StagingState> {
    let place = caller.place(url)?;
    match archived(caller, &place).await? {
        Archived::No => Ok(StagingState::Done),
        Archived::Restoring => Ok(StagingState::Pending),
        // Asked again, the copy stays as long as this caller wants it.
        Archived::Restored => {
            restore(caller, &place, Some(days)).await?;
            Ok(StagingState::Done)
        }
        Archived::Yes { is_tiering } => {
            let days = Some(days).filter(|_| !is_tiering);
            restore(caller, &place, days).await?;
            Ok(StagingState::Pending)
        }
    }
}

async fn archived(caller: &Caller, place: &Place) -> Result<Archived> {
    let answer = head(caller, place).await?;
    let answer = answer.ok_or_else(|| nothing("bring online", place))?;
    Ok(Archived::of(answer.response.headers()))
}

async fn restore(caller: &Caller, place: &Place, days: Option<u64>) -> Result<()> {
    let body = xml::restore(days, &caller.inner.config.restore_tier);
    let request = Request::new(Method::POST)
        .query("restore", "")
        .with("content-type", "application/xml")?
        .body(body);
    let answer = send(caller, place, request).await?;
    // Another one asked before us.
    if answer.status() == StatusCode::CONFLICT {
        return Ok(());
    }
    answer.success("restore").await.map(drop)
}

fn check(token: &str) -> Result<()> {
    if token == TOKEN {
        return Ok(());
    }
    let text = "look after a restore: the token is not one of this storage";
    Err(Error::new(ErrorKind::NotFound, text))
}

/// How far restores have come.
pub(crate) async fn poll(caller: &Caller, token: &str, files: &[Surl]) -> Result<Vec<FileState>> {
    check(token)?;
    let look = |url: Surl| async move {
        let state = match state(caller, &url).await {
            Ok(state) => state,
            Err(error) => StagingState::Failed(error),
        };
        FileState { url, state }
    };
    let looked = stream::iter(files.to_vec()).map(look).buffered(PARALLEL);
    Ok(looked.collect().await)
}

async fn state(caller: &Caller, url: &Surl) -> Result<StagingState> {
    let place = caller.place(url)?;
    Ok(match archived(caller, &place).await? {
        Archived::No | Archived::Restored => StagingState::Done,
        Archived::Restoring => StagingState::Pending,
        Archived::Yes { .. } => {
            let why = "it is in the archive, and no restore is going on";
            let error = crate::error::at(ErrorKind::NotOnline, "bring online", &place, why);
            StagingState::Failed(error)
        }
    })
}

/// S3 takes restored copies away by itself when their days are over, and stops no restore.
pub(crate) fn release(token: &str, files: &[Surl]) -> Result<Vec<FileState>> {
    check(token)?;
    let done = |url: &Surl| FileState {
        url: url.clone(),
        state: StagingState::Done,
    };
    Ok(files.iter().map(done).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_whole_days() {
        for (seconds, expected) in [(0, 1), (1, 1), (DAY, 1), (DAY + 1, 2), (7 * DAY, 7)] {
            assert_eq!(days(Duration::from_secs(seconds)), expected, "{seconds}");
        }
    }

    #[test]
    fn foreign_tokens_are_refused() {
        assert!(release(TOKEN, &[]).is_ok());
        assert!(release("s3-restore-", &[]).is_err());
    }
}
