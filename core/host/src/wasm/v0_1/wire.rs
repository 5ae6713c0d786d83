//! Outgoing HTTP in the types of this version.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use causeway_sdk::{Credential, Error, ErrorKind};
use futures_util::StreamExt as _;
use tokio::sync::{mpsc, oneshot};
use wasmtime::Result;
use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

use super::convert as c;
use super::wit::causeway::storage::types::Error as WitError;
use super::wit::causeway::storage::{http, http_poll, http_types};
use crate::wasm::http::{Body, Incoming, Outgoing, Reply, Request};
use crate::wasm::state::{Held, State};
use crate::wasm::stream::{Giver, bytes_of, ended};

/// Most bytes of one answer to `incoming.read`.
const PIECE: u32 = 4 << 20;

fn request(it: http_types::Request) -> Request {
    Request {
        method: it.method,
        uri: it.uri,
        headers: it.headers,
        timeout: it.timeout_ms.map(Duration::from_millis),
        redirects: it.redirects,
    }
}

fn response(it: &mut Reply) -> http_types::Response {
    http_types::Response {
        status: it.status,
        headers: std::mem::take(&mut it.headers),
        uri: std::mem::take(&mut it.uri),
    }
}

impl State {
    fn held(&self, it: Option<&Resource<Held>>) -> Result<Credential> {
        Ok(match it {
            Some(it) => self.table.get(it)?.0.clone(),
            None => Credential::None,
        })
    }
}

fn stream(
    chunks: mpsc::Receiver<Bytes>,
) -> futures_util::stream::BoxStream<'static, causeway_sdk::Result<Bytes>> {
    futures_util::stream::unfold(chunks, |mut chunks| async move {
        let chunk = chunks.recv().await?;
        Some((Ok(chunk), chunks))
    })
    .boxed()
}

impl http::Host for State {}

impl http::HostWithStore<State> for HasSelf<State> {
    async fn send(
        at: &Accessor<State, Self>,
        asked: http_types::Request,
        credential: Option<Resource<Held>>,
        body: http::Body,
    ) -> Result<Result<http::Exchange, WitError>> {
        let (about, credential) = at.with(|mut store| {
            let state = store.get();
            state.pulse.pause();
            let credential = state.held(credential.as_ref())?;
            wasmtime::error::Ok((Arc::clone(&state.about), credential))
        })?;
        let body = match body {
            http::Body::Empty => Body::Empty,
            http::Body::Bytes(bytes) => Body::Bytes(bytes.into()),
            http::Body::Streamed((data, len)) => Body::Stream(stream(bytes_of(at, data)?), len),
        };
        let answer = about.outbound.send(request(asked), &credential, body).await;
        let mut reply = match answer {
            Ok(reply) => reply,
            Err(error) => return Ok(Err(c::error_out(&error))),
        };
        let (told, end) = oneshot::channel();
        at.with(|mut store| {
            store.get().pulse.beat();
            let response = response(&mut reply);
            let giver = Giver {
                bytes: reply.body,
                told: Some(told),
            };
            let end = async move {
                wasmtime::error::Ok(ended(end).await.map_err(|it| c::error_out(&it)))
            };
            Ok(Ok(http::Exchange {
                response,
                data: StreamReader::new(&mut store, giver)?,
                end: FutureReader::new(&mut store, end)?,
            }))
        })
    }
}

impl http_poll::HostIncoming for State {
    async fn read(
        &mut self,
        it: Resource<Incoming>,
        max: u32,
    ) -> Result<Result<Option<Vec<u8>>, WitError>> {
        let incoming = self.table.get_mut(&it)?;
        let max = max.clamp(1, PIECE) as usize;
        self.pulse.pause();
        if incoming.rest.is_empty() {
            match incoming.body.next().await {
                None => return Ok(Ok(None)),
                Some(Ok(bytes)) => incoming.rest = bytes,
                Some(Err(error)) => return Ok(Err(c::error_out(&error))),
            }
        }
        let piece = incoming.rest.split_to(incoming.rest.len().min(max));
        self.pulse.beat();
        Ok(Ok(Some(piece.into())))
    }

    async fn drop(&mut self, it: Resource<Incoming>) -> Result<()> {
        self.table.delete(it)?;
        Ok(())
    }
}

impl State {
    fn arrived(&mut self, mut reply: Reply) -> Result<(http_types::Response, Resource<Incoming>)> {
        let response = response(&mut reply);
        let incoming = Incoming {
            body: reply.body,
            rest: Bytes::new(),
        };
        self.pulse.beat();
        Ok((response, self.table.push(incoming)?))
    }
}

type Arrived = Result<Result<(http_types::Response, Resource<Incoming>), WitError>>;

impl http_poll::HostOutgoing for State {
    async fn write(
        &mut self,
        it: Resource<Outgoing>,
        data: Vec<u8>,
    ) -> Result<Result<(), WitError>> {
        let outgoing = self.table.get_mut(&it)?;
        let Some(chunks) = &outgoing.chunks else {
            let error = Error::new(ErrorKind::Invalid, "write to a request that was ended");
            return Ok(Err(c::error_out(&error)));
        };
        // A slow server is not the guest's computing.
        self.pulse.pause();
        // Nobody takes the rest when the answer came early; it is told at the end.
        let taken = data.is_empty() || chunks.send(data.into()).await.is_ok();
        self.pulse.beat();
        if !taken {
            outgoing.chunks = None;
        }
        Ok(Ok(()))
    }

    async fn finish(&mut self, it: Resource<Outgoing>) -> Arrived {
        let mut outgoing = self.table.delete(it)?;
        outgoing.chunks = None;
        self.pulse.pause();
        match outgoing.answer().await {
            Ok(reply) => Ok(Ok(self.arrived(reply)?)),
            Err(error) => Ok(Err(c::error_out(&error))),
        }
    }

    async fn drop(&mut self, it: Resource<Outgoing>) -> Result<()> {
        self.table.delete(it)?;
        Ok(())
    }
}

impl http_poll::Host for State {
    async fn send(
        &mut self,
        asked: http_types::Request,
        credential: Option<Resource<Held>>,
        body: Option<Vec<u8>>,
    ) -> Arrived {
        let credential = self.held(credential.as_ref())?;
        let body = body.map_or(Body::Empty, |it| Body::Bytes(it.into()));
        let about = Arc::clone(&self.about);
        self.pulse.pause();
        match about.outbound.send(request(asked), &credential, body).await {
            Ok(reply) => Ok(Ok(self.arrived(reply)?)),
            Err(error) => Ok(Err(c::error_out(&error))),
        }
    }

    async fn begin(
        &mut self,
        asked: http_types::Request,
        credential: Option<Resource<Held>>,
        len: Option<u64>,
    ) -> Result<Result<Resource<Outgoing>, WitError>> {
        let credential = self.held(credential.as_ref())?;
        let about = Arc::clone(&self.about);
        let (chunks, taken) = mpsc::channel(1);
        let body = Body::Stream(stream(taken), len);
        let sending =
            tokio::spawn(
                async move { about.outbound.send(request(asked), &credential, body).await },
            );
        Ok(Ok(self.table.push(Outgoing::new(chunks, sending))?))
    }
}
