//! Keeps what a component and its server say to each other.
//!
//! An exchange is written when its answer has ended, or when the plugin wants no more of it. One that
//! the plugin gives up before there is an answer leaves nothing.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use anyhow::Context as _;
use aws_lc_rs::digest::{Context as Hasher, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causeway_host::wire::{Body, Onwards, Reply, Sent, Wire};
use causeway_sdk::{BoxFuture, Bytes, Error, Result};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _};
use parking_lot::Mutex;

use super::Current;
use super::redact::Redactor;
use super::tape::{Answered, Asked, Exchange, Head, Line, hash, write};

/// Writes a recording.
pub(in super::super) struct Recorder {
    tape: Arc<Mutex<Tape>>,
    case: Current,
    redactor: Redactor,
    number: AtomicU64,
}

struct Tape {
    file: File,
    /// Bodies that are there already.
    bodies: HashSet<String>,
    /// What went wrong first.
    failed: Option<anyhow::Error>,
}

impl Tape {
    fn keep(&mut self, exchange: Exchange, body: Option<&Bytes>) {
        if self.failed.is_none() {
            self.failed = self.try_keep(exchange, body).err();
        }
    }

    fn try_keep(&mut self, exchange: Exchange, body: Option<&Bytes>) -> anyhow::Result<()> {
        if let Some(body) = body
            && self.bodies.insert(hash(body))
        {
            write(&mut self.file, &Line::body(body))?;
        }
        write(&mut self.file, &Line::Exchange(Box::new(exchange)))
    }
}

impl Recorder {
    /// Begins a file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(in super::super) fn create(
        path: &Path,
        head: &Head,
        case: Current,
        redactor: Redactor,
    ) -> anyhow::Result<Self> {
        let what = || format!("write the recording {}", path.display());
        let mut file = File::create(path).with_context(what)?;
        write(&mut file, head).with_context(what)?;
        Ok(Self {
            tape: Arc::new(Mutex::new(Tape {
                file,
                bodies: HashSet::new(),
                failed: None,
            })),
            case,
            redactor,
            number: AtomicU64::new(0),
        })
    }

    /// What went wrong while it was written.
    ///
    /// # Errors
    /// That.
    pub(in super::super) fn finish(&self) -> anyhow::Result<()> {
        match self.tape.lock().failed.take() {
            Some(failed) => Err(failed.context("write the recording")),
            None => Ok(()),
        }
    }

    fn headers(&self, headers: &[(String, Vec<u8>)]) -> Vec<(String, String)> {
        let headers = headers.iter();
        let kept = headers.map(|(name, value)| (name.clone(), self.redactor.header(name, value)));
        kept.collect()
    }
}

impl Wire for Recorder {
    fn exchange<'a>(&'a self, sent: Sent, onwards: Onwards<'a>) -> BoxFuture<'a, Result<Reply>> {
        let number = self.number.fetch_add(1, Ordering::SeqCst);
        let mut asked = Asked {
            method: sent.method,
            uri: self.redactor.uri(&sent.uri),
            headers: self.headers(&sent.headers),
            body: None,
        };
        let case = self.case.lock().clone();
        Box::pin(async move {
            let (body, sum) = summed(sent.body);
            let answer = onwards(body).await;
            asked.body = sum.told();
            let mut exchange = Exchange {
                number,
                case,
                asked,
                answered: Answered::Failed(Error::unsupported("record")),
            };
            let reply = match answer {
                Ok(reply) => reply,
                Err(error) => {
                    exchange.answered = Answered::Failed(error.clone());
                    self.tape.lock().keep(exchange, None);
                    return Err(error);
                }
            };
            exchange.answered = Answered::Reply {
                status: reply.status,
                headers: self.headers(&reply.headers),
                uri: self.redactor.uri(&reply.uri),
                body: String::new(),
                error: None,
            };
            let heard = Heard {
                inner: reply.body,
                bytes: Vec::new(),
                exchange: Some(exchange),
                tape: Arc::clone(&self.tape),
                redactor: self.redactor.clone(),
            };
            Ok(Reply {
                body: heard.boxed(),
                ..reply
            })
        })
    }
}

/// A sum of what is sent.
struct Sum(Option<Arc<Mutex<Hasher>>>);

impl Sum {
    fn told(&self) -> Option<String> {
        let hasher = self.0.as_ref()?.lock().clone();
        Some(STANDARD.encode(hasher.finish()))
    }
}

fn summed(body: Body) -> (Body, Sum) {
    let hasher = Arc::new(Mutex::new(Hasher::new(&SHA256)));
    let sum = Sum(Some(Arc::clone(&hasher)));
    match body {
        Body::Empty => (Body::Empty, Sum(None)),
        Body::Bytes(bytes) => {
            hasher.lock().update(&bytes);
            (Body::Bytes(bytes), sum)
        }
        Body::Stream(stream, len) => {
            let stream = stream.inspect(move |chunk| {
                if let Ok(chunk) = chunk {
                    hasher.lock().update(chunk);
                }
            });
            (Body::Stream(stream.boxed(), len), sum)
        }
    }
}

/// The body of an answer, heard by the recorder as well.
struct Heard {
    inner: BoxStream<'static, Result<Bytes>>,
    bytes: Vec<u8>,
    exchange: Option<Exchange>,
    tape: Arc<Mutex<Tape>>,
    redactor: Redactor,
}

impl Heard {
    /// Writes the exchange down, once.
    fn end(&mut self, why: Option<Error>) {
        let Some(mut exchange) = self.exchange.take() else {
            return;
        };
        let heard = self.redactor.body(&std::mem::take(&mut self.bytes).into());
        if let Answered::Reply { body, error, .. } = &mut exchange.answered {
            *body = hash(&heard);
            *error = why;
        }
        self.tape.lock().keep(exchange, Some(&heard));
    }
}

impl Stream for Heard {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let next = self.inner.poll_next_unpin(cx);
        match &next {
            Poll::Pending => {}
            Poll::Ready(None) => self.end(None),
            Poll::Ready(Some(Ok(chunk))) => self.bytes.extend_from_slice(chunk),
            Poll::Ready(Some(Err(error))) => self.end(Some(error.clone())),
        }
        next
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        self.end(None);
    }
}
