//! Copies that Azure makes by itself. A copy between accounts or of a large blob may go on after
//! the request; it is looked at until it has ended.

use std::time::Duration;

use causeway_sdk::{Copied, Error, ErrorKind, LogLevel, Progress, ProgressSink, Result};
use http::Method;
use tokio::runtime::Handle;

use super::upload::delete;
use super::{unless_taken, url};
use crate::caller::Caller;
use crate::error::at;
use crate::exchange::{Request, send};

/// Pause between two looks at a copy.
const PAUSE: Duration = Duration::from_millis(500);
/// Looks before a copy counts as endless: two weeks, as long as Azure tries.
const MOST_LOOKS: u32 = 2_419_200;

/// Copies a blob within an account, and waits for the end.
pub(super) async fn copy(
    from: &Caller,
    to: &Caller,
    overwrite: bool,
    progress: &ProgressSink,
) -> Result<Copied> {
    if from.place.account != to.place.account {
        let why = "the other account is not this one's to read or write";
        return Err(at(ErrorKind::Unsupported, "copy", &from.place, why));
    }
    let mut source = url(from, &from.place.key, &[])?;
    from.login.sas_query(&mut source);
    let request = Request::new(Method::PUT, url(to, &to.place.key, &[])?)
        .with("x-ms-copy-source", source.as_str())?;
    let request = match overwrite {
        true => request,
        false => request.with("if-none-match", "*")?.once(),
    };
    let answer = send(to, "copy", request).await?;
    let answer = unless_taken(to, answer, "copy", overwrite).await?;
    match answer.header("x-ms-copy-status") {
        Some("pending") => {
            let id = answer.header("x-ms-copy-id").unwrap_or_default().to_owned();
            let running = Running(Some((to.clone(), id)));
            let copied = wait(to, progress).await?;
            running.keep();
            Ok(copied)
        }
        _ => Ok(Copied::default()),
    }
}

/// Looks at a copy until it has ended.
async fn wait(to: &Caller, progress: &ProgressSink) -> Result<Copied> {
    for _ in 0..MOST_LOOKS {
        tokio::time::sleep(PAUSE).await;
        let request = Request::new(Method::HEAD, url(to, &to.place.key, &[])?);
        let answer = send(to, "copy", request).await?.success().await?;
        let done = answer.header("x-ms-copy-progress").and_then(parse_progress);
        if let Some(bytes) = done {
            progress.report(Progress { bytes });
        }
        match answer.header("x-ms-copy-status") {
            Some("pending") => {}
            Some("success") => {
                return Ok(Copied {
                    bytes: done,
                    checksum: None,
                });
            }
            other => {
                let said = answer
                    .header("x-ms-copy-status-description")
                    .unwrap_or_default();
                return Err(failed(
                    to,
                    &format!("{} {said}", other.unwrap_or("unknown")),
                ));
            }
        }
    }
    Err(failed(to, "it does not end"))
}

fn failed(to: &Caller, why: &str) -> Error {
    at(ErrorKind::Remote, "copy", &to.place, why)
}

/// `12/100`: bytes that are there, of so many.
fn parse_progress(text: &str) -> Option<u64> {
    text.split_once('/')?.0.parse().ok()
}

/// A copy that Azure works on; dropped, it is stopped and what came of it is removed.
struct Running(Option<(Caller, String)>);

impl Running {
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some((to, id)) = self.0.take() else {
            return;
        };
        let stop = async move {
            if let Err(error) = stop(&to, &id).await {
                let text = format!("a copy given up may be left: {error}");
                to.inner.host.log(LogLevel::Warn, &text);
            }
        };
        // Without a runtime the process is ending.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(stop);
        }
    }
}

async fn stop(to: &Caller, id: &str) -> Result<()> {
    let query = [("comp", "copy"), ("copyid", id)];
    let request = Request::new(Method::PUT, url(to, &to.place.key, &query)?)
        .with("x-ms-copy-action", "abort")?
        .once();
    // A copy that has ended meanwhile cannot be stopped; what it made is removed all the same.
    send(to, "stop the copy to", request).await?;
    delete(to, None).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read() {
        assert_eq!(parse_progress("12/100"), Some(12));
        assert_eq!(parse_progress("x"), None);
    }
}
