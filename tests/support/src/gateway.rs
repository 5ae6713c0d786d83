//! A gateway in development mode, started as a process like an operator would.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::programs::{causeway, clean, expect, plugin_dir, run, text};
use crate::rest::{self, Answer, Identity};

/// Longest wait for a start.
const START: Duration = Duration::from_secs(60);
/// Longest run of one client command.
const COMMAND: Duration = Duration::from_secs(120);

/// How to start it.
#[derive(Clone, Debug, Default)]
pub struct GatewayOptions {
    /// Variables, mostly `CAUSEWAY__...` overrides.
    pub env: Vec<(String, String)>,
    /// No plain HTTP: whoever calls has to say who it is.
    pub tls_only: bool,
}

impl GatewayOptions {
    /// Without the plain HTTP listener, for which the dev user's proxy would be there from the start.
    #[must_use]
    pub fn tls_only() -> Self {
        Self { tls_only: true, ..Self::default() }
    }

    /// Adds a variable.
    #[must_use]
    pub fn env(mut self, key: &str, value: impl Into<String>) -> Self {
        self.env.push((key.to_owned(), value.into()));
        self
    }
}

/// A running gateway. Ends when dropped.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    state: PathBuf,
    endpoint: String,
    plain: String,
    http: reqwest::Client,
}

