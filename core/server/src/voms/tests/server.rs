//! A small VOMS server over TLS, on a port of its own.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use causeway_identity::issue::{Authority, Credential, DAY, ProxyOptions, write_trust_directory};
use causeway_identity::verify::{VerifiedChain, Verifier};
use causeway_identity::{TrustDirectory, tls};
use causeway_sdk::Secret;
use rustls::pki_types::UnixTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

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
                // Whoever hangs up in the middle is the test's business.
                voice.converse(stream).await.ok();
            });
        }
    }

    /// One request, one answer. Real servers answer in the newer version of HTTP whatever was asked,
    /// and the programs insist on it.
    async fn converse(&self, mut stream: TlsStream<TcpStream>) -> std::io::Result<()> {
        let now = UnixTime::now();
        let caller = tls::identify(stream.get_ref().1, &self.verifier, now).unwrap();
        let Some((status, text)) = self.answer(&head(&mut stream).await?, caller.as_ref()) else {
            return Ok(());
        };
        let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{text}\n");
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} Done\r\ncontent-type: text/xml\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    }

    /// Status and document; nothing to hang up instead.
    fn answer(&self, request: &str, caller: Option<&VerifiedChain>) -> Option<(u16, String)> {
        let path = request.split_whitespace().nth(1).unwrap_or_default();
        self.asked.lock().unwrap().push(path.to_owned());
        match (self.manner.lock().unwrap().clone(), caller) {
            (Manner::HangsUp, _) => None,
            (Manner::Says(status, text), _) => Some((status, text)),
            (Manner::Honest, None) => Some((403, "<voms/>".to_owned())),
            (Manner::Honest, Some(caller)) => Some((200, self.says(caller))),
        }
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
        // The programs take a text without ends of lines for an encoding of their own.
        let lines: Vec<&[u8]> = text.as_bytes().chunks(64).collect();
        let text = String::from_utf8(lines.join(&b'\n')).unwrap();
        format!("<voms><ac>{text}\n</ac></voms>")
    }
}

/// A request up to its empty line, with the ends of lines that the programs send.
async fn head(stream: &mut TlsStream<TcpStream>) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\n\n") && !head.ends_with(b"\r\n\r\n") && head.len() < 16_384 {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
