//! What a component of the plugin directory may do: what its manifest says, as far as the operator has not said
//! otherwise; and credentials it sees only where the operator said so.
#![cfg(feature = "wasm")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use causeway_host::Host;
use causeway_sdk::{Credential, Ctx, DynStorage, Error, ErrorKind, Secret};
use serde_json::{Value, json};
use support::http::{calling, server};
use support::{guest, install, url};

const NAME: &str = "hostile-component";

fn cx() -> Ctx {
    Ctx::new("test").with_credential(Credential::Bearer(Secret::new("canary-token")))
}

/// The component, in a folder whose manifest asks for this.
fn installed(directory: &Path, permissions: &str) {
    let manifest = install(guest("hostile"), directory).join("plugin.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let text = format!("{text}\n[permissions]\n{permissions}\n");
    std::fs::write(manifest, text).unwrap();
}

/// Loaded as a gateway with this table of the operator's does.
fn storage(directory: &Path, operator: Value) -> Arc<dyn DynStorage> {
    let options = BTreeMap::from([(NAME.to_owned(), operator)]);
    let host = Host::load(&[directory.to_owned()], &options, &[]);
    let shown = host.plugins();
    let handle = host.handle_for_scheme("hostile");
    handle.unwrap_or_else(|_| panic!("{shown:?}")).storage()
}

async fn refused(storage: &Arc<dyn DynStorage>, query: &[(&str, &str)]) -> Error {
    let at = calling("hostile", query);
    storage.stat(&cx(), &at).await.unwrap_err()
}

#[tokio::test]
async fn the_manifest_of_an_installed_component_grants_hosts_and_never_credentials() {
    let (one, two) = (server().await, server().await);
    let directory = tempfile::tempdir().unwrap();
    let asks = format!("http = [\"http://{one}\"]\nmethods = [\"GET\"]\ncredential-reveal = true");
    installed(directory.path(), &asks);
    let (here, there) = (format!("http://{one}/"), format!("http://{two}/"));

    // As it was placed: its hosts and methods, nothing else.
    let as_placed = storage(directory.path(), json!({}));
    let query = [("uri", here.as_str()), ("credential", "1")];
    let stat = as_placed.stat(&cx(), &calling("hostile", &query)).await;
    let seen = stat.unwrap().etag.unwrap();
    assert!(seen.contains("Bearer canary-token"), "{seen}");
    for (query, why) in [
        (vec![("uri", there.as_str())], "the host 127.0.0.1:"),
        (vec![("uri", &here), ("method", "PUT")], "the method PUT"),
    ] {
        let error = refused(&as_placed, &query).await;
        assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
        assert!(error.message().contains(why), "{error:?}");
    }
    // It asks for credentials themselves, and asking is not enough.
    let reveal = url("hostile://h/reveal");
    let error = as_placed.stat(&cx(), &reveal).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    let lacks = format!("no credential_reveal = true in plugins.{NAME}.grants");
    assert!(error.message().contains(&lacks), "{error:?}");
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");

    // The operator's table goes before, key by key.
    let other = json!({ "grants": { "http": [format!("http://{two}")] } });
    let other = storage(directory.path(), other);
    let error = refused(&other, &[("uri", &here)]).await;
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    let granted = calling("hostile", &[("uri", &there)]);
    let stat = other.stat(&cx(), &granted).await;
    assert_eq!(stat.unwrap().size, Some(200));
    let error = other.stat(&cx(), &reveal).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    let trusted = json!({ "grants": { "credential_reveal": true } });
    let trusted = storage(directory.path(), trusted);
    assert_eq!(trusted.stat(&cx(), &reveal).await.unwrap().size, Some(12));
}
