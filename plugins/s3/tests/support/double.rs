//! A server that says what a test tells it to. Plain HTTP on loopback; connections are kept as real
//! servers keep them, unless an answer says otherwise.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Path without the query.
    pub(crate) path: String,
    pub(crate) query: HashMap<String, String>,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// How many connections came before the one of this request.
    pub(crate) connection: usize,
    /// Only a part of the body has come, and nothing is done yet.
    pub(crate) is_half: bool,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }
}

/// What to do with a request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Answers.
    Say(Vec<u8>),
    /// Hangs up before the body was read, when only half of it has come.
    CutEarly,
    /// Reads on: the answer for half a body.
    GoOn,
    /// Hangs up when all was read.
    CutLate,
    /// Hangs up in the middle of the answer.
    CutWithin(Vec<u8>),
}

/// Status line, headers and body; the length is added unless a header has one.
pub(crate) fn reply(status: &str, headers: &[&str], body: &str) -> Reply {
    Reply::Say(text(status, headers, body))
}

pub(crate) fn text(status: &str, headers: &[&str], body: &str) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\n");
    let is_told = |it: &&str| it.to_ascii_lowercase().starts_with("content-length");
    if !headers.iter().any(is_told) {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    format!("{text}\r\n{body}").into_bytes()
}

/// A failure as S3 tells it.
pub(crate) fn fault(status: &str, code: &str, headers: &[&str]) -> Reply {
    let body = format!("<Error><Code>{code}</Code><Message>said so</Message></Error>");
    reply(status, headers, &body)
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
        Self::begin(answer, false).await
    }

    /// One that is also asked once about every body of which half has come.
    pub(crate) async fn watching(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::begin(answer, true).await
    }

    async fn begin(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static, watches: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (seen.clone(), Arc::new(answer));
        let task = tokio::spawn(async move {
            let mut count = 0;
            while let Ok((stream, _)) = listener.accept().await {
                let number = (count, watches);
                tokio::spawn(serve(stream, number, log.clone(), answer.clone()));
                count += 1;
            }
        });
        Self {
            address,
            seen,
            task,
        }
    }

    pub(crate) fn url(&self, path: &str) -> causeway_sdk::Url {
        super::url(format!("s3://{}{path}", self.address))
    }

    /// All requests, in order.
    pub(crate) fn all(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// All requests of a method, in order.
    pub(crate) fn seen(&self, method: &str) -> Vec<Seen> {
        let mut all = self.all();
        all.retain(|it| it.method == method);
        all
    }
}

async fn serve(
    mut stream: TcpStream,
    (connection, watches): (usize, bool),
    log: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<impl Fn(&Seen) -> Reply>,
) {
    let mut buffer = Vec::new();
    loop {
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
        seen.connection = connection;
        let len = seen
            .header("content-length")
            .map_or(0, |it| it.parse().unwrap());
        seen.body = buffer.split_off(end + 4);
        while seen.body.len() < len {
            // A request that ends in the middle is none.
            match stream.read_buf(&mut seen.body).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            let is_half = !seen.is_half && seen.body.len() > len / 2 && seen.body.len() < len;
            seen.is_half |= is_half;
            if watches && is_half && matches!(answer(&seen), Reply::CutEarly) {
                log.lock().unwrap().push(seen);
                return;
            }
        }
        buffer = seen.body.split_off(len);
        seen.is_half = false;
        let reply = answer(&seen);
        log.lock().unwrap().push(seen);
        let (bytes, goes_on) = match reply {
            Reply::Say(bytes) => (bytes, true),
            Reply::CutWithin(bytes) => (bytes, false),
            Reply::CutEarly | Reply::CutLate | Reply::GoOn => return,
        };
        // The client may be gone already; that is the test's business.
        if stream.write_all(&bytes).await.is_err() || !goes_on {
            return;
        }
    }
}

fn head(text: &str) -> Seen {
    let mut lines = text.split("\r\n");
    let mut first = lines.next().unwrap_or("").split(' ');
    let method = first.next().unwrap_or("").to_owned();
    let target = first.next().unwrap_or("");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter(|it| !it.is_empty());
    Seen {
        method,
        path: path.to_owned(),
        query: pairs
            .map(|it| it.split_once('=').unwrap_or((it, "")))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        headers: lines
            .filter_map(|it| it.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
        ..Seen::default()
    }
}
