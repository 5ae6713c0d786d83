//! A file that an instance reads. How much must come is known here, and a guest that gives more or less
//! is found out.

use std::sync::Arc;

use bytes::Bytes;
use causeway_sdk::{
    BoxFuture, CancelToken, DynRead, Error, ErrorKind, Opened, ReadOptions, Result,
};

use crate::wasm::instance::{Busy, Instance};
use crate::wasm::state::Call;
use crate::wasm::v0_1::Data;

/// Bytes asked for at a time where a file is read piece by piece, when nobody says how many.
const PIECE: u32 = 256 << 10;
/// Within these limits callers may wish: a call for each byte would never end, and a guest answers
/// with all that it is asked for.
const PIECES: std::ops::RangeInclusive<u32> = 64 << 10..=4 << 20;

/// A file being read, and how much of it there must be.
pub(super) struct Reader {
    opened: Opened,
    source: Source,
    /// Bytes that must come, by what the plugin says of the file.
    expected: Option<u64>,
    /// Bytes that were asked for, or that there are.
    most: Option<u64>,
    seen: u64,
    _busy: Busy,
}

impl Reader {
    pub(super) async fn open(
        instance: &Arc<Instance>,
        call: Call,
        url: String,
        options: ReadOptions,
    ) -> Result<Self> {
        let busy = instance.occupy();
        let home = Arc::clone(instance);
        let (piece, wanted, offset) = (options.chunk_hint, options.len, options.offset);
        let given_up = call.given_up.clone();
        let open = instance.run("read", given_up, move |at, exports| {
            Box::pin(async move {
                let reading = exports.open_read(at, call, url, options).await?;
                // In the guest's task: an answer nobody waits for any more closes the file.
                Ok(reading.map(|it| (it.opened, Source::new(home, it.data, piece))))
            })
        });
        let (opened, source) = open.await?;
        let whole = opened.size.map(|size| size.saturating_sub(offset));
        Ok(Self {
            expected: whole.map(|whole| wanted.map_or(whole, |wanted| whole.min(wanted))),
            most: wanted.into_iter().chain(whole).min(),
            seen: 0,
            opened,
            source,
            _busy: busy,
        })
    }

    async fn checked(&mut self) -> Result<Option<Bytes>> {
        let lie = |kind, text: String| Err(Error::new(kind, text).during("read"));
        match self.source.next().await? {
            Some(chunk) if chunk.is_empty() => {
                let text = "read: the plugin gave an empty chunk instead of the end";
                lie(ErrorKind::Internal, text.to_owned())
            }
            Some(chunk) => {
                self.seen += chunk.len() as u64;
                if let Some(most) = self.most.filter(|most| self.seen > *most) {
                    let text =
                        format!("read: the plugin gave more than the {most} bytes that there are");
                    return lie(ErrorKind::Internal, text);
                }
                Ok(Some(chunk))
            }
            None => match self.expected {
                Some(expected) if self.seen < expected => {
                    let seen = self.seen;
                    lie(
                        ErrorKind::Network,
                        format!("read: the file ended after {seen} of {expected} bytes"),
                    )
                }
                _ => Ok(None),
            },
        }
    }
}

impl DynRead for Reader {
    fn opened(&self) -> Opened {
        self.opened.clone()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>>> {
        Box::pin(self.checked())
    }
}

/// Where the bytes of a file come from, and the instance they come from.
struct Source {
    home: Arc<Instance>,
    data: Data,
    piece: u32,
}

impl Source {
    fn new(home: Arc<Instance>, data: Data, piece: u32) -> Self {
        Self {
            home,
            data,
            piece: match piece {
                0 => PIECE,
                wish => wish.clamp(*PIECES.start(), *PIECES.end()),
            },
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        match &mut self.data {
            Data::Stream(incoming) => match incoming.next().await {
                Ok(chunk) => Ok(chunk),
                Err(Some(error)) => Err(error.during("read")),
                Err(None) if self.home.is_fit() => {
                    let text =
                        "read: the plugin ended its stream without saying whether that is all";
                    Err(Error::new(ErrorKind::Internal, text).during("read"))
                }
                Err(None) => Err(self.home.death("read").await),
            },
            Data::Reader(reader) => {
                let (reader, piece) = (*reader, self.piece);
                let nobody = CancelToken::default();
                let read = self.home.run("read", nobody, move |at, exports| {
                    Box::pin(async move { exports.read(at, reader, piece).await })
                });
                read.await
            }
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if let Data::Reader(reader) = self.data {
            self.home.send_off("close a file", move |at, exports| {
                Box::pin(async move { exports.close(at, reader).await })
            });
        }
    }
}
