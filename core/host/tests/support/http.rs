//! A server that answers with the request it got; below `/to/` it sends the caller elsewhere. And the URL
//! at which a guest sends the request that the URL describes.

use std::net::SocketAddr;

use causeway_sdk::Url;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Longest request.
const MOST: usize = 1 << 16;

/// Where the guest of this scheme sends such a request.
pub(crate) fn calling(scheme: &str, query: &[(&str, &str)]) -> Url {
    let encode = |text: &str| -> String { text.bytes().map(|it| format!("%{it:02x}")).collect() };
    let pair = |(key, value): &(&str, &str)| format!("{key}={}", encode(value));
    let query: Vec<String> = query.iter().map(pair).collect();
    super::url(&format!("{scheme}://h/call?{}", query.join("&")))
}

/// Starts one; it ends with the test.
pub(crate) async fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(answer(connection));
        }
    });
    address
}

/// True once all of a request has come.
fn is_whole(seen: &[u8]) -> bool {
    let Some(end) = seen.windows(4).position(|it| it == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&seen[..end]).to_ascii_lowercase();
    let body = &seen[end + 4..];
    if head.contains("transfer-encoding: chunked") {
        return body.ends_with(b"0\r\n\r\n");
    }
    let length = head.split("content-length: ").nth(1);
    let length = length.and_then(|it| it.split("\r\n").next()?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

async fn answer(mut connection: TcpStream) {
    let mut seen = Vec::new();
    let mut some = [0; 4096];
    while !is_whole(&seen) {
        match connection.read(&mut some).await {
            Ok(read) if read > 0 && seen.len() < MOST => seen.extend_from_slice(&some[..read]),
            _ => return,
        }
    }
    let text = String::from_utf8_lossy(&seen).into_owned();
    let path = text.split(' ').nth(1).unwrap_or("/").to_owned();
    let head = match path.strip_prefix("/to/") {
        Some(place) => format!("302 Found\r\nlocation: {}", place.replace("!", "//")),
        None => "200 OK".to_owned(),
    };
    let answer = format!(
        "HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    );
    // A caller that has gone is the test's business.
    drop(connection.write_all(answer.as_bytes()).await);
}
