//! Senders that break the rules of blocks: each a clear error, soon, and in bounded memory.

mod data_support;

use std::time::Duration;

use causeway_gridftp_wire::data::{
    BlockHeader, BlockReceiver, Buffers, DataSecurity, Expected, Inlet, Limits, Listener, Order,
    SocketOptions,
};
use causeway_gridftp_wire::{Error, ErrorKind};
use data_support::{HERE, Peer, collect, impatient, limits, receiver};
use tokio::io::AsyncWriteExt as _;

const IN_ORDER: Order = Order::Ascending { window: 1 << 20 };

/// What a receiver of 100 bytes says to a peer.
async fn refusal(script: impl AsyncFn(&mut Peer)) -> Error {
    let mut found = Vec::new();
    for order in [Order::AsItComes, IN_ORDER] {
        let (to, mut receiver) = receiver(impatient(), Expected::all_of(100), order);
        let mut peer = Peer::connect(to).await;
        let (got, ()) = tokio::join!(collect(&mut receiver, 100), script(&mut peer));
        found.push(got.unwrap_err());
        // A failure is final, and leaves no connection to anybody.
        assert_eq!(receiver.next().await.unwrap_err(), found[0]);
        assert!(receiver.into_inlet().is_none());
    }
    assert_eq!(found[0], found[1]);
    found.remove(0)
}

#[tokio::test]
async fn wrong_headers_are_refused() {
    for (descriptor, count, offset) in [
        (0x01, 10, 0),
        (0x80, 10, 0),
        (0x10, 10, 0),
        (0x40, 10, 1),
        (0x40, 0, 0),
        (0x48, 0, u64::MAX),
        (0x00, u64::MAX, 1),
        (0x00, 10, u64::MAX),
    ] {
        let why = refusal(async |peer| peer.header(descriptor, count, offset).await).await;
        assert_eq!(why.kind(), ErrorKind::Protocol, "{why}");
    }
    let why = refusal(async |peer| peer.header(0x20, 10, 0).await).await;
    assert_eq!(why.kind(), ErrorKind::Integrity, "{why}");
    let why = refusal(async |peer| peer.raw(b"550 no such file\r\n").await).await;
    assert_eq!(why.kind(), ErrorKind::Protocol, "{why}");
}

#[tokio::test]
async fn blocks_outside_of_the_file_are_refused_before_their_data() {
    let why = refusal(async |peer| peer.header(0, 1, 100).await).await;
    assert_eq!(why.kind(), ErrorKind::Protocol, "{why}");
    let why = refusal(async |peer| peer.header(0, 1 << 40, 0).await).await;
    assert_eq!(why.kind(), ErrorKind::Protocol, "{why}");
}

#[tokio::test]
async fn overlaps_are_refused() {
    let why = refusal(async |peer| {
        peer.block(0, &[1; 60]).await;
        peer.block(59, &[2; 41]).await;
    })
    .await;
    assert_eq!(why.kind(), ErrorKind::Protocol, "{why}");
    assert!(why.to_string().contains("byte 59"), "{why}");
}

#[tokio::test]
async fn an_early_end_of_data_is_missing_bytes() {
    let why = refusal(async |peer| {
        peer.block(0, &[1; 60]).await;
        peer.end(Some(1)).await;
    })
    .await;
    assert_eq!(why.kind(), ErrorKind::Integrity, "{why}");
    assert!(why.to_string().contains("60 to 100"), "{why}");
}

#[tokio::test]
async fn a_missing_end_of_file_is_waited_for_so_long_and_no_longer() {
    let why = refusal(async |peer| {
        peer.block(0, &[1; 100]).await;
        peer.end(None).await;
    })
    .await;
    assert_eq!(why.kind(), ErrorKind::TimedOut, "{why}");
    assert!(why.to_string().contains("no end of file came"), "{why}");
}

#[tokio::test]
async fn a_missing_end_of_data_is_waited_for_so_long_and_no_longer() {
    let why = refusal(async |peer| {
        peer.block(0, &[1; 100]).await;
        peer.header(0x40, 0, 1).await;
    })
    .await;
    assert_eq!(why.kind(), ErrorKind::TimedOut, "{why}");
    let why = refusal(async |peer| {
        peer.block(0, &[1; 100]).await;
        peer.end(Some(2)).await;
    })
    .await;
    assert!(why.to_string().contains("1 of 2 connections"), "{why}");
}

#[tokio::test]
async fn an_end_of_file_that_comes_twice_is_refused() {
    let why = refusal(async |peer| {
        peer.header(0x40, 0, 1).await;
        peer.header(0x40, 0, 1).await;
    })
    .await;
    assert_eq!(why.kind(), ErrorKind::Protocol, "{why}");
}

#[tokio::test]
async fn closing_early_is_a_broken_connection() {
    for (descriptor, count, sent) in [(0, 60, 10), (0, 60, 60)] {
        let (to, mut receiver) = receiver(limits(), Expected::all_of(100), IN_ORDER);
        let mut peer = Peer::connect(to).await;
        peer.header(descriptor, count, 0).await;
        peer.raw(&vec![1; sent]).await;
        drop(peer);
        let why = collect(&mut receiver, 100).await.unwrap_err();
        assert_eq!(why.kind(), ErrorKind::Io, "{why}");
    }
}

