//! A gateway as its users meet it: further users, the `causeway` program, REST, and waiting.

use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Gateway;
use crate::programs::{causeway, clean, expect, run, text};
use crate::rest::{self, Answer, Identity};

/// Longest run of one command.
const COMMAND: Duration = Duration::from_secs(120);

impl Gateway {
    /// A further user, signed by the development CA.
    pub fn user(&self, name: &str) -> Identity {
        let path = |end: &str| self.state().join(format!("{name}.{end}"));
        let (cert, key, request, extensions) = (path("pem"), path("key"), path("csr"), path("cnf"));
        std::fs::write(&extensions, "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\n")
            .expect("the state directory is writable");
        let subject = format!("/DC=org/DC=causeway/CN={name}");
        let mut ask = clean("openssl");
        ask.args([
            "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", &subject, "-keyout",
        ])
        .arg(&key);
        expect(ask.arg("-out").arg(&request), COMMAND);
        let mut sign = clean("openssl");
        sign.args([
            "x509",
            "-req",
            "-sha256",
            "-days",
            "2",
            "-set_serial",
            "4711",
            "-in",
        ])
        .arg(&request);
        sign.arg("-CA")
            .arg(self.pki("ca.pem"))
            .arg("-CAkey")
            .arg(self.pki("cakey.pem"));
        expect(
            sign.arg("-extfile").arg(&extensions).arg("-out").arg(&cert),
            COMMAND,
        );
        Identity { cert, key }
    }

    /// Variables a client needs, as `env.sh` exports them.
    pub fn client_env(&self) -> Vec<(String, String)> {
        let path = |name| self.pki(name).display().to_string();
        vec![
            ("CAUSEWAY_ENDPOINT".into(), self.endpoint().to_owned()),
            ("FTS_ENDPOINT".into(), self.endpoint().to_owned()),
            ("X509_USER_PROXY".into(), path("userproxy.pem")),
            ("X509_CERT_DIR".into(), path("certificates")),
            ("CURL_CA_BUNDLE".into(), path("ca.pem")),
        ]
    }

    /// One request over TLS, as somebody or as nobody.
    pub fn rest(
        &self,
        who: Option<&Identity>,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        rest::request(
            &self.pki("ca.pem"),
            who,
            method,
            &format!("{}{path}", self.endpoint()),
            body,
        )
    }

    /// Runs the `causeway` program as a client of this gateway.
    pub fn cli(&self, args: &[&str]) -> Output {
        run(
            clean(causeway()).args(args).envs(self.client_env()),
            COMMAND,
        )
    }

    /// Runs it, expects success, and understands its JSON.
    pub fn cli_json(&self, args: &[&str]) -> Value {
        let output = self.cli(args);
        assert!(
            output.status.success(),
            "causeway {args:?}: {}\n{}",
            text(&output.stderr),
            self.log()
        );
        serde_json::from_slice(&output.stdout).expect("--json prints JSON")
    }

    /// Submits a job over plain HTTP and gives its id.
    pub async fn submit(&self, body: &Value) -> String {
        let response = self
            .http
            .post(format!("{}/jobs", self.plain()))
            .json(body)
            .send()
            .await
            .expect("an answer");
        let status = response.status();
        let answer: Value = response.json().await.expect("the answer is JSON");
        assert!(status.is_success(), "{status} {answer}");
        answer["job_id"].as_str().expect("a job id").to_owned()
    }

    /// One JSON document over plain HTTP.
    pub async fn get(&self, path: &str) -> Value {
        let response = self
            .http
            .get(format!("{}{path}", self.plain()))
            .send()
            .await;
        let response =
            response.unwrap_or_else(|error| panic!("GET {path}: {error}\n{}", self.log()));
        response.json().await.expect("the answer is JSON")
    }

    /// One request over plain HTTP, whatever comes of it; status 0 when there was no whole answer
    /// within `limit`.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        body: &Value,
        limit: Duration,
    ) -> (u16, Value) {
        let method = method.parse().expect("a method");
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.plain()))
            .timeout(limit);
        if !body.is_null() {
            request = request.json(body);
        }
        let Ok(response) = request.send().await else {
            return (0, Value::Null);
        };
        let status = response.status().as_u16();
        match response.bytes().await {
            Ok(bytes) => (status, serde_json::from_slice(&bytes).unwrap_or_default()),
            Err(_) => (0, Value::Null),
        }
    }

    /// Waits until a job has ended; fails after `limit`.
    pub async fn wait(&self, id: &str, limit: Duration) -> Value {
        let ended = ["FINISHED", "FAILED", "CANCELED", "FINISHEDDIRTY"];
        self.wait_for(id, limit, |job| {
            job["job_state"]
                .as_str()
                .is_some_and(|state| ended.contains(&state))
        })
        .await
    }

    /// Waits until a job is as wished; fails after `limit`.
    pub async fn wait_for(
        &self,
        id: &str,
        limit: Duration,
        wish: impl Fn(&Value) -> bool,
    ) -> Value {
        let start = Instant::now();
        loop {
            let job = self.get(&format!("/jobs/{id}")).await;
            if wish(&job) {
                return job;
            }
            assert!(
                start.elapsed() < limit,
                "job {id} stays as it is: {job}\n{}\n{}",
                self.log(),
                self.logs_of(id)
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    /// The logs of the transfers of a job.
    fn logs_of(&self, id: &str) -> String {
        let dir = self.state().join("log");
        let names = crate::data::tree(&dir)
            .into_iter()
            .filter(|name| name.ends_with(id));
        names
            .map(|name| {
                let read = std::fs::read_to_string(dir.join(&name));
                read.unwrap_or_else(|error| panic!("reading the log {name}: {error}"))
            })
            .collect()
    }
}
