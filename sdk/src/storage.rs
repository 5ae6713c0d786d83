//! The contract of a storage. What stands at a method is what the testkit checks.
//!
//! # Rules for every method
//! - Any method may be called from any thread and many at the same time. A body is used by one
//!   task at a time.
//! - Dropping the future is cancellation and may happen at every `.await`. Nothing half done may
//!   stay visible.
//! - The deadline in the context is enforced by the host. Plugins need no timer of their own,
//!   except to answer sooner.
//! - Errors carry no secret. A URL goes into a message through `Display`, which leaves out user
//!   information and query.
//! - An operation is called only if [`Capabilities::operations`] lists it.

use std::future::Future;

use bytes::Bytes;

use crate::{
    Algorithm, Capabilities, Checksum, Copied, CopyRequest, Ctx, DirPage, Error, ErrorKind,
    FileState, Host, Opened, Outcome, Page, ProgressSink, ReadOptions, Result, Space, StageRequest,
    Staged, Stat, TransferUrl, TurlRequest, Url, WriteOptions, Written,
};

/// `Send` where plugins run on many threads, nothing on single-threaded WebAssembly.
#[cfg(not(target_family = "wasm"))]
pub trait MaybeSend: Send {}
#[cfg(not(target_family = "wasm"))]
impl<T: Send + ?Sized> MaybeSend for T {}
/// `Send` where plugins run on many threads, nothing on single-threaded WebAssembly.
#[cfg(target_family = "wasm")]
pub trait MaybeSend {}
#[cfg(target_family = "wasm")]
impl<T: ?Sized> MaybeSend for T {}

