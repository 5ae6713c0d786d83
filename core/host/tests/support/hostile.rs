//! The component that does what it must not.

use std::sync::Arc;
use std::time::Duration;

use causeway_host::Host;
use causeway_sdk::{Ctx, DynStorage, Error, ErrorKind, Retry, Url};
use serde_json::Value;

use super::{guest, url};

pub(crate) fn hostile() -> Arc<dyn DynStorage> {
    let plugin = Host::load_file(guest("hostile"), &Value::Null);
    plugin.unwrap().storage()
}

pub(crate) fn at(how: &str) -> Url {
    url(&format!("hostile://h/{how}"))
}

pub(crate) fn cx() -> Ctx {
    Ctx::new("test").with_timeout(Duration::from_secs(60))
}

/// The instance ended, not the storage: the plugin is named.
pub(crate) fn assert_stopped(error: &Error, why: &str) {
    assert_eq!(error.kind(), ErrorKind::Internal, "{error:?}");
    assert_eq!(error.retry(), Retry::Soon, "{error:?}");
    let named = error.message().contains("plugin hostile was stopped");
    assert!(named && error.message().contains(why), "{error:?}");
}

pub(crate) async fn works(storage: &Arc<dyn DynStorage>) {
    let stat = storage.stat(&cx(), &at("file")).await;
    assert_eq!(stat.unwrap().size, Some(10));
}
