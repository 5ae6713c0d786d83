//! Files that a component has open, in the SDK's types. Only here do the two kinds of storages differ:
//! one gives a stream, the other is asked for piece after piece.

use bytes::Bytes;
use causeway_sdk as sdk;
use wasmtime::component::ResourceAny;

use super::calls::{Answer, At, either, handle, or_refuse, understood};
use super::convert::{Inward as _, Outward as _, error};
use super::exports::{Core, Exports};
use crate::wasm::state::Call;
use crate::wasm::stream::{self, Incoming};

/// A file an instance reads.
pub(crate) struct Reading {
    pub(crate) opened: sdk::Opened,
    pub(crate) data: Data,
}

/// Where the bytes come from.
pub(crate) enum Data {
    Stream(Incoming),
    /// Asked for piece by piece.
    Reader(ResourceAny),
}

/// A file an instance writes.
pub(crate) struct Writing {
    pub(crate) writer: ResourceAny,
    pub(crate) held: u64,
}

impl Exports {
    pub(crate) async fn open_read(
        &self,
        at: At<'_>,
        call: Call,
        url: String,
        options: sdk::ReadOptions,
    ) -> Answer<Reading> {
        let options = or_refuse!(options.outward());
        let cx = handle(at, call)?;
        let (opened, data) = match &self.storage {
            Core::Streams(guest, _) => {
                let answer = guest.call_open_read(at, cx, url, options).await?;
                let reading = or_refuse!(answer.map_err(error));
                let data = stream::incoming(at, reading.data, reading.end, error)?;
                (reading.opened, Data::Stream(data))
            }
            Core::Poll(guest, _) => {
                let answer = guest.call_open_read(at, cx, url, options).await?;
                let reader = or_refuse!(answer.map_err(error));
                let opened = guest.reader().call_opened(at, reader).await?;
                (opened, Data::Reader(reader))
            }
        };
        Ok(opened.inward().map(|opened| Reading { opened, data }))
    }

    pub(crate) async fn read(
        &self,
        at: At<'_>,
        reader: ResourceAny,
        max: u32,
    ) -> Answer<Option<Bytes>> {
        match &self.storage {
            Core::Streams(..) => Ok(Err(sdk::Error::unsupported("read"))),
            Core::Poll(guest, _) => {
                let answer = guest.reader().call_read(at, reader, max).await?;
                Ok(answer.map(|it| it.map(Bytes::from)).map_err(error))
            }
        }
    }

    pub(crate) async fn close(&self, at: At<'_>, reader: ResourceAny) -> Answer<()> {
        match &self.storage {
            Core::Streams(..) => Ok(Err(sdk::Error::unsupported("read"))),
            Core::Poll(guest, _) => Ok(Ok(guest.reader().call_close(at, reader).await?)),
        }
    }

    pub(crate) async fn open_write(
        &self,
        at: At<'_>,
        call: Call,
        url: String,
        options: sdk::WriteOptions,
    ) -> Answer<Writing> {
        let options = or_refuse!(options.outward());
        let cx = handle(at, call)?;
        let answer = either!(self, it => it.call_open_write(at, cx, url, options))?;
        let writer = or_refuse!(answer.map_err(error));
        let held = either!(self, it => it.writer().call_held(at, writer))?;
        Ok(Ok(Writing { writer, held }))
    }

    pub(crate) async fn write(
        &self,
        at: At<'_>,
        writer: ResourceAny,
        offset: u64,
        chunk: Bytes,
    ) -> Answer<()> {
        let write = match &self.storage {
            Core::Streams(_, write) | Core::Poll(_, write) => *write,
        };
        let (answer,) = write.call_concurrent(at, (writer, offset, chunk)).await?;
        Ok(understood(answer))
    }

    pub(crate) async fn keep(
        &self,
        at: At<'_>,
        writer: ResourceAny,
        offset: u64,
        len: u64,
        expected: sdk::Checksum,
    ) -> Answer<bool> {
        let expected = or_refuse!(expected.outward());
        let answer = either!(self, it => it.writer().call_keep(at, writer, offset, len, expected))?;
        Ok(understood(answer))
    }

    pub(crate) async fn commit(&self, at: At<'_>, writer: ResourceAny) -> Answer<sdk::Written> {
        Ok(understood(
            either!(self, it => it.writer().call_commit(at, writer))?,
        ))
    }

    pub(crate) async fn abort(&self, at: At<'_>, writer: ResourceAny) -> Answer<()> {
        Ok(Ok(either!(self, it => it.writer().call_abort(at, writer))?))
    }

    pub(crate) async fn suspend(&self, at: At<'_>, writer: ResourceAny) -> Answer<()> {
        Ok(Ok(
            either!(self, it => it.writer().call_suspend(at, writer))?,
        ))
    }
}
