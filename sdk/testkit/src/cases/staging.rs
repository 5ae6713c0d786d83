//! Tape: requests, polling, giving back.

use std::time::Duration;

use causeway_sdk::{FileState, Operation, StageRequest, StagingState, Url};
use tokio::time::sleep;

use super::cases;
use crate::need::Need;
use crate::probe::Probe;
use crate::verdict::{OrFail as _, Verdict, ensure, failed};

const STAGING: Need = Need::Can(Operation::Staging);

cases! {
    "staging/online-and-released" [STAGING, Need::Sample] online_and_released;
    "staging/missing" [STAGING, Need::Kept] missing;
    "staging/unknown-token" [STAGING, Need::Sample] unknown_token;
    "archive/polled" [Need::Can(Operation::Archive), Need::Sample] archived;
}

fn request(files: &[Url]) -> StageRequest {
    StageRequest {
        files: files.to_vec(),
        pin: Duration::from_secs(60),
        timeout: Duration::from_secs(60),
        metadata: vec![String::new(); files.len()],
    }
}

/// Each file is answered for once, and no other.
fn each_once(states: &[FileState], files: &[Url], what: &str) -> Verdict {
    let mut told: Vec<&Url> = states.iter().map(|it| &it.url).collect();
    let mut asked: Vec<&Url> = files.iter().collect();
    told.sort_unstable();
    asked.sort_unstable();
    ensure!(
        told == asked,
        "{what}: asked for {asked:?}, answered for {told:?}"
    );
    Ok(())
}

async fn online_and_released(probe: &Probe) -> Verdict {
    let files = [probe.sample().await?.url];
    let staged = probe
        .storage
        .bring_online(&probe.cx(), request(&files))
        .await;
    let staged = staged.or_fail("bring a file online")?;
    ensure!(!staged.token.is_empty(), "the request has no token");
    for state in &staged.files {
        ensure!(state.url == files[0], "answered for {}", state.url);
    }
    // Bounded by the time limit of the case.
    loop {
        let states = probe
            .storage
            .poll_online(&probe.cx(), &staged.token, &files)
            .await;
        let states = states.or_fail("poll a request")?;
        each_once(&states, &files, "poll a request")?;
        match &states[0].state {
            StagingState::Done => break,
            StagingState::Pending => sleep(Duration::from_millis(50)).await,
            StagingState::Failed(error) => return failed(format!("it failed: {error:?}")),
        }
    }
    let states = probe
        .storage
        .release(&probe.cx(), &staged.token, &files)
        .await;
    each_once(&states.or_fail("release a pin")?, &files, "release a pin")
}

async fn missing(probe: &Probe) -> Verdict {
    let files = [probe.missing()];
    let Ok(staged) = probe
        .storage
        .bring_online(&probe.cx(), request(&files))
        .await
    else {
        return Ok(());
    };
    loop {
        let states = probe
            .storage
            .poll_online(&probe.cx(), &staged.token, &files)
            .await;
        match states.as_deref() {
            Err(_) => return Ok(()),
            Ok([only]) => match only.state {
                StagingState::Failed(_) => return Ok(()),
                StagingState::Done => return failed("what is not there came online"),
                StagingState::Pending => sleep(Duration::from_millis(50)).await,
            },
            Ok(others) => return failed(format!("one file has {} states", others.len())),
        }
    }
}

/// A wrong token is an error or a failed file, never "done" and never a hang.
async fn unknown_token(probe: &Probe) -> Verdict {
    let files = [probe.sample().await?.url];
    let states = probe
        .storage
        .poll_online(&probe.cx(), "no-such-token", &files)
        .await;
    let done = |it: &FileState| it.state == StagingState::Done;
    match states {
        Ok(states) if states.iter().all(done) => failed("an unknown token is done"),
        _ => Ok(()),
    }
}

async fn archived(probe: &Probe) -> Verdict {
    let files = [probe.sample().await?.url];
    let states = probe.storage.poll_archived(&probe.cx(), &files).await;
    each_once(
        &states.or_fail("poll the archive")?,
        &files,
        "poll the archive",
    )
}
