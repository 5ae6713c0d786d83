//! A gateway in development mode, started as a process like an operator would.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::plugins::plugin_dir;
use crate::programs::{causeway, clean};

/// Longest wait for a start.
const START: Duration = Duration::from_secs(60);

/// How to start it.
#[derive(Clone, Debug, Default)]
pub struct GatewayOptions {
    /// Variables, mostly `CAUSEWAY__...` overrides.
    pub env: Vec<(String, String)>,
    /// No plain HTTP: whoever calls has to say who it is.
    pub tls_only: bool,
    /// Directories with further plugins; a later one wins for the same name.
    pub plugin_dirs: Vec<PathBuf>,
    /// A configuration file.
    pub config: Option<PathBuf>,
}

impl GatewayOptions {
    /// Without the plain HTTP listener, for which the dev user's proxy would be there from the start.
    #[must_use]
    pub fn tls_only() -> Self {
        Self {
            tls_only: true,
            ..Self::default()
        }
    }

    /// Adds a variable.
    #[must_use]
    pub fn env(mut self, key: &str, value: impl Into<String>) -> Self {
        self.env.push((key.to_owned(), value.into()));
        self
    }

    /// Reads this file, too.
    #[must_use]
    pub fn config(mut self, file: impl Into<PathBuf>) -> Self {
        self.config = Some(file.into());
        self
    }

    /// Adds a directory with plugins, see [`install`](crate::programs::install).
    #[must_use]
    pub fn plugin_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.plugin_dirs.push(dir.into());
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
    pub(crate) http: reqwest::Client,
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
        let plain: &[&str] = if options.tls_only {
            &[]
        } else {
            &["--dev-http", "127.0.0.1:0"]
        };
        let mut child = clean(causeway())
            .args(["serve", "--dev", "--listen", "127.0.0.1:0"])
            .args(plain)
            .arg("--state-dir")
            .arg(state)
            .arg("--plugin-dir")
            .arg(plugin_dir())
            .args(
                options
                    .plugin_dirs
                    .iter()
                    .flat_map(|dir| ["--plugin-dir".as_ref(), dir.as_os_str()]),
            )
            .args(
                options
                    .config
                    .iter()
                    .flat_map(|it| ["--config".as_ref(), it.as_os_str()]),
            )
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
            http: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client without settings"),
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

    /// Its workers: of the processes that it has started those that do not only try a plugin.
    pub fn workers(&self) -> Vec<u32> {
        let children = crate::processes::children_of(self.pid());
        let works = |pid: &u32| {
            let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            command.split(|byte| *byte == 0).nth(1) == Some(b"worker")
        };
        children.into_iter().filter(works).collect()
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
        let status = clean("kill")
            .args([&format!("-{name}"), &self.pid().to_string()])
            .status();
        assert!(
            status.expect("kill can be started").success(),
            "the gateway is gone: {}",
            self.log()
        );
    }

    /// Waits for its end, which something else has brought about.
    pub fn ended(mut self, limit: Duration) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status;
            }
            assert!(
                start.elapsed() < limit,
                "the gateway has not ended: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A file of the development PKI.
    pub fn pki(&self, name: &str) -> PathBuf {
        self.state.join("pki").join(name)
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
