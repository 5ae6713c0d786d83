//! What a component exports, and calling it: one function for each operation, in the SDK's types.
//!
//! A component of the world `plugin` or `plugin-full` exports `storage`, one of `plugin-poll` exports
//! `storage-poll`; to who calls there is no difference except how a file is read.

use bytes::Bytes;
use causeway_sdk as sdk;
use wasmtime::component::{Accessor, Instance, InstancePre, Resource, ResourceAny, TypedFunc};
use wasmtime::{AsContextMut, Result};

use super::convert as c;
use super::wit::causeway::storage::types as wit;
use super::wit::exports::causeway::storage as exports;
use crate::wasm::state::{Call, Held, State};
use crate::wasm::stream::{self, Incoming};

/// Places of what a component exports, found once.
pub(crate) struct Indices {
    storage: CoreIndices,
    copy: Option<exports::peer_copy::GuestIndices>,
    staging: Option<exports::staging::GuestIndices>,
    turl: Option<exports::turl::GuestIndices>,
}

enum CoreIndices {
    Streams(exports::storage::GuestIndices),
    Poll(exports::storage_poll::GuestIndices),
}

impl Indices {
    /// Finds the exports; an error when there is no storage among them.
    pub(crate) fn new(pre: &InstancePre<State>) -> Result<Self> {
        let storage = match exports::storage_poll::GuestIndices::new(pre) {
            Ok(poll) => CoreIndices::Poll(poll),
            Err(_) => CoreIndices::Streams(exports::storage::GuestIndices::new(pre)?),
        };
        // These a component may leave out, and then has not that ability.
        Ok(Self {
            storage,
            copy: exports::peer_copy::GuestIndices::new(pre).ok(),
            staging: exports::staging::GuestIndices::new(pre).ok(),
            turl: exports::turl::GuestIndices::new(pre).ok(),
        })
    }

    /// Name of the world the exports belong to.
    pub(crate) fn world(&self) -> &'static str {
        match &self.storage {
            CoreIndices::Poll(_) => "plugin-poll",
            CoreIndices::Streams(_) => {
                let full = self.copy.is_some() || self.staging.is_some() || self.turl.is_some();
                if full { "plugin-full" } else { "plugin" }
            }
        }
    }

    /// It takes one call at a time.
    pub(crate) fn is_serial(&self) -> bool {
        matches!(self.storage, CoreIndices::Poll(_))
    }

    /// The exports of one instance.
    pub(crate) fn load(
        &self,
        mut store: impl AsContextMut<Data = State>,
        instance: &Instance,
    ) -> Result<Exports> {
        let storage = match &self.storage {
            CoreIndices::Streams(it) => {
                let guest = it.load(&mut store, instance)?;
                let write = guest.writer().func_write().func().typed(&store)?;
                Core::Streams(Box::new(guest), write)
            }
            CoreIndices::Poll(it) => {
                let guest = it.load(&mut store, instance)?;
                let write = guest.writer().func_write().func().typed(&store)?;
                Core::Poll(Box::new(guest), write)
            }
        };
        let copy = self.copy.as_ref();
        let staging = self.staging.as_ref();
        let turl = self.turl.as_ref();
        Ok(Exports {
            storage,
            copy: copy.map(|it| it.load(&mut store, instance)).transpose()?,
            staging: staging
                .map(|it| it.load(&mut store, instance))
                .transpose()?,
            turl: turl.map(|it| it.load(&mut store, instance)).transpose()?,
        })
    }
}

/// Takes the chunk as it is, so that it is copied once.
type Write = TypedFunc<(ResourceAny, u64, Bytes), (Result<(), wit::Error>,)>;

/// What one instance exports.
pub(crate) struct Exports {
    storage: Core,
    copy: Option<exports::peer_copy::Guest>,
    staging: Option<exports::staging::Guest>,
    turl: Option<exports::turl::Guest>,
}

