//! Tape: files that take a while to come or to go.
//!
//! The token holds the time of the request, so polling goes on after a restart of the gateway.
//! Within one process the runtime's clock counts as well, which is the one that tests can turn.

use causeway_sdk::{Error, ErrorKind, FileState, Result, StageRequest, Staged, StagingState, Url};
use tokio::time::Duration;

use crate::journal::now_millis;
use crate::memory::Memory;
use crate::script::{Script, fail};

const PREFIX: &str = "mock-";

pub(crate) fn bring_online(memory: &Memory, request: &StageRequest) -> Staged {
    let token = format!("{PREFIX}{}-{:08x}", now_millis(), rand::random::<u32>());
    memory.staging_began(&token);
    Staged {
        token,
        files: states(&request.files, |script| staged(script, Duration::ZERO)),
    }
}

pub(crate) fn poll(memory: &Memory, token: &str, files: &[Url]) -> Result<Vec<FileState>> {
    let began = began_millis(token)
        .ok_or_else(|| Error::new(ErrorKind::Invalid, "poll a staging request: unknown token"))?;
    let by_wall = Duration::from_millis(now_millis().saturating_sub(began));
    let by_runtime = memory
        .staging_since(token)
        .map_or(Duration::ZERO, |since| since.elapsed());
    let elapsed = by_wall.max(by_runtime);
    Ok(states(files, |script| staged(script, elapsed)))
}

pub(crate) fn release(files: &[Url]) -> Vec<FileState> {
    states(files, |script| done_or(script.release_errno))
}

pub(crate) fn archived(memory: &Memory, files: &[Url]) -> Vec<FileState> {
    let state = |at: &Url| {
        let script = Script::of(at);
        if script.archiving_time.is_zero() {
            return done_or(script.archiving_errno);
        }
        if memory.archiving_since(at).elapsed() < script.archiving_time {
            return StagingState::Pending;
        }
        done_or(script.archiving_errno)
    };
    let file = |at: &Url| FileState {
        url: at.clone(),
        state: state(at),
    };
    files.iter().map(file).collect()
}

fn states(files: &[Url], state: impl Fn(&Script) -> StagingState) -> Vec<FileState> {
    let file = |at: &Url| FileState {
        url: at.clone(),
        state: state(&Script::of(at)),
    };
    files.iter().map(file).collect()
}

fn staged(script: &Script, elapsed: Duration) -> StagingState {
    if elapsed < script.staging_time {
        return StagingState::Pending;
    }
    done_or(script.staging_errno)
}

fn done_or(errno: i32) -> StagingState {
    match fail(errno) {
        Ok(()) => StagingState::Done,
        Err(error) => StagingState::Failed(error),
    }
}

fn began_millis(token: &str) -> Option<u64> {
    let (millis, _) = token.strip_prefix(PREFIX)?.split_once('-')?;
    millis.parse().ok()
}
