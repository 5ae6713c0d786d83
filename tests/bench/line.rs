//! A client of the gateway that costs little beside it, and the jobs it submits.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// Longest wait for a job to end.
const LIMIT: Duration = Duration::from_secs(300);

/// One connection to the gateway.
pub(crate) struct Line {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Line {
    pub(crate) async fn open(host: &str) -> Self {
        let stream = TcpStream::connect(host).await.expect("the gateway listens");
        stream.set_nodelay(true).expect("loopback takes the option");
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .expect("the gateway speaks HTTP");
        tokio::spawn(connection);
        Self {
            sender,
            host: host.to_owned(),
        }
    }

    pub(crate) async fn call(&mut self, method: Method, path: &str, body: Bytes) -> Bytes {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .header("content-type", "application/json")
            .body(Full::new(body))
            .expect("a request can be built");
        self.sender
            .ready()
            .await
            .expect("the gateway keeps the connection");
        let response = self
            .sender
            .send_request(request)
            .await
            .expect("the gateway answers");
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .expect("the answer arrives")
            .to_bytes();
        assert!(
            status.is_success(),
            "{path}: {status} {}",
            String::from_utf8_lossy(&body)
        );
        body
    }

    pub(crate) async fn json(&mut self, path: &str) -> Value {
        let body = self.call(Method::GET, path, Bytes::new()).await;
        serde_json::from_slice(&body).expect("the answer is JSON")
    }
}

/// A job of mock transfers that take so many seconds.
pub(crate) fn job(number: usize, transfers: usize, seconds: u32) -> Bytes {
    let files: Vec<Value> = (0..transfers)
        .map(|index| {
            json!({
                "sources": [format!("mock://a.example/{number}/{index}?size=1000")],
                "destinations": [format!("mock://b.example/{number}/{index}?size_post=1000&time={seconds}")],
            })
        })
        .collect();
    json!({ "files": files }).to_string().into()
}

pub(crate) fn id_of(answer: &[u8]) -> String {
    let answer: Value = serde_json::from_slice(answer).expect("the answer is JSON");
    answer["job_id"].as_str().expect("a job id").to_owned()
}

pub(crate) async fn wait(line: &mut Line, id: &str) {
    let start = Instant::now();
    while !matches!(
        line.json(&format!("/jobs/{id}")).await["job_state"].as_str(),
        Some("FINISHED")
    ) {
        assert!(start.elapsed() < LIMIT, "job {id} has not finished");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Waits until nothing runs or waits to run.
pub(crate) async fn wait_for_all(line: &mut Line) {
    let start = Instant::now();
    let path = "/jobs?state_in=SUBMITTED,READY,ACTIVE&limit=1";
    while line.json(path).await != json!([]) {
        assert!(start.elapsed() < LIMIT, "the transfers do not end");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}
