//! TLS of a component's requests: whom the gateway believes, and as whom it comes.
#![cfg(feature = "wasm")]

mod support;

use std::sync::Arc;

use causeway_host::Host;
use causeway_sdk::{Credential, Ctx, DynStorage, Error, ErrorKind, Result, Secret, Stat};
use serde_json::{Value, json};
use support::guest;
use support::http::calling;
use support::tls::{Authority, Server};

fn granted(grants: Value) -> Arc<dyn DynStorage> {
    let mut grants = grants;
    grants["http"] = json!(["localhost:*", "127.0.0.0/8", "::1/128"]);
    let options = json!({ "grants": grants });
    let plugin = Host::load_file(guest("hostile"), &options).unwrap();
    plugin.storage()
}

async fn call(storage: &Arc<dyn DynStorage>, cx: &Ctx, uri: &str) -> Result<Stat> {
    let query = [("redirects", "1"), ("credential", "1"), ("uri", uri)];
    storage.stat(cx, &calling("hostile", &query)).await
}

/// What the server said of the connection and the certificate that it was shown.
async fn seen(storage: &Arc<dyn DynStorage>, cx: &Ctx, uri: &str) -> (String, String) {
    let text = call(storage, cx, uri).await.unwrap().etag.unwrap();
    let (connection, certificate) = text.split_once(' ').unwrap();
    (connection.to_owned(), certificate.to_owned())
}

fn shows(pem: &str) -> Ctx {
    Ctx::new("test").with_credential(Credential::X509(Secret::new(pem)))
}

fn refused(error: &Error, why: &str) {
    assert_eq!(error.kind(), ErrorKind::Network, "{error:?}");
    assert!(format!("{error:?}").contains(why), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_users_certificate_is_shown_and_no_other() {
    let authority = Authority::new("one");
    let (server, other) = (
        Server::start(&authority, "localhost", 1),
        Server::start(&authority, "localhost", 2),
    );
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    let storage = granted(json!({ "ca_file": file }));
    // A proxy's extension is critical, and few programs know it.
    let (alice, bob) = (authority.proxy("alice"), authority.proxy("bob"));
    let uri = server.url("/file");
    let (first, shown) = seen(&storage, &shows(&alice.pem), &uri).await;
    assert_eq!(shown, alice.fingerprint);
    let (second, shown) = seen(&storage, &shows(&bob.pem), &uri).await;
    assert_eq!(shown, bob.fingerprint);
    let (third, shown) = seen(&storage, &Ctx::new("test"), &uri).await;
    assert_eq!(shown, "nothing");
    // A connection that one of them made is used for nobody else.
    assert!(first != second && second != third && first != third);
    // Another server is not shown what the first was.
    let away = server.url(&format!("/to/{}", other.url("/file")));
    let (_, shown) = seen(&storage, &shows(&alice.pem), &away).await;
    assert_eq!(shown, "nothing");

    let storage = granted(json!({ "ca_file": file, "credentials": ["bearer"] }));
    let error = call(&storage, &shows(&alice.pem), &uri).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    let text = "was not granted to use a user's certificate";
    assert!(error.message().contains(text), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_believed_for_its_name_by_a_known_authority() {
    let (authority, stranger) = (Authority::new("one"), Authority::new("two"));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    let storage = granted(json!({ "ca_file": file }));
    let cx = Ctx::new("test");
    let good = Server::start(&authority, "localhost", 1);
    seen(&storage, &cx, &good.url("/")).await;
    let renamed = Server::start(&authority, "elsewhere.example.org", 2);
    let error = call(&storage, &cx, &renamed.url("/")).await.unwrap_err();
    refused(&error, "not valid for name");
    let unknown = Server::start(&stranger, "localhost", 3);
    let error = call(&storage, &cx, &unknown.url("/")).await.unwrap_err();
    refused(&error, "UnknownIssuer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_certificate_was_revoked_is_not_believed() {
    let authority = Authority::new("one");
    let (good, bad) = (
        Server::start(&authority, "localhost", 1),
        Server::start(&authority, "localhost", 2),
    );
    let directory = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    let fresh = || granted(json!({ "ca_dir": directory.path() }));
    let cx = Ctx::new("test");
    put("0a1b2c3d.0", &authority.pem());
    put("0a1b2c3d.signing_policy", "no certificate at all");
    seen(&fresh(), &cx, &bad.url("/")).await;
    put("0a1b2c3d.r0", &authority.revoked(2));
    // A list that is none keeps nobody from being believed.
    put("0a1b2c3d.r1", "no list at all");
    let storage = fresh();
    let error = call(&storage, &cx, &bad.url("/")).await.unwrap_err();
    refused(&error, "Revoked");
    seen(&storage, &cx, &good.url("/")).await;
}