enum Core {
    Streams(Box<exports::storage::Guest>, Write),
    Poll(Box<exports::storage_poll::Guest>, Write),
}

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

type At<'a> = &'a Accessor<State>;

/// The outer result is the instance's, the inner one the storage's.
type Answer<T> = Result<sdk::Result<T>>;

fn handle(at: At<'_>, call: Call) -> Result<Resource<Call>> {
    Ok(at.with(|mut store| store.data_mut().table.push(call))?)
}

fn understood<T, U>(answer: Result<T, wit::Error>, to: impl FnOnce(T) -> U) -> sdk::Result<U> {
    answer.map(to).map_err(c::error)
}

fn missing<T>(operation: &str) -> Answer<T> {
    Ok(Err(sdk::Error::unsupported(operation)))
}

/// Calls what both kinds of storages have under the same name.
macro_rules! either {
    ($self:ident, $call:ident ( $($arg:expr),* )) => {
        match &$self.storage {
            Core::Streams(guest, _) => guest.$call($($arg),*).await,
            Core::Poll(guest, _) => guest.$call($($arg),*).await,
        }
    };
}

/// The same for a writer.
macro_rules! writer {
    ($self:ident, $call:ident ( $($arg:expr),* )) => {
        match &$self.storage {
            Core::Streams(guest, _) => guest.writer().$call($($arg),*).await,
            Core::Poll(guest, _) => guest.writer().$call($($arg),*).await,
        }
    };
}

impl Exports {
    pub(crate) async fn create(&self, at: At<'_>) -> Answer<()> {
        Ok(understood(either!(self, call_create(at))?, |()| ()))
    }

    pub(crate) async fn describe(&self, at: At<'_>) -> Answer<String> {
        Ok(Ok(either!(self, call_describe(at))?))
    }

    pub(crate) async fn admit(&self, at: At<'_>, url: String) -> Answer<()> {
        Ok(understood(either!(self, call_admit(at, url))?, |()| ()))
    }

    pub(crate) async fn stat(&self, at: At<'_>, call: Call, url: String) -> Answer<sdk::Stat> {
        let cx = handle(at, call)?;
        Ok(understood(either!(self, call_stat(at, cx, url))?, c::stat))
    }

    pub(crate) async fn exists(&self, at: At<'_>, call: Call, url: String) -> Answer<bool> {
        let cx = handle(at, call)?;
        Ok(understood(either!(self, call_exists(at, cx, url))?, |it| {
            it
        }))
    }

    pub(crate) async fn list(
        &self,
        at: At<'_>,
        call: Call,
        url: String,
        page: sdk::Page,
    ) -> Answer<sdk::DirPage> {
        let (cx, page) = (handle(at, call)?, c::page_out(page));
        let answer = either!(self, call_list(at, cx, url, page))?;
        Ok(understood(answer, c::dir_page))
    }

    pub(crate) async fn mkdir(
        &self,
        at: At<'_>,
        call: Call,
        url: String,
        parents: bool,
    ) -> Answer<()> {
        let cx = handle(at, call)?;
        let answer = either!(self, call_mkdir(at, cx, url, parents))?;
        Ok(understood(answer, |()| ()))
    }

    pub(crate) async fn rmdir(&self, at: At<'_>, call: Call, url: String) -> Answer<()> {
        let cx = handle(at, call)?;
        Ok(understood(either!(self, call_rmdir(at, cx, url))?, |()| ()))
    }

    pub(crate) async fn unlink(&self, at: At<'_>, call: Call, url: String) -> Answer<()> {
        let cx = handle(at, call)?;
        Ok(understood(
            either!(self, call_unlink(at, cx, url))?,
            |()| {},
        ))
    }

    pub(crate) async fn rename(
        &self,
        at: At<'_>,
        call: Call,
        from: String,
        to: String,
        overwrite: bool,
    ) -> Answer<()> {
        let cx = handle(at, call)?;
        let answer = either!(self, call_rename(at, cx, from, to, overwrite))?;
        Ok(understood(answer, |()| ()))
    }