#[tokio::test]
async fn more_ends_than_were_told_are_refused() {
    let (to, mut receiver) = receiver(impatient(), Expected::all_of(0), Order::AsItComes);
    let mut peers = Vec::new();
    for _ in 0..3 {
        let mut peer = Peer::connect(to).await;
        peer.end(None).await;
        peers.push(peer);
    }
    // All three are read before the fourth tells that there were two.
    let waited = tokio::time::timeout(Duration::from_millis(100), receiver.next()).await;
    assert!(waited.is_err());
    peers[0] = Peer::connect(to).await;
    peers[0].end(Some(2)).await;
    let why = receiver.next().await.unwrap_err();
    assert_eq!(why.kind(), ErrorKind::Protocol, "{why}");
}

#[tokio::test]
async fn too_many_connections_are_refused() {
    let few = Limits {
        connections: 4,
        ..limits()
    };
    let (to, mut receiver) = receiver(few, Expected::all_of(0), Order::AsItComes);
    let mut peers = Vec::new();
    for _ in 0..5 {
        peers.push(Peer::connect(to).await);
    }
    let why = receiver.next().await.unwrap_err();
    assert_eq!(why.kind(), ErrorKind::Protocol, "{why}");
}

#[tokio::test]
async fn endless_empty_blocks_are_refused() {
    let (to, mut receiver) = receiver(limits(), Expected::all_of(1), Order::AsItComes);
    let flood = tokio::spawn(async move {
        let mut peer = Peer::connect(to).await;
        let empty = [0; 17].repeat(100);
        while peer.0.write_all(&empty).await.is_ok() {}
    });
    let why = receiver.next().await.unwrap_err();
    assert_eq!(why.kind(), ErrorKind::Protocol, "{why}");
    drop(receiver);
    flood.await.unwrap();
}

/// A header that drips is no progress; data that drips is, unless more was asked for.
#[tokio::test]
async fn a_slow_drip_ends_in_time() {
    for least in [1, 1000] {
        let strict = Limits {
            least,
            ..impatient()
        };
        let (to, mut receiver) = receiver(strict, Expected::all_of(1 << 20), Order::AsItComes);
        let drip = tokio::spawn(async move {
            let mut peer = Peer::connect(to).await;
            if least > 1 {
                peer.header(0, 1 << 20, 0).await;
            }
            while peer.0.write_all(&[0]).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        let why = collect(&mut receiver, 1 << 20).await.unwrap_err();
        assert_eq!(why.kind(), ErrorKind::TimedOut, "{why}");
        drop(receiver);
        drip.abort();
    }
}

/// Blocks of one byte, each far from the last: the most that can be held of the least data.
#[tokio::test]
async fn scattered_bytes_cost_bounded_memory() {
    let size = 1 << 30;
    let (to, mut receiver) = receiver(impatient(), Expected::all_of(size), IN_ORDER);
    let before = resident();
    let flood = tokio::spawn(async move {
        let mut peer = Peer::connect(to).await;
        let mut offset = 1;
        loop {
            let mut blocks = Vec::new();
            for _ in 0..1000 {
                let header = BlockHeader::data(offset, 1);
                blocks.extend_from_slice(&header.encode());
                blocks.push(0);
                offset += 2;
            }
            if peer.0.write_all(&blocks).await.is_err() {
                return;
            }
        }
    });
    let why = receiver.next().await.unwrap_err();
    assert_eq!(why.kind(), ErrorKind::TimedOut, "{why}");
    let grown = resident().saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes more");
    drop(receiver);
    flood.abort();
}

/// A thousand million bytes that nobody takes: what is not asked for stays with the sender.
#[tokio::test]
async fn data_beyond_the_window_stays_with_the_sender() {
    let size = 1 << 30;
    let (to, mut receiver) = receiver(impatient(), Expected::all_of(size), IN_ORDER);
    let before = resident();
    let mut floods = Vec::new();
    for number in 1..=8 {
        floods.push(tokio::spawn(async move {
            let mut peer = Peer::connect(to).await;
            peer.header(0, 100 << 20, number * (100 << 20)).await;
            let zeros = vec![0; 1 << 20];
            while peer.0.write_all(&zeros).await.is_ok() {}
        }));
    }
    let why = receiver.next().await.unwrap_err();
    assert_eq!(why.kind(), ErrorKind::TimedOut, "{why}");
    let grown = resident().saturating_sub(before);
    assert!(grown < 32 << 20, "{grown} bytes more");
    drop(receiver);
    for flood in floods {
        flood.abort();
    }
}

#[tokio::test]
async fn strangers_are_turned_away() {
    let elsewhere = vec!["192.0.2.1".parse().unwrap()];
    let (options, security) = (SocketOptions::default(), DataSecurity::none());
    let listener = Listener::bind(HERE, elsewhere, &options, security, impatient()).unwrap();
    let inlet = Inlet::new(listener, Buffers::new(), impatient());
    let to = inlet.address().unwrap();
    let mut receiver = BlockReceiver::new(inlet, Expected::all_of(0), Order::AsItComes);
    let mut stranger = Peer::connect(to).await;
    stranger.end(Some(1)).await;
    let why = receiver.next().await.unwrap_err();
    assert_eq!(why.kind(), ErrorKind::TimedOut, "{why}");
}

/// Bytes of this process in memory.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}
