//! What an operator sees of a gateway: numbers, probes, traces.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use causeway_tests::data::tree;
use causeway_tests::{Gateway, GatewayOptions};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

fn job(source: &str, destination: &str) -> Value {
    json!({
        "files": [{ "sources": [source], "destinations": [destination] }],
        "params": { "retry": -1 },
    })
}

fn good(number: usize) -> Value {
    job(
        &format!("mock://a.example/{number}?size=1000"),
        &format!("mock://b.example/{number}?size_post=1000&time=0"),
    )
}

/// One sample of the exported text.
#[derive(Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// The exported text, understood.
struct Scrape(Vec<Sample>);

impl Scrape {
    fn parse(text: &str) -> Self {
        assert!(text.ends_with("# EOF\n"), "{text}");
        let lines = text.lines().filter(|it| !it.starts_with('#'));
        Self(lines.map(sample).collect())
    }

    /// Sum of all samples with this name that have these labels.
    fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |it: &&Sample| {
            it.name == name
                && labels
                    .iter()
                    .all(|(key, value)| it.labels.get(*key).is_some_and(|it| it == value))
        };
        self.0.iter().filter(fits).map(|it| it.value).sum()
    }
}

fn sample(line: &str) -> Sample {
    let (left, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = match left.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').unwrap()),
        None => (left, ""),
    };
    let pairs = labels.split("\",").filter(|it| !it.is_empty());
    let pair = |it: &str| {
        let (key, value) = it.split_once("=\"").unwrap();
        (key.to_owned(), value.trim_end_matches('"').to_owned())
    };
    Sample {
        name: name.to_owned(),
        labels: pairs.map(pair).collect(),
        value: value
            .parse()
            .unwrap_or_else(|_| panic!("no number: {line}")),
    }
}

async fn get(base: &str, path: &str) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    match client.get(format!("{base}{path}")).send().await {
        Ok(response) => {
            let status = response.status().as_u16();
            (status, response.text().await.unwrap_or_default())
        }
        Err(_) => (0, String::new()),
    }
}

/// A port nobody has at the moment.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn what_happened_stands_in_the_numbers() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(state.path(), &GatewayOptions::default());
    for number in 0..3 {
        let id = gateway.submit(&good(number)).await;
        assert_eq!(gateway.wait(&id, LIMIT).await["job_state"], "FINISHED");
    }
    let bad = job(
        "mock://a.example/x?errno=2",
        "mock://c.example/x?size_post=1&time=0",
    );
    let id = gateway.submit(&bad).await;
    assert_eq!(gateway.wait(&id, LIMIT).await["job_state"], "FAILED");

    let (status, text) = get(gateway.plain(), "/metrics").await;
    assert_eq!(status, 200, "{text}");
    let scrape = Scrape::parse(&text);
    let link = [
        ("source_se", "mock://a.example"),
        ("dest_se", "mock://b.example"),
    ];
    for (name, labels, expected) in [
        ("causeway_files", &[("state", "FINISHED")][..], 3.0),
        ("causeway_files", &[("state", "FAILED")], 1.0),
        ("causeway_vo_files", &[], 0.0),
        ("causeway_jobs_submitted_total", &[], 4.0),
        ("causeway_files_submitted_total", &[], 4.0),
        (
            "causeway_job_transitions_total",
            &[("state", "FINISHED")],
            3.0,
        ),
        (
            "causeway_file_transitions_total",
            &[("from", "ACTIVE"), ("to", "FINISHED")],
            3.0,
        ),
        ("causeway_attempts_total", &[("outcome", "finished")], 3.0),
        ("causeway_attempts_total", &[("outcome", "failed")], 1.0),
        ("causeway_link_attempts_total", &link, 3.0),
        (
            "causeway_attempt_failures_total",
            &[
                ("scope", "SOURCE"),
                ("category", "not_found"),
                ("recoverable", "no"),
            ],
            1.0,
        ),
        (
            "causeway_plugin_attempts_total",
            &[
                ("source_plugin", "mock"),
                ("dest_plugin", "mock"),
                ("outcome", "finished"),
            ],
            3.0,
        ),
        ("causeway_transfer_bytes_total", &link, 3000.0),
        ("causeway_link_traffic_bytes_total", &link, 3000.0),
        ("causeway_transfer_duration_seconds_count", &[], 3.0),
        (
            "causeway_attempt_step_seconds_count",
            &[("step", "copy")],
            3.0,
        ),
        (
            "causeway_attempt_step_seconds_count",
            &[("step", "clean_up")],
            1.0,
        ),
        ("causeway_queue_wait_seconds_count", &[], 4.0),
        ("causeway_slots_used", &[], 0.0),
        (
            "causeway_http_requests_total",
            &[("method", "POST"), ("route", "/jobs"), ("status", "200")],
            4.0,
        ),
        ("causeway_plugin_health", &[("plugin", "mock")], 1.0),
        ("causeway_plugin_in_service", &[("plugin", "mock")], 1.0),
        ("causeway_build_info", &[], 1.0),
    ] {
        assert_eq!(
            scrape.sum(name, labels),
            expected,
            "{name} {labels:?}\n{text}"
        );
    }
    for (name, labels) in [
        ("causeway_slots", &[][..]),
        ("causeway_journal_commit_seconds_count", &[]),
        ("causeway_store_bytes", &[("kind", "journal")]),
        ("causeway_process_cpu_seconds_total", &[]),
        ("causeway_process_resident_memory_bytes", &[]),
        ("causeway_process_open_fds", &[]),
        ("causeway_uptime_seconds", &[]),
    ] {
        assert!(scrape.sum(name, labels) > 0.0, "{name} {labels:?}\n{text}");
    }
    // Nothing that names one job, one user or one file.
    assert!(
        !text.contains(&id) && !text.contains("CN=") && !text.contains("?size"),
        "{text}"
    );
    assert_eq!(get(gateway.plain(), "/healthz").await, (200, "ok\n".into()));
    assert_eq!(
        get(gateway.plain(), "/readyz").await,
        (200, "ready\n".into())
    );
}

