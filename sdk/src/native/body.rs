//! Bodies as objects: a file being read or written, behind a C function table.
//!
//! A future that crosses owns what it needs, so a body is shared between its object and the one
//! call in flight. The lock is never waited for: a body serves one call at a time.

use std::sync::Arc;

use causeway_abi::abi_stable::sabi_trait::TD_Opaque;
use causeway_abi::abi_stable::std_types::ROption;
use causeway_abi::storage::{ReadBodyBox, Reading, WriteBodyBox, Writing};
use causeway_abi::values::Written;
use causeway_abi::{self as abi, Chunk, Ext, Reply, storage};

use super::call::reply;
use super::contain::Contained;
use super::convert::{self, Crossing};
use super::slot::Slot;
use crate::storage::{ReadBody, WriteBody};
use crate::{Bytes, Checksum, Error, ErrorKind, Result};

/// What `open_read` answers, before it is an object.
pub(super) struct OpenRead<B>(pub(super) B);
/// What `open_write` answers, before it is an object.
pub(super) struct OpenWrite<B>(pub(super) B);

impl<B: ReadBody> Crossing for OpenRead<B> {
    type Abi = Reading;

    fn into_abi(self) -> Reading {
        let opened = self.0.opened();
        let body = Contained::new(self.0, "a read body");
        Reading {
            opened: opened.into_abi(),
            body: ReadBodyBox::from_value(Reader(Slot::shared(body)), TD_Opaque),
            ext: Ext::NONE,
        }
    }

    fn from_abi(_: Reading) -> Result<Self> {
        Err(Error::unsupported("read"))
    }
}

impl<B: WriteBody> Crossing for OpenWrite<B> {
    type Abi = Writing;

    fn into_abi(self) -> Writing {
        let ext = convert::held_abi(self.0.held());
        let body = Contained::new(self.0, "a write body");
        Writing {
            body: WriteBodyBox::from_value(Writer(Slot::shared(Some(body))), TD_Opaque),
            ext,
        }
    }

    fn from_abi(_: Writing) -> Result<Self> {
        Err(Error::unsupported("write"))
    }
}

struct Reader<B>(Arc<Slot<Contained<B>>>);
struct Writer<B>(Arc<Slot<Option<Contained<B>>>>);

impl<B: ReadBody> storage::ReadBody for Reader<B> {
    fn next(&self) -> Reply<ROption<Chunk>> {
        let body = Arc::clone(&self.0);
        reply("read", None, async move {
            Slot::hold(body)?.get_mut().next().await
        })
    }
}

impl<B: WriteBody> storage::WriteBody for Writer<B> {
    fn write(&self, offset: u64, chunk: Chunk) -> Reply<()> {
        let body = Arc::clone(&self.0);
        reply("write", None, async move {
            let mut body = Slot::hold(body)?;
            let body = body.as_mut().ok_or_else(closed)?.get_mut();
            body.write(offset, Bytes::from(chunk)).await
        })
    }

    fn commit(&self) -> Reply<Written> {
        let body = Arc::clone(&self.0);
        reply("commit", None, async move {
            let body = Slot::hold(body)?.take().ok_or_else(closed)?;
            body.take().commit().await
        })
    }

    fn abort(&self) -> Reply<()> {
        let body = Arc::clone(&self.0);
        reply("abort", None, async move {
            let body = Slot::hold(body)?.take().ok_or_else(closed)?;
            body.take().abort().await;
            Ok(())
        })
    }

    fn keep(&self, offset: u64, len: u64, expected: abi::Checksum) -> Reply<bool> {
        let body = Arc::clone(&self.0);
        let expected = Checksum::from_abi(expected);
        reply("keep", None, async move {
            let mut body = Slot::hold(body)?;
            let body = body.as_mut().ok_or_else(closed)?.get_mut();
            body.keep(offset, len, expected?).await
        })
    }

    fn suspend(&self) -> Reply<()> {
        let body = Arc::clone(&self.0);
        reply("suspend", None, async move {
            let body = Slot::hold(body)?.take().ok_or_else(closed)?;
            body.take().suspend().await;
            Ok(())
        })
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Internal, "use a body after commit or abort")
}
