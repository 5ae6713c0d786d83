//! URLs as users write them.

use super::*;

fn place(text: &str) -> Result<Place> {
    Place::of(&text.parse().unwrap())
}

fn parts(text: &str) -> (Service, String, String, String) {
    let it = place(text).unwrap();
    (it.service, it.account, it.bucket, it.key)
}

fn owned(service: Service, rest: [&str; 3]) -> (Service, String, String, String) {
    let [account, bucket, key] = rest.map(str::to_owned);
    (service, account, bucket, key)
}

#[test]
fn every_form_is_understood() {
    use Service::{Azure, Drive, Dropbox, Gcs};
    for (text, expected) in [
        (
            "azure://acct/box/a/b%20c",
            owned(Azure, ["acct", "box", "a/b c"]),
        ),
        (
            "azure://acct.blob.core.windows.net/box/a/",
            owned(Azure, ["acct", "box", "a"]),
        ),
        ("gs://bucket/a//b", owned(Gcs, ["", "bucket", "a//b"])),
        (
            "gcloud://storage.googleapis.com/bucket/a",
            owned(Gcs, ["", "bucket", "a"]),
        ),
        (
            "gcloud://bucket.storage.googleapis.com/a",
            owned(Gcs, ["", "bucket", "a"]),
        ),
        ("gs://with.dots/a", owned(Gcs, ["", "with.dots", "a"])),
        (
            "dropbox://www.dropbox.com/a/b",
            owned(Dropbox, ["", "", "a/b"]),
        ),
        ("dropbox:///a", owned(Dropbox, ["", "", "a"])),
        (
            "gdrive://drive.google.com/a%3Fb",
            owned(Drive, ["", "", "a?b"]),
        ),
    ] {
        assert_eq!(parts(text), expected, "{text}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for text in [
        "azure://acct",
        "azure://Acct_x/box/a",
        "azure://127.0.0.1:10000/acct/box",
        "azure://acct/box/a?sig=canary",
        "azure://user:canary@acct/box/a",
        "azure://acct/box/../other/a",
        "azure://acct/box/%2e%2e/a",
        "azure://acct/box/a%5Cb",
        "azure://acct/box/a.",
        "gs://bucket/%ff",
        "gs:///a",
        "dropbox://folder/a",
        "dropbox://dropbox.com/a//b",
        "gdrive://folder/a",
        "s3://bucket/a",
    ] {
        let error = place(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}

#[test]
fn messages_name_it_as_it_was_written() {
    for text in [
        "azure://acct/box/a%20b",
        "gs://bucket/a",
        "dropbox://dropbox.com/a",
    ] {
        assert_eq!(place(text).unwrap().to_string(), text);
    }
}

#[test]
fn above_and_below() {
    let it = place("gs://bucket/a/b").unwrap();
    assert_eq!((it.prefix().as_str(), it.name()), ("a/b/", "b"));
    let above = it.parent().unwrap();
    assert_eq!(above.key, "a");
    let top = above.parent().unwrap();
    assert_eq!((top.key.as_str(), top.prefix().as_str()), ("", ""));
    assert!(top.parent().is_none());
}
