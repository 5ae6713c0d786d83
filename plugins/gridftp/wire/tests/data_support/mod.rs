//! Both ends of data connections in one process, and peers that write bytes by hand.
#![allow(dead_code)] // each test file uses its own part

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use causeway_gridftp_wire::data::{
    BlockHeader, BlockReceiver, BlockSender, Buffers, DataSecurity, Expected, Inlet, Limits,
    Listener, Order, Outlet, Piece, SocketOptions,
};
use causeway_gridftp_wire::{Credential, Result, Trust};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

pub(crate) const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Bytes that show when they are not where they belong.
pub(crate) fn content(len: usize) -> Bytes {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()
    };
    let mut bytes = Vec::with_capacity(len + 4);
    while bytes.len() < len {
        bytes.extend_from_slice(&next());
    }
    bytes.truncate(len);
    bytes.into()
}

/// Limits under which a test that hangs fails soon.
pub(crate) fn limits() -> Limits {
    Limits {
        open: Duration::from_secs(10),
        idle: Duration::from_secs(10),
        ..Limits::default()
    }
}

/// The same for peers that are expected to fall silent.
pub(crate) fn impatient() -> Limits {
    Limits {
        idle: Duration::from_millis(300),
        ..limits()
    }
}

pub(crate) fn inlet_at(host: IpAddr, security: DataSecurity, limits: Limits) -> Inlet {
    let options = SocketOptions::default();
    let listener = Listener::bind(host, Vec::new(), &options, security, limits.clone());
    Inlet::new(listener.unwrap(), Buffers::new(), limits)
}

pub(crate) fn inlet(limits: Limits) -> Inlet {
    inlet_at(HERE, DataSecurity::none(), limits)
}

pub(crate) async fn outlet(to: SocketAddr, streams: usize, security: &DataSecurity) -> Outlet {
    let options = SocketOptions::default();
    let outlet = Outlet::connect(&[to], streams, &options, security, limits()).await;
    outlet.unwrap()
}

/// Sends a file over an outlet, in chunks of some length.
pub(crate) async fn send(outlet: Outlet, file: &Bytes, chunk: usize) -> Outlet {
    let mut sender = BlockSender::new(outlet, 64 * 1024);
    for start in (0..file.len()).step_by(chunk) {
        let data = file.slice(start..file.len().min(start + chunk));
        sender.send(start as u64, data).await.unwrap();
    }
    sender.finish().await.unwrap()
}

/// Takes everything, and puts each piece where it belongs.
pub(crate) async fn collect(receiver: &mut BlockReceiver, size: usize) -> Result<Vec<u8>> {
    let mut file = vec![0; size];
    while let Some(Piece { offset, data }) = receiver.next().await? {
        let start = usize::try_from(offset).unwrap();
        file[start..start + data.len()].copy_from_slice(&data);
    }
    Ok(file)
}

/// A sender whose blocks are written by hand.
pub(crate) struct Peer(pub(crate) TcpStream);

impl Peer {
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        Self(TcpStream::connect(to).await.unwrap())
    }

    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn header(&mut self, descriptor: u8, count: u64, offset: u64) {
        let header = BlockHeader {
            descriptor,
            count,
            offset,
        };
        self.raw(&header.encode()).await;
    }

    pub(crate) async fn block(&mut self, offset: u64, data: &[u8]) {
        self.header(0, data.len() as u64, offset).await;
        self.raw(data).await;
    }

    /// The end of this connection, which perhaps tells how many there are.
    pub(crate) async fn end(&mut self, connections: Option<u64>) {
        self.raw(&BlockHeader::end(connections).encode()).await;
    }
}

/// A receiver for a peer: where it listens, and itself.
pub(crate) fn receiver(
    limits: Limits,
    expected: Expected,
    order: Order,
) -> (SocketAddr, BlockReceiver) {
    let inlet = inlet(limits);
    let address = inlet.address().unwrap();
    (address, BlockReceiver::new(inlet, expected, order))
}

/// The PKI that the servers use, too.
pub(crate) fn pki() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let dir = std::env::var_os("CAUSEWAY_LAB_PKI")
        .map_or_else(|| root.join("target/lab/pki"), PathBuf::from);
    std::fs::create_dir_all(&dir).unwrap();
    let made = Command::new(root.join("tests/pki/make.sh"))
        .arg(&dir)
        .status();
    assert!(made.unwrap().success());
    dir
}

pub(crate) fn credential(name: &str) -> Credential {
    let dir = pki();
    let trust = Trust::read(&[&dir.join("certificates")]).unwrap();
    Credential::from_pem(&std::fs::read(dir.join(name)).unwrap(), trust).unwrap()
}
