//! Answers a component from a recording.
//!
//! A request is answered by the first exchange of its case that was the same and was not used yet; when
//! all were used, by the last of them; when the case has none, by one of another case. Two requests are
//! the same when method, URI and body are, and headers if there is a choice.

use std::collections::HashSet;

use aws_lc_rs::digest::{Context as Hasher, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causeway_host::wire::{Body, Onwards, Reply, Sent, Wire};
use causeway_sdk::{BoxFuture, Bytes, Error, ErrorKind, Result, Retry};
use futures_util::{StreamExt as _, stream};
use parking_lot::Mutex;

use super::Current;
use super::redact::Redactor;
use super::tape::{Answered, Asked, Exchange, Recording, hash};

/// A server made of a recording.
pub(in super::super) struct Replay {
    recording: Recording,
    case: Current,
    redactor: Redactor,
    used: Mutex<HashSet<u64>>,
}

impl Replay {
    pub(in super::super) fn new(recording: Recording, case: Current, redactor: Redactor) -> Self {
        Self {
            recording,
            case,
            redactor,
            used: Mutex::default(),
        }
    }

    /// The exchange that fits best.
    fn find(&self, asked: &Asked, case: &str) -> Option<&Exchange> {
        let alike = |it: &&Exchange| {
            let other = &it.asked;
            (&other.method, &other.uri, &other.body) == (&asked.method, &asked.uri, &asked.body)
        };
        let all: Vec<&Exchange> = self.recording.exchanges.iter().filter(alike).collect();
        let mut used = self.used.lock();
        let fresh = |it: &&&Exchange| !used.contains(&it.number);
        let here = |it: &&&Exchange| it.case == case;
        let exact = |it: &&&Exchange| it.asked.headers == asked.headers;
        let found = all
            .iter()
            .find(|it| here(it) && exact(it) && fresh(it))
            .or_else(|| all.iter().rfind(|it| here(it) && exact(it)))
            .or_else(|| all.iter().find(|it| here(it) && fresh(it)))
            .or_else(|| all.iter().rfind(|it| here(it)))
            .or_else(|| all.iter().rfind(|it| exact(it)))
            .or_else(|| all.last())?;
        used.insert(found.number);
        Some(found)
    }

    fn answer(&self, exchange: &Exchange) -> Result<Reply> {
        let (status, headers, uri, body, error) = match &exchange.answered {
            Answered::Failed(error) => return Err(error.clone()),
            Answered::Reply {
                status,
                headers,
                uri,
                body,
                error,
            } => (*status, headers, uri, body, error),
        };
        let bytes = self.recording.bodies.get(body).cloned();
        let bytes = bytes.ok_or_else(|| missing("it lacks a body"))?;
        let chunk = Some(bytes).filter(|it: &Bytes| !it.is_empty());
        let parts = chunk.map(Ok).into_iter().chain(error.clone().map(Err));
        let parts: Vec<Result<Bytes>> = parts.collect();
        let headers = headers.iter();
        Ok(Reply {
            status,
            headers: headers
                .map(|(name, value)| (name.clone(), value.clone().into_bytes()))
                .collect(),
            uri: uri.clone(),
            body: stream::iter(parts).boxed(),
        })
    }
}

impl Wire for Replay {
    fn exchange<'a>(&'a self, sent: Sent, _onwards: Onwards<'a>) -> BoxFuture<'a, Result<Reply>> {
        let headers = sent.headers.iter();
        let mut asked = Asked {
            method: sent.method,
            uri: self.redactor.uri(&sent.uri),
            headers: headers
                .map(|(name, value)| (name.clone(), self.redactor.header(name, value)))
                .collect(),
            body: None,
        };
        let case = self.case.lock().clone();
        Box::pin(async move {
            asked.body = sum(sent.body).await?;
            let Some(exchange) = self.find(&asked, &case) else {
                let what = format!("{} {} is not in it", asked.method, asked.uri);
                return Err(missing(&what));
            };
            self.answer(exchange)
        })
    }
}

async fn sum(body: Body) -> Result<Option<String>> {
    Ok(match body {
        Body::Empty => None,
        Body::Bytes(bytes) => Some(hash(&bytes)),
        Body::Stream(mut stream, _) => {
            let mut hasher = Hasher::new(&SHA256);
            while let Some(chunk) = stream.next().await.transpose()? {
                hasher.update(&chunk);
            }
            Some(STANDARD.encode(hasher.finish()))
        }
    })
}

fn missing(what: &str) -> Error {
    let text = format!("answer from the recording: {what}");
    Error::new(ErrorKind::Internal, text).with_retry(Retry::Never)
}