/// A storage system, reached by one or more URL schemes.
///
/// Write the methods as `async fn`. The smallest useful storage has `describe`, `stat` and
/// `open_read`; everything else answers "unsupported" until it is written.
///
/// ```
/// use causeway_sdk::*;
///
/// struct Answer;
///
/// impl Storage for Answer {
///     type Read = AnswerBody;
///     type Write = NoBody;
///
///     fn create(_config: &str, _host: Host) -> Result<Self> {
///         Ok(Answer)
///     }
///     fn describe(&self) -> Capabilities {
///         Capabilities {
///             name: "answer".into(),
///             schemes: vec!["answer".into()],
///             operations: [Operation::Stat, Operation::Read].into(),
///             ..Capabilities::default()
///         }
///     }
///     async fn stat(&self, _cx: &Ctx, _at: &Url) -> Result<Stat> {
///         Ok(Stat::file(2))
///     }
///     async fn open_read(&self, _cx: &Ctx, _at: &Url, _options: ReadOptions) -> Result<AnswerBody> {
///         Ok(AnswerBody(Some(Bytes::from_static(b"42"))))
///     }
/// }
///
/// struct AnswerBody(Option<Bytes>);
///
/// impl ReadBody for AnswerBody {
///     fn opened(&self) -> Opened {
///         Opened { size: Some(2), etag: None }
///     }
///     async fn next(&mut self) -> Result<Option<Bytes>> {
///         Ok(self.0.take())
///     }
/// }
/// ```
pub trait Storage: Sized + MaybeSend + Sync + 'static {
    /// A file being read; [`NoBody`] when the storage cannot.
    type Read: ReadBody;
    /// A file being written; [`NoBody`] when the storage cannot.
    type Write: WriteBody;

    /// Makes an instance. `config` is the plugin's table of the configuration as JSON.
    ///
    /// Does not touch the network and does not wait: a storage that is down must not keep the
    /// gateway from starting.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for options that make no sense, naming the option.
    fn create(config: &str, host: Host) -> Result<Self>;

    /// What it can do. The same answer every time; never waits.
    fn describe(&self) -> Capabilities;

    /// Whether a URL may be used with this storage at all, by its looks. Never waits.
    ///
    /// Called when a job is submitted. The message is shown to the user with the URL behind it.
    fn admit(&self, at: &Url) -> Result<()> {
        let _ = at;
        Ok(())
    }

    /// Metadata of what stands at a URL; symbolic links are followed.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is nothing.
    fn stat(&self, cx: &Ctx, at: &Url) -> impl Future<Output = Result<Stat>> + MaybeSend;

    /// Whether something stands at a URL. A storage with a cheaper question than `stat` asks that.
    fn exists(&self, cx: &Ctx, at: &Url) -> impl Future<Output = Result<bool>> + MaybeSend {
        async move {
            match self.stat(cx, at).await {
                Ok(_) => Ok(true),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
                Err(error) => Err(error),
            }
        }
    }

    /// One page of a directory, without `.` and `..`. Never holds a whole directory in memory
    /// when the storage can page.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; [`ErrorKind::NotDirectory`] for a file.
    fn list(
        &self,
        cx: &Ctx,
        at: &Url,
        page: Page,
    ) -> impl Future<Output = Result<DirPage>> + MaybeSend {
        let _ = (cx, at, page);
        async { Err(Error::unsupported("list")) }
    }

    /// Creates a directory; with `parents` also those above, and then an existing one is fine.
    ///
    /// # Errors
    /// [`ErrorKind::Exists`] without `parents`; [`ErrorKind::NotFound`] when one above is missing
    /// and `parents` is false.
    fn mkdir(
        &self,
        cx: &Ctx,
        at: &Url,
        parents: bool,
    ) -> impl Future<Output = Result<()>> + MaybeSend {
        let _ = (cx, at, parents);
        async { Err(Error::unsupported("mkdir")) }
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// [`ErrorKind::NotEmpty`], [`ErrorKind::NotDirectory`], [`ErrorKind::NotFound`].
    fn rmdir(&self, cx: &Ctx, at: &Url) -> impl Future<Output = Result<()>> + MaybeSend {
        let _ = (cx, at);
        async { Err(Error::unsupported("rmdir")) }
    }

    /// Removes a file.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; [`ErrorKind::IsDirectory`] for a directory.
    fn unlink(&self, cx: &Ctx, at: &Url) -> impl Future<Output = Result<()>> + MaybeSend {
        let _ = (cx, at);
        async { Err(Error::unsupported("unlink")) }
    }

    /// Gives a file (or directory, if the capabilities say so) another name on the same storage.
    ///
    /// # Errors
    /// [`ErrorKind::Exists`] when the new name is taken and `overwrite` is false;
    /// [`ErrorKind::NotFound`].
    fn rename(
        &self,
        cx: &Ctx,
        from: &Url,
        to: &Url,
        overwrite: bool,
    ) -> impl Future<Output = Result<()>> + MaybeSend {
        let _ = (cx, from, to, overwrite);
        async { Err(Error::unsupported("rename")) }
    }

    /// Checksum of a whole file, computed by the storage or near it.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for an algorithm that the capabilities do not list.
    fn checksum(
        &self,
        cx: &Ctx,
        at: &Url,
        algorithm: Algorithm,
    ) -> impl Future<Output = Result<Checksum>> + MaybeSend {
        let _ = (cx, at, algorithm);
        async { Err(Error::unsupported("checksum")) }
    }

    /// Room of the storage that holds a URL.
    fn space(&self, cx: &Ctx, at: &Url) -> impl Future<Output = Result<Space>> + MaybeSend {
        let _ = (cx, at);
        async { Err(Error::unsupported("space")) }
    }

    /// Opens a file, or a range of it, for reading. A range past the end yields what there is.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; [`ErrorKind::IsDirectory`]; here or at the first `next`.
    fn open_read(
        &self,
        cx: &Ctx,
        at: &Url,
        options: ReadOptions,
    ) -> impl Future<Output = Result<Self::Read>> + MaybeSend {
        let _ = (cx, at, options);
        async { Err(Error::unsupported("read")) }
    }

    /// Opens a file for writing. Until the commit nothing new is visible under the final name if
    /// [`WriteAbility::atomic`](crate::capability::WriteAbility::atomic) is claimed.
    ///
    /// # Errors
    /// [`ErrorKind::Exists`] when something is there and `overwrite` is false, here or at commit.
    fn open_write(
        &self,
        cx: &Ctx,
        at: &Url,
        options: WriteOptions,
    ) -> impl Future<Output = Result<Self::Write>> + MaybeSend {
        let _ = (cx, at, options);
        async { Err(Error::unsupported("write")) }
    }

    /// Lets this storage copy from or to another by itself. The call lasts as long as the copy;
    /// dropping it stops the copy and removes what it left at the destination if it can.
    fn copy(
        &self,
        cx: &Ctx,
        request: CopyRequest,
        progress: ProgressSink,
    ) -> impl Future<Output = Result<Copied>> + MaybeSend {
        let _ = (cx, request, progress);
        async { Err(Error::unsupported("copy")) }
    }

    /// Asks for files to be brought from tape to disk. Returns at once; the token is polled.
    fn bring_online(
        &self,
        cx: &Ctx,
        request: StageRequest,
    ) -> impl Future<Output = Result<Staged>> + MaybeSend {
        let _ = (cx, request);
        async { Err(Error::unsupported("staging")) }
    }

    /// State of files of a bring-online request.
    fn poll_online(
        &self,
        cx: &Ctx,
        token: &str,
        files: &[Url],
    ) -> impl Future<Output = Result<Vec<FileState>>> + MaybeSend {
        let _ = (cx, token, files);
        async { Err(Error::unsupported("staging")) }
    }

    /// Gives pins back, or aborts a request that still runs.
    fn release(
        &self,
        cx: &Ctx,
        token: &str,
        files: &[Url],
    ) -> impl Future<Output = Result<Vec<FileState>>> + MaybeSend {
        let _ = (cx, token, files);
        async { Err(Error::unsupported("staging")) }
    }

    /// Whether files have reached tape.
    fn poll_archived(
        &self,
        cx: &Ctx,
        files: &[Url],
    ) -> impl Future<Output = Result<Vec<FileState>>> + MaybeSend {
        let _ = (cx, files);
        async { Err(Error::unsupported("archive")) }
    }

    /// The URL where the bytes of a file are or shall go, usually of another scheme. May wait
    /// until the storage has prepared it.
    fn resolve(
        &self,
        cx: &Ctx,
        at: &Url,
        request: TurlRequest,
    ) -> impl Future<Output = Result<TransferUrl>> + MaybeSend {
        let _ = (cx, at, request);
        async { Err(Error::unsupported("turl")) }
    }

    /// Gives a transfer URL back. For writing, [`Outcome::Done`] makes the file visible.
    fn finish(
        &self,
        cx: &Ctx,
        at: &Url,
        turl: &TransferUrl,
        outcome: Outcome,
    ) -> impl Future<Output = Result<()>> + MaybeSend {
        let _ = (cx, at, turl, outcome);
        async { Err(Error::unsupported("turl")) }
    }
}