impl Gateway {
    /// Starts one on free ports, keeping its things in `state`.
    pub fn start(state: &Path, options: &GatewayOptions) -> Self {
        // Fails only when another gateway of this process has installed it already.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(state.join("serve.log"))
            .expect("the state directory is writable");
        let plain: &[&str] = if options.tls_only { &[] } else { &["--dev-http", "127.0.0.1:0"] };
        let mut child = clean(causeway())
            .args(["serve", "--dev", "--listen", "127.0.0.1:0"])
            .args(plain)
            .arg("--state-dir")
            .arg(state)
            .arg("--plugin-dir")
            .arg(plugin_dir())
            .envs(options.env.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("causeway can be started");
        let lines = read_lines(child.stdout.take().expect("stdout is piped"));
        let mut gateway = Self {
            child,
            state: state.to_owned(),
            endpoint: String::new(),
            plain: String::new(),
            http: reqwest::Client::builder().no_proxy().build().expect("a client without settings"),
        };
        let end = Instant::now() + START;
        while gateway.endpoint.is_empty() || (gateway.plain.is_empty() && !options.tls_only) {
            let Ok(line) = lines.recv_timeout(end.saturating_duration_since(Instant::now())) else {
                panic!("the gateway did not start: {}", gateway.log());
            };
            if let Some(url) = line.strip_prefix("listening on https://") {
                gateway.endpoint = format!("https://{url}");
            } else if let Some(url) = line.strip_prefix("listening on http://") {
                gateway.plain = format!("http://{}", url.trim_end_matches(" (dev)"));
            }
        }
        gateway
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it keeps its things.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// `https://localhost:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// `http://127.0.0.1:PORT`, every request as the dev user.
    pub fn plain(&self) -> &str {
        &self.plain
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.state.join("serve.log")).unwrap_or_default()
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().expect("the gateway was running");
        self.child.wait().expect("the gateway can be waited for");
    }

    /// Sends a signal, by name.
    pub fn signal(&self, name: &str) {
        let status = clean("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(status.expect("kill can be started").success(), "the gateway is gone: {}", self.log());
    }

    /// Waits for its end, which something else has brought about.
    pub fn ended(mut self, limit: Duration) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status;
            }
            assert!(start.elapsed() < limit, "the gateway has not ended: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A file of the development PKI.
    pub fn pki(&self, name: &str) -> PathBuf {
        self.state.join("pki").join(name)
    }

    /// A further user, signed by the development CA.
    pub fn user(&self, name: &str) -> Identity {
        let path = |end: &str| self.state.join(format!("{name}.{end}"));
        let (cert, key, request, extensions) = (path("pem"), path("key"), path("csr"), path("cnf"));
        std::fs::write(&extensions, "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\n")
            .expect("the state directory is writable");
        let subject = format!("/DC=org/DC=causeway/CN={name}");
        let mut ask = clean("openssl");
        ask.args(["req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", &subject, "-keyout"]).arg(&key);
        expect(ask.arg("-out").arg(&request), COMMAND);
        let mut sign = clean("openssl");
        sign.args(["x509", "-req", "-sha256", "-days", "2", "-set_serial", "4711", "-in"]).arg(&request);
        sign.arg("-CA").arg(self.pki("ca.pem")).arg("-CAkey").arg(self.pki("cakey.pem"));
        expect(sign.arg("-extfile").arg(&extensions).arg("-out").arg(&cert), COMMAND);
        Identity { cert, key }
    }

    /// Variables a client needs, as `env.sh` exports them.
    pub fn client_env(&self) -> Vec<(String, String)> {
        let path = |name| self.pki(name).display().to_string();
        vec![
            ("CAUSEWAY_ENDPOINT".into(), self.endpoint.clone()),
            ("FTS_ENDPOINT".into(), self.endpoint.clone()),
            ("X509_USER_PROXY".into(), path("userproxy.pem")),
            ("X509_CERT_DIR".into(), path("certificates")),
            ("CURL_CA_BUNDLE".into(), path("ca.pem")),
        ]
    }

    /// One request over TLS, as somebody or as nobody.
    pub fn rest(&self, who: Option<&Identity>, method: &str, path: &str, body: Option<&Value>) -> Answer {
        rest::request(&self.pki("ca.pem"), who, method, &format!("{}{path}", self.endpoint), body)
    }

    /// Runs the `causeway` program as a client of this gateway.
    pub fn cli(&self, args: &[&str]) -> Output {
        run(clean(causeway()).args(args).envs(self.client_env()), COMMAND)
    }

    /// Runs it, expects success, and understands its JSON.
    pub fn cli_json(&self, args: &[&str]) -> Value {
        let output = self.cli(args);
        assert!(output.status.success(), "causeway {args:?}: {}\n{}", text(&output.stderr), self.log());
        serde_json::from_slice(&output.stdout).expect("--json prints JSON")
    }

    /// Submits a job over plain HTTP and gives its id.
    pub async fn submit(&self, body: &Value) -> String {
        let response = self.http.post(format!("{}/jobs", self.plain)).json(body).send().await.expect("an answer");
        let status = response.status();
        let answer: Value = response.json().await.expect("the answer is JSON");
        assert!(status.is_success(), "{status} {answer}");
        answer["job_id"].as_str().expect("a job id").to_owned()
    }

    /// One JSON document over plain HTTP.
    pub async fn get(&self, path: &str) -> Value {
        let response = self.http.get(format!("{}{path}", self.plain)).send().await;
        let response = response.unwrap_or_else(|error| panic!("GET {path}: {error}\n{}", self.log()));
        response.json().await.expect("the answer is JSON")
    }

    /// Waits until a job has ended; fails after `limit`.
    pub async fn wait(&self, id: &str, limit: Duration) -> Value {
        let ended = ["FINISHED", "FAILED", "CANCELED", "FINISHEDDIRTY"];
        self.wait_for(id, limit, |job| job["job_state"].as_str().is_some_and(|state| ended.contains(&state))).await
    }

    /// Waits until a job is as wished; fails after `limit`.
    pub async fn wait_for(&self, id: &str, limit: Duration, wish: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let job = self.get(&format!("/jobs/{id}")).await;
            if wish(&job) {
                return job;
            }
            assert!(start.elapsed() < limit, "job {id} stays as it is: {job}\n{}\n{}", self.log(), self.logs_of(id));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Gateway {
    /// The logs of the transfers of a job.
    fn logs_of(&self, id: &str) -> String {
        let dir = self.state.join("log");
        let names = crate::data::tree(&dir).into_iter().filter(|name| name.ends_with(id));
        names.map(|name| std::fs::read_to_string(dir.join(name)).unwrap_or_default()).collect()
    }
}

/// Reads on as long as the process writes, so that it never writes into a closed pipe.
fn read_lines(pipe: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            // After the start nobody listens any more.
            drop(send.send(line));
        }
    });
    receive
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have been killed by the test already; then there is nothing to end.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
