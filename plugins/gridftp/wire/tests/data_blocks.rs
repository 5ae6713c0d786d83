//! Extended mode between our own two ends: sizes, streams, orders, reuse.

mod data_support;

use std::net::{IpAddr, Ipv6Addr};

use bytes::Bytes;
use causeway_gridftp_wire::ErrorKind;
use causeway_gridftp_wire::data::{
    BlockReceiver, BlockSender, DataSecurity, Expected, Order, Outlet, Ranges, SocketOptions,
};
use data_support::{
    HERE, Peer, collect, content, impatient, inlet, inlet_at, limits, outlet, receiver, send,
};
use tokio::net::TcpListener;

const ORDERS: [Order; 3] = [
    Order::AsItComes,
    Order::Ascending { window: 0 },
    Order::Ascending { window: 1 << 20 },
];

/// Sends a file from one end to the other; the received bytes must ascend when they were asked to.
async fn carry(host: IpAddr, file: &Bytes, streams: usize, chunk: usize, order: Order) {
    let inlet = inlet_at(host, DataSecurity::none(), limits());
    let to = inlet.address().unwrap();
    let mut receiver = BlockReceiver::new(inlet, Expected::all_of(file.len() as u64), order);
    let sending = async {
        let outlet = outlet(to, streams, &DataSecurity::none()).await;
        send(outlet, file, chunk).await
    };
    let receiving = async {
        let (mut got, mut next) = (vec![0; file.len()], 0);
        while let Some(piece) = receiver.next().await.unwrap() {
            let start = piece.offset as usize;
            got[start..start + piece.data.len()].copy_from_slice(&piece.data);
            if order != Order::AsItComes {
                assert_eq!(start, next);
            }
            next = start + piece.data.len();
        }
        got
    };
    let (_, got) = tokio::join!(sending, receiving);
    assert!(
        got == *file,
        "{} bytes, {streams} streams, {order:?}",
        file.len()
    );
}

#[tokio::test]
async fn files_of_all_sizes_arrive_over_any_number_of_streams() {
    let block = 64 * 1024;
    let sizes = [
        0,
        1,
        block - 1,
        block,
        block + 1,
        16 * block,
        16 * block + 1,
        3_000_001,
    ];
    for size in sizes {
        let file = content(size);
        for streams in [1, 4, 16] {
            for order in ORDERS {
                carry(HERE, &file, streams, 100_000, order).await;
            }
        }
    }
}

#[tokio::test]
async fn chunks_may_be_smaller_or_larger_than_blocks() {
    let file = content(1_000_000);
    for chunk in [999, 65_536, 1_000_000] {
        carry(HERE, &file, 3, chunk, ORDERS[2]).await;
    }
}

#[tokio::test]
async fn connections_may_be_of_ipv6() {
    let file = content(300_000);
    carry(IpAddr::V6(Ipv6Addr::LOCALHOST), &file, 2, 70_000, ORDERS[0]).await;
}

#[tokio::test]
async fn connections_serve_file_after_file() {
    let files = [content(200_000), content(0), content(1), content(70_000)];
    let mut inlet = inlet(limits());
    let to = inlet.address().unwrap();
    let mut outlet = outlet(to, 3, &DataSecurity::none()).await;
    for file in &files {
        let expected = Expected::all_of(file.len() as u64);
        let mut receiver = BlockReceiver::new(inlet, expected, ORDERS[2]);
        let receiving = collect(&mut receiver, file.len());
        let (sent, got) = tokio::join!(send(outlet, file, 50_000), receiving);
        assert!(got.unwrap() == *file);
        outlet = sent;
        inlet = receiver.into_inlet().unwrap();
        assert_eq!(inlet.connections(), 3);
    }
}

