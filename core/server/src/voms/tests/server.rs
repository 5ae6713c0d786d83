//! A small VOMS server over TLS, on a port of its own.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use base64::Engine as _;
use causeway_identity::issue::{Authority, Credential, DAY, ProxyOptions, write_trust_directory};
use causeway_identity::verify::{VerifiedChain, Verifier};
use causeway_identity::{TrustDirectory, tls};
use causeway_sdk::Secret;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls::pki_types::UnixTime;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::voms::VomsClient;

pub(super) const CA: &str = "/DC=ch/CN=CA";
pub(super) const SERVER: &str = "/DC=ch/CN=voms";
const USER: &str = "/DC=ch/CN=Grid User";
pub(super) const FQANS: [&str; 2] = [
    "/testvo/Role=NULL/Capability=NULL",
    "/testvo/Role=production",
];

/// What the server does.
#[derive(Clone)]
pub(super) enum Manner {
    /// Says what the caller is.
    Honest,
    /// Answers just this.
    Says(u16, String),
    /// Takes the request and hangs up.
    HangsUp,
}

/// A VOMS server of one VO, on a port of its own.
pub(super) struct Server {
    pub(super) dir: tempfile::TempDir,
    pub(super) port: u16,
    ca: Authority,
    manner: Arc<Mutex<Manner>>,
    pub(super) asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// A server whose certificate names these hosts.
    pub(super) async fn start(hosts: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let begin = UnixTime::now().as_secs() - DAY;
        let ca = Authority::new(CA, begin, 30 * DAY).unwrap();
        std::fs::create_dir(dir.path().join("certificates")).unwrap();
        write_trust_directory(&dir.path().join("certificates"), &ca).unwrap();
        let host = ca.host(SERVER, hosts, begin, 20 * DAY).unwrap();
        let verifier = verifier(dir.path());
        let key = host.key().to_der();
        let tls = tls::server_config(host.chain().to_vec(), key, verifier.clone()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self {
            dir,
            port,
            ca,
            manner: Arc::new(Mutex::new(Manner::Honest)),
            asked: Arc::default(),
        };
        let voice = Voice {
            acceptor: TlsAcceptor::from(Arc::new(tls)),
            verifier,
            host,
            name: format!("localhost:{port}"),
            manner: server.manner.clone(),
            asked: server.asked.clone(),
        };
        tokio::spawn(voice.serve(listener));
        server
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), text).unwrap();
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(self.path(name), private).unwrap();
    }

    pub(super) fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// A person of the authority, with a proxy.
    pub(super) fn person(&self) -> Credential {
        let begin = UnixTime::now().as_secs() - DAY;
        self.ca.user(USER, begin, 20 * DAY).unwrap()
    }

    pub(super) fn proxy(&self) -> Secret {
        let now = UnixTime::now().as_secs();
        self.person()
            .proxy(ProxyOptions::lasting(DAY), now)
            .unwrap()
            .to_pem()
    }

    /// A client whose list says that the server has this DN.
    pub(super) fn client(&self, dn: &str) -> VomsClient {
        let port = self.port;
        let line = format!("\"alias\" \"localhost\" \"{port}\" \"{dn}\" \"testvo\" \"24\"\n");
        self.write("vomses", &line);
        VomsClient::new(self.path("vomses"), verifier(self.dir.path()))
    }
}

pub(super) fn verifier(dir: &Path) -> Verifier {
    Verifier::new(Arc::new(
        TrustDirectory::open(dir.join("certificates")).unwrap(),
    ))
}

/// The server's side.
struct Voice {
    acceptor: TlsAcceptor,
    verifier: Verifier,
    host: Credential,
    name: String,
    manner: Arc<Mutex<Manner>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Voice {
    async fn serve(self, listener: TcpListener) {
        let voice = Arc::new(self);
        while let Ok((stream, _)) = listener.accept().await {
            let voice = voice.clone();
            tokio::spawn(async move {
                let Ok(stream) = voice.acceptor.accept(stream).await else {
                    return;
                };
                let now = UnixTime::now();
                let caller = tls::identify(stream.get_ref().1, &voice.verifier, now).unwrap();
                let service = hyper::service::service_fn(|request| {
                    let answer = voice.answer(&request, caller.as_ref());
                    async move { answer.ok_or("hang up") }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                // Whoever hangs up in the middle is the test's business.
                connection.await.ok();
            });
        }
    }

    fn answer(
        &self,
        request: &http::Request<Incoming>,
        caller: Option<&VerifiedChain>,
    ) -> Option<http::Response<Full<Bytes>>> {
        self.asked.lock().unwrap().push(request.uri().to_string());
        let (status, text) = match (self.manner.lock().unwrap().clone(), caller) {
            (Manner::HangsUp, _) => return None,
            (Manner::Says(status, text), _) => (status, text),
            (Manner::Honest, None) => (
                403,
                "<voms><error><code>NoSuchUser</code></error></voms>".into(),
            ),
            (Manner::Honest, Some(caller)) => (200, self.says(caller)),
        };
        let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{text}\n");
        let response = http::Response::builder()
            .status(status)
            .header("content-type", "text/xml");
        Some(response.body(Full::from(body)).unwrap())
    }

    fn says(&self, caller: &VerifiedChain) -> String {
        let now = UnixTime::now().as_secs();
        let fields = self
            .host
            .attributes(
                caller.eec(),
                "testvo",
                &self.name,
                &FQANS,
                now..now + DAY / 2,
            )
            .unwrap();
        let certificate = fields.sign(self.host.key()).unwrap();
        let text = base64::engine::general_purpose::STANDARD.encode(certificate);
        format!("<voms><ac>{text}</ac></voms>")
    }
}