/// A file, or a range of one, being read.
pub trait ReadBody: MaybeSend + 'static {
    /// What is known of the file.
    fn opened(&self) -> Opened;

    /// The next bytes, in order; `None` at the end. Chunks are never empty and of any size.
    ///
    /// After an error or the end it is not called again. A body that ends early without an error
    /// is a defect: report [`ErrorKind::Network`].
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>>> + MaybeSend;
}

/// A file being written. Dropped without commit means abort: nothing of it may stay visible.
pub trait WriteBody: MaybeSend + 'static {
    /// Takes a chunk that belongs at `offset`. When it returns, the next may come: that is the
    /// whole back-pressure. A sink that moves several chunks at once takes them into a bounded
    /// queue of its own and reports a late failure at the next call.
    ///
    /// Without [`WriteAbility::positional`](crate::capability::WriteAbility::positional) the
    /// offsets come in order and without gap.
    fn write(&mut self, offset: u64, chunk: Bytes) -> impl Future<Output = Result<()>> + MaybeSend;

    /// Makes the file visible, durably.
    fn commit(self) -> impl Future<Output = Result<Written>> + MaybeSend;

    /// Removes everything written. Best effort; called instead of commit.
    fn abort(self) -> impl Future<Output = ()> + MaybeSend;

    /// How far bytes reach that an earlier write under the same
    /// [`WriteOptions::resume`](crate::WriteOptions::resume) left here; 0 when there are none.
    /// There may be holes, and they may be damaged: what of them counts is said with
    /// [`WriteBody::keep`], and all else is written again.
    fn held(&self) -> u64 {
        0
    }

    /// Reads a range back that an earlier write left. If its bytes have this checksum they count as
    /// if they had been written now, and the answer is true. Called before the first `write`.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for an algorithm that the storage does not compute; Adler-32 it
    /// must.
    fn keep(
        &mut self,
        offset: u64,
        len: u64,
        expected: Checksum,
    ) -> impl Future<Output = Result<bool>> + MaybeSend {
        let _ = (offset, len, expected);
        async { Ok(false) }
    }

    /// Ends the write and leaves what came for a later one under the same key. Nothing of it is
    /// visible under the final name, and a storage gets rid of it by itself after a day or so.
    /// Called instead of commit or abort; without a key it is an abort.
    fn suspend(self) -> impl Future<Output = ()> + MaybeSend
    where
        Self: Sized,
    {
        self.abort()
    }
}

/// The body of a storage that does not read, or does not write.
#[derive(Debug)]
pub enum NoBody {}

impl ReadBody for NoBody {
    fn opened(&self) -> Opened {
        match *self {}
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        match *self {}
    }
}

impl WriteBody for NoBody {
    async fn write(&mut self, _offset: u64, _chunk: Bytes) -> Result<()> {
        match *self {}
    }

    async fn commit(self) -> Result<Written> {
        match self {}
    }

    async fn abort(self) {
        match self {}
    }
}
