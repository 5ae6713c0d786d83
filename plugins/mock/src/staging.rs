//! Tape: files that take a while to come or to go.
//!
//! The token holds the time of the request, so polling goes on after a restart of the gateway.
//! Within one process the runtime's clock counts as well, which is the one that tests can turn. In a
//! run that can be repeated it is the only one, and tokens hold no time.

use causeway_sdk::{Error, ErrorKind, FileState, Result, StageRequest, Staged, StagingState, Url};
use tokio::time::Duration;

use crate::chance::Chance;
use crate::journal::now_millis;
use crate::memory::Memory;
use crate::script::{Script, fail};

const PREFIX: &str = "mock-";

pub(crate) fn bring_online(memory: &Memory, chance: &Chance, request: &StageRequest) -> Staged {
    let number = chance.number();
    let token = match chance.is_seeded() {
        true => format!("{PREFIX}{number:08x}"),
        false => format!("{PREFIX}{}-{number:08x}", now_millis()),
    };
    memory.staging_began(&token);
    Staged {
        token,
        files: states(&request.files, |script| staged(script, Duration::ZERO)),
    }
}

pub(crate) fn poll(memory: &Memory, token: &str, files: &[Url]) -> Result<Vec<FileState>> {
    let by_wall = began_millis(token);
    let by_wall = by_wall.map(|it| Duration::from_millis(now_millis().saturating_sub(it)));
    let by_runtime = memory.staging_since(token).map(|since| since.elapsed());
    let elapsed = by_wall
        .max(by_runtime)
        .ok_or_else(|| Error::new(ErrorKind::Invalid, "poll a staging request: unknown token"))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Token of a request, and whether its file is online after so long by the runtime's clock.
    async fn ask(memory: &Memory, seed: Option<u64>, wait: u64) -> (String, bool) {
        let files: Vec<Url> = vec!["mock://h/f?staging_time=100".parse().unwrap()];
        let request = StageRequest {
            files: files.clone(),
            pin: Duration::ZERO,
            timeout: Duration::ZERO,
            metadata: vec![String::new()],
        };
        let staged = bring_online(memory, &Chance::new(seed), &request);
        tokio::time::sleep(Duration::from_secs(wait)).await;
        let states = poll(memory, &staged.token, &files).unwrap();
        let online = matches!(states[0].state, StagingState::Done);
        (staged.token, online)
    }

    #[tokio::test(start_paused = true)]
    async fn a_seeded_request_is_the_same_every_time_and_good_in_its_process() {
        let memory = Memory::new(None);
        let (token, online) = ask(&memory, Some(1), 99).await;
        assert!(!online && began_millis(&token).is_none());
        assert_eq!(ask(&memory, Some(1), 101).await, (token.clone(), true));
        let elsewhere = Memory::new(None);
        assert!(poll(&elsewhere, &token, &[]).is_err());
        // By chance it holds its time, so another process goes on with it.
        let (token, online) = ask(&memory, None, 101).await;
        assert!(online && began_millis(&token).is_some());
        assert!(poll(&elsewhere, &token, &[]).is_ok());
    }
}
