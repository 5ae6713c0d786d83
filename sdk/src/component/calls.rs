//! The exports of the world, for every storage: arguments in, the author's method, answer out.

use std::sync::Arc;
use std::time::Duration;

use super::bindings::causeway::storage::{progress, types as wit};
use super::bindings::exports::causeway::storage::{peer_copy, staging, storage as core, turl};
use super::body::{Sink, reading, unless_cancelled};
use super::convert::{
    algorithm_back, checksum, checksum_back, dir_page, error, file_states, page_back,
    read_options_back, space, stat, url_back, urls_back, write_options_back,
};
use super::{CallContext, Plugin, credential, host, storage};
use crate::{
    Access, CopyRequest, Ctx, Direction, Error, ErrorKind, Outcome, ProgressSink, StageRequest,
    Storage, TransferUrl, TurlRequest,
};

type Answer<T> = Result<T, wit::Error>;

/// Lets the author work until it is done, or until the caller has given up.
async fn during<T>(
    caller: CallContext,
    work: impl AsyncFnOnce(&Ctx) -> crate::Result<T>,
) -> Answer<T> {
    during_kept(&Arc::new(caller), work).await
}

/// The same where the caller is still needed afterwards.
async fn during_kept<T>(
    caller: &Arc<CallContext>,
    work: impl AsyncFnOnce(&Ctx) -> crate::Result<T>,
) -> Answer<T> {
    let cx = Ctx::lent(Arc::clone(caller));
    unless_cancelled(caller, work(&cx)).await
}

impl<P: Plugin> core::Guest for P {
    type Writer = Sink<<P::Storage as Storage>::Write>;

    fn create() -> Answer<()> {
        host::tell_panics();
        let made = P::Storage::create(&host::config(), host::host()).map_err(error)?;
        // It lives as long as the instance does.
        let set = P::slot().with(|slot| slot.set(Box::leak(Box::new(made))));
        set.map_err(|_| error(Error::new(ErrorKind::Internal, "create the storage twice")))
    }

    fn describe() -> String {
        let capabilities = storage::<P>().describe();
        serde_json::to_string(&capabilities).expect("capabilities are texts, numbers and lists")
    }

    fn admit(at: String) -> Answer<()> {
        storage::<P>().admit(&url_back(&at)?).map_err(error)
    }

    async fn stat(cx: CallContext, at: String) -> Answer<wit::FileStat> {
        let at = url_back(&at)?;
        let found = during(cx, async |cx| storage::<P>().stat(cx, &at).await).await;
        found.map(stat)
    }

    async fn exists(cx: CallContext, at: String) -> Answer<bool> {
        let at = url_back(&at)?;
        let found = during(cx, async |cx| storage::<P>().exists(cx, &at).await).await;
        found
    }

    async fn list(cx: CallContext, at: String, page: wit::Page) -> Answer<wit::DirPage> {
        let at = url_back(&at)?;
        let listed = during(cx, async |cx| {
            storage::<P>().list(cx, &at, page_back(page)).await
        })
        .await;
        listed.map(dir_page)
    }

    async fn mkdir(cx: CallContext, at: String, parents: bool) -> Answer<()> {
        let at = url_back(&at)?;
        during(cx, async |cx| storage::<P>().mkdir(cx, &at, parents).await).await
    }

    async fn rmdir(cx: CallContext, at: String) -> Answer<()> {
        let at = url_back(&at)?;
        let removed = during(cx, async |cx| storage::<P>().rmdir(cx, &at).await).await;
        removed
    }

    async fn unlink(cx: CallContext, at: String) -> Answer<()> {
        let at = url_back(&at)?;
        let removed = during(cx, async |cx| storage::<P>().unlink(cx, &at).await).await;
        removed
    }

    async fn rename(cx: CallContext, from: String, to: String, overwrite: bool) -> Answer<()> {
        let (from, to) = (url_back(&from)?, url_back(&to)?);
        let renamed = during(cx, async |cx| {
            storage::<P>().rename(cx, &from, &to, overwrite).await
        })
        .await;
        renamed
    }

    async fn checksum(
        cx: CallContext,
        at: String,
        algorithm: wit::Algorithm,
    ) -> Answer<wit::ChecksumValue> {
        let at = url_back(&at)?;
        let algorithm = algorithm_back(algorithm);
        let summed = during(cx, async |cx| {
            storage::<P>().checksum(cx, &at, algorithm).await
        })
        .await;
        summed.map(checksum)
    }

    async fn space(cx: CallContext, at: String) -> Answer<wit::SpaceInfo> {
        let at = url_back(&at)?;
        let room = during(cx, async |cx| storage::<P>().space(cx, &at).await).await;
        room.map(space)
    }

    async fn open_read(
        cx: CallContext,
        at: String,
        options: wit::ReadOptions,
    ) -> Answer<core::Reading> {
        let at = url_back(&at)?;
        let options = read_options_back(options);
        let caller = Arc::new(cx);
        let open = async |cx: &Ctx| storage::<P>().open_read(cx, &at, options).await;
        let body = during_kept(&caller, open).await?;
        Ok(reading(body, caller))
    }

