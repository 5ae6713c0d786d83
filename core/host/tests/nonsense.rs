//! What a plugin says that makes no sense is made harmless at the border: texts are bounded and
//! clean, checksums are words, a chunk has bytes.

mod support;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use causeway_host::Host;
use causeway_sdk::{Algorithm, DynStorage, Error, ErrorKind, Page, ReadOptions};
use serde_json::Value;
use support::{built_once, cx, url};

/// A plugin of the whole-program tests; its documentation says what it does.
fn garbage() -> Arc<dyn DynStorage> {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    let path = PATH.get_or_init(|| {
        let what = ["-p", "hostile-garbage"];
        built_once("garbage", "libhostile_garbage", &what)
    });
    Host::load_file(path, &Value::Null).unwrap().storage()
}

async fn said(how: &str) -> Error {
    let at = url(&format!("garbage://h/f?size=10&in=stat&how={how}"));
    garbage().stat(&cx(), &at).await.unwrap_err()
}

#[tokio::test]
async fn an_error_is_one_bounded_line() {
    let error = said("control").await;
    assert_eq!(
        error.message(),
        "first line  second    [2J ]0;title  backwards end"
    );
    let error = said("long").await;
    assert!(error.message().starts_with("long long"), "{error}");
    let context = error.context().iter();
    let longest = context.flat_map(|(key, value)| [key.len(), value.len()]);
    let longest = longest.chain([error.message().len(), error.operation().len()]);
    assert!(longest.max().unwrap() <= 2000);
    assert!(!said("zero").await.message().is_empty());
}

#[tokio::test]
async fn every_text_is_utf8_even_if_the_plugin_sent_none() {
    let texts = |error: &Error| {
        let (key, _) = error.context()[0].clone();
        [error.operation().to_owned(), key]
    };
    for text in texts(&said("utf8").await) {
        assert!(
            is_text(&text) && text.starts_with("broken: \u{fffd}"),
            "{text}"
        );
    }
    let at = url("garbage://h/f?size=10&in=stat&how=numbers");
    let etag = garbage().stat(&cx(), &at).await.unwrap().etag.unwrap();
    assert!(is_text(&etag) && etag.ends_with(" end"), "{etag}");
}

fn is_text(text: &str) -> bool {
    std::str::from_utf8(text.as_bytes()).is_ok()
}

#[tokio::test]
async fn an_error_quotes_no_credential() {
    let error = said("secret").await;
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
}

#[tokio::test]
async fn an_empty_chunk_is_an_error_and_not_a_sign_of_life() {
    let storage = garbage();
    let at = url("garbage://h/f?size=10&in=next&how=empty");
    let options = ReadOptions::default();
    let mut body = storage.open_read(&cx(), &at, options).await.unwrap();
    let error = body.next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.message().contains("empty chunk"), "{error}");
}

#[tokio::test]
async fn a_checksum_is_a_word() {
    let at = url("garbage://h/f?size=10&in=checksum&how=sum");
    let sum = garbage().checksum(&cx(), &at, Algorithm::Adler32).await;
    assert_eq!(sum.unwrap_err().kind(), ErrorKind::Internal);
}

#[tokio::test]
async fn names_of_entries_stay_what_they_are() {
    let at = url("garbage://h/d?in=list&how=names");
    let page = garbage().list(&cx(), &at, Page::default()).await.unwrap();
    assert!(page.entries.iter().all(|it| is_text(&it.name)));
    let names: Vec<_> = page.entries.iter().map(|it| it.name.as_str()).collect();
    assert!(
        names.contains(&"a\0b") && names.contains(&".."),
        "{names:?}"
    );
}
