//! Real bytes between real storages, through REST: two XrdHTTP servers, nginx, and local files.
//!
//! Every way a copy can take, every size that matters; what arrived is compared byte by byte, and
//! third-party copies are proven by the log of the server that did them.

use causeway_tests::data::{adler32, content, md5, put};
use causeway_tests::{Done, GatewayOptions, Grid, Server};
use serde_json::{Value, json};

const SIZES: [usize; 4] = [0, 1, (1 << 20) + 3, 64 << 20];

/// The line XRootD writes when it has copied a file from or to another server.
fn copied(log: &str, who: &str, local: &str, remote: &str, bytes: usize) -> bool {
    log.lines().any(|line| {
        line.contains(who)
            && line.contains("event=TRANSFER_SUCCESS")
            && line.contains(&format!("local={local},"))
            && line.contains(&format!("remote={remote},"))
            && line.contains("user=alice")
            && line.contains(&format!("bytes_transferred={bytes},"))
    })
}

fn https(url: &str) -> String {
    url.replacen("davs://", "https://", 1)
}

fn arrived(done: &Done, server_file: &std::path::Path, bytes: &[u8]) {
    done.finished();
    assert_eq!(done.file["filesize"], bytes.len(), "{done:#?}");
    assert!(
        std::fs::read(server_file).unwrap() == bytes,
        "{} differs: {done:#?}",
        server_file.display()
    );
    assert!(
        done.file["tx_duration"].is_number() && done.file["throughput"].is_number(),
        "{done:#?}"
    );
}

#[tokio::test]
async fn third_party_pull_is_done_by_the_destination() {
    let grid = Grid::start(GatewayOptions::default());
    let (a, b) = (grid.server("xrdhttp"), grid.server("xrdhttp"));
    for size in SIZES {
        let (name, bytes) = (format!("pull-{size}"), content(size));
        put(&a.data(&name), &bytes);
        // Into a directory that is not there yet.
        let (source, target) = (a.url(&name), b.url(&format!("new/dir/{name}")));
        let checksum = json!(format!("ADLER32:{}", adler32(&bytes)));
        let params = json!({ "verify_checksum": "both" });
        let done = grid
            .transfer_as("alice.proxy", &source, &target, checksum, params)
            .await;
        arrived(&done, &b.data(&format!("new/dir/{name}")), &bytes);
        assert_eq!(done.mode(), "third-party pull");
        let local = format!("/new/dir/{name}");
        assert!(
            copied(&b.log(), "TPC_PullRequest", &local, &https(&source), size),
            "{}",
            b.log()
        );
        assert!(!a.log().contains("TPC_P"), "{}", a.log());
    }
}

#[tokio::test]
async fn third_party_push_is_done_by_the_source() {
    let grid = Grid::start(GatewayOptions::default().env("CAUSEWAY__ENGINE__PEER_COPIES", "push"));
    let (a, b) = (grid.server("xrdhttp"), grid.server("xrdhttp"));
    for size in SIZES {
        let (name, bytes) = (format!("push-{size}"), content(size));
        put(&a.data(&name), &bytes);
        let (source, target) = (a.url(&name), b.url(&name));
        let done = grid
            .transfer(&source, &target, json!({ "verify_checksum": "both" }))
            .await;
        arrived(&done, &b.data(&name), &bytes);
        assert_eq!(done.mode(), "third-party push");
        assert!(
            copied(
                &a.log(),
                "TPC_PushRequest",
                &format!("/{name}"),
                &https(&target),
                size
            ),
            "{}",
            a.log()
        );
        assert!(!b.log().contains("TPC_P"), "{}", b.log());
    }
}

/// Every pair of kinds of storage, and the way the copy takes between them.
#[tokio::test]
async fn every_pair_of_storages_takes_the_best_way_there_is() {
    let grid = Grid::start(GatewayOptions::default());
    let (a, b) = (grid.server("xrdhttp"), grid.server("xrdhttp"));
    let (m, n) = (grid.server("nginx-dav"), grid.server("nginx-dav"));
    let size = (1 << 20) + 3;
    let bytes = content(size);
    for seed in [a.data("seed"), m.data("seed"), grid.local("seed")] {
        put(&seed, &bytes);
    }
    let (local, streamed) = (
        |name: &str| (grid.local_url(name), grid.local(name)),
        "streamed",
    );
    let at = |server: &Server, name: &str| (server.url(name), server.data(name));
    let ways = [
        (
            "xrootd to xrootd",
            at(&a, "seed").0,
            at(&b, "from-xrootd"),
            "third-party pull",
        ),
        // nginx gives out no token, and a certificate cannot be passed on.
        (
            "xrootd to nginx",
            at(&a, "seed").0,
            at(&n, "from-xrootd"),
            streamed,
        ),
        (
            "nginx to xrootd",
            at(&m, "seed").0,
            at(&b, "from-nginx"),
            streamed,
        ),
        (
            "nginx to nginx",
            at(&m, "seed").0,
            at(&n, "from-nginx"),
            streamed,
        ),
        (
            "xrootd to file",
            at(&a, "seed").0,
            local("from-xrootd"),
            streamed,
        ),
        (
            "nginx to file",
            at(&m, "seed").0,
            local("from-nginx"),
            streamed,
        ),
        (
            "file to xrootd",
            local("seed").0,
            at(&b, "from-file"),
            streamed,
        ),
        (
            "file to nginx",
            local("seed").0,
            at(&n, "from-file"),
            streamed,
        ),
        (
            "file to file",
            local("seed").0,
            local("from-file"),
            streamed,
        ),
    ];
    for (what, source, (url, path), mode) in ways {
        let done = grid.transfer(&source, &url, json!({})).await;
        arrived(&done, &path, &bytes);
        assert_eq!(done.mode(), mode, "{what}");
    }
}

