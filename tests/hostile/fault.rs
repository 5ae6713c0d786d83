//! What a hostile plugin does wrong, and how a URL asks for it.

use std::future::Future;

use causeway_sdk::{
    Bytes, Capabilities, Checksum, Copied, DirPage, Progress, ProgressSink, Result, Stat, Url,
};

/// What a plugin does wrong. Every part of it is optional; `how` is the URL's wish.
pub(crate) trait Fault: Sized + Send + Sync + 'static {
    /// Name of the plugin.
    const NAME: &'static str;
    /// Its scheme.
    const SCHEME: &'static str;

    /// Where nothing can be waited for.
    fn strike(_how: &str) {}

    /// At the first poll of a call.
    fn in_call(how: &str, _at: &Url) -> impl Future<Output = Result<()>> + Send {
        let how = how.to_owned();
        async move {
            Self::strike(&how);
            Ok(())
        }
    }

    fn capabilities(it: Capabilities) -> Capabilities {
        it
    }

    fn stat(_how: &str, it: Stat) -> Stat {
        it
    }

    fn checksum(_how: &str, it: Checksum) -> Checksum {
        it
    }

    fn page(_how: &str, it: DirPage) -> DirPage {
        it
    }

    fn chunk(_how: &str, it: Option<Bytes>) -> Option<Bytes> {
        it
    }

    /// Whether what was committed or copied is there afterwards.
    fn keeps(_how: &str) -> bool {
        true
    }

    fn copied(_how: &str, progress: &ProgressSink, it: Copied) -> Copied {
        let bytes = it.bytes.unwrap_or(0);
        progress.report(Progress { bytes });
        it
    }
}

/// Runs a hook when the URL names its method.
pub(crate) fn bent<T>(at: &Url, method: &str, it: T, hook: impl FnOnce(&str, T) -> T) -> T {
    match wish(at, method) {
        Some(how) => hook(&how, it),
        None => it,
    }
}

pub(crate) fn wish(at: &Url, method: &str) -> Option<String> {
    let named = at.query_values("in").any(|it| it == method);
    named.then(|| at.query_values("how").next().unwrap_or_default())
}

pub(crate) fn number(at: &Url, key: &str) -> Option<u64> {
    at.query_values(key).next()?.parse().ok()
}

pub(crate) async fn hit<F: Fault>(method: &str, at: &Url) -> Result<()> {
    match wish(at, method) {
        Some(how) => F::in_call(&how, at).await,
        None => Ok(()),
    }
}