    pub(crate) async fn checksum(
        &self,
        at: At<'_>,
        call: Call,
        url: String,
        algorithm: sdk::Algorithm,
    ) -> Answer<sdk::Checksum> {
        let algorithm = match c::algorithm_for(algorithm) {
            Ok(algorithm) => algorithm,
            Err(error) => return Ok(Err(error)),
        };
        let cx = handle(at, call)?;
        let answer = either!(self, call_checksum(at, cx, url, algorithm))?;
        Ok(understood(answer, c::checksum))
    }

    pub(crate) async fn space(&self, at: At<'_>, call: Call, url: String) -> Answer<sdk::Space> {
        let cx = handle(at, call)?;
        Ok(understood(
            either!(self, call_space(at, cx, url))?,
            c::space,
        ))
    }

    pub(crate) async fn open_read(
        &self,
        at: At<'_>,
        call: Call,
        url: String,
        options: sdk::ReadOptions,
    ) -> Answer<Reading> {
        let (cx, options) = (handle(at, call)?, c::read_options_out(options));
        match &self.storage {
            Core::Streams(guest, _) => {
                let answer = guest.call_open_read(at, cx, url, options).await?;
                let reading = match answer {
                    Ok(reading) => reading,
                    Err(error) => return Ok(Err(c::error(error))),
                };
                let data = stream::incoming(at, reading.data, reading.end, c::error)?;
                Ok(Ok(Reading {
                    opened: c::opened(reading.opened),
                    data: Data::Stream(data),
                }))
            }
            Core::Poll(guest, _) => {
                let reader = match guest.call_open_read(at, cx, url, options).await? {
                    Ok(reader) => reader,
                    Err(error) => return Ok(Err(c::error(error))),
                };
                let opened = guest.reader().call_opened(at, reader).await?;
                Ok(Ok(Reading {
                    opened: c::opened(opened),
                    data: Data::Reader(reader),
                }))
            }
        }
    }

    pub(crate) async fn read(
        &self,
        at: At<'_>,
        reader: ResourceAny,
        max: u32,
    ) -> Answer<Option<Bytes>> {
        match &self.storage {
            Core::Streams(..) => missing("read"),
            Core::Poll(guest, _) => {
                let answer = guest.reader().call_read(at, reader, max).await?;
                Ok(understood(answer, |it| it.map(Bytes::from)))
            }
        }
    }

