//! A server double that has a certificate: the security of a control connection from the other end.
#![allow(dead_code)] // each test file uses its own part

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causeway_gridftp_wire::{Endpoint, Error, Options, PeerRule, Security, Session};
use rustls::ServerConnection;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::data_support::{HERE, credential, pki};

/// The server's side of one session.
pub(crate) struct Double {
    pub(crate) control: BufReader<TcpStream>,
    tls: ServerConnection,
}

impl Double {
    fn tls() -> ServerConnection {
        let dir = pki();
        let certificates = CertificateDer::pem_file_iter(dir.join("hostcert.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(dir.join("hostkey.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(certificates.map(Result::unwrap).collect(), key);
        let mut config = config.unwrap();
        config.send_tls13_tickets = 0;
        ServerConnection::new(Arc::new(config)).unwrap()
    }

    pub(crate) async fn say(&mut self, line: &str) {
        self.raw(&format!("{line}\r\n")).await;
    }

    /// Text as it is.
    pub(crate) async fn raw(&mut self, text: &str) {
        // The client may have left already: that is what is tested.
        drop(self.control.get_mut().write_all(text.as_bytes()).await);
    }

    /// An answer as a server with an encrypting cipher protects it.
    pub(crate) async fn answer(&mut self, text: &str) {
        let line = format!("632 {}", self.seal(text));
        self.say(&line).await;
    }

    /// The next command, as it came; nothing at the end.
    async fn command(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.control.read_line(&mut line).await;
        matches!(read, Ok(1..)).then(|| line.trim().to_owned())
    }

    /// What is in the token of a command.
    fn open(&mut self, token: &str) -> String {
        let records = STANDARD.decode(token).unwrap();
        let mut rest = &records[..];
        while !rest.is_empty() {
            self.tls.read_tls(&mut rest).unwrap();
            self.tls.process_new_packets().unwrap();
        }
        let mut plain = String::new();
        // "Nothing more for now" is an error of that reader.
        drop(self.tls.reader().read_to_string(&mut plain));
        plain
    }

    /// Everything that TLS has to send, as a token.
    fn token(&mut self) -> String {
        let mut out = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut out).unwrap();
        }
        STANDARD.encode(out)
    }

    pub(crate) fn seal(&mut self, text: &str) -> String {
        self.tls.writer().write_all(text.as_bytes()).unwrap();
        self.token()
    }

    /// The exchange of TLS 1.3 without delegation.
    async fn agree(&mut self) {
        self.say("220 ready.").await;
        assert_eq!(self.command().await.unwrap(), "AUTH GSSAPI");
        self.say("334 go on.").await;
        let hello = self.command().await.unwrap();
        self.open(hello.strip_prefix("ADAT ").unwrap());
        let flight = self.token();
        self.say(&format!("335 ADAT={flight}")).await;
        let finished = self.command().await.unwrap();
        self.open(finished.strip_prefix("ADAT ").unwrap());
        let zero = self.seal("\0");
        self.say(&format!("335 ADAT={zero}")).await;
        let flag = self.command().await.unwrap();
        assert_eq!(self.open(flag.strip_prefix("ADAT ").unwrap()), "0");
        self.say("235 done.").await;
    }

    /// Serves until the client leaves; `answer` says what there is to say to a command.
    async fn serve(&mut self, answer: impl AsyncFn(&mut Self, &str)) {
        self.agree().await;
        while let Some(line) = self.command().await {
            let token = line.strip_prefix("ENC ").expect("commands are protected");
            let command = self.open(token);
            let said = match command.split_whitespace().next().unwrap_or_default() {
                "USER" => "331 Password required.\r\n",
                "PASS" => "230 Logged in.\r\n",
                "FEAT" => "211-Extensions\r\n MLSC\r\n SIZE\r\n211 End.\r\n",
                "SIZE" => "213 42\r\n",
                _ => "200 yes.\r\n",
            };
            answer(self, said).await;
        }
    }
}

/// Size that a session with such a double tells. `answer` brings its answers over.
pub(crate) async fn size(answer: impl AsyncFn(&mut Double, &str)) -> Result<u64, Error> {
    let listener = TcpListener::bind((HERE, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = async {
        let (socket, _) = listener.accept().await.unwrap();
        let mut double = Double {
            control: BufReader::new(socket),
            tls: Double::tls(),
        };
        double.serve(answer).await;
        std::future::pending::<()>().await;
    };
    let asking = async {
        let security = Security::Gsi {
            credential: credential("alice.proxy"),
            peer: PeerRule::Host("localhost".to_owned()),
            delegate: None,
        };
        let endpoint = Endpoint::new("127.0.0.1", port, security);
        let mut session = Session::open(&endpoint, Arc::new(Options::default())).await?;
        assert!(session.features().has("MLSC"));
        session.size("/f").await
    };
    tokio::select! {
        size = asking => size,
        () = serving => unreachable!("it serves for ever"),
    }
}
