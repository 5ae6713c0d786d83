//! What a handler leaves unread of a request's body.
//!
//! A refusal is decided on the head of a request, often before its body has come. Were the body
//! dropped then, HTTP/2 would reset the stream behind the answer (RFC 9113, section 8.1) and
//! HTTP/1.1 would close the connection under a client that is still sending: some clients, curl 7.88
//! among them, tell of a broken stream instead of the answer. So a short rest is read before the answer
//! goes out, and a long one is kept until the answer is out.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::HeaderMap;
use http::header::EXPECT;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// Most that is read of what nobody wants. Whatever a client has sent in one go fits.
const LARGEST: usize = 256 << 10;
/// Longest that an answer waits for it.
const LONGEST: Duration = Duration::from_secs(1);

/// A body in two hands: the handler reads, and what it leaves is here.
pub(super) struct Unread {
    body: Arc<Mutex<Body>>,
    waits: bool,
}

impl Unread {
    /// The body as the handler gets it, and the hand on its rest.
    pub(super) fn of(body: Body, headers: &HeaderMap) -> (Body, Self) {
        let body = Arc::new(Mutex::new(body));
        let unread = Self {
            body: Arc::clone(&body),
            waits: headers.contains_key(EXPECT),
        };
        (Body::new(Shared(body)), unread)
    }

    /// Reads a short rest, and ties a longer one to the answer.
    pub(super) async fn settle(self, response: Response) -> Response {
        let body = Body::new(Shared(self.body));
        if body.is_end_stream() {
            return response;
        }
        let mut rest = body.into_data_stream();
        // A client that waits to be told to go on would be, by the first look at its body. Too much, too
        // slow, or broken off: the answer stands, whatever becomes of the rest.
        let is_over = !self.waits
            && tokio::time::timeout(LONGEST, read(&mut rest))
                .await
                .unwrap_or(false);
        if is_over {
            return response;
        }
        response.map(|answer| {
            Body::new(Tied {
                answer,
                _rest: rest,
            })
        })
    }
}

/// Whether that was all of it.
async fn read(rest: &mut BodyDataStream) -> bool {
    let mut seen = 0;
    while let Some(chunk) = rest.next().await {
        seen += chunk.map_or(LARGEST, |it| it.len());
        if seen >= LARGEST {
            return false;
        }
    }
    true
}

/// One of the two hands. They never read at the same time: the handler is over when the rest is read.
struct Shared(Arc<Mutex<Body>>);

impl Shared {
    fn with<T>(&self, look: impl FnOnce(&mut Body) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.with(|it| Pin::new(it).poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|it| it.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|it| it.size_hint())
    }
}

/// An answer that keeps the rest of its request until it is out.
struct Tied {
    answer: Body,
    _rest: BodyDataStream,
}

impl HttpBody for Tied {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.answer).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.answer.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.answer.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use futures_util::stream;
    use http_body_util::BodyExt as _;
    use tokio::sync::mpsc;

    use super::*;

    type Sender = mpsc::UnboundedSender<Result<Bytes, std::io::Error>>;

    /// A body that comes piece by piece.
    fn coming() -> (Sender, Body) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let pieces = stream::unfold(
            receiver,
            |mut it| async move { Some((it.recv().await?, it)) },
        );
        (sender, Body::from_stream(pieces))
    }

    /// Sends pieces of 64 KiB for as long as somebody holds the body.
    fn send(sender: Sender, pieces: usize) -> bool {
        let piece = Bytes::from_static(&[0; 64 << 10]);
        (0..pieces).all(|_| sender.send(Ok(piece.clone())).is_ok())
    }

    async fn text(response: Response) -> Bytes {
        response.into_body().collect().await.unwrap().to_bytes()
    }

    #[tokio::test]
    async fn a_short_rest_is_read_before_the_answer_goes_out() {
        let (sender, body) = coming();
        let (handed, unread) = Unread::of(body, &HeaderMap::new());
        drop(handed);
        let answer = tokio::spawn(unread.settle("no".into_response()));
        tokio::task::yield_now().await;
        assert!(!answer.is_finished(), "the body has not come yet");
        assert!(send(sender.clone(), 1));
        drop(sender);
        assert_eq!(text(answer.await.unwrap()).await, "no");
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_that_does_not_come_is_kept_until_the_answer_is_out() {
        let (sender, body) = coming();
        let (handed, unread) = Unread::of(body, &HeaderMap::new());
        drop(handed);
        let answer = unread.settle("no".into_response()).await;
        assert!(!sender.is_closed());
        assert_eq!(text(answer).await, "no");
        assert!(sender.is_closed());
    }

    #[tokio::test]
    async fn no_more_than_so_much_is_read() {
        let (sender, body) = coming();
        let (handed, unread) = Unread::of(body, &HeaderMap::new());
        drop(handed);
        assert!(send(sender.clone(), 5));
        let answer = unread.settle("no".into_response()).await;
        assert!(!sender.is_closed());
        assert_eq!(text(answer).await, "no");
    }

    /// RFC 9110, section 10.1.1: it sends when it is told to, or not at all.
    #[tokio::test]
    async fn who_waits_to_be_told_to_go_on_is_not_told() {
        let looked = Arc::new(Mutex::new(false));
        let seen = Arc::clone(&looked);
        let body = stream::poll_fn(move |_| {
            *seen.lock().unwrap() = true;
            Poll::Ready(None::<Result<Bytes, std::io::Error>>)
        });
        let expects = [(EXPECT, "100-continue".parse().unwrap())];
        let headers = expects.into_iter().collect();
        let (handed, unread) = Unread::of(Body::from_stream(body), &headers);
        drop(handed);
        let answer = unread.settle("no".into_response()).await;
        assert_eq!(text(answer).await, "no");
        assert!(!*looked.lock().unwrap());
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_costs_no_answer() {
        let (sender, body) = coming();
        let (handed, unread) = Unread::of(body, &HeaderMap::new());
        drop(handed);
        sender.send(Err(std::io::Error::other("gone"))).unwrap();
        let answer = unread.settle("no".into_response()).await;
        assert_eq!(text(answer).await, "no");
    }

    #[tokio::test]
    async fn what_was_read_is_not_asked_for_again() {
        let (mut handed, unread) = Unread::of(Body::from("all"), &HeaderMap::new());
        assert_eq!(handed.size_hint().exact(), Some(3));
        let first = handed.frame().await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap(), "all");
        drop(handed);
        let answer = unread.settle("yes".into_response()).await;
        assert_eq!(text(answer).await, "yes");
    }
}
