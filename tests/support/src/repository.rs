//! A repository of records that speaks as much of InvenioRDM's REST API as uploads and downloads of files
//! need. One token opens the drafts; published records are for everybody.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use causeway_sdk::Algorithm;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_RANGE, RANGE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

type Answer = Response<Full<Bytes>>;

/// A file that was announced; whole once it is committed.
#[derive(Clone, Debug, Default)]
struct File {
    content: Bytes,
    whole: bool,
}

/// Files of every draft and record, by their part of the path.
type Records = Arc<Mutex<BTreeMap<String, BTreeMap<String, File>>>>;

/// A repository; it ends with this value.
#[derive(Debug)]
pub struct Repository {
    address: SocketAddr,
    records: Records,
    accepting: JoinHandle<()>,
}

impl Drop for Repository {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Repository {
    /// Starts one whose drafts that token opens.
    pub async fn start(token: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let records = Records::default();
        let (notes, token) = (Arc::clone(&records), format!("Bearer {token}"));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (notes, token) = (Arc::clone(&notes), token.clone());
                tokio::spawn(async move {
                    let service = service_fn(|request| serve(request, &notes, &token));
                    let connection = hyper::server::conn::http1::Builder::new();
                    // A client that goes away is no failure of this server.
                    drop(
                        connection
                            .serve_connection(TokioIo::new(stream), service)
                            .await,
                    );
                });
            }
        });
        Self {
            address,
            records,
            accepting,
        }
    }

    /// Host and port.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// Publishes a record with one file.
    pub fn publish(&self, id: &str, name: &str, content: &'static [u8]) {
        let file = File {
            content: content.into(),
            whole: true,
        };
        let mut records = self.records.lock().expect("nobody panicked");
        records
            .entry(format!("{id}/files"))
            .or_default()
            .insert(name.to_owned(), file);
    }
}

async fn serve(
    request: Request<Incoming>,
    records: &Records,
    token: &str,
) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().strip_prefix("/api/records/").unwrap_or("");
    let Some((record, name)) = split(path) else {
        return Ok(status(StatusCode::NOT_FOUND));
    };
    let authorized = head
        .headers
        .get(AUTHORIZATION)
        .is_some_and(|it| it == token);
    if record.contains("/draft/") && !authorized {
        return Ok(status(StatusCode::UNAUTHORIZED));
    }
    let Ok(body) = body.collect().await else {
        // It broke off: nothing is kept of it.
        return Ok(status(StatusCode::BAD_REQUEST));
    };
    let body = body.to_bytes();
    let mut records = records.lock().expect("nobody panicked");
    let files = records.entry(record.to_owned()).or_default();
    if name.is_empty() {
        return Ok(match head.method {
            Method::GET => {
                let entries = files.iter().map(|(name, file)| told(name, file));
                json_answer(&json!({ "entries": entries.collect::<Vec<_>>() }))
            }
            Method::POST => announce(files, &body),
            _ => status(StatusCode::METHOD_NOT_ALLOWED),
        });
    }
    let range = head.headers.get(RANGE).and_then(|it| it.to_str().ok());
    Ok(about_file(files, &head.method, name, body, range))
}

/// `ID/files/NAME...` or `ID/draft/files/NAME...`, as the part up to `files` and the rest.
fn split(path: &str) -> Option<(&str, &str)> {
    let end = path.find("/files")? + "/files".len();
    Some((&path[..end], path[end..].trim_start_matches('/')))
}

fn announce(files: &mut BTreeMap<String, File>, body: &[u8]) -> Answer {
    let Ok(Value::Array(wanted)) = serde_json::from_slice(body) else {
        return status(StatusCode::BAD_REQUEST);
    };
    for name in wanted.iter().filter_map(|it| it["key"].as_str()) {
        if files.contains_key(name) {
            return status(StatusCode::BAD_REQUEST);
        }
        files.insert(name.to_owned(), File::default());
    }
    let mut answer = json_answer(&json!({ "entries": wanted }));
    *answer.status_mut() = StatusCode::CREATED;
    answer
}

fn about_file(
    files: &mut BTreeMap<String, File>,
    method: &Method,
    name: &str,
    body: Bytes,
    range: Option<&str>,
) -> Answer {
    let (name, of) = match (name.strip_suffix("/content"), name.strip_suffix("/commit")) {
        (Some(name), _) => (name, "content"),
        (_, Some(name)) => (name, "commit"),
        _ => (name, ""),
    };
    let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
    let Some(file) = files.get_mut(&*name) else {
        return status(StatusCode::NOT_FOUND);
    };
    match (method.as_str(), of) {
        ("GET", "") => json_answer(&told(&name, file)),
        ("GET", "content") => content(&file.content, range),
        ("PUT", "content") => {
            file.content = body;
            json_answer(&told(&name, file))
        }
        ("POST", "commit") => {
            file.whole = true;
            json_answer(&told(&name, file))
        }
        ("DELETE", "") => {
            files.remove(&*name);
            status(StatusCode::NO_CONTENT)
        }
        _ => status(StatusCode::METHOD_NOT_ALLOWED),
    }
}

fn told(name: &str, file: &File) -> Value {
    let mut hasher = Algorithm::Md5.hasher();
    hasher.update(&file.content);
    json!({
        "key": name,
        "size": file.content.len(),
        "checksum": format!("md5:{}", hasher.finish().hex),
        "status": if file.whole { "completed" } else { "pending" },
    })
}

fn content(all: &Bytes, range: Option<&str>) -> Answer {
    let bounds = range.and_then(|it| it.strip_prefix("bytes=")?.split_once('-'));
    let Some((first, last)) = bounds else {
        return Response::new(Full::new(all.clone()));
    };
    let first: usize = first.parse().expect("the plugin names the first byte");
    let last = last.parse().unwrap_or(usize::MAX).min(all.len() - 1);
    let mut answer = Response::new(Full::new(all.slice(first..=last)));
    *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
    let value = format!("bytes {first}-{last}/{}", all.len());
    let value = value.parse().expect("digits make a header");
    answer.headers_mut().insert(CONTENT_RANGE, value);
    answer
}

fn json_answer(value: &Value) -> Answer {
    Response::new(Full::new(value.to_string().into()))
}

fn status(status: StatusCode) -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = status;
    answer
}
