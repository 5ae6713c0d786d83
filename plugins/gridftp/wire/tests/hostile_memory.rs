//! What floods of replies cost in memory: nothing that grows with them. One test in a process of its
//! own, since the most that a process ever held is what is looked at.

mod data_support;
mod gsi_support;
mod hostile_support;

use std::sync::Arc;
use std::time::Duration;

use causeway_gridftp_wire::{Endpoint, ErrorKind, Options, Session};
use gsi_support::size;
use hostile_support::{Double, against};

const FLOOD: usize = 64 << 20;
/// What the largest reply that is taken may cost with its protection, and nearly nothing of a flood.
const ROOM_KIB: u64 = 16 << 10;
const PIECE: usize = 64 << 10;

/// The most memory that this process ever had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
    let value = line.unwrap().trim().trim_end_matches(" kB");
    value.parse().unwrap()
}

fn options() -> Arc<Options> {
    Arc::new(Options {
        reply: Duration::from_secs(2),
        ..Options::default()
    })
}

/// Logs in with a double that sends this text at some moment, over and over until it is a flood.
async fn flooded(after: &str, begin: &str, text: &str) -> ErrorKind {
    let piece = text.repeat(PIECE.div_ceil(text.len()));
    let script = async |double: &mut Double| {
        if !after.is_empty() && !double.until(&[after]).await {
            return;
        }
        double.say(begin).await;
        for _ in 0..FLOOD / piece.len() {
            double.say(&piece).await;
        }
    };
    let client = async |endpoint: Endpoint| {
        let mut session = Session::open(&endpoint, options()).await?;
        session.size("/file").await
    };
    against(script, client).await.unwrap_err().kind()
}

#[tokio::test]
async fn floods_of_replies_do_not_grow_the_memory() {
    // Certificates, buffers and the rest that any session needs.
    let usual = size(async |double, text| double.answer(text).await);
    assert_eq!(usual.await.unwrap(), 42);
    let before = peak();
    let check = |what: &str| {
        let grown = peak() - before;
        assert!(grown < ROOM_KIB, "{what}: {grown} KiB more");
    };

    // A banner without end, one of endless lines, an answer of them, and answers that are none.
    assert_eq!(flooded("", "", "x").await, ErrorKind::Protocol);
    check("a banner");
    assert_eq!(
        flooded("", "220-a\r\n", "220-b\r\n").await,
        ErrorKind::Protocol
    );
    check("lines of a banner");
    assert_eq!(
        flooded("SIZE", "213-a\r\n", " b\r\n").await,
        ErrorKind::Protocol
    );
    check("lines of an answer");
    flooded("SIZE", "", "150 Wait.\r\n").await;
    check("preliminary answers");

    // The same inside of security: one line, and many of which each is small.
    let one = size(async |double, text| match text.starts_with("213") {
        true => {
            double.raw("632 ").await;
            let piece = "A".repeat(PIECE);
            for _ in 0..FLOOD / PIECE {
                double.raw(&piece).await;
            }
        }
        false => double.answer(text).await,
    });
    assert_eq!(one.await.unwrap_err().kind(), ErrorKind::Protocol);
    check("a protected line");
    let many = size(async |double, text| match text.starts_with("213") {
        true => {
            let piece = " x".repeat(PIECE / 2);
            double.answer("213-a\r\n").await;
            for _ in 0..FLOOD / PIECE {
                double.answer(&piece).await;
            }
        }
        false => double.answer(text).await,
    });
    assert_eq!(many.await.unwrap_err().kind(), ErrorKind::Protocol);
    check("protected lines");
}
