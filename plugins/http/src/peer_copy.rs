//! Bytes past us: HTTP third-party copy. One storage is sent a COPY and does the work; its answer
//! is a stream of markers and, as the last line, the outcome. Status 201 says only that it began.

use std::sync::Arc;

use causeway_sdk::{
    Access, Copied, CopyRequest, Credential, Ctx, Direction, Error, ErrorKind, LogLevel, Progress,
    ProgressSink, Result, Secret, Url as Surl,
};
use http::{HeaderValue, StatusCode};

use crate::cleanup::{Guard, ONCE, PATIENT};
use crate::error::{from_reqwest, kind_in};
use crate::exchange::{Answer, Request, send};
use crate::macaroon;
use crate::markers::{Event, Markers};
use crate::namespace::look;
use crate::storage::Inner;
use crate::wire::{is_served, to_wire};

/// Lets the storage of the called side copy.
pub(crate) async fn copy(
    inner: &Arc<Inner>,
    cx: &Ctx,
    request: CopyRequest,
    progress: ProgressSink,
) -> Result<Copied> {
    let pair = Pair::of(&request);
    if !is_served(pair.peer.scheme()) {
        let text = format!("copy to or from {}: another protocol", pair.peer);
        return Err(Error::new(ErrorKind::Unsupported, text));
    }
    let token = peer_token(inner, &pair).await?;
    // With a token, what stands at the passive side is asked with it, too: it may be all we have.
    let peer_credential = token.clone().map_or(Credential::None, Credential::Bearer);
    let destination_credential = match request.direction {
        Direction::Pull => cx.credential(),
        Direction::Push => &peer_credential,
    };
    let seen = look(inner, destination_credential, &request.destination).await;
    let by_url_alone = matches!(
        (request.direction, destination_credential),
        (Direction::Push, Credential::None)
    );
    let (before, was_seen) = match seen {
        // A URL that is signed for one method cannot be looked at, and whoever signed it has looked.
        Err(error) if by_url_alone && request.overwrite && error.kind() == ErrorKind::Denied => {
            (None, false)
        }
        seen => (seen?, true),
    };
    if before.is_some() && !request.overwrite {
        let text = format!(
            "copy to {}: something is there already",
            request.destination
        );
        return Err(Error::new(ErrorKind::Exists, text));
    }
    let message = message(inner, cx, &request, &pair, token.as_ref())?;
    let mut guard = Guard::new(inner, destination_credential, &request.destination, before);
    // Dropped in the middle: the server notices only when it writes the next marker.
    guard.look(PATIENT);
    if !was_seen {
        guard.disarm();
    }
    let done = async {
        let url = to_wire(pair.active)?;
        let answer = send(&inner.pool, cx.credential(), &url, message).await?;
        follow(cx, answer, &progress, pair.is_one_server()?).await
    };
    match done.await {
        Ok(copied) => {
            guard.keep();
            Ok(copied)
        }
        Err(error) => {
            guard.look(ONCE);
            guard.remove().await;
            Err(error)
        }
    }
}

/// Who works, and who is worked with.
struct Pair<'a> {
    active: &'a Surl,
    peer: &'a Surl,
    peer_access: Access,
    peer_credential: &'a Credential,
}

impl<'a> Pair<'a> {
    fn of(request: &'a CopyRequest) -> Self {
        let (active, peer, peer_access) = match request.direction {
            Direction::Pull => (&request.destination, &request.source, Access::Read),
            Direction::Push => (&request.source, &request.destination, Access::Write),
        };
        Self {
            active,
            peer,
            peer_access,
            peer_credential: &request.peer_credential,
        }
    }

    /// Both sides are the same host and port: plain WebDAV can do that.
    fn is_one_server(&self) -> Result<bool> {
        Ok(to_wire(self.active)?.origin() == to_wire(self.peer)?.origin())
    }
}

/// What the active side shows to the passive one.
async fn peer_token(inner: &Inner, pair: &Pair<'_>) -> Result<Option<Secret>> {
    match pair.peer_credential {
        Credential::None => Ok(None),
        Credential::Bearer(token) => Ok(Some(token.clone())),
        Credential::X509(_) => {
            let wire = to_wire(pair.peer)?;
            // Without TLS there is no certificate, so there is nothing to pass on either.
            if wire.scheme() != "https" {
                return Ok(None);
            }
            let credential = pair.peer_credential;
            let token = macaroon::request(inner, credential, pair.peer, pair.peer_access);
            token.await.map(Some)
        }
        Credential::Keys { .. } => {
            let text = "copy with access keys: the storages take tokens and certificates";
            Err(Error::new(ErrorKind::Unsupported, text))
        }
    }
}

