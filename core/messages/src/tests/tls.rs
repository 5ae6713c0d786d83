//! A broker that is encrypted and wants to know who comes.

use std::sync::Arc;

use bytes::BytesMut;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::pump::Sink as _;
use crate::stomp::frame::Frame;
use crate::stomp::sink::StompSink;

/// A certificate that vouches for itself, in files.
struct Party {
    certificate: rustls::pki_types::CertificateDer<'static>,
    key: Vec<u8>,
    certificate_file: std::path::PathBuf,
    key_file: std::path::PathBuf,
}

fn party(dir: &Path, name: &str) -> Party {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate_file, key_file) = (
        dir.join(format!("{name}.pem")),
        dir.join(format!("{name}.key")),
    );
    std::fs::write(&certificate_file, made.cert.pem()).unwrap();
    std::fs::write(&key_file, made.signing_key.serialize_pem()).unwrap();
    Party {
        certificate: made.cert.der().clone(),
        key: made.signing_key.serialize_der(),
        certificate_file,
        key_file,
    }
}

/// A broker that lets in whoever shows a certificate, for one connection; gives its port.
async fn broker(server: &Party, client: &Party) -> u16 {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut known = RootCertStore::empty();
    known.add(client.certificate.clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(known), provider.clone())
        .build()
        .unwrap();
    let key = PrivateKeyDer::try_from(server.key.clone()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![server.certificate.clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        // A client that is not let in breaks off here.
        let Ok(mut stream) = acceptor.accept(stream).await else {
            return;
        };
        let mut read = BytesMut::new();
        while stream.read_buf(&mut read).await.unwrap_or(0) > 0 {
            while let Some(frame) = Frame::read(&mut read).unwrap() {
                let answer = match frame.header("receipt") {
                    Some(id) => Frame::new("RECEIPT").with("receipt-id", id),
                    None => Frame::new("CONNECTED").with("version", "1.2"),
                };
                let mut out = BytesMut::new();
                answer.write(&mut out);
                stream.write_all(&out).await.unwrap();
            }
        }
    });
    port
}

fn config(port: u16, server: &Party, client: Option<&Party>) -> MessagesConfig {
    let empty = std::path::PathBuf::new;
    MessagesConfig {
        brokers: vec![format!("localhost:{port}")],
        tls: true,
        ca_file: server.certificate_file.clone(),
        certificate_file: client.map_or_else(empty, |it| it.certificate_file.clone()),
        key_file: client.map_or_else(empty, |it| it.key_file.clone()),
        timeout_seconds: 5,
        ..MessagesConfig::default()
    }
}

/// How many of one message are taken.
async fn taken(config: MessagesConfig) -> usize {
    let tls = connector(&config).unwrap();
    let mut sink = StompSink::new(Arc::new(config), tls, None).unwrap();
    let message = crate::Message {
        after: Default::default(),
        completes: true,
        kind: crate::Kind::Optimizer,
        at: crate::world::now(),
        job: None,
        body: "{}".to_owned(),
    };
    sink.deliver(&[message]).await.0
}

#[tokio::test]
async fn both_sides_prove_who_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let (server, client) = (party(dir.path(), "server"), party(dir.path(), "client"));
    let port = broker(&server, &client).await;
    assert_eq!(taken(config(port, &server, Some(&client))).await, 1);
    // Nobody, and somebody else.
    let port = broker(&server, &client).await;
    assert_eq!(taken(config(port, &server, None)).await, 0);
    let port = broker(&server, &client).await;
    assert_eq!(taken(config(port, &server, Some(&server))).await, 0);
    // A broker for whom nobody we know vouches.
    let port = broker(&server, &client).await;
    assert_eq!(taken(config(port, &client, Some(&client))).await, 0);
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let server = party(dir.path(), "server");
    let mut config = config(1, &server, Some(&server));
    let refusal = |config: &MessagesConfig| connector(config).err().unwrap();
    config.key_file = dir.path().join("none");
    assert!(refusal(&config).starts_with("messages.key_file: "));
    config.ca_file = server.key_file;
    assert!(refusal(&config).contains("there is no certificate in it"));
}
