//! A server that says "wait" for ever: what moves nothing does not make a wait longer, and what
//! moves something does.

mod data_support;
mod hostile_support;

use std::cell::Cell;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use causeway_gridftp_wire::copy::{CopyPlan, copy, copy_many};
use causeway_gridftp_wire::data::{BlockHeader, Limits, Progress};
use causeway_gridftp_wire::transfer::{Download, DownloadPlan, Upload, UploadPlan, Way};
use causeway_gridftp_wire::{Endpoint, Error, ErrorKind, Options, Result, Session};
use data_support::content;
use hostile_support::{Double, against};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

const WAYS: [Way; 2] = [Way::Stream, Way::Blocks { streams: 1 }];
const WAIT: &str = "150 Still at it.\r\n";
/// Now and then, and as fast as the connection takes it.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::ZERO];
/// Far more than any of these takes, far less than for ever.
const GUARD: Duration = Duration::from_secs(60);

/// Settings with which what is tested may take so long, and everything before it longer than a whole test: so no
/// log-in can be what was not waited for, however loaded the machine is.
fn limits(each: Duration) -> Arc<Options> {
    Arc::new(Options {
        reply: GUARD * 2,
        checksum: each,
        stall: each,
        data: Limits {
            open: GUARD * 2,
            idle: GUARD * 2,
            ..Limits::default()
        },
        ..Options::default()
    })
}

fn short() -> Arc<Options> {
    limits(Duration::from_millis(500))
}

fn marker(bytes: u64) -> String {
    format!(
        "112-Perf Marker\r\n Stripe Index: 0\r\n Stripe Bytes Transferred: {bytes}\r\n Total Stripe Count: 1\r\n112 End.\r\n"
    )
}

/// Runs a client against a double, and tells how it failed.
async fn failure<T>(
    script: impl AsyncFn(&mut Double),
    client: impl AsyncFnOnce(Endpoint) -> Result<T>,
) -> Error {
    let ended = tokio::time::timeout(GUARD, against(script, client)).await;
    let failed = ended.expect("it waits for ever").err();
    failed.expect("it did not fail")
}

/// Takes what comes over a data connection, which stays up.
fn swallow(mut data: TcpStream) {
    tokio::spawn(async move {
        // Whatever ends it.
        drop(tokio::io::copy(&mut data, &mut tokio::io::sink()).await);
        pending::<()>().await;
    });
}

#[tokio::test]
async fn a_checksum_that_is_only_promised_is_not_waited_for() {
    for pause in PAUSES {
        let script = async |double: &mut Double| {
            if double.until(&["CKSM"]).await {
                double.repeat(WAIT, pause).await;
            }
        };
        let ask = async |endpoint: Endpoint| {
            let mut session = Session::open(&endpoint, short()).await?;
            session.checksum("/file", "MD5", 0, None).await
        };
        let why = failure(script, ask).await;
        assert_eq!(why.kind(), ErrorKind::TimedOut, "{pause:?}: {why}");
    }
}

/// Ordinary replies have the limit of those to the log-in. So it is longer here, and the double must have
/// been asked.
#[tokio::test]
async fn an_answer_that_is_only_promised_is_not_waited_for() {
    let options = Arc::new(Options {
        reply: Duration::from_secs(2),
        ..Options::default()
    });
    for pause in PAUSES {
        let was_asked = Cell::new(false);
        let script = async |double: &mut Double| {
            if double.until(&["SIZE"]).await {
                was_asked.set(true);
                double.repeat(WAIT, pause).await;
            }
        };
        let ask = async |endpoint: Endpoint| {
            let mut session = Session::open(&endpoint, options.clone()).await?;
            session.size("/file").await
        };
        let why = failure(script, ask).await;
        assert!(was_asked.get(), "{pause:?}: {why}");
        assert_eq!(why.kind(), ErrorKind::TimedOut, "{pause:?}: {why}");
    }
}

async fn store(endpoint: Endpoint, options: Arc<Options>, way: Way, file: Bytes) -> Result<()> {
    let session = Session::open(&endpoint, options).await?;
    let mut plan = UploadPlan::new("/file", way);
    plan.size = Some(file.len() as u64);
    let mut upload = Upload::start(Box::new(session), &plan).await?;
    upload.write(0, file).await?;
    upload.finish().await.map(drop)
}

#[tokio::test]
async fn an_upload_does_not_wait_for_a_last_word_that_never_comes() {
    for way in WAYS {
        for said in [WAIT, &marker(10), "111 Range Marker 0-10\r\n"] {
            let script = async |double: &mut Double| {
                if double.until_transfer().await {
                    double.say("150 Begin.\r\n").await;
                    swallow(double.data().await);
                    double.repeat(said, PAUSES[0]).await;
                }
            };
            let why = failure(script, async |at| {
                store(at, short(), way, content(10)).await
            })
            .await;
            assert_eq!(why.kind(), ErrorKind::TimedOut, "{way:?} {said}: {why}");
        }
    }
}

