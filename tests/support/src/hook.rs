//! A receiver of webhooks: refuses the first requests, takes the others, and checks signatures with
//! `openssl`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::programs::{clean, run_with, text};

/// One request that was taken.
#[derive(Clone, Debug)]
struct Request {
    head: String,
    body: String,
}

#[derive(Debug, Default)]
struct Seen {
    refused: usize,
    taken: Vec<Request>,
}

/// A receiver.
#[derive(Debug)]
pub struct Hook {
    url: String,
    seen: Arc<Mutex<Seen>>,
}

impl Hook {
    /// Starts one that refuses so many requests at first.
    pub async fn start(refuses: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Seen::default()));
        let notes = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, refuses, notes.clone()));
            }
        });
        Self {
            url: format!("http://{address}/hook?token=x"),
            seen,
        }
    }

    /// Where to post.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Requests that were refused.
    pub fn refused(&self) -> usize {
        self.seen.lock().expect("nobody panicked").refused
    }

    /// Bodies that were taken, each with a signature by this key.
    pub fn taken(&self, key: &str) -> Vec<Value> {
        let taken = self.seen.lock().expect("nobody panicked").taken.clone();
        taken.iter().map(|it| it.checked(key)).collect()
    }
}

impl Request {
    fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|it| it.split_once(':'));
        let mut found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().map_or("", |(_, value)| value.trim())
    }

    fn checked(&self, key: &str) -> Value {
        let signed = format!("{}.{}", self.header("x-causeway-timestamp"), self.body);
        let mut openssl = clean("openssl");
        openssl.args(["dgst", "-sha256", "-hmac", key]);
        let output = run_with(&mut openssl, &signed, Duration::from_secs(10));
        let digest = text(&output.stdout);
        let digest = digest.trim().rsplit(' ').next().unwrap_or("");
        let expected = format!("sha256={digest}");
        assert_eq!(self.header("x-causeway-signature"), expected);
        assert_eq!(self.header("content-type"), "application/json");
        serde_json::from_str(&self.body).expect("the body is JSON")
    }
}

async fn serve(mut stream: TcpStream, refuses: usize, seen: Arc<Mutex<Seen>>) {
    let mut bytes = Vec::new();
    loop {
        let Some(request) = next(&mut stream, &mut bytes).await else {
            return;
        };
        let answer = {
            let mut seen = seen.lock().expect("nobody panicked");
            if seen.refused < refuses {
                seen.refused += 1;
                "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
            } else {
                seen.taken.push(request);
                "HTTP/1.1 204 No Content\r\n\r\n"
            }
        };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The next request of a connection; nothing when there is no more.
async fn next(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<Request> {
    loop {
        let end = bytes.windows(4).position(|it| it == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let mut request = Request {
                head,
                body: String::new(),
            };
            let length: usize = request.header("content-length").parse().unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                let body = &bytes[end + 4..end + 4 + length];
                request.body = String::from_utf8_lossy(body).into_owned();
                bytes.drain(..end + 4 + length);
                return Some(request);
            }
        }
        if stream.read_buf(bytes).await.unwrap_or(0) == 0 {
            return None;
        }
    }
}
