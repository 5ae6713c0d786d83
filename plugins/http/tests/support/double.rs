//! A server that says what a test tells it to, byte by byte. Plain HTTP on loopback.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// What to answer, and whether before the body is read.
pub(crate) struct Reply {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_early: bool,
    /// Keep the connection open without saying more and without reading.
    pub(crate) hangs: bool,
}

/// Status line, headers and body; the length is added.
pub(crate) fn reply(status: &str, headers: &[&str], body: &str) -> Reply {
    let mut text = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    raw(format!("{text}\r\n{body}"))
}

/// Exactly these bytes, then the connection is closed.
pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Reply {
    Reply {
        bytes: bytes.into(),
        is_early: false,
        hangs: false,
    }
}

/// The same before the body was read.
pub(crate) fn early(reply: Reply) -> Reply {
    Reply {
        is_early: true,
        ..reply
    }
}

pub(crate) struct Double {
    pub(crate) address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Double {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Double {
    pub(crate) async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (seen.clone(), Arc::new(answer));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, log.clone(), answer.clone()));
            }
        });
        Self {
            address,
            seen,
            task,
        }
    }

    pub(crate) fn url(&self, path: &str) -> causeway_sdk::Url {
        super::url(format!("dav://{}{path}", self.address))
    }

    /// All requests of a method, in order.
    pub(crate) fn seen(&self, method: &str) -> Vec<Seen> {
        let all = self.seen.lock().unwrap();
        all.iter()
            .filter(|it| it.method == method)
            .cloned()
            .collect()
    }
}

/// One request per connection keeps the scripts simple.
async fn serve(
    mut stream: TcpStream,
    log: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<impl Fn(&Seen) -> Reply>,
) {
    let mut buffer = Vec::new();
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|it| it == b"\r\n\r\n") {
            break at;
        }
        match stream.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    };
    let mut seen = head(&String::from_utf8_lossy(&buffer[..end]));
    seen.body = buffer.split_off(end + 4);
    let reply = answer(&seen);
    if !reply.is_early {
        read_body(&mut stream, &mut seen).await;
    }
    log.lock().unwrap().push(seen);
    // The client may be gone already; that is the test's business.
    if stream.write_all(&reply.bytes).await.is_err() {
        return;
    }
    if reply.hangs {
        std::future::pending::<()>().await;
    }
    drop(stream);
}

fn head(text: &str) -> Seen {
    let mut lines = text.split("\r\n");
    let mut first = lines.next().unwrap_or("").split(' ');
    Seen {
        method: first.next().unwrap_or("").to_owned(),
        path: first.next().unwrap_or("").to_owned(),
        headers: lines
            .filter_map(|it| it.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
        body: Vec::new(),
    }
}

async fn read_body(stream: &mut TcpStream, seen: &mut Seen) {
    if seen.header("expect").is_some() {
        let go = stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await;
        if go.is_err() {
            return;
        }
    }
    let len = seen.header("content-length").and_then(|it| it.parse().ok());
    let is_done = |body: &[u8]| match len {
        Some(len) => body.len() >= len,
        None => body.ends_with(b"0\r\n\r\n"),
    };
    if len.is_none() && seen.header("transfer-encoding").is_none() {
        return;
    }
    while !is_done(&seen.body) {
        match stream.read_buf(&mut seen.body).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}