fn message(
    inner: &Inner,
    cx: &Ctx,
    request: &CopyRequest,
    pair: &Pair<'_>,
    token: Option<&Secret>,
) -> Result<Request> {
    let peer_header = match request.direction {
        Direction::Pull => "source",
        Direction::Push => "destination",
    };
    let flag = |it: bool, yes: &'static str, no: &'static str| if it { yes } else { no };
    let verify = inner.config.require_checksum_verification;
    let mut message = Request::extension("COPY")
        .with(peer_header, to_wire(pair.peer)?)?
        .with("credential", "none")?
        .with("overwrite", flag(request.overwrite, "T", "F"))?
        .with("requirechecksumverification", flag(verify, "true", "false"))?;
    if request.streams > 0 {
        message = message.with("x-number-of-streams", request.streams.to_string())?;
    }
    if let Some(tag) = cx.option("scitag") {
        message = message.with("scitag", tag)?;
    }
    if let Some(token) = token {
        message = message.with(
            "transferheaderauthorization",
            format!("Bearer {}", token.expose().trim()),
        )?;
        hide(&mut message);
    }
    Ok(message)
}

/// Keeps the peer's token out of debug output.
fn hide(message: &mut Request) {
    let value = message.headers.get_mut("transferheaderauthorization");
    if let Some(value) = value {
        HeaderValue::set_sensitive(value, true);
    }
}

/// Reads the answer to its end and tells how it went.
///
/// Plain WebDAV copies within itself and reports nothing. Between two servers that is no success:
/// some look at the host's name alone, take the other port for themselves, and copy nowhere.
async fn follow(
    cx: &Ctx,
    answer: Answer,
    progress: &ProgressSink,
    is_one_server: bool,
) -> Result<Copied> {
    match answer.status() {
        StatusCode::OK | StatusCode::CREATED | StatusCode::ACCEPTED => {}
        StatusCode::PRECONDITION_FAILED => {
            let text = "copy: something is there already";
            return Err(Error::new(ErrorKind::Exists, text).with_remote_status(412));
        }
        StatusCode::NO_CONTENT if is_one_server => return Ok(Copied::default()),
        StatusCode::NO_CONTENT => {
            let text = "copy: the storage copies within itself only";
            return Err(Error::new(ErrorKind::Unsupported, text).with_remote_status(204));
        }
        _ => return Err(answer.into_error("copy").await),
    }
    let Answer { mut response, url } = answer;
    let mut markers = Markers::default();
    let mut has_report = false;
    loop {
        let chunk = response.chunk().await;
        let chunk = chunk.map_err(|source| from_reqwest("copy", &url, source))?;
        let (events, is_over) = match chunk {
            Some(chunk) => (markers.feed(&chunk), false),
            None => (
                std::mem::take(&mut markers).finish().into_iter().collect(),
                true,
            ),
        };
        for event in events {
            has_report = true;
            match event {
                Event::Progress(bytes) => progress.report(Progress { bytes }),
                // The last marker may be old: it is no size of the file.
                Event::Success => return Ok(Copied::default()),
                Event::Failure(text) => return Err(failure(cx, &text)),
            }
        }
        if is_over && is_one_server && !has_report {
            return Ok(Copied::default());
        }
        if is_over {
            let text = "copy: the storage ended its report without an outcome";
            return Err(Error::new(ErrorKind::Network, text));
        }
    }
}

/// The storage took the order and failed. What it says may be about the other side.
fn failure(cx: &Ctx, text: &str) -> Error {
    cx.log(LogLevel::Warn, &format!("third-party copy failed: {text}"));
    let status = remote_status(text);
    let kind = status
        .and_then(|code| StatusCode::from_u16(code).ok())
        .map(crate::error::kind_of)
        .filter(|kind| *kind != ErrorKind::Invalid)
        .or_else(|| kind_in(text))
        .unwrap_or(ErrorKind::Remote);
    let error = Error::new(kind, format!("copy: the storage reported: {text}"));
    match status {
        Some(code) => error.with_remote_status(code.into()),
        None => error,
    }
}

/// The number in `... status code 404 ...` or `rejected GET: 403 Forbidden`.
fn remote_status(text: &str) -> Option<u16> {
    let lower = text.to_ascii_lowercase();
    let behind = [
        "status code",
        "rejected get:",
        "rejected put:",
        "rejected head:",
    ]
    .iter()
    .find_map(|mark| lower.split_once(mark))?
    .1;
    let number: String = behind
        .trim_start_matches([' ', ':', '='])
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    number.parse().ok().filter(|code| (400..600).contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_speak_of_the_other_side() {
        for (text, kind, status) in [
            (
                "Remote side failed with status code 404",
                ErrorKind::NotFound,
                Some(404),
            ),
            ("rejected GET: 403 Forbidden", ErrorKind::Denied, Some(403)),
            ("Checksum mismatch", ErrorKind::Integrity, None),
            ("No space left on device", ErrorKind::NoSpace, None),
            ("something odd", ErrorKind::Remote, None),
            ("status code 7", ErrorKind::Remote, None),
        ] {
            let error = failure(&Ctx::new("t"), text);
            assert_eq!(
                (error.kind(), error.remote_status()),
                (kind, status),
                "{text}"
            );
        }
    }
}
