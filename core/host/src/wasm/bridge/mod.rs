//! A component as a storage of the SDK.
//!
//! An open file stays with the instance that opened it: [`read`] and [`write`]. Dropping a call here
//! tells the guest.

mod read;
mod write;

use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use causeway_sdk::{
    Algorithm, BoxFuture, CancelToken, Capabilities, Checksum, Copied, CopyRequest, Ctx, DirPage,
    DynRead, DynStorage, DynWrite, Error, ErrorKind, FileState, Outcome, Page, ProgressSink,
    ReadOptions, Result, Space, StageRequest, Staged, Stat, TransferUrl, TurlRequest, Url,
    WriteOptions,
};

use self::read::Reader;
use self::write::Writer;
use super::component::Plugin;
use super::http::Wire;
use super::instance::{Work, died};
use super::state::Call;

/// So long the first question to a component may take: an instance is started for it.
const BEGINNING: Duration = Duration::from_secs(10);
/// So long the question about one URL may take, which others wait for.
const ADMISSION: Duration = Duration::from_secs(5);

/// A component, seen as a storage.
pub(crate) struct Bridge {
    plugin: Arc<Plugin>,
    capabilities: Capabilities,
}

impl Bridge {
    /// Starts a first instance and asks it what it is, as JSON.
    pub(super) fn begin(plugin: &Arc<Plugin>) -> Result<String> {
        Self::ask(plugin, "describe", BEGINNING, |at, exports| {
            Box::pin(async move { exports.describe(at).await })
        })
    }

    pub(super) fn new(plugin: Arc<Plugin>, capabilities: Capabilities) -> Self {
        Self {
            plugin,
            capabilities,
        }
    }

    /// Puts something between the plugin and the network, to check the plugin.
    pub(crate) fn through(&self, wire: Arc<dyn Wire>) {
        self.plugin.about.outbound.through(wire);
    }

    /// Waits for an answer, on a thread that is none of the components' and that nobody else needs: it is held
    /// meanwhile. That is not the plugin's doing, and there is an end to it, so nobody has to look after it.
    fn ask<T: Send + 'static>(
        plugin: &Arc<Plugin>,
        operation: &'static str,
        patience: Duration,
        work: impl Work<T>,
    ) -> Result<T> {
        let (reply, answer) = std::sync::mpsc::sync_channel(1);
        let asked = Arc::clone(plugin);
        let call = plugin.shared.runtime.spawn(async move {
            let given_up = CancelToken::default();
            let answer = run(&asked, operation, given_up, work).await;
            // Whoever asked may have lost patience.
            drop(reply.send(answer));
        });
        let name = &plugin.about.name;
        let _waiting = crate::culprit::pause();
        match answer.recv_timeout(patience) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Disconnected) => Err(died(name, operation, "its task ended")),
            Err(RecvTimeoutError::Timeout) => {
                call.abort();
                let text = format!("{operation}: plugin {name} did not answer in time");
                Err(Error::new(ErrorKind::Timeout, text).during(operation))
            }
        }
    }
}

/// Lets an instance do something.
async fn run<T: Send + 'static>(
    plugin: &Arc<Plugin>,
    operation: &'static str,
    given_up: CancelToken,
    work: impl Work<T>,
) -> Result<T> {
    let instance = plugin.instance().await?;
    instance.run(operation, given_up, work).await
}

fn text(url: &Url) -> String {
    url.as_str().to_owned()
}

macro_rules! forward {
    ($( $operation:literal $name:ident ( $($arg:ident : $ty:ty = $to:expr),* ) -> $out:ty ; )*) => { $(
        fn $name<'a>(&'a self, cx: &'a Ctx, $($arg: $ty),*) -> BoxFuture<'a, Result<$out>> {
            // Some cross as they are.
            #[allow(clippy::redundant_locals)]
            let ($( $arg, )*) = ($( $to, )*);
            let call = Call::new(cx);
            Box::pin(run(&self.plugin, $operation, call.given_up.clone(), move |at, exports| {
                Box::pin(async move { exports.$name(at, call, $($arg),*).await })
            }))
        }
    )* };
}

impl DynStorage for Bridge {
    fn describe(&self) -> Capabilities {
        self.capabilities.clone()
    }

    fn admit(&self, at: &Url) -> Result<()> {
        let url = text(at);
        Self::ask(&self.plugin, "admit", ADMISSION, move |at, exports| {
            Box::pin(async move { exports.admit(at, url).await })
        })
    }

    fn open_read<'a>(
        &'a self,
        cx: &'a Ctx,
        at: &'a Url,
        options: ReadOptions,
    ) -> BoxFuture<'a, Result<Box<dyn DynRead>>> {
        Box::pin(async move {
            let instance = self.plugin.instance().await?;
            let reader = Reader::open(&instance, Call::new(cx), text(at), options).await?;
            Ok(Box::new(reader) as Box<dyn DynRead>)
        })
    }

    fn open_write<'a>(
        &'a self,
        cx: &'a Ctx,
        at: &'a Url,
        options: WriteOptions,
    ) -> BoxFuture<'a, Result<Box<dyn DynWrite>>> {
        Box::pin(async move {
            let instance = self.plugin.instance().await?;
            let writer = Writer::open(&instance, Call::new(cx), text(at), options).await?;
            Ok(Box::new(writer) as Box<dyn DynWrite>)
        })
    }

    fn copy<'a>(
        &'a self,
        cx: &'a Ctx,
        request: CopyRequest,
        progress: ProgressSink,
    ) -> BoxFuture<'a, Result<Copied>> {
        let call = Call {
            progress,
            ..Call::new(cx)
        };
        let given_up = call.given_up.clone();
        Box::pin(run(&self.plugin, "copy", given_up, move |at, exports| {
            Box::pin(async move { exports.copy(at, call, request).await })
        }))
    }

    forward! {
        "stat" stat(at: &'a Url = text(at)) -> Stat;
        "stat" exists(at: &'a Url = text(at)) -> bool;
        "list" list(at: &'a Url = text(at), page: Page = page) -> DirPage;
        "mkdir" mkdir(at: &'a Url = text(at), parents: bool = parents) -> ();
        "rmdir" rmdir(at: &'a Url = text(at)) -> ();
        "unlink" unlink(at: &'a Url = text(at)) -> ();
        "rename" rename(from: &'a Url = text(from), to: &'a Url = text(to), overwrite: bool = overwrite) -> ();
        "checksum" checksum(at: &'a Url = text(at), algorithm: Algorithm = algorithm) -> Checksum;
        "space" space(at: &'a Url = text(at)) -> Space;
        "staging" bring_online(request: StageRequest = request) -> Staged;
        "staging" poll_online(token: &'a str = token.to_owned(), files: &'a [Url] = files.to_vec()) -> Vec<FileState>;
        "staging" release(token: &'a str = token.to_owned(), files: &'a [Url] = files.to_vec()) -> Vec<FileState>;
        "archive" poll_archived(files: &'a [Url] = files.to_vec()) -> Vec<FileState>;
        "turl" resolve(at: &'a Url = text(at), request: TurlRequest = request) -> TransferUrl;
        "turl" finish(at: &'a Url = text(at), turl: &'a TransferUrl = turl.clone(), outcome: Outcome = outcome) -> ();
    }
}
