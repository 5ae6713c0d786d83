//! Data connections with GSI: both roles, handshake only and TLS throughout, and the wrong peers.

mod data_support;

use std::time::Duration;

use bytes::Bytes;
use causeway_gridftp_wire::data::{
    BlockReceiver, Buffers, DataSecurity, Expected, Limits, Listener, Order, Protection,
    SocketOptions, StreamReader, StreamWriter, connect,
};
use causeway_gridftp_wire::{Credential, ErrorKind, PeerRule, Result, Trust};
use data_support::{HERE, collect, content, credential, inlet_at, limits, outlet, send};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const PROTECTIONS: [Protection; 3] = [Protection::Clear, Protection::Safe, Protection::Private];

fn security(name: &str, peer: PeerRule, protection: Protection) -> DataSecurity {
    DataSecurity::new(&credential(name), peer, protection).unwrap()
}

fn alice(protection: Protection) -> DataSecurity {
    security("alice.proxy", PeerRule::SameIdentity, protection)
}

/// One file in stream mode from the end that connects to the end that accepts, or back.
async fn carry(connects: &DataSecurity, accepts: &DataSecurity, back: bool) -> Result<Vec<u8>> {
    let file = content(500_000);
    let options = SocketOptions::default();
    let limits = limits();
    let listener = Listener::bind(HERE, vec![HERE], &options, accepts.clone(), limits.clone());
    let mut listener = listener?;
    let to = listener.address()?;
    let (one, other) = tokio::join!(connect(to, &options, connects, &limits), listener.accept());
    // The end that judges knows best why it failed.
    let (one, other) = match (one, other) {
        (Ok(one), Ok(other)) => (one, other),
        (Err(why), _) | (_, Err(why)) => return Err(why),
    };
    let (from, to) = if back { (other, one) } else { (one, other) };
    let sending = async {
        let mut writer = StreamWriter::new(from, &limits);
        writer.write(file.clone()).await?;
        writer.finish().await
    };
    let receiving = async {
        let mut reader = StreamReader::new(to, Buffers::new(), &limits);
        let mut got = Vec::new();
        while let Some(chunk) = reader.next().await? {
            got.extend_from_slice(&chunk);
        }
        Ok(got)
    };
    let (sent, got) = tokio::join!(sending, receiving);
    sent?;
    let got: Result<Vec<u8>> = got;
    assert!(got.as_ref().is_ok_and(|it| it == &file));
    got
}

