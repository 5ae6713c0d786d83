//! The body of a request on its way out: exactly as many bytes as were announced, or the request fails.

use bytes::Bytes;
use causeway_sdk::{Error, ErrorKind, Result};
use futures_util::stream::{BoxStream, StreamExt as _, TryStreamExt as _, try_unfold};
use reqwest::RequestBuilder;
use reqwest::header::CONTENT_LENGTH;

use super::Body;

/// Puts the body into a request.
pub(super) fn with_body(asked: RequestBuilder, body: Body) -> RequestBuilder {
    match body {
        Body::Empty => asked,
        Body::Bytes(bytes) => asked.body(bytes),
        Body::Stream(stream, None) => asked.body(reqwest::Body::wrap_stream(stream)),
        Body::Stream(stream, Some(len)) => asked
            .header(CONTENT_LENGTH, len)
            .body(reqwest::Body::wrap_stream(exactly(stream, len))),
    }
}

/// The client would cut what is too long, and the server would take what is left for all of it. So the last
/// piece waits until it is known to be the last.
fn exactly(body: BoxStream<'static, Result<Bytes>>, len: u64) -> BoxStream<'static, Result<Bytes>> {
    let pieces = try_unfold((body.fuse(), len), move |(mut body, left)| async move {
        let Some(piece) = body.try_next().await? else {
            return if left == 0 {
                Ok(None)
            } else {
                Err(other("fewer", len))
            };
        };
        let more = || other("more", len);
        let left = left.checked_sub(piece.len() as u64).ok_or_else(more)?;
        while left == 0
            && let Some(beyond) = body.try_next().await?
        {
            if !beyond.is_empty() {
                return Err(more());
            }
        }
        Ok(Some((piece, (body, left))))
    });
    pieces.boxed()
}

fn other(how: &str, len: u64) -> Error {
    let text =
        format!("send the plugin's request: its body has {how} than the {len} bytes it said");
    Error::new(ErrorKind::Network, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream::iter;

    async fn sent(pieces: &[&'static str], len: u64) -> Result<String> {
        let pieces: Vec<_> = pieces.iter().map(|it| Ok(Bytes::from(*it))).collect();
        let sent: Vec<Bytes> = exactly(iter(pieces).boxed(), len).try_collect().await?;
        Ok(String::from_utf8(sent.concat()).unwrap())
    }

    #[tokio::test]
    async fn what_was_announced_is_sent_and_nothing_else() {
        assert_eq!(sent(&["one", "", "two"], 6).await.unwrap(), "onetwo");
        assert_eq!(sent(&["one", ""], 3).await.unwrap(), "one");
        assert_eq!(sent(&[], 0).await.unwrap(), "");
        for (pieces, len, how) in [
            (&["one", "two"][..], 7, "fewer than the 7 bytes"),
            (&["one", "two"], 5, "more than the 5 bytes"),
            (&["one", "", "two"], 3, "more than the 3 bytes"),
        ] {
            let error = sent(pieces, len).await.unwrap_err();
            assert!(
                error.message().ends_with(&format!("{how} it said")),
                "{error}"
            );
        }
    }

    /// Else the server would have a whole request before the rest is seen.
    #[tokio::test]
    async fn the_last_piece_waits_for_the_end() {
        let pieces = iter([Ok("one".into()), Ok("two".into())]);
        let mut sent = exactly(pieces.boxed(), 3);
        assert!(sent.try_next().await.is_err());
    }
}