#[tokio::test]
async fn a_listener_of_their_own_sees_the_gateway_stop() {
    let state = tempfile::tempdir().unwrap();
    let at = format!("127.0.0.1:{}", free_port());
    let options = GatewayOptions::default()
        .env("CAUSEWAY__METRICS__LISTEN", at.as_str())
        .env("CAUSEWAY__SERVER__SHUTDOWN_GRACE_SECONDS", "30");
    let gateway = Gateway::start(state.path(), &options);
    let own = format!("http://{at}");
    assert_eq!(get(gateway.plain(), "/metrics").await.0, 404);
    let (status, text) = get(&own, "/metrics").await;
    assert_eq!(status, 200, "{text}");
    Scrape::parse(&text);
    assert_eq!(get(&own, "/healthz").await.0, 200);
    assert_eq!(get(&own, "/readyz").await.0, 200);
    assert_eq!(get(&own, "/jobs").await.0, 404);

    let long = job(
        "mock://a.example/l?size=10",
        "mock://b.example/l?size_post=10&time=600",
    );
    let id = gateway.submit(&long).await;
    gateway
        .wait_for(&id, LIMIT, |job| job["job_state"] == "ACTIVE")
        .await;
    gateway.signal("TERM");
    let start = Instant::now();
    let body = loop {
        match get(&own, "/readyz").await {
            (503, body) => break body,
            (200, _) => assert!(start.elapsed() < LIMIT, "it stays ready"),
            other => panic!("{other:?}: {}", gateway.log()),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(body.contains("engine"), "{body}");
    assert_eq!(get(&own, "/healthz").await.0, 200);
    let scrape = Scrape::parse(&get(&own, "/metrics").await.1);
    assert_eq!(scrape.sum("causeway_slots_used", &[]), 1.0);
}

/// A collector that takes everything, on a thread of its own; it ends with the process.
fn collector() -> (u16, mpsc::Receiver<Span>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let send = send.clone();
            std::thread::spawn(move || take(stream, &send));
        }
    });
    (port, receive)
}

fn take(stream: TcpStream, spans: &mpsc::Sender<Span>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        assert!(
            line.is_empty() || line.starts_with("POST /v1/traces "),
            "{line}"
        );
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
        let scopes = request
            .resource_spans
            .into_iter()
            .flat_map(|it| it.scope_spans);
        for span in scopes.flat_map(|it| it.spans) {
            spans.send(span).ok()?;
        }
        (&stream)
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .ok()?;
    }
}