#[tokio::test]
async fn streams_pass_under_every_protection_and_in_both_directions() {
    let none = DataSecurity::none();
    carry(&none, &none, false).await.unwrap();
    for protection in PROTECTIONS {
        let both = alice(protection);
        for back in [false, true] {
            carry(&both, &both, back).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_peer_may_be_known_by_its_subject() {
    let subject = "/DC=test/DC=lab/CN=localhost".to_owned();
    let host = pem_of_host();
    for protection in PROTECTIONS {
        let ours = security(
            "alice.proxy",
            PeerRule::Subject(subject.clone()),
            protection,
        );
        let rule = PeerRule::Subject("/DC=test/DC=lab/CN=Alice Tester".to_owned());
        let theirs = DataSecurity::new(&host, rule, protection).unwrap();
        carry(&ours, &theirs, true).await.unwrap();
        carry(&theirs, &ours, false).await.unwrap();
    }
}

#[tokio::test]
async fn blocks_pass_over_many_protected_streams() {
    let file = content(2_000_000);
    for protection in PROTECTIONS {
        let both = alice(protection);
        let inlet = inlet_at(HERE, both.clone(), limits());
        let to = inlet.address().unwrap();
        let order = Order::Ascending { window: 1 << 18 };
        let mut receiver = BlockReceiver::new(inlet, Expected::all_of(2_000_000), order);
        let sending = async { send(outlet(to, 4, &both).await, &file, 100_000).await };
        let (_, got) = tokio::join!(sending, collect(&mut receiver, file.len()));
        assert!(got.unwrap() == file);
    }
}

#[tokio::test]
async fn another_identity_is_refused_by_either_end() {
    for protection in PROTECTIONS {
        let alice = alice(protection);
        let anybody = PeerRule::Subject("/DC=test/DC=lab/CN=Alice Tester".to_owned());
        let bob = security("bob.proxy", anybody, protection);
        for (connects, accepts) in [(&alice, &bob), (&bob, &alice)] {
            let why = carry(connects, accepts, false).await.unwrap_err();
            let kinds = [ErrorKind::PeerUntrusted, ErrorKind::AuthRefused];
            assert!(kinds.contains(&why.kind()), "{protection:?}: {why:?}");
        }
    }
}

#[tokio::test]
async fn a_certificate_of_another_host_is_refused() {
    for protection in PROTECTIONS {
        let elsewhere = PeerRule::Host("elsewhere.example.org".to_owned());
        let ours = security("alice.proxy", elsewhere, protection);
        let rule = PeerRule::Subject("/DC=test/DC=lab/CN=Alice Tester".to_owned());
        let theirs = DataSecurity::new(&pem_of_host(), rule, protection).unwrap();
        let why = carry(&ours, &theirs, false).await.unwrap_err();
        assert_eq!(why.kind(), ErrorKind::PeerUntrusted, "{why}");
    }
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    let rule = PeerRule::Subject("/DC=test/DC=lab/CN=Alice Tester".to_owned());
    let mallory = security("mallory.proxy", rule, Protection::Private);
    let why = carry(&alice(Protection::Private), &mallory, false)
        .await
        .unwrap_err();
    let kinds = [ErrorKind::PeerUntrusted, ErrorKind::AuthRefused];
    assert!(kinds.contains(&why.kind()), "{why:?}");
}

/// The first byte of the file is in the same packet as the last one of the handshake.
#[tokio::test]
async fn not_a_byte_of_the_file_is_taken_for_the_handshake() {
    let both = alice(Protection::Clear);
    for size in [1, 5, 100_000] {
        let file = content(size);
        let limits = limits();
        let options = SocketOptions::default();
        let mut listener =
            Listener::bind(HERE, vec![HERE], &options, both.clone(), limits.clone()).unwrap();
        let to = listener.address().unwrap();
        let sending = async {
            let stream = connect(to, &options, &both, &limits).await.unwrap();
            let mut writer = StreamWriter::new(stream, &limits);
            writer.write(file.clone()).await.unwrap();
            writer.finish().await.unwrap();
        };
        let receiving = async {
            // Let everything arrive first.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let stream = listener.accept().await.unwrap();
            let mut reader = StreamReader::new(stream, Buffers::new(), &limits);
            let mut got = Vec::new();
            while let Some(chunk) = reader.next().await.unwrap() {
                got.extend_from_slice(&chunk);
            }
            Bytes::from(got)
        };
        let ((), got) = tokio::join!(sending, receiving);
        assert!(got == file);
    }
}

#[tokio::test]
async fn who_does_not_speak_tls_is_refused() {
    for protection in PROTECTIONS {
        for answer in [&b"220 hello\r\n"[..], &[0x16, 3, 3, 0xff, 0xff], &[0; 4096]] {
            let ours = alice(protection);
            let server = tokio::net::TcpListener::bind((HERE, 0)).await.unwrap();
            let to = server.local_addr().unwrap();
            let (options, limits) = (SocketOptions::default(), limits());
            let speaking = async {
                let (mut socket, _) = server.accept().await.unwrap();
                // It may be refused before it has said everything.
                drop(socket.write_all(answer).await);
                drop(socket.shutdown().await);
                drop(socket.read_to_end(&mut Vec::new()).await);
            };
            let (why, ()) = tokio::join!(connect(to, &options, &ours, &limits), speaking);
            let why = why.unwrap_err();
            let kinds = [ErrorKind::Protocol, ErrorKind::Tls, ErrorKind::Io];
            assert!(kinds.contains(&why.kind()), "{why:?}");
        }
    }
}

#[tokio::test]
async fn a_silent_peer_is_not_waited_for() {
    for protection in PROTECTIONS {
        let server = tokio::net::TcpListener::bind((HERE, 0)).await.unwrap();
        let to = server.local_addr().unwrap();
        let limits = Limits {
            open: Duration::from_millis(200),
            ..limits()
        };
        let why = connect(to, &SocketOptions::default(), &alice(protection), &limits).await;
        assert_eq!(why.unwrap_err().kind(), ErrorKind::TimedOut);
    }
}

/// The host's own certificate, as servers without a delegated credential show it.
fn pem_of_host() -> Credential {
    let dir = data_support::pki();
    let mut pem = std::fs::read(dir.join("hostcert.pem")).unwrap();
    pem.extend(std::fs::read(dir.join("hostkey.pem")).unwrap());
    let trust = Trust::read(&[&dir.join("certificates")]).unwrap();
    Credential::from_pem(&pem, trust).unwrap()
}
