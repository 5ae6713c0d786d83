//! A storage that fetches: WebDAV under TLS with COPY in the manner of third-party copies. It asks
//! for the source with one GET and nothing before it, as dCache and StoRM do; XrdHTTP, which the lab
//! has, asks with HEAD first.
//!
//! The bytes are fetched by curl, which knows nothing but the URL.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::Pki;
use crate::programs::{clean, run};

const LIMIT: Duration = Duration::from_secs(60);

type Stream = StreamOwned<ServerConnection, TcpStream>;

/// The storage. Its threads end with the test's process.
#[derive(Clone, Debug)]
pub struct Puller {
    port: u16,
    ca: std::path::PathBuf,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// By path.
    files: BTreeMap<String, Vec<u8>>,
    sources: Vec<String>,
}

#[derive(Debug)]
struct Request {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
}

impl Puller {
    /// Starts it, with the host certificate of the lab.
    pub fn start(pki: &Pki) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let puller = Self {
            port: address.port(),
            ca: pki.file("ca.pem"),
            shared: Arc::default(),
        };
        let (own, config) = (puller.clone(), Arc::new(config(pki)));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (own, config) = (own.clone(), Arc::clone(&config));
                // A client that hangs up is no failure.
                std::thread::spawn(move || drop(own.serve(client, config)));
            }
        });
        puller
    }

    /// A URL of this name.
    pub fn url(&self, name: &str) -> String {
        format!("davs://localhost:{}/{name}", self.port)
    }

    /// What it has fetched under this name.
    pub fn stored(&self, name: &str) -> Option<Vec<u8>> {
        self.lock().files.get(&format!("/{name}")).cloned()
    }

    /// From where it was told to fetch.
    pub fn sources(&self) -> Vec<String> {
        self.lock().sources.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, client: TcpStream, config: Arc<ServerConfig>) -> std::io::Result<()> {
        let session = ServerConnection::new(config).map_err(std::io::Error::other)?;
        let mut stream = BufReader::new(StreamOwned::new(session, client));
        while let Some(request) = read(&mut stream)? {
            let to = stream.get_mut();
            let there = self.lock().files.get(&request.path).cloned();
            match (request.method.as_str(), there) {
                ("COPY", _) => {
                    write!(to, "HTTP/1.1 201 Created\r\nConnection: close\r\n\r\n")?;
                    to.write_all(self.pull(&request).as_bytes())?;
                    to.conn.send_close_notify();
                    return to.flush();
                }
                ("HEAD", Some(bytes)) => head(to, "200 OK", bytes.len())?,
                ("GET", Some(bytes)) => {
                    head(to, "200 OK", bytes.len())?;
                    to.write_all(&bytes)?;
                }
                ("DELETE", Some(_)) => {
                    self.lock().files.remove(&request.path);
                    head(to, "204 No Content", 0)?;
                }
                ("HEAD" | "GET" | "DELETE", None) => head(to, "404 Not Found", 0)?,
                // It keeps names, and no directories.
                _ => head(to, "405 Method Not Allowed", 0)?,
            }
        }
        Ok(())
    }

    /// Fetches; the last line of the report.
    fn pull(&self, request: &Request) -> String {
        let Some(source) = request.headers.get("source") else {
            return "failure: there is no source\n".to_owned();
        };
        self.lock().sources.push(source.clone());
        let url = source.replacen("davs://", "https://", 1);
        let mut curl = clean("curl");
        curl.args(["-sSf", "--cacert"]).arg(&self.ca).arg(url);
        let output = run(&mut curl, LIMIT);
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            return format!("failure: {}\n", why.trim().replace('\n', " "));
        }
        let len = output.stdout.len();
        self.lock()
            .files
            .insert(request.path.clone(), output.stdout);
        format!(
            "Perf Marker\nTimestamp: 0\nStripe Index: 0\nStripe Bytes Transferred: {len}\n\
             Total Stripe Count: 1\nEnd\nsuccess: Created\n"
        )
    }
}

fn config(pki: &Pki) -> ServerConfig {
    let certificates = CertificateDer::pem_file_iter(pki.file("hostcert.pem"));
    let certificates = certificates.expect("the PKI has a host certificate");
    let chain: Result<Vec<_>, _> = certificates.collect();
    let key = PrivateKeyDer::from_pem_file(pki.file("hostkey.pem")).expect("and its key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the usual versions")
        .with_no_client_auth()
        .with_single_cert(chain.expect("certificates in PEM"), key)
        .expect("a key that fits")
}

fn head(to: &mut Stream, status: &str, len: usize) -> std::io::Result<()> {
    write!(to, "HTTP/1.1 {status}\r\nContent-Length: {len}\r\n\r\n")?;
    to.flush()
}

/// The next request; its body is of no interest.
fn read(from: &mut BufReader<Stream>) -> std::io::Result<Option<Request>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut first = lines.first().map_or("", String::as_str).split(' ');
    let mut word = || first.next().unwrap_or_default().to_owned();
    let (method, path) = (word(), word());
    let pairs = lines.iter().filter_map(|it| it.split_once(": "));
    let headers = pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    let headers: BTreeMap<String, String> = headers.collect();
    let len = headers.get("content-length");
    let len = len.and_then(|it| it.parse().ok()).unwrap_or(0);
    std::io::copy(&mut from.by_ref().take(len), &mut std::io::sink())?;
    Ok(Some(Request {
        method,
        path,
        headers,
    }))
}
