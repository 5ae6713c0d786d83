//! The world without async functions: HTTP and time for guests that take one call after the other.
#![cfg(feature = "wasm")]

mod support;

use std::sync::Arc;

use causeway_sdk::{Credential, Ctx, DynStorage, ErrorKind, Result, Secret, Stat};
use serde_json::{Value, json};
use support::http::{calling, server};
use support::log::Log;
use support::{loaded, url};

fn granted(grants: Value) -> Arc<dyn DynStorage> {
    loaded("http-poll", &json!({ "grants": grants })).storage()
}

async fn call(storage: &Arc<dyn DynStorage>, query: &[(&str, &str)]) -> Result<Stat> {
    storage.stat(&cx(), &calling("http-poll", query)).await
}

fn cx() -> Ctx {
    Ctx::new("test").with_credential(Credential::Bearer(Secret::new("canary-token")))
}

async fn seen(storage: &Arc<dyn DynStorage>, query: &[(&str, &str)]) -> String {
    let stat = call(storage, query).await.unwrap();
    assert_eq!(stat.size, Some(200));
    stat.etag.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_the_world_without_async_functions() {
    let server = server().await;
    let storage = granted(json!({ "http": [format!("http://{server}")] }));
    let uri = format!("http://{server}/file");
    let to = ("uri", uri.as_str());

    // A credential is put in outside, as in the other world.
    assert!(!seen(&storage, &[to]).await.contains("canary"));
    let with = seen(&storage, &[to, ("credential", "1")]).await;
    assert!(
        with.contains("authorization: Bearer canary-token"),
        "{with}"
    );
    let error = call(&storage, &[to, ("name", "Host"), ("value", "elsewhere")]).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid);

    // A body at once, and one that comes in pieces, with its length told and without.
    let put = ("method", "PUT");
    let whole = seen(&storage, &[to, put, ("body", "at once")]).await;
    assert!(whole.ends_with("\r\n\r\nat once"), "{whole}");
    let pieces = seen(&storage, &[to, put, ("pieces", "3"), ("length", "12")]).await;
    assert!(pieces.contains("content-length: 12\r\n"), "{pieces}");
    assert!(pieces.ends_with("\r\n\r\nfourfourfour"), "{pieces}");
    let pieces = seen(&storage, &[to, put, ("pieces", "2")]).await;
    assert!(pieces.contains("transfer-encoding: chunked"), "{pieces}");
    assert!(pieces.contains("four"), "{pieces}");
    // Fewer and more than were announced, and a request that is dropped before its end.
    for (length, how) in [("13", "fewer"), ("11", "more"), ("8", "more")] {
        let error = call(&storage, &[to, put, ("pieces", "3"), ("length", length)]).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Network, "{length}: {error:?}");
        assert!(error.message().contains(how), "{length}: {error:?}");
    }
    let error = call(&storage, &[to, put, ("pieces", "1"), ("forget", "1")]).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Canceled);
    // It goes on.
    seen(&storage, &[to]).await;
    let slept = storage
        .stat(&Ctx::new("test"), &url("http-poll://h/sleep"))
        .await;
    assert_eq!(slept.unwrap().size, Some(20));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_granted_is_not_reached_without_async_functions_either() {
    let (one, two) = (server().await, server().await);
    let storage = granted(json!({ "http": [format!("http://{one}")] }));
    let other = format!("http://{two}/");
    let away = format!("http://{one}/to/http:!{two}/there");
    for query in [
        vec![("uri", other.as_str())],
        vec![("uri", &other), ("method", "PUT"), ("body", "x")],
        vec![("uri", &other), ("method", "PUT"), ("pieces", "1")],
        vec![("uri", &away), ("redirects", "1")],
    ] {
        let error = call(&storage, &query).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{query:?} {error:?}");
        let text = "plugin http-poll was not granted the host";
        assert!(error.message().contains(text), "{error:?}");
    }
    let error = storage.stat(&cx(), &url("http-poll://h/reveal")).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Denied);
}

/// A language with a library of its own finds nothing of the machine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_with_a_runtime_sees_nothing_of_the_machine() {
    let storage = granted(json!({}));
    let stat = storage.stat(&cx(), &url("http-poll://h/escape")).await;
    let told = stat.unwrap().etag.unwrap();
    let told: Value = serde_json::from_str(&told).unwrap();
    let all = told.as_object().unwrap();
    assert_eq!(all.len(), 11, "{told}");
    for (what, came) in all.iter().filter(|(_, came)| came.is_string()) {
        assert_ne!(came, "done", "{what}: {told}");
    }
    // Its own, from where it was built.
    let own = |it: &Value| it.as_str().unwrap().starts_with("PYTHON");
    let environment = told["environment"].as_array().unwrap();
    assert!(environment.iter().all(own), "{told}");
    assert!(told["arguments"].as_array().unwrap().len() <= 1, "{told}");
    assert!(!std::path::Path::new("/tmp/escaped").exists());
}

/// What it prints stands in the plugin's log, and why it ended, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_guest_prints_is_logged_line_by_line() {
    let log = Log::begin();
    let storage = granted(json!({}));
    let print = storage.stat(&cx(), &url("http-poll://h/print")).await;
    assert_eq!(print.unwrap().size, Some(0));
    let raised = storage.stat(&cx(), &url("http-poll://h/raise")).await;
    assert_eq!(raised.unwrap_err().kind(), ErrorKind::Internal);
    let lines = log.lines();
    for wanted in [
        "INFO message=said on output plugin.name=http-poll",
        "WARN message=said on plugin.name=http-poll",
        "WARN message=error plugin.name=http-poll",
    ] {
        assert!(lines.iter().any(|it| it == wanted), "{wanted}: {lines:#?}");
    }
    let is_why = |it: &&String| it.starts_with("WARN ") && it.contains("nobody catches it");
    assert!(lines.iter().any(|it| is_why(&it)), "{lines:#?}");
}
