//! A server that lies, babbles or falls silent on its control connection, with data connections to
//! match: each a clear error, soon, and in bounded memory.

mod data_support;
mod hostile_support;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use causeway_gridftp_wire::data::{BlockHeader, Limits};
use causeway_gridftp_wire::transfer::{Download, DownloadPlan, Upload, UploadPlan, Way};
use causeway_gridftp_wire::{Endpoint, Error, ErrorKind, Options, Result, Session};
use data_support::{content, impatient};
use hostile_support::{Double, against};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};

const BLOCKS: Way = Way::Blocks { streams: 1 };
const WAYS: [Way; 2] = [Way::Stream, BLOCKS];

fn options() -> Arc<Options> {
    Arc::new(Options {
        reply: Duration::from_millis(500),
        stall: Duration::from_millis(500),
        data: Limits {
            open: Duration::from_millis(500),
            ..impatient()
        },
        ..Options::default()
    })
}

async fn log_in(script: impl AsyncFn(&mut Double)) -> Error {
    let opening = async |endpoint: Endpoint| Session::open(&endpoint, options()).await;
    against(script, opening).await.unwrap_err()
}

async fn fetch(endpoint: Endpoint, way: Way, size: Option<u64>) -> Result<Vec<u8>> {
    let session = Session::open(&endpoint, options()).await?;
    let mut plan = DownloadPlan::new("/file", way);
    plan.size = size;
    let mut download = Download::start(Box::new(session), &plan).await?;
    let mut got = Vec::new();
    while let Some(piece) = download.next().await? {
        got.extend_from_slice(&piece.data);
    }
    Ok(got)
}

async fn store(endpoint: Endpoint, way: Way, file: Bytes) -> Result<()> {
    let session = Session::open(&endpoint, options()).await?;
    let mut plan = UploadPlan::new("/file", way);
    plan.size = Some(file.len() as u64);
    let mut upload = Upload::start(Box::new(session), &plan).await?;
    upload.write(0, file).await?;
    upload.finish().await.map(drop)
}

#[tokio::test]
async fn a_banner_without_end_is_refused() {
    let why = log_in(async |double| {
        let flood = "x".repeat(1 << 20);
        for _ in 0..64 {
            double.say(&flood).await;
        }
    })
    .await;
    assert_eq!(why.kind(), ErrorKind::Protocol, "{why}");
}

#[tokio::test]
async fn a_reply_of_endless_lines_is_refused() {
    let why = log_in(async |double| {
        double.say("220-hello\r\n").await;
        let flood = "220-more\r\n".repeat(100_000);
        for _ in 0..16 {
            double.say(&flood).await;
        }
    })
    .await;
    assert_eq!(why.kind(), ErrorKind::Protocol, "{why}");
}