fn attribute(span: &Span, key: &str) -> String {
    let found = span.attributes.iter().find(|it| it.key == key);
    let value = found.and_then(|it| it.value.clone());
    format!("{:?}", value.and_then(|it| it.value))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

#[tokio::test]
async fn a_collector_gets_the_trace_of_a_transfer() {
    let (port, spans) = collector();
    let state = tempfile::tempdir().unwrap();
    let options = GatewayOptions::default()
        .env(
            "CAUSEWAY__METRICS__OTLP_ENDPOINT",
            format!("http://127.0.0.1:{port}"),
        )
        .env("OTEL_BSP_SCHEDULE_DELAY", "100");
    let gateway = Gateway::start(state.path(), &options);
    let id = gateway.submit(&good(1)).await;
    assert_eq!(gateway.wait(&id, LIMIT).await["job_state"], "FINISHED");

    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    let start = Instant::now();
    while !["transfer", "attempt", "prepare", "copy", "verify"]
        .iter()
        .all(|it| seen.contains_key(*it))
    {
        let left = LIMIT.saturating_sub(start.elapsed());
        let span = spans.recv_timeout(left);
        let span = span.unwrap_or_else(|_| panic!("only {:?}\n{}", seen.keys(), gateway.log()));
        seen.insert(span.name.clone(), span);
    }
    let (transfer, attempt) = (&seen["transfer"], &seen["attempt"]);
    assert!(seen.values().all(|it| it.trace_id == transfer.trace_id));
    assert!(transfer.parent_span_id.is_empty(), "{transfer:?}");
    assert_eq!(attempt.parent_span_id, transfer.span_id);
    for step in ["prepare", "copy", "verify"] {
        assert_eq!(seen[step].parent_span_id, attempt.span_id, "{step}");
    }
    for span in [transfer, attempt] {
        assert!(attribute(span, "job.id").contains(&id), "{span:?}");
        assert!(
            attribute(span, "source").contains("mock://a.example"),
            "{span:?}"
        );
    }
    assert!(
        attribute(transfer, "state").contains("FINISHED"),
        "{transfer:?}"
    );
    assert!(
        attribute(attempt, "rung").contains("third-party"),
        "{attempt:?}"
    );
    assert!(attribute(attempt, "bytes").contains("1000"), "{attempt:?}");
    assert!(transfer.start_time_unix_nano <= attempt.start_time_unix_nano);
    assert!(attempt.start_time_unix_nano < attempt.end_time_unix_nano);

    let logs = state.path().join("log");
    let name = tree(&logs)
        .into_iter()
        .find(|it| it.ends_with(&id))
        .unwrap();
    let log = std::fs::read_to_string(logs.join(name)).unwrap();
    let line = format!("Trace: {}", hex(&transfer.trace_id));
    assert!(log.contains(&line), "{log}");
}

#[tokio::test]
async fn a_failed_attempt_is_found_from_its_trace() {
    let (port, spans) = collector();
    let state = tempfile::tempdir().unwrap();
    let options = GatewayOptions::default()
        .env(
            "CAUSEWAY__METRICS__OTLP_ENDPOINT",
            format!("http://127.0.0.1:{port}"),
        )
        .env("CAUSEWAY__LOG__LEVEL", "info,causeway_engine=debug")
        .env("OTEL_BSP_SCHEDULE_DELAY", "100");
    let gateway = Gateway::start(state.path(), &options);
    let bad = job(
        "mock://a.example/x?errno=2",
        "mock://b.example/x?size_post=1&time=0",
    );
    let id = gateway.submit(&bad).await;
    assert_eq!(gateway.wait(&id, LIMIT).await["job_state"], "FAILED");
    let attempt = loop {
        let span = spans.recv_timeout(LIMIT);
        let span = span.unwrap_or_else(|_| panic!("no span: {}", gateway.log()));
        if span.name == "attempt" {
            break span;
        }
    };
    let status = attempt.status.as_ref().map_or("", |it| it.message.as_str());
    assert!(status.contains("No such file or directory"), "{attempt:?}");
    let log = gateway.log();
    let mut lines = log.lines().filter(|it| it.contains("attempt failed"));
    let line = lines.next().unwrap_or_else(|| panic!("{log}"));
    assert!(
        line.contains(&hex(&attempt.trace_id)) && line.contains(&id),
        "{line}"
    );
}
