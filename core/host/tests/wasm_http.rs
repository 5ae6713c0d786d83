//! What a component reaches through the gateway, and what the gateway puts into its requests.
#![cfg(feature = "wasm")]

mod support;

use std::sync::Arc;

use causeway_host::Host;
use causeway_sdk::{Credential, Ctx, DynStorage, Error, ErrorKind, Result, Secret, Stat};
use serde_json::{Value, json};
use support::http::{calling, server};
use support::{guest, url};

fn granted(grants: Value) -> Arc<dyn DynStorage> {
    let options = json!({ "grants": grants });
    Host::load_file(guest("hostile"), &options)
        .unwrap()
        .storage()
}

async fn call(storage: &Arc<dyn DynStorage>, cx: &Ctx, query: &[(&str, &str)]) -> Result<Stat> {
    storage.stat(cx, &calling("hostile", query)).await
}

fn cx() -> Ctx {
    Ctx::new("test").with_credential(Credential::Bearer(Secret::new("canary-token")))
}

fn assert_denied(error: &Error, why: &str) {
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    let named = error.message().contains("plugin hostile was not granted");
    assert!(named && error.message().contains(why), "{error:?}");
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[tokio::test]
async fn a_token_goes_with_the_request_and_is_not_shown() {
    let server = server().await;
    let storage = granted(json!({ "http": [format!("http://{server}")] }));
    let uri = format!("http://{server}/file");
    let plain = call(&storage, &cx(), &[("uri", &uri)]).await.unwrap();
    assert_eq!(plain.size, Some(200));
    assert!(!plain.etag.unwrap().contains("canary"));
    let with = call(&storage, &cx(), &[("uri", &uri), ("credential", "1")])
        .await
        .unwrap();
    assert!(
        with.etag
            .unwrap()
            .contains("authorization: Bearer canary-token")
    );

    let reveal = url("hostile://h/reveal");
    let error = storage.stat(&cx(), &reveal).await.unwrap_err();
    assert_denied(&error, "that");
    let storage = granted(json!({ "credential_reveal": true }));
    assert_eq!(storage.stat(&cx(), &reveal).await.unwrap().size, Some(12));
}

#[tokio::test]
async fn a_kind_of_credential_needs_its_grant() {
    let server = server().await;
    let grants = json!({ "http": [format!("http://{server}")], "credentials": ["x509"] });
    let storage = granted(grants);
    let uri = format!("http://{server}/");
    let error = call(&storage, &cx(), &[("uri", &uri), ("credential", "1")])
        .await
        .unwrap_err();
    assert_denied(&error, "to use a user's token");
}

#[tokio::test]
async fn a_host_that_was_not_granted_is_not_called() {
    let (one, two) = (server().await, server().await);
    let nothing = granted(json!({}));
    let uri = format!("http://{one}/");
    assert_denied(
        &call(&nothing, &cx(), &[("uri", &uri)]).await.unwrap_err(),
        "the host 127.0.0.1",
    );
    let storage = granted(json!({ "http": [format!("http://{one}")] }));
    let other = format!("http://{two}/");
    assert_denied(
        &call(&storage, &cx(), &[("uri", &other)]).await.unwrap_err(),
        &two.to_string(),
    );
    let error = call(&storage, &cx(), &[("uri", &uri), ("method", "CONNECT")])
        .await
        .unwrap_err();
    assert_denied(&error, "the method CONNECT");
    let storage = granted(json!({ "http": [format!("http://{one}")], "methods": ["HEAD"] }));
    let error = call(&storage, &cx(), &[("uri", &uri)]).await.unwrap_err();
    assert_denied(&error, "the method GET");
}

#[tokio::test]
async fn a_redirect_is_looked_at_like_a_request() {
    let (one, two) = (server().await, server().await);
    let both = [format!("http://{one}"), format!("http://{two}")];
    let away = format!("http://{one}/to/http:!{two}/there");
    let query = [
        ("uri", away.as_str()),
        ("redirects", "3"),
        ("credential", "1"),
    ];
    let storage = granted(json!({ "http": both[..1] }));
    assert_denied(
        &call(&storage, &cx(), &query).await.unwrap_err(),
        &two.to_string(),
    );
    // Where it is granted, the token stays behind.
    let storage = granted(json!({ "http": both }));
    let there = call(&storage, &cx(), &query).await.unwrap().etag.unwrap();
    assert!(
        there.starts_with("GET /there") && !there.contains("canary"),
        "{there}"
    );
    let unfollowed = call(&storage, &cx(), &query[..1]).await.unwrap();
    assert_eq!(unfollowed.size, Some(302));
    // Round and round ends.
    let round = format!("http://{one}/to//to//to//to//to//to//to//to//to//to//to//to//x");
    let turned = call(&storage, &cx(), &[("uri", &round), ("redirects", "99")])
        .await
        .unwrap();
    assert_eq!(turned.size, Some(302));
}

#[tokio::test]
async fn a_name_may_not_lead_to_a_private_address() {
    let server = server().await;
    let port = server.port();
    let uri = format!("http://localhost:{port}/");
    let name = format!("http://localhost:{port}");
    let storage = granted(json!({ "http": [name] }));
    let error = call(&storage, &cx(), &[("uri", &uri)]).await.unwrap_err();
    assert_denied(&error, "the private address");
    let storage = granted(json!({ "http": [name, "127.0.0.0/8", "::1/128"] }));
    assert_eq!(
        call(&storage, &cx(), &[("uri", &uri)]).await.unwrap().size,
        Some(200)
    );
}

#[tokio::test]
async fn headers_that_would_make_another_request_are_refused() {
    let server = server().await;
    let storage = granted(json!({ "http": [format!("http://{server}")] }));
    let uri = format!("http://{server}/");
    for (name, value) in [
        ("x", "1\r\nhost: elsewhere"),
        ("x\r\nhost", "elsewhere"),
        ("Host", "elsewhere"),
        ("Content-Length", "5"),
        ("Transfer-Encoding", "chunked"),
    ] {
        let query = [("uri", uri.as_str()), ("name", name), ("value", value)];
        let error = call(&storage, &cx(), &query).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name:?} {error:?}");
    }
    let query = [("uri", uri.as_str()), ("name", "depth"), ("value", "1")];
    let seen = call(&storage, &cx(), &query).await.unwrap().etag.unwrap();
    assert!(seen.contains("depth: 1"), "{seen}");
}

