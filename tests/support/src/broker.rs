//! A STOMP broker, and a consumer of its messages like those that sites run: both are published
//! programs, both end when dropped.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::gateway::GatewayOptions;
use crate::programs::{clean, expect, python, repository};

const USER: &str = "causeway";
const PASSWORD: &str = "secret";
/// Longest wait for a start.
const START: Duration = Duration::from_secs(30);

/// A broker on a port of its own.
#[derive(Debug)]
pub struct Broker {
    dir: PathBuf,
    port: u16,
    child: Option<Child>,
    /// The name under which it lets clients in.
    virtual_host: String,
}

/// Where a virtual environment keeps its libraries, whatever its Python.
fn site_packages(venv: &Path) -> PathBuf {
    let mut versions = std::fs::read_dir(venv.join("lib")).expect("a virtual environment");
    let version = versions.next().expect("it has a Python");
    version
        .expect("it can be read")
        .path()
        .join("site-packages")
}

fn environment() -> PathBuf {
    let dir = repository().join("target/lab/venv-broker/bin");
    assert!(
        dir.exists(),
        "{} is missing: run tests/install.sh",
        dir.display()
    );
    dir
}

/// A port that is free now and that no outgoing connection takes.
pub fn free_port() -> u16 {
    for port in 23_000..24_000 {
        // Tests run at the same time: each begins somewhere else.
        let port = 23_000 + (port - 23_000 + (std::process::id() * 7 % 1000) as u16) % 1000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port between 23000 and 24000 is free");
}

impl Broker {
    /// Starts one that keeps its files in `dir`.
    pub fn start(dir: &Path) -> Self {
        let port = free_port();
        let auth = dir.join("broker.auth");
        std::fs::write(&auth, format!("[auth]\n{USER} = {PASSWORD}\n")).expect("writable");
        std::fs::write(dir.join("broker.password"), format!("{PASSWORD}\n")).expect("writable");
        let config = format!(
            "[coilmq]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             auth.factory = coilmq.auth.simple.make_simple\nauth.simple.file = {}\n",
            auth.display()
        );
        std::fs::write(dir.join("broker.cfg"), config).expect("writable");
        let asked = clean(environment().join("python3"))
            .args(["-c", "import socket; print(socket.getfqdn())"])
            .output()
            .expect("python can be started");
        let mut broker = Self {
            dir: dir.to_owned(),
            port,
            child: None,
            virtual_host: String::from_utf8_lossy(&asked.stdout).trim().to_owned(),
        };
        broker.come_back();
        broker
    }

    /// Starts it again after [`Broker::go_away`], on the same port.
    pub fn come_back(&mut self) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.join("broker.log"))
            .expect("writable");
        let child = clean(environment().join("coilmq"))
            .arg("-c")
            .arg(self.dir.join("broker.cfg"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn();
        self.child = Some(child.expect("the broker can be started"));
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(
                began.elapsed() < START,
                "the broker did not start: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it; what it held in memory is gone.
    pub fn go_away(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself; then there is nothing to end.
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// What it wrote.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("broker.log")).unwrap_or_default()
    }

    /// A gateway's settings for sending to it.
    pub fn configure(&self, options: GatewayOptions) -> GatewayOptions {
        let password = self.dir.join("broker.password");
        options
            .env(
                "CAUSEWAY__MESSAGES__BROKERS",
                format!("[\"127.0.0.1:{}\"]", self.port),
            )
            .env("CAUSEWAY__MESSAGES__VIRTUAL_HOST", &self.virtual_host)
            .env("CAUSEWAY__MESSAGES__USERNAME", USER)
            .env(
                "CAUSEWAY__MESSAGES__PASSWORD_FILE",
                password.display().to_string(),
            )
            .env("CAUSEWAY__MESSAGES__HEARTBEAT_SECONDS", "2")
            .env("CAUSEWAY__MESSAGES__RECONNECT_MAX_SECONDS", "1")
    }

    /// A consumer of some destinations; it is subscribed when this returns.
    pub fn consumer(&self, destinations: &[&str]) -> Consumer {
        let out = self.dir.join(format!("consumed-{}", destinations.len()));
        let mut command = clean(environment().join("python3"));
        command
            .arg(repository().join("tests/broker/consumer.py"))
            .args(["127.0.0.1", &self.port.to_string(), &self.virtual_host])
            .args([USER, PASSWORD])
            .arg(&out)
            .args(destinations)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        Consumer::start(command, out)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.go_away();
    }
}

/// A consumer of messages.
#[derive(Debug)]
pub struct Consumer {
    child: Child,
    out: PathBuf,
}

impl Consumer {
    fn start(mut command: Command, out: PathBuf) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the consumer can be started");
        let pipe = child.stdout.take().expect("stdout is piped");
        let mut lines = BufReader::new(pipe).lines().map_while(Result::ok);
        assert_eq!(lines.next().as_deref(), Some("ready"));
        // Read on, so that it never writes into a closed pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, out }
    }

    /// What it has got so far, in order.
    pub fn got(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.out).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |it| it.0);
        let lines = whole.lines().filter(|it| !it.is_empty());
        lines
            .map(|it| serde_json::from_str(it).expect("a line of JSON"))
            .collect()
    }

    /// What Rucio's receiver would write into its database for each complete message so far, in
    /// order; null where it leaves one alone. It cares for one VO.
    pub fn received(&self, vo: &str) -> Vec<Value> {
        let lab = repository().join("target/lab");
        let packages = lab.join("packages/rucio");
        assert!(
            packages.exists(),
            "{} is missing: run tests/install.sh",
            packages.display()
        );
        // Rucio's receiver wants the client of the broker to be there, too.
        let mut path = packages.into_os_string();
        path.push(":");
        path.push(site_packages(&lab.join("venv-broker")));
        let mut command = clean(python());
        command
            .arg(repository().join("tests/broker/receiver.py"))
            .arg(&self.out)
            .arg(self.out.parent().expect("it lies in a directory"))
            .arg(vo)
            .env("PYTHONPATH", path)
            .env("PYTHONPYCACHEPREFIX", lab.join("pycache"));
        let said = expect(&mut command, Duration::from_secs(120));
        said.lines()
            .map(|it| serde_json::from_str(it).expect("a line of JSON"))
            .collect()
    }

    /// Waits until what it has got is as wished; fails after `limit`.
    pub async fn until(&self, limit: Duration, wish: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let began = Instant::now();
        loop {
            let got = self.got();
            if wish(&got) {
                return got;
            }
            let states = got
                .iter()
                .map(|it| &it["body"]["file_state"])
                .collect::<Vec<_>>();
            assert!(
                began.elapsed() < limit,
                "{} messages: {states:?}",
                got.len()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