#[tokio::test]
async fn streamed_copies_of_every_size() {
    let grid = Grid::start(GatewayOptions::default().env("CAUSEWAY__ENGINE__PEER_COPIES", "none"));
    let (a, b, n) = (
        grid.server("xrdhttp"),
        grid.server("xrdhttp"),
        grid.server("nginx-dav"),
    );
    for size in SIZES {
        let (name, bytes) = (format!("file-{size}"), content(size));
        put(&a.data(&name), &bytes);
        let stops = [
            (
                "davs to davs",
                b.url(&name),
                b.data(&name),
                json!({ "verify_checksum": "both" }),
            ),
            (
                "davs to file",
                grid.local_url(&name),
                grid.local(&name),
                json!({ "verify_checksum": "both" }),
            ),
            ("file to davs", n.url(&name), n.data(&name), json!({})),
            (
                "davs to davs, parallel",
                b.url("parallel"),
                b.data("parallel"),
                json!({ "nostreams": 4, "overwrite": true }),
            ),
        ];
        let mut source = a.url(&name);
        for (what, url, path, params) in stops {
            let done = grid.transfer(&source, &url, params).await;
            arrived(&done, &path, &bytes);
            assert_eq!(done.mode(), "streamed", "{what}, {size}");
            source = url;
        }
    }
    for server in [&a, &b] {
        assert!(!server.log().contains("TPC_P"), "{}", server.log());
    }
}

/// Mode, value of the user, and how it ends: `{0}` stands for what the files have.
#[tokio::test]
async fn checksums_are_verified_as_asked() {
    let grid = Grid::start(GatewayOptions::default());
    let (a, b) = (grid.server("xrdhttp"), grid.server("xrdhttp"));
    let bytes = content(300_000);
    put(&a.data("seed"), &bytes);
    let (adler, md5) = (adler32(&bytes), md5(&a.data("seed")));
    let right = format!("ADLER32:{adler}");
    // Case and leading zeros do not matter.
    let shouted = format!("adler32:0{}", adler.to_uppercase());
    let by_md5 = format!("MD5:{md5}");
    let wrong = "ADLER32:12345678";
    let source_wrong = format!(
        "SOURCE [5] Source and user-defined ADLER32 checksum do not match ({adler} != 12345678)"
    );
    let target_wrong = format!(
        "DESTINATION [5] User-defined and destination ADLER32 checksum do not match (12345678 != {adler})"
    );
    let cases = [
        // A value of the user asks for the target to be verified, unless that is ruled out by name.
        (json!(false), wrong, target_wrong.as_str()),
        (json!("none"), wrong, ""),
        (json!(true), wrong, &source_wrong),
        (json!("both"), &right, ""),
        (json!("both"), &shouted, ""),
        (json!("both"), &by_md5, ""),
        (json!("both"), "ADLER32", ""),
        (json!("both"), "MD5", ""),
        (json!("both"), wrong, &source_wrong),
        (json!("source"), &right, ""),
        (json!("source"), wrong, &source_wrong),
        (json!("target"), &right, ""),
        (json!("target"), &by_md5, ""),
        (json!("target"), "ADLER32", ""),
        (json!("target"), wrong, &target_wrong),
    ];
    for (number, (mode, value, reason)) in cases.into_iter().enumerate() {
        let name = format!("sum-{number}");
        for (url, path) in [
            (b.url(&name), b.data(&name)),
            (grid.local_url(&name), grid.local(&name)),
        ] {
            let params = json!({ "verify_checksum": mode, "retry": 2 });
            let done = grid
                .transfer_as("alice.proxy", &a.url("seed"), &url, json!(value), params)
                .await;
            if reason.is_empty() {
                arrived(&done, &path, &bytes);
            } else {
                assert_eq!(done.failed(), reason, "{mode} {value} to {url}: {done:#?}");
                assert!(
                    !path.exists(),
                    "{mode} {value} left {} behind",
                    path.display()
                );
                assert_eq!(
                    done.retries,
                    json!([]),
                    "a wrong checksum is not tried again: {done:#?}"
                );
            }
        }
    }
    // Without a checksum of the user nothing but the mode decides.
    let done = grid
        .transfer_as(
            "alice.proxy",
            &a.url("seed"),
            &b.url("plain"),
            Value::Null,
            json!({}),
        )
        .await;
    assert_eq!(
        (&done.job["verify_checksum"], &done.file["checksum"]),
        (&json!("n"), &json!("ADLER32"))
    );
    arrived(&done, &b.data("plain"), &bytes);
}
