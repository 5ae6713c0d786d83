//! Exchanges of a component that fail when the suite wants it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use causeway_host::wire::{Body, Onwards, Reply, Sent, Wire};
use causeway_sdk::{BoxFuture, Bytes, Error, ErrorKind, Result};
use causeway_testkit::{Network, NetworkFault};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use parking_lot::Mutex;
use tokio::time::sleep;

/// A network that fails on request.
#[derive(Debug, Default)]
pub(in super::super) struct WireFaults {
    fault: Mutex<Option<NetworkFault>>,
    hits: Arc<AtomicU64>,
}

impl Network for WireFaults {
    fn disturb(&self, fault: Option<NetworkFault>) {
        *self.fault.lock() = fault;
    }

    fn hits(&self) -> u64 {
        self.hits.load(Ordering::SeqCst)
    }
}

impl WireFaults {
    fn hit(&self) {
        self.hits.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wire for WireFaults {
    fn exchange<'a>(&'a self, sent: Sent, onwards: Onwards<'a>) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(async move {
            let fault = *self.fault.lock();
            match fault {
                None => onwards(sent.body).await,
                Some(NetworkFault::Delay) => {
                    self.hit();
                    sleep(NetworkFault::DELAY).await;
                    onwards(sent.body).await
                }
                Some(NetworkFault::Reset) => {
                    self.hit();
                    Err(broken("call the server: the connection was reset"))
                }
                Some(NetworkFault::ServerError) => {
                    self.hit();
                    out_of_order(sent).await
                }
                Some(NetworkFault::Truncate) => {
                    let mut reply = onwards(sent.body).await?;
                    reply.body = cut(reply.body, Arc::clone(&self.hits));
                    Ok(reply)
                }
                Some(NetworkFault::Drip) => {
                    self.hit();
                    let mut reply = onwards(sent.body).await?;
                    reply.body = dripping(reply.body);
                    Ok(reply)
                }
            }
        })
    }
}

fn broken(text: &str) -> Error {
    Error::new(ErrorKind::Network, text)
}

/// The server takes what comes, and does nothing with it.
async fn out_of_order(sent: Sent) -> Result<Reply> {
    if let Body::Stream(mut body, _) = sent.body {
        while body.next().await.transpose()?.is_some() {}
    }
    Ok(Reply {
        status: NetworkFault::STATUS,
        headers: vec![("content-length".to_owned(), b"0".to_vec())],
        uri: sent.uri,
        body: stream::empty().boxed(),
    })
}

/// A body that breaks off, if it is long enough.
fn cut(
    body: BoxStream<'static, Result<Bytes>>,
    hits: Arc<AtomicU64>,
) -> BoxStream<'static, Result<Bytes>> {
    let left = NetworkFault::TRUNCATED_AT;
    let start = (Some(body), left, hits);
    stream::unfold(start, async |(body, left, hits)| {
        let mut body = body?;
        if left == 0 {
            hits.fetch_add(1, Ordering::SeqCst);
            let end = broken("read the answer: it ended early");
            return Some((Err(end), (None, 0, hits)));
        }
        let mut chunk = match body.next().await? {
            Ok(chunk) => chunk,
            error => return Some((error, (None, 0, hits))),
        };
        chunk.truncate(left);
        let left = left - chunk.len();
        Some((Ok(chunk), (Some(body), left, hits)))
    })
    .boxed()
}

fn dripping(body: BoxStream<'static, Result<Bytes>>) -> BoxStream<'static, Result<Bytes>> {
    body.flat_map(|chunk| {
        let pieces = match chunk {
            Ok(mut chunk) => {
                let mut pieces = Vec::new();
                while !chunk.is_empty() {
                    let len = chunk.len().min(NetworkFault::DRIP);
                    pieces.push(Ok(chunk.split_to(len)));
                }
                pieces
            }
            error => vec![error],
        };
        stream::iter(pieces)
    })
    .then(async |piece| {
        sleep(NetworkFault::DRIP_PAUSE).await;
        piece
    })
    .boxed()
}
