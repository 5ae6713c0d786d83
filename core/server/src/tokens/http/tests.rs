//! The client against servers of the tests: whom it trusts, how long it waits, how much it reads.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use causeway_identity::issue::{Authority, write_trust_directory};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// Whether a request has come with all that it announced.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|it| it.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |it| it.parse().unwrap())
}

/// Answers every request with this, and hands the request back.
async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8]) -> String {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    while !is_whole(&request) {
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => break,
            Ok(count) => request.extend_from_slice(&piece[..count]),
        }
    }
    // A client that has read enough hangs up.
    drop(stream.write_all(answer).await);
    drop(stream.shutdown().await);
    String::from_utf8_lossy(&request).into_owned()
}

fn answer(status: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\n{more}content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A plain server for one request; gives its URL, and the request in the end.
async fn plain(answer: Vec<u8>) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        converse(stream, &answer).await
    });
    (url, served)
}

fn client(ca_dir: &Path, seconds: u64) -> IssuerClient {
    IssuerClient::new(ca_dir, Duration::from_secs(seconds)).unwrap()
}

#[tokio::test]
async fn answers_that_are_too_long_late_or_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let client = client(dir.path(), 30);
    let (url, _) = plain(answer("200 OK", "", b"{}")).await;
    assert_eq!(client.get(&url).await.unwrap(), b"{}");
    let (url, _) = plain(answer("200 OK", "", &vec![b'x'; MAX_BODY])).await;
    assert_eq!(client.get(&url).await.unwrap().len(), MAX_BODY);
    for (answer, part) in [
        (answer("200 OK", "", &vec![b'x'; MAX_BODY + 1]), "too large"),
        (
            answer("302 Found", "location: http://127.0.0.1:1/\r\n", b""),
            "status 302",
        ),
        (answer("404 Not Found", "", b""), "status 404"),
        (answer("204 No Content", "", b""), "status 204"),
    ] {
        let (url, _) = plain(answer).await;
        let trouble = client.get(&url).await.unwrap_err();
        assert!(trouble.0.contains(part), "{trouble}");
    }
    assert!(
        client
            .get("http://127.0.0.1:1/secret?x=secret")
            .await
            .is_err()
    );
}

#[tokio::test]
async fn an_issuer_that_says_nothing_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let trouble = client(dir.path(), 1).get(&url).await.unwrap_err();
    assert_eq!(trouble.0, "it takes too long");
}

#[tokio::test]
async fn a_form_carries_the_name_of_the_client() {
    let dir = tempfile::tempdir().unwrap();
    let (url, served) = plain(answer("400 Bad Request", "", b"{\"error\":\"x\"}")).await;
    let secret = Secret::new("hunter2");
    let form = [("grant_type", "a b"), ("scope", "x&y=z")];
    let got = client(dir.path(), 30)
        .post_form(&url, &form, ("us", &secret))
        .await;
    assert_eq!(got.unwrap(), (400, b"{\"error\":\"x\"}".to_vec()));
    let request = served.await.unwrap();
    assert!(request.starts_with("POST /x "), "{request}");
    let head = request.to_ascii_lowercase();
    assert!(
        head.contains("authorization: basic dxm6ahvudgvymg=="),
        "{request}"
    );
    assert!(
        head.contains("content-type: application/x-www-form-urlencoded"),
        "{request}"
    );
    assert!(
        request.ends_with("grant_type=a+b&scope=x%26y%3Dz"),
        "{request}"
    );
}

#[tokio::test]
async fn an_issuer_is_who_its_certificate_says() {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
        - 3600;
    let authority = Authority::new("/DC=org/CN=Issuers' CA", now, 86_400).unwrap();
    let trusted = tempfile::tempdir().unwrap();
    write_trust_directory(trusted.path(), &authority).unwrap();
    let nobody = tempfile::tempdir().unwrap();
    for (ca_dir, name, is_good) in [
        (trusted.path(), "127.0.0.1", true),
        (trusted.path(), "issuer.example", false),
        (nobody.path(), "127.0.0.1", false),
    ] {
        let dn = format!("/DC=org/CN={name}");
        let host = authority.host(&dn, &[name], now, 80_000).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(host.chain().to_vec(), host.key().to_der())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(stream) = acceptor.accept(stream).await {
                converse(stream, &answer("200 OK", "", b"{}")).await;
            }
        });
        let got = client(ca_dir, 30).get(&url).await;
        assert_eq!(got.is_ok(), is_good, "{name}: {got:?}");
        served.await.unwrap();
    }
}
