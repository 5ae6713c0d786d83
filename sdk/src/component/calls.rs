//! The exports of the world, for every storage: arguments in, the author's method, answer out.

use std::sync::Arc;

use super::bindings::causeway::storage::{progress, types as wit};
use super::bindings::exports::causeway::storage::{peer_copy, staging, storage as core, turl};
use super::body::{Sink, reading, unless_cancelled};
use super::convert::{
    algorithm_back, checksum, copied, copy_request_back, dir_page, error, file_states,
    outcome_back, page_back, read_options_back, space, stage_request_back, staged, stat,
    transfer_url, transfer_url_back, turl_request_back, url_back, urls_back, write_options_back,
};
use super::{CallContext, Plugin, host, storage};
use crate::{Ctx, Error, ErrorKind, ProgressSink, Storage};

type Answer<T> = Result<T, wit::Error>;

/// Lets the author work until it is done, or until the caller has given up.
async fn during<T>(
    caller: &Arc<CallContext>,
    work: impl AsyncFnOnce(&Ctx) -> crate::Result<T>,
) -> Answer<T> {
    let cx = Ctx::lent(Arc::clone(caller));
    unless_cancelled(caller, work(&cx)).await
}

/// Exports that ask the author's method of the same name: each argument as it comes and as the author
/// gets it, and what the answer becomes.
macro_rules! ask {
    ($( $name:ident ( $($arg:ident : $ty:ty => $to:expr),* ) -> $out:ty = $answer:expr; )*) => { $(
        async fn $name(cx: CallContext, $($arg: $ty),*) -> Answer<$out> {
            $( let $arg = $to; )*
            let work = async |cx: &Ctx| storage::<P>().$name(cx, $($arg),*).await;
            during(&Arc::new(cx), work).await.map($answer)
        }
    )* };
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

    ask! {
        stat(at: String => &url_back(&at)?) -> wit::FileStat = stat;
        exists(at: String => &url_back(&at)?) -> bool = |it| it;
        list(at: String => &url_back(&at)?, page: wit::Page => page_back(page)) -> wit::DirPage = dir_page;
        mkdir(at: String => &url_back(&at)?, parents: bool => parents) -> () = |()| ();
        rmdir(at: String => &url_back(&at)?) -> () = |()| ();
        unlink(at: String => &url_back(&at)?) -> () = |()| ();
        rename(from: String => &url_back(&from)?, to: String => &url_back(&to)?, overwrite: bool => overwrite) -> () = |()| ();
        space(at: String => &url_back(&at)?) -> wit::SpaceInfo = space;
    }

    async fn checksum(
        cx: CallContext,
        at: String,
        algorithm: wit::Algorithm,
    ) -> Answer<wit::ChecksumValue> {
        let (at, wanted) = (url_back(&at)?, algorithm_back(algorithm));
        let ask = async |cx: &Ctx| storage::<P>().checksum(cx, &at, wanted).await;
        let told = during(&Arc::new(cx), ask).await?;
        let other = || {
            Error::new(
                ErrorKind::Internal,
                "sum up: another checksum than was asked for",
            )
        };
        checksum(told).ok_or_else(|| error(other()))
    }

    async fn open_read(
        cx: CallContext,
        at: String,
        options: wit::ReadOptions,
    ) -> Answer<core::Reading> {
        let (at, caller) = (url_back(&at)?, Arc::new(cx));
        let options = read_options_back(options);
        let open = async |cx: &Ctx| storage::<P>().open_read(cx, &at, options).await;
        let body = during(&caller, open).await?;
        Ok(reading(body, caller))
    }

    async fn open_write(
        cx: CallContext,
        at: String,
        options: wit::WriteOptions,
    ) -> Answer<core::Writer> {
        let (at, caller) = (url_back(&at)?, Arc::new(cx));
        let options = write_options_back(options);
        let open = async |cx: &Ctx| storage::<P>().open_write(cx, &at, options).await;
        let body = during(&caller, open).await?;
        Ok(Sink::resource(body, caller))
    }
}

impl<P: Plugin> peer_copy::Guest for P {
    async fn copy(cx: CallContext, request: peer_copy::CopyRequest) -> Answer<peer_copy::Copied> {
        let (request, caller) = (copy_request_back(request)?, Arc::new(cx));
        let told = Arc::clone(&caller);
        let sink = ProgressSink::new(move |it| progress::report(&told, it.bytes));
        let copy = async |cx: &Ctx| storage::<P>().copy(cx, request, sink).await;
        during(&caller, copy).await.map(copied)
    }
}

impl<P: Plugin> staging::Guest for P {
    ask! {
        bring_online(request: staging::StageRequest => stage_request_back(request)?) -> staging::Staged = staged;
        poll_online(token: String => &token, files: Vec<String> => &urls_back(&files)?) -> Vec<staging::FileState> = file_states;
        release(token: String => &token, files: Vec<String> => &urls_back(&files)?) -> Vec<staging::FileState> = file_states;
        poll_archived(files: Vec<String> => &urls_back(&files)?) -> Vec<staging::FileState> = file_states;
    }
}

impl<P: Plugin> turl::Guest for P {
    ask! {
        resolve(at: String => &url_back(&at)?, request: turl::TurlRequest => turl_request_back(request)) -> turl::TransferUrl = transfer_url;
        finish(at: String => &url_back(&at)?, turl: turl::TransferUrl => &transfer_url_back(turl)?, outcome: turl::Outcome => outcome_back(outcome)) -> () = |()| ();
    }
}
