//! Calling a component: one function for each operation that asks and answers, in the SDK's types.
//! Open files are the business of [`files`](super::files).

use causeway_sdk as sdk;
use wasmtime::Result;
use wasmtime::component::{Accessor, Resource};

use super::convert::{Inward, Outward, copy_request_out, error};
use super::exports::{Core, Exports};
use super::wit::causeway::storage::types as wit;
use crate::wasm::state::{Call, Held, State};

pub(super) type At<'a> = &'a Accessor<State>;

/// The outer result is the instance's, the inner one the storage's.
pub(super) type Answer<T> = Result<sdk::Result<T>>;

/// A handle by which the guest knows the call.
pub(super) fn handle(at: At<'_>, call: Call) -> Result<Resource<Call>> {
    Ok(at.with(|mut store| store.data_mut().table.push(call))?)
}

/// What the guest answered, in the SDK's types.
pub(super) fn understood<T: Inward<U>, U>(answer: Result<T, wit::Error>) -> sdk::Result<U> {
    answer.map_err(error).and_then(Inward::inward)
}

/// What may be wrong before the guest is asked, or instead of an answer, is the answer.
macro_rules! or_refuse {
    ($asked:expr) => {
        match $asked {
            Ok(asked) => asked,
            Err(error) => return Ok(Err(error)),
        }
    };
}
pub(super) use or_refuse;

/// Asks a storage of either kind: both have the same calls, by types of their own.
macro_rules! either {
    ($self:ident, $guest:ident => $call:expr) => {
        match &$self.storage {
            Core::Streams($guest, _) => $call.await,
            Core::Poll($guest, _) => $call.await,
        }
    };
}
pub(super) use either;

/// Operations that every storage exports.
macro_rules! calls {
    ($( $name:ident = $call:ident ( $($arg:ident : $ty:ty),* ) -> $out:ty; )*) => { $(
        pub(crate) async fn $name(&self, at: At<'_>, call: Call, $($arg: $ty),*) -> Answer<$out> {
            $( let $arg = or_refuse!($arg.outward()); )*
            let cx = handle(at, call)?;
            Ok(understood(either!(self, it => it.$call(at, cx, $($arg),*))?))
        }
    )* };
}

/// Operations of a part that a component may leave out, and what is unsupported then.
macro_rules! calls_of {
    ($part:ident, $( $what:literal $name:ident = $call:ident ( $($arg:ident : $ty:ty),* ) -> $out:ty; )*) => { $(
        pub(crate) async fn $name(&self, at: At<'_>, call: Call, $($arg: $ty),*) -> Answer<$out> {
            let Some(guest) = &self.$part else {
                return Ok(Err(sdk::Error::unsupported($what)));
            };
            $( let $arg = or_refuse!($arg.outward()); )*
            let cx = handle(at, call)?;
            Ok(understood(guest.$call(at, cx, $($arg),*).await?))
        }
    )* };
}

impl Exports {
    pub(crate) async fn create(&self, at: At<'_>) -> Answer<()> {
        Ok(understood(either!(self, it => it.call_create(at))?))
    }

    pub(crate) async fn describe(&self, at: At<'_>) -> Answer<String> {
        Ok(Ok(either!(self, it => it.call_describe(at))?))
    }

    pub(crate) async fn admit(&self, at: At<'_>, url: String) -> Answer<()> {
        Ok(understood(either!(self, it => it.call_admit(at, url))?))
    }

    calls! {
        stat = call_stat(url: String) -> sdk::Stat;
        exists = call_exists(url: String) -> bool;
        list = call_list(url: String, page: sdk::Page) -> sdk::DirPage;
        mkdir = call_mkdir(url: String, parents: bool) -> ();
        rmdir = call_rmdir(url: String) -> ();
        unlink = call_unlink(url: String) -> ();
        rename = call_rename(from: String, to: String, overwrite: bool) -> ();
        checksum = call_checksum(url: String, algorithm: sdk::Algorithm) -> sdk::Checksum;
        space = call_space(url: String) -> sdk::Space;
    }

    calls_of! { staging,
        "staging" bring_online = call_bring_online(request: sdk::StageRequest) -> sdk::Staged;
        "staging" poll_online = call_poll_online(token: String, files: Vec<sdk::Url>) -> Vec<sdk::FileState>;
        "staging" release = call_release(token: String, files: Vec<sdk::Url>) -> Vec<sdk::FileState>;
        "archive" poll_archived = call_poll_archived(files: Vec<sdk::Url>) -> Vec<sdk::FileState>;
    }

    calls_of! { turl,
        "turl" resolve = call_resolve(url: String, request: sdk::TurlRequest) -> sdk::TransferUrl;
        "turl" finish = call_finish(url: String, turl: sdk::TransferUrl, outcome: sdk::Outcome) -> ();
    }

    pub(crate) async fn copy(
        &self,
        at: At<'_>,
        call: Call,
        request: sdk::CopyRequest,
    ) -> Answer<sdk::Copied> {
        let Some(guest) = &self.copy else {
            return Ok(Err(sdk::Error::unsupported("copy")));
        };
        let cx = handle(at, call)?;
        let held = Held(request.peer_credential.clone());
        let peer = at.with(|mut store| store.data_mut().table.push(held))?;
        let request = or_refuse!(copy_request_out(request, peer));
        Ok(understood(guest.call_copy(at, cx, request).await?))
    }
}
