//! Blocks of extended mode: no bytes on a data connection make more or less of a file than it is.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use causeway_gridftp_wire::data::{
    BlockReceiver, Buffers, DataSecurity, Expected, Inlet, Limits, Listener, Order, SocketOptions,
};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Size of the file that is expected.
const SIZE: usize = 64;

thread_local! {
    static RUNTIME: RefCell<Runtime> = RefCell::new(
        Builder::new_current_thread().enable_all().build().expect("a runtime"),
    );
}

/// Input: what one connection carries; its first byte chooses the order.
pub fn run(data: &[u8]) -> bool {
    let Some((choice, bytes)) = data.split_first() else {
        return false;
    };
    let order = match choice % 3 {
        0 => Order::AsItComes,
        1 => Order::Ascending { window: 16 },
        _ => Order::Ascending { window: 1 << 20 },
    };
    RUNTIME.with_borrow(|runtime| runtime.block_on(receive(bytes, order)))
}

async fn receive(bytes: &[u8], order: Order) -> bool {
    let limits = Limits {
        // What is missing at the end of the input does not come later.
        idle: Duration::from_millis(20),
        ..Limits::default()
    };
    let (options, security) = (SocketOptions::default(), DataSecurity::none());
    let listener = Listener::bind(HERE, vec![HERE], &options, security, limits.clone());
    let inlet = Inlet::new(listener.expect("a port"), Buffers::new(), limits);
    let to = inlet.address().expect("an address");
    let mut receiver = BlockReceiver::new(inlet, Expected::all_of(SIZE as u64), order);
    let sending = async {
        let mut peer = TcpStream::connect(to).await.expect("a connection");
        // The receiver may have seen enough before the end.
        drop(peer.write_all(bytes).await);
        drop(peer.shutdown().await);
        peer
    };
    let (_peer, is_whole) = tokio::join!(sending, take(&mut receiver, order));
    is_whole
}

async fn take(receiver: &mut BlockReceiver, order: Order) -> bool {
    let (mut seen, mut next) = ([false; SIZE], 0);
    loop {
        match receiver.next().await {
            Err(_) => return false,
            Ok(None) => {
                assert!(seen.iter().all(|it| *it), "it ended with bytes missing");
                return true;
            }
            Ok(Some(piece)) => {
                let start = usize::try_from(piece.offset).expect("a small offset");
                assert!(order == Order::AsItComes || start == next);
                next = start + piece.data.len();
                for it in &mut seen[start..next] {
                    assert!(!*it, "a byte came twice");
                    *it = true;
                }
            }
        }
    }
}