    async fn open_write(
        cx: CallContext,
        at: String,
        options: wit::WriteOptions,
    ) -> Answer<core::Writer> {
        let at = url_back(&at)?;
        let options = write_options_back(options);
        let caller = Arc::new(cx);
        let open = async |cx: &Ctx| storage::<P>().open_write(cx, &at, options).await;
        let body = during_kept(&caller, open).await?;
        Ok(Sink::resource(body, caller))
    }
}

impl<P: Plugin> peer_copy::Guest for P {
    async fn copy(cx: CallContext, request: peer_copy::CopyRequest) -> Answer<peer_copy::Copied> {
        let caller = Arc::new(cx);
        let request = CopyRequest {
            direction: match request.direction {
                peer_copy::Direction::Pull => Direction::Pull,
                peer_copy::Direction::Push => Direction::Push,
            },
            source: url_back(&request.source)?,
            destination: url_back(&request.destination)?,
            peer_credential: credential(request.peer_credential),
            overwrite: request.overwrite,
            streams: request.streams,
            size: request.size,
            expect: request.expect.map(checksum_back),
        };
        let sink = ProgressSink::new({
            let caller = Arc::clone(&caller);
            move |it| progress::report(&caller, it.bytes)
        });
        let copy = async |cx: &Ctx| storage::<P>().copy(cx, request, sink).await;
        let copied = during_kept(&caller, copy).await?;
        Ok(peer_copy::Copied {
            bytes: copied.bytes,
            checksum: copied.checksum.map(checksum),
        })
    }
}

impl<P: Plugin> staging::Guest for P {
    async fn bring_online(
        cx: CallContext,
        request: staging::StageRequest,
    ) -> Answer<staging::Staged> {
        let request = StageRequest {
            files: urls_back(&request.files)?,
            pin: Duration::from_millis(request.pin_ms),
            timeout: Duration::from_millis(request.timeout_ms),
            metadata: request.metadata,
        };
        let staged = during(cx, async |cx| {
            storage::<P>().bring_online(cx, request).await
        })
        .await;
        let staged = staged?;
        Ok(staging::Staged {
            token: staged.token,
            files: file_states(staged.files),
        })
    }

    async fn poll_online(
        cx: CallContext,
        token: String,
        files: Vec<String>,
    ) -> Answer<Vec<staging::FileState>> {
        let files = urls_back(&files)?;
        let states = during(cx, async |cx| {
            storage::<P>().poll_online(cx, &token, &files).await
        })
        .await;
        states.map(file_states)
    }

    async fn release(
        cx: CallContext,
        token: String,
        files: Vec<String>,
    ) -> Answer<Vec<staging::FileState>> {
        let files = urls_back(&files)?;
        let states = during(cx, async |cx| {
            storage::<P>().release(cx, &token, &files).await
        })
        .await;
        states.map(file_states)
    }

    async fn poll_archived(cx: CallContext, files: Vec<String>) -> Answer<Vec<staging::FileState>> {
        let files = urls_back(&files)?;
        let states = during(cx, async |cx| {
            storage::<P>().poll_archived(cx, &files).await
        })
        .await;
        states.map(file_states)
    }
}

impl<P: Plugin> turl::Guest for P {
    async fn resolve(
        cx: CallContext,
        at: String,
        request: turl::TurlRequest,
    ) -> Answer<turl::TransferUrl> {
        let at = url_back(&at)?;
        let request = TurlRequest {
            access: match request.access {
                turl::Access::Read => Access::Read,
                turl::Access::Write => Access::Write,
            },
            schemes: request.schemes,
            size: request.size,
            overwrite: request.overwrite,
        };
        let resolved = during(cx, async |cx| {
            storage::<P>().resolve(cx, &at, request).await
        })
        .await;
        let resolved = resolved?;
        Ok(turl::TransferUrl {
            url: resolved.url.as_str().to_owned(),
            token: resolved.token,
            access: match resolved.access {
                Access::Read => turl::Access::Read,
                Access::Write => turl::Access::Write,
            },
        })
    }

    async fn finish(
        cx: CallContext,
        at: String,
        turl: turl::TransferUrl,
        outcome: turl::Outcome,
    ) -> Answer<()> {
        let at = url_back(&at)?;
        let turl = TransferUrl {
            url: url_back(&turl.url)?,
            token: turl.token,
            access: match turl.access {
                turl::Access::Read => Access::Read,
                turl::Access::Write => Access::Write,
            },
        };
        let outcome = match outcome {
            turl::Outcome::Done => Outcome::Done,
            turl::Outcome::Aborted => Outcome::Aborted,
        };
        let finished = during(cx, async |cx| {
            storage::<P>().finish(cx, &at, &turl, outcome).await
        })
        .await;
        finished
    }
}