#[tokio::test]
async fn a_download_does_not_wait_for_a_last_word_that_never_comes() {
    for way in WAYS {
        let script = async |double: &mut Double| {
            if double.until_transfer().await {
                double.say("150 Begin.\r\n").await;
                let mut data = double.data().await;
                if way != Way::Stream {
                    data.write_all(&BlockHeader::data(0, 3).encode())
                        .await
                        .unwrap();
                }
                data.write_all(b"abc").await.unwrap();
                if way != Way::Stream {
                    data.write_all(&BlockHeader::end(Some(1)).encode())
                        .await
                        .unwrap();
                }
                drop(data);
                double.repeat(WAIT, PAUSES[0]).await;
            }
        };
        let fetch = async |endpoint: Endpoint| {
            let session = Session::open(&endpoint, short()).await?;
            let plan = DownloadPlan::new("/file", way);
            let mut download = Download::start(Box::new(session), &plan).await?;
            while download.next().await?.is_some() {}
            Ok(())
        };
        let why = failure(script, fetch).await;
        assert_eq!(why.kind(), ErrorKind::TimedOut, "{way:?}: {why}");
    }
}

async fn copied(from: &Endpoint, to: &Endpoint, options: Arc<Options>) -> Result<u64> {
    let mut from = Session::open(from, options.clone()).await?;
    let mut to = Session::open(to, options).await?;
    let plan = CopyPlan {
        source: "/a".to_owned(),
        destination: "/b".to_owned(),
        size: Some(5000),
        ..CopyPlan::default()
    };
    let mut progress = Progress::new(plan.size);
    copy(&mut from, &mut to, &plan, &mut progress, &mut |_| {}).await?;
    Ok(progress.bytes())
}

/// Begins a copy, and says something for ever; nothing when it is empty.
async fn babble(double: &mut Double, text: &str, pause: Duration) {
    if double.until_transfer().await {
        double.say("150 Begin.\r\n").await;
        if !text.is_empty() {
            double.repeat(text, pause).await;
        }
    }
}

#[tokio::test]
async fn a_copy_in_which_nothing_moves_ends() {
    let marker = &marker(10);
    let cases = [
        ("", WAIT, PAUSES[0]),
        (WAIT, "", PAUSES[0]),
        (WAIT, WAIT, PAUSES[1]),
        (marker, marker, PAUSES[0]),
    ];
    for (source, destination, pause) in cases {
        let from = async |double: &mut Double| babble(double, source, pause).await;
        let to = async |double: &mut Double| babble(double, destination, pause).await;
        let both = async |one: Endpoint| {
            against(to, async |other| copied(&one, &other, short()).await).await
        };
        let why = failure(from, both).await;
        assert_eq!(why.kind(), ErrorKind::TimedOut, "{source} {destination}");
    }
}

#[tokio::test]
async fn a_run_of_files_in_which_nothing_moves_ends() {
    let script = async |double: &mut Double| babble(double, WAIT, PAUSES[0]).await;
    let both = async |one: Endpoint| {
        let run = async |other: Endpoint| {
            let mut from = Session::open(&one, short()).await?;
            let mut to = Session::open(&other, short()).await?;
            let plans = vec![CopyPlan::default(); 3];
            let ran = copy_many(&mut from, &mut to, &plans, &mut |_, _| {}).await;
            ran.map_err(|broken| broken.error)
        };
        against(script, run).await
    };
    let why = failure(script, both).await;
    assert_eq!(why.kind(), ErrorKind::TimedOut, "{why}");
}

/// More bytes in every marker: longer in all than the limit, and shorter between two.
#[tokio::test]
async fn markers_of_more_bytes_make_a_wait_longer() {
    const LIMIT: Duration = Duration::from_secs(3);
    let tell = async |double: &mut Double| {
        for step in 1..=5 {
            tokio::time::sleep(LIMIT / 4).await;
            double.say(&marker(step * 1000)).await;
        }
        double.say("226 Done.\r\n").await;
    };
    let receiver = async |double: &mut Double| {
        if double.until_transfer().await {
            double.say("150 Begin.\r\n").await;
            tell(double).await;
        }
    };
    let sender = async |double: &mut Double| {
        babble(double, "", LIMIT).await;
        double.say("226 Done.\r\n").await;
    };
    let moved = against(sender, async |one| {
        against(receiver, async |other| {
            copied(&one, &other, limits(LIMIT)).await
        })
        .await
    });
    let stored = against(
        async |double: &mut Double| {
            if double.until_transfer().await {
                double.say("150 Begin.\r\n").await;
                swallow(double.data().await);
                tell(double).await;
            }
        },
        async |at| store(at, limits(LIMIT), WAYS[1], content(5000)).await,
    );
    let (moved, stored) = tokio::join!(moved, stored);
    assert_eq!(moved.unwrap(), 5000);
    stored.unwrap();
}