/// As `wit/storage-0.1.0/http.wit` says: a plugin may come as itself, with a key of its own, but not
/// where a user's credential goes along.
#[tokio::test]
async fn an_authorization_of_the_plugins_own_goes_where_no_credential_does() {
    let (one, two) = (server().await, server().await);
    let both = [format!("http://{one}"), format!("http://{two}")];
    let storage = granted(json!({ "http": both }));
    let uri = format!("http://{one}/");
    let own = [("name", "Authorization"), ("value", "Bearer mine")];
    let mut query = vec![("uri", uri.as_str()), ("redirects", "1")];
    query.extend(own);
    let seen = call(&storage, &cx(), &query).await.unwrap().etag.unwrap();
    assert!(seen.contains("authorization: Bearer mine"), "{seen}");
    assert!(!seen.contains("canary"), "{seen}");
    query.push(("credential", "1"));
    let error = call(&storage, &cx(), &query).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    let text = "the header authorization is the gateway's to set";
    assert!(error.message().contains(text), "{error:?}");
    // Another server does not hear of it, nor of a cookie.
    let away = format!("http://{one}/to/http:!{two}/there");
    for (name, value) in [("Authorization", "Bearer mine"), ("Cookie", "mine=1")] {
        let query = [
            ("uri", away.as_str()),
            ("redirects", "1"),
            ("name", name),
            ("value", value),
        ];
        let there = call(&storage, &cx(), &query).await.unwrap().etag.unwrap();
        assert!(
            there.starts_with("GET /there") && !there.contains("mine"),
            "{there}"
        );
    }
}