#[tokio::test]
async fn a_banner_that_drips_ends_in_time() {
    let why = log_in(async |double| {
        for _ in 0..100 {
            double.say("2").await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert_eq!(why.kind(), ErrorKind::TimedOut, "{why}");
}

#[tokio::test]
async fn who_does_not_speak_the_protocol_is_refused() {
    for banner in ["HTTP/1.1 400 Bad Request\r\n\r\n", "\r\n", "\0\u{1}\u{2}\n"] {
        let why = log_in(async |double| double.say(banner).await).await;
        assert_eq!(why.kind(), ErrorKind::Protocol, "{why}");
    }
}

#[tokio::test]
async fn addresses_that_cannot_be_are_refused() {
    for told in [
        "227 (0,0,0,0,0,0)",
        "227 soon",
        "227 (224,0,0,1,9,9)",
        "227 (1,2,3)",
    ] {
        let script = async |double: &mut Double| {
            double.say("220 ready.\r\n").await;
            let mut line = String::new();
            while let Ok(1..) = double.control.read_line(&mut line).await {
                let answer = match &line[..4] {
                    "PASS" => "230 in.",
                    "USER" => "331 password.",
                    "PASV" => told,
                    _ => "200 OK.",
                };
                double.say(&format!("{answer}\r\n")).await;
                line.clear();
            }
        };
        let why = against(script, async |at| fetch(at, Way::Stream, None).await).await;
        assert_eq!(why.unwrap_err().kind(), ErrorKind::Protocol);
    }
}

#[tokio::test]
async fn markers_of_bytes_that_cannot_be_are_refused() {
    let markers = [
        "111 Range Marker 0-101\r\n",
        "111 Range Marker 5-1\r\n",
        "112-Perf Marker\r\n Stripe Index: 0\r\n Stripe Bytes Transferred: 101\r\n Total Stripe Count: 1\r\n112 End.\r\n",
        "112-Perf Marker\r\n Stripe Index: 7\r\n Stripe Bytes Transferred: 1\r\n Total Stripe Count: 2\r\n112 End.\r\n",
    ];
    for marker in markers {
        let script = async |double: &mut Double| {
            if double.until_transfer().await {
                double.say("150 Begin.\r\n").await;
                let _open = double.data().await;
                double.say(marker).await;
                double.say("226 Done.\r\n").await;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let why = against(script, async |at| store(at, BLOCKS, content(100)).await).await;
        assert_eq!(why.unwrap_err().kind(), ErrorKind::Protocol, "{marker}");
    }
}

/// The data looks whole, and the server says that it was not.
#[tokio::test]
async fn the_last_word_counts() {
    for way in WAYS {
        let script = async |double: &mut Double| {
            if double.until_transfer().await {
                double.say("150 Begin.\r\n").await;
                let mut data = double.data().await;
                if way == BLOCKS {
                    let blocks = [BlockHeader::data(0, 3), BlockHeader::end(Some(1))];
                    data.write_all(&blocks[0].encode()).await.unwrap();
                    data.write_all(b"abc").await.unwrap();
                    data.write_all(&blocks[1].encode()).await.unwrap();
                } else {
                    data.write_all(b"abc").await.unwrap();
                }
                drop(data);
                double.say("426 Disk failed.\r\n").await;
            }
        };
        let got = against(script, async |at| fetch(at, way, Some(3)).await).await;
        assert!(got.unwrap_err().to_string().contains("Disk failed"));
    }
}

#[tokio::test]
async fn a_success_without_the_bytes_is_none() {
    for way in WAYS {
        let script = async |double: &mut Double| {
            if double.until_transfer().await {
                double.say("150 Begin.\r\n226 Done.\r\n").await;
                drop(double.data().await);
            }
        };
        let got = against(script, async |at| fetch(at, way, Some(3)).await).await;
        let why = got.unwrap_err();
        let kinds = [ErrorKind::Integrity, ErrorKind::Io, ErrorKind::TimedOut];
        assert!(kinds.contains(&why.kind()), "{way:?}: {why}");
    }
}

#[tokio::test]
async fn a_success_before_the_end_of_an_upload_is_none() {
    for way in WAYS {
        let script = async |double: &mut Double| {
            if double.until_transfer().await {
                double.say("150 Begin.\r\n").await;
                let _open = double.data().await;
                double.say("226 Done.\r\n").await;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let stored = against(script, async |at| store(at, way, content(64 << 20)).await).await;
        assert_eq!(stored.unwrap_err().kind(), ErrorKind::Protocol, "{way:?}");
    }
}

#[tokio::test]
async fn silence_at_any_point_ends_in_time() {
    for way in WAYS {
        for steps in 0..3 {
            let script = async |double: &mut Double| {
                if !double.until_transfer().await || steps == 0 {
                    return;
                }
                double.say("150 Begin.\r\n").await;
                if steps > 1 {
                    let _open = double.data().await;
                    drop(double.control.read_line(&mut String::new()).await);
                }
            };
            let got = against(script, async |at| fetch(at, way, None).await).await;
            assert_eq!(
                got.unwrap_err().kind(),
                ErrorKind::TimedOut,
                "{way:?} {steps}"
            );
            let stored = against(script, async |at| store(at, way, content(10)).await).await;
            assert_eq!(
                stored.unwrap_err().kind(),
                ErrorKind::TimedOut,
                "{way:?} {steps}"
            );
        }
    }
}

#[tokio::test]
async fn a_server_that_leaves_is_noticed() {
    for way in WAYS {
        for says in ["", "150 Begin.\r\n", "421 Going down.\r\n"] {
            let script = async |double: &mut Double| {
                if double.until_transfer().await {
                    double.say(says).await;
                    drop(double.control.get_mut().shutdown().await);
                }
            };
            let got = against(script, async |at| fetch(at, way, None).await).await;
            assert_eq!(got.unwrap_err().kind(), ErrorKind::Io, "{way:?} {says}");
        }
    }
}