/// Two files sent before the first one is asked for: the second one's blocks are not lost.
#[tokio::test]
async fn what_was_read_ahead_belongs_to_the_next_file() {
    let (to, mut receiver) = receiver(limits(), Expected::all_of(3), Order::AsItComes);
    let mut peer = Peer::connect(to).await;
    for file in [b"one", b"two"] {
        peer.block(0, file).await;
        peer.end(Some(1)).await;
    }
    assert_eq!(collect(&mut receiver, 3).await.unwrap(), b"one");
    let inlet = receiver.into_inlet().unwrap();
    let mut receiver = BlockReceiver::new(inlet, Expected::all_of(3), Order::AsItComes);
    assert_eq!(collect(&mut receiver, 3).await.unwrap(), b"two");
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_makes_room_for_a_new_one() {
    let (to, mut first) = receiver(limits(), Expected::all_of(3), Order::AsItComes);
    let mut peer = Peer::connect(to).await;
    peer.block(0, b"one").await;
    peer.end(Some(1)).await;
    collect(&mut first, 3).await.unwrap();
    drop(peer);
    let inlet = first.into_inlet().unwrap();
    let mut second = BlockReceiver::new(inlet, Expected::all_of(3), Order::AsItComes);
    let mut peer = Peer::connect(to).await;
    peer.block(0, b"two").await;
    peer.end(Some(1)).await;
    assert_eq!(collect(&mut second, 3).await.unwrap(), b"two");
    assert_eq!(second.into_inlet().unwrap().connections(), 1);
}

#[tokio::test]
async fn a_sender_that_closes_its_connection_leaves_none_to_keep() {
    let (to, mut receiver) = receiver(limits(), Expected::all_of(0), Order::AsItComes);
    let mut peer = Peer::connect(to).await;
    peer.header(0x4c, 0, 1).await;
    collect(&mut receiver, 0).await.unwrap();
    assert_eq!(receiver.into_inlet().unwrap().connections(), 0);
}

#[tokio::test]
async fn a_resumed_file_gets_what_was_missing() {
    let already = Ranges::parse("0-10,20-25").unwrap();
    let expected = Expected {
        size: Some(30),
        already,
    };
    for order in ORDERS {
        let (to, mut receiver) = receiver(limits(), expected.clone(), order);
        let mut peer = Peer::connect(to).await;
        peer.block(10, b"0123456789").await;
        peer.block(25, b"abcde").await;
        peer.end(Some(1)).await;
        let mut got = Vec::new();
        while let Some(piece) = receiver.next().await.unwrap() {
            got.extend_from_slice(&piece.data);
        }
        assert_eq!(got, b"0123456789abcde");
    }
}

/// The end may come in two blocks, and with the last data.
#[tokio::test]
async fn ends_are_understood_in_all_their_forms() {
    let (to, mut receiver) = receiver(limits(), Expected::all_of(6), Order::AsItComes);
    let mut first = Peer::connect(to).await;
    let mut second = Peer::connect(to).await;
    first.header(0x40, 0, 2).await;
    first.block(0, b"abc").await;
    first.header(0x08, 0, 0).await;
    second.header(0x08, 3, 3).await;
    second.raw(b"def").await;
    assert_eq!(collect(&mut receiver, 6).await.unwrap(), b"abcdef");
}

/// Each connection descends: only a window that is wide enough, or no order at all, can take that.
#[tokio::test]
async fn blocks_out_of_order_wait_in_the_window_or_are_refused() {
    for (order, is_taken) in [
        (Order::AsItComes, true),
        (Order::Ascending { window: 400 }, true),
        (Order::Ascending { window: 399 }, false),
    ] {
        let (to, mut receiver) = receiver(impatient(), Expected::all_of(400), order);
        let mut peer = Peer::connect(to).await;
        peer.header(0x40, 0, 1).await;
        for offset in [300, 200, 100, 0] {
            peer.block(offset, &[7; 100]).await;
        }
        peer.end(None).await;
        match collect(&mut receiver, 400).await {
            Ok(got) => assert!(is_taken && got == [7; 400]),
            Err(why) => {
                assert!(!is_taken);
                assert_eq!(why.kind(), ErrorKind::Protocol, "{why}");
            }
        }
    }
}

/// The block that is needed comes over the connection that is opened last, all others being ahead.
#[tokio::test]
async fn the_slowest_connection_holds_nobody_up_for_ever() {
    let order = Order::Ascending { window: 1000 };
    let file = content(160_000);
    let (to, mut receiver) = receiver(limits(), Expected::all_of(160_000), order);
    let sending = async {
        let mut peers = Vec::new();
        for number in (0..16).rev() {
            let mut peer = Peer::connect(to).await;
            let start = number * 10_000;
            peer.block(start as u64, &file[start..start + 10_000]).await;
            peer.end((number == 15).then_some(16)).await;
            peers.push(peer);
        }
        peers
    };
    let (_peers, got) = tokio::join!(sending, collect(&mut receiver, file.len()));
    assert!(got.unwrap() == file);
}

/// Who does not take pieces stops the sender, and not for long.
#[tokio::test]
async fn a_slow_receiver_slows_the_sender() {
    let (to, mut receiver) = receiver(limits(), Expected::all_of(64 << 20), ORDERS[2]);
    let sending = tokio::spawn(async move {
        let outlet = outlet(to, 4, &DataSecurity::none()).await;
        send(outlet, &content(64 << 20), 1 << 20).await
    });
    receiver.next().await.unwrap().unwrap();
    tokio::time::sleep(limits().idle / 50).await;
    assert!(!sending.is_finished());
    while receiver.next().await.unwrap().is_some() {}
    sending.await.unwrap();
}

#[tokio::test]
async fn dropping_a_wait_loses_nothing() {
    let (to, mut receiver) = receiver(limits(), Expected::all_of(6), Order::AsItComes);
    let mut peer = Peer::connect(to).await;
    let mut got = Vec::new();
    for part in [&b"ab"[..], b"cd", b"ef"] {
        peer.block(got.len() as u64, part).await;
        let impatient = std::time::Duration::from_millis(1);
        while got.len() < 6 {
            match tokio::time::timeout(impatient, receiver.next()).await {
                Ok(piece) => got.extend_from_slice(&piece.unwrap().unwrap().data),
                Err(_) => break,
            }
        }
    }
    peer.end(Some(1)).await;
    while let Some(piece) = receiver.next().await.unwrap() {
        got.extend_from_slice(&piece.data);
    }
    assert_eq!(got, b"abcdef");
}

#[tokio::test]
async fn a_receiver_that_falls_silent_is_not_waited_for() {
    let listener = TcpListener::bind((HERE, 0)).await.unwrap();
    let addresses = [listener.local_addr().unwrap()];
    let (options, security) = (SocketOptions::default(), DataSecurity::none());
    let opening = Outlet::connect(&addresses, 2, &options, &security, impatient());
    let (outlet, _first) = tokio::join!(opening, listener.accept());
    let mut sender = BlockSender::new(outlet.unwrap(), 1 << 20);
    let data = content(1 << 20);
    let why = loop {
        if let Err(why) = sender.send(0, data.clone()).await {
            break why;
        }
    };
    assert_eq!(why.kind(), ErrorKind::TimedOut);
}
