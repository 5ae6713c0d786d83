//! URLs as users write them, row by row.

use super::*;

fn read(config: &str, path_style: bool, text: &str) -> Result<Place> {
    let config = Config::parse(config).unwrap();
    let endpoint = config
        .endpoint
        .as_deref()
        .map(|it| crate::environment::endpoint("endpoint", it).unwrap());
    let reading = Reading {
        config: &config,
        environment: &Environment::default(),
        endpoint: endpoint.as_ref(),
        path_style,
    };
    reading.place(&text.parse().unwrap())
}

fn wire(config: &str, path_style: bool, text: &str) -> String {
    read(config, path_style, text)
        .unwrap()
        .url(&[])
        .unwrap()
        .to_string()
}

const OWN: &str = r#"{"endpoint":"https://s3.cern.ch:8443"}"#;

#[test]
fn a_bucket_alone_leads_to_the_endpoint() {
    for (config, text, url) in [
        (
            "",
            "s3://data/a/b",
            "https://data.s3.us-east-1.amazonaws.com/a/b",
        ),
        ("", "s3s://data", "https://data.s3.us-east-1.amazonaws.com/"),
        (
            r#"{"region":"eu-west-1"}"#,
            "s3://d/a",
            "https://d.s3.eu-west-1.amazonaws.com/a",
        ),
        (
            r#"{"addressing":"path"}"#,
            "s3://d/a",
            "https://s3.us-east-1.amazonaws.com/d/a",
        ),
        (OWN, "s3://data/a", "https://s3.cern.ch:8443/data/a"),
        (
            r#"{"endpoint":"http://h:1","addressing":"virtual"}"#,
            "s3://d/a",
            "http://d.h:1/a",
        ),
    ] {
        assert_eq!(wire(config, false, text), url, "{text}");
    }
}

#[test]
fn a_host_in_the_url_is_the_endpoint() {
    for (config, path_style, text, url) in [
        (
            "",
            false,
            "s3://se.example.org/data/a",
            "http://se.example.org/data/a",
        ),
        (
            "",
            false,
            "s3s://se.example.org/data/a",
            "https://se.example.org/data/a",
        ),
        (
            "",
            false,
            "s3://localhost:81/data/a",
            "http://localhost:81/data/a",
        ),
        (
            "",
            false,
            "s3://127.0.0.1/data/a",
            "http://127.0.0.1/data/a",
        ),
        (
            "",
            false,
            "s3://s3.cern.ch/data/a",
            "http://s3.cern.ch/data/a",
        ),
        (
            "",
            false,
            "s3://data.s3.cern.ch/a/b",
            "http://data.s3.cern.ch/a/b",
        ),
        (
            "",
            false,
            "s3s://x.y.s3-eu.cern.ch:8/a",
            "https://x.y.s3-eu.cern.ch:8/a",
        ),
        (
            "",
            true,
            "s3://data.s3.cern.ch/b/a",
            "http://data.s3.cern.ch/b/a",
        ),
        (
            r#"{"always_tls":true}"#,
            false,
            "s3://a.b/data",
            "https://a.b/data",
        ),
        (
            OWN,
            false,
            "s3s://data.s3.cern.ch:8443/a",
            "https://data.s3.cern.ch:8443/a",
        ),
        (
            r#"{"hosts":{"se.org":{}}}"#,
            false,
            "s3://d.se.org/a",
            "http://d.se.org/a",
        ),
        (
            r#"{"hosts":{"se":{"tls":true}}}"#,
            false,
            "s3://se/d/a",
            "https://se/d/a",
        ),
    ] {
        assert_eq!(wire(config, path_style, text), url, "{text}");
    }
    let place = read("", false, "s3://data.s3.cern.ch/a/b").unwrap();
    assert_eq!((&*place.bucket, &*place.key), ("data", "a/b"));
    let place = read("", true, "s3://data.s3.cern.ch/b/a").unwrap();
    assert_eq!((&*place.bucket, &*place.key), ("b", "a"));
    let place = read(r#"{"hosts":{"se.org":{}}}"#, false, "s3://d.se.org/a").unwrap();
    assert_eq!((&*place.bucket, &*place.key), ("d", "a"));
}

#[test]
fn regions_come_from_options_and_from_amazons_names() {
    let region = |config, text| read(config, false, text).unwrap().endpoint.region;
    assert_eq!(region("", "s3://h.org/b"), None);
    assert_eq!(
        region(r#"{"region":"r"}"#, "s3://h.org/b").as_deref(),
        Some("r")
    );
    let hosts = r#"{"region":"r","hosts":{"h.org":{"region":"q"}}}"#;
    assert_eq!(region(hosts, "s3://h.org/b").as_deref(), Some("q"));
    let amazon = region("", "s3s://b.s3.eu-north-1.amazonaws.com/k");
    assert_eq!(amazon.as_deref(), Some("eu-north-1"));
}

#[test]
fn keys_are_decoded_once_and_encoded_strictly() {
    let place = read("", false, "s3://h.org/b//a%20b/100%25/x+y//z/").unwrap();
    assert_eq!(place.key, "/a b/100%/x+y//z");
    let place = read("", false, "s3://h.org/b/a%20b/%2541/gr%C3%BC%C3%9Fe").unwrap();
    assert_eq!(place.key, "a b/%41/grüße");
    let url = place.url(&[("list-type", "2".into()), ("prefix", "a/b c".into())]);
    assert_eq!(
        url.unwrap().as_str(),
        "http://h.org/b/a%20b/%2541/gr%C3%BC%C3%9Fe?list-type=2&prefix=a%2Fb%20c"
    );
    assert_eq!(place.copy_source(), "/b/a%20b/%2541/gr%C3%BC%C3%9Fe");
}

#[test]
fn what_makes_no_sense_is_refused_without_showing_secrets() {
    for text in [
        "s3://",
        "s3://key:canary@h.org/b/k",
        "s3://h.org/b/k?X-Amz-Signature=canary",
        "s3://h.org/b/a/../k",
        "s3://h.org/b/%2e%2e/k",
        "s3://h.org/b%20c/k",
        "s3://h.org/b/%ff",
    ] {
        let error = read("", false, text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
    let plain = r#"{"endpoint":"http://h.org"}"#;
    assert!(read(plain, false, "s3s://bucket/k").is_err());
    let long = format!("s3://h.org/b/{}", "x".repeat(1025));
    assert!(read("", false, &long).is_err());
}

#[test]
fn places_show_themselves_as_urls() {
    let place = read("", false, "s3s://h.org:1/b/a%20b").unwrap();
    assert_eq!(place.to_string(), "s3s://h.org:1/b/a%20b");
    let top = read("", false, "s3://h.org/").unwrap();
    assert_eq!((top.bucket.as_str(), top.key.as_str()), ("", ""));
    assert_eq!(top.url(&[]).unwrap().as_str(), "http://h.org/");
    let bucket = read("", false, "s3://h.org/b").unwrap();
    assert_eq!(bucket.url(&[]).unwrap().as_str(), "http://h.org/b");
    assert!(bucket.parent().is_none());
    assert_eq!(bucket.with_key("a/b").parent().unwrap().key, "a");
}