    pub(crate) async fn close(&self, at: At<'_>, reader: ResourceAny) -> Answer<()> {
        match &self.storage {
            Core::Streams(..) => missing("read"),
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
        let (cx, options) = (handle(at, call)?, c::write_options_out(options));
        let writer = match either!(self, call_open_write(at, cx, url, options))? {
            Ok(writer) => writer,
            Err(error) => return Ok(Err(c::error(error))),
        };
        let held = writer!(self, call_held(at, writer))?;
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
        Ok(understood(answer, |()| ()))
    }

    pub(crate) async fn keep(
        &self,
        at: At<'_>,
        writer: ResourceAny,
        offset: u64,
        len: u64,
        expected: sdk::Checksum,
    ) -> Answer<bool> {
        let expected = match c::checksum_out(&expected) {
            Ok(expected) => expected,
            Err(error) => return Ok(Err(error)),
        };
        let answer = writer!(self, call_keep(at, writer, offset, len, expected))?;
        Ok(understood(answer, |it| it))
    }

    pub(crate) async fn commit(&self, at: At<'_>, writer: ResourceAny) -> Answer<sdk::Written> {
        let answer = writer!(self, call_commit(at, writer))?;
        Ok(understood(answer, c::written))
    }

    pub(crate) async fn abort(&self, at: At<'_>, writer: ResourceAny) -> Answer<()> {
        Ok(Ok(writer!(self, call_abort(at, writer))?))
    }

    pub(crate) async fn suspend(&self, at: At<'_>, writer: ResourceAny) -> Answer<()> {
        Ok(Ok(writer!(self, call_suspend(at, writer))?))
    }

    pub(crate) async fn copy(
        &self,
        at: At<'_>,
        call: Call,
        request: sdk::CopyRequest,
    ) -> Answer<sdk::Copied> {
        let Some(guest) = &self.copy else {
            return missing("copy");
        };
        let cx = handle(at, call)?;
        let held = Held(request.peer_credential.clone());
        let peer = at.with(|mut store| store.data_mut().table.push(held))?;
        let request = c::copy_request_out(&request, peer);
        Ok(understood(
            guest.call_copy(at, cx, request).await?,
            c::copied,
        ))
    }

    pub(crate) async fn bring_online(
        &self,
        at: At<'_>,
        call: Call,
        request: sdk::StageRequest,
    ) -> Answer<sdk::Staged> {
        let Some(guest) = &self.staging else {
            return missing("staging");
        };
        let (cx, request) = (handle(at, call)?, c::stage_request_out(request));
        let answer = guest.call_bring_online(at, cx, request).await?;
        Ok(understood(answer, c::staged).and_then(|it| it))
    }

    pub(crate) async fn poll_online(
        &self,
        at: At<'_>,
        call: Call,
        token: String,
        files: Vec<sdk::Url>,
    ) -> Answer<Vec<sdk::FileState>> {
        let Some(guest) = &self.staging else {
            return missing("staging");
        };
        let (cx, files) = (handle(at, call)?, c::urls_out(&files));
        let answer = guest.call_poll_online(at, cx, token, files).await?;
        Ok(understood(answer, c::file_states).and_then(|it| it))
    }

    pub(crate) async fn release(
        &self,
        at: At<'_>,
        call: Call,
        token: String,
        files: Vec<sdk::Url>,
    ) -> Answer<Vec<sdk::FileState>> {
        let Some(guest) = &self.staging else {
            return missing("staging");
        };
        let (cx, files) = (handle(at, call)?, c::urls_out(&files));
        let answer = guest.call_release(at, cx, token, files).await?;
        Ok(understood(answer, c::file_states).and_then(|it| it))
    }

    pub(crate) async fn poll_archived(
        &self,
        at: At<'_>,
        call: Call,
        files: Vec<sdk::Url>,
    ) -> Answer<Vec<sdk::FileState>> {
        let Some(guest) = &self.staging else {
            return missing("archive");
        };
        let (cx, files) = (handle(at, call)?, c::urls_out(&files));
        let answer = guest.call_poll_archived(at, cx, files).await?;
        Ok(understood(answer, c::file_states).and_then(|it| it))
    }

    pub(crate) async fn resolve(
        &self,
        at: At<'_>,
        call: Call,
        url: String,
        request: sdk::TurlRequest,
    ) -> Answer<sdk::TransferUrl> {
        let Some(guest) = &self.turl else {
            return missing("turl");
        };
        let (cx, request) = (handle(at, call)?, c::turl_request_out(request));
        let answer = guest.call_resolve(at, cx, url, request).await?;
        Ok(understood(answer, c::transfer_url).and_then(|it| it))
    }

    pub(crate) async fn finish(
        &self,
        at: At<'_>,
        call: Call,
        url: String,
        turl: sdk::TransferUrl,
        outcome: sdk::Outcome,
    ) -> Answer<()> {
        let Some(guest) = &self.turl else {
            return missing("turl");
        };
        let (cx, turl) = (handle(at, call)?, c::transfer_url_out(&turl));
        let answer = guest
            .call_finish(at, cx, url, turl, c::outcome_for(outcome))
            .await?;
        Ok(understood(answer, |()| ()))
    }
}
