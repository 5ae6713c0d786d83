//! Replies inside of security, from a server double that has a certificate: whatever their
//! protection is called, in one line or in several, and never without any.

mod data_support;

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causeway_gridftp_wire::{Endpoint, Error, ErrorKind, Options, PeerRule, Security, Session};
use data_support::{HERE, credential, pki};
use rustls::ServerConnection;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The server's side of one session.
struct Double {
    control: BufReader<TcpStream>,
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

    async fn say(&mut self, line: &str) {
        // The client may have left already: that is what is tested.
        let line = format!("{line}\r\n");
        drop(self.control.get_mut().write_all(line.as_bytes()).await);
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

    fn seal(&mut self, text: &str) -> String {
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

    /// Serves until the client leaves; `protect` puts an answer into lines.
    async fn serve(&mut self, protect: impl Fn(&mut Self, &str) -> Vec<String>) {
        self.agree().await;
        while let Some(line) = self.command().await {
            let token = line.strip_prefix("ENC ").expect("commands are protected");
            let command = self.open(token);
            let answer = match command.split_whitespace().next().unwrap_or_default() {
                "USER" => "331 Password required.\r\n",
                "PASS" => "230 Logged in.\r\n",
                "FEAT" => "211-Extensions\r\n MLSC\r\n SIZE\r\n211 End.\r\n",
                "SIZE" => "213 42\r\n",
                _ => "200 yes.\r\n",
            };
            for line in protect(self, answer) {
                self.say(&line).await;
            }
        }
    }
}

/// Size that a session with such a double tells.
async fn size(protect: impl Fn(&mut Double, &str) -> Vec<String>) -> Result<u64, Error> {
    let listener = TcpListener::bind((HERE, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = async {
        let (socket, _) = listener.accept().await.unwrap();
        let mut double = Double {
            control: BufReader::new(socket),
            tls: Double::tls(),
        };
        double.serve(protect).await;
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

#[tokio::test]
async fn replies_count_whatever_their_protection_is_called() {
    for code in ["631", "632", "633"] {
        let told = size(|double, text| vec![format!("{code} {}", double.seal(text))]).await;
        assert_eq!(told.unwrap(), 42, "{code}");
    }
}

#[tokio::test]
async fn a_long_reply_may_come_in_many_lines() {
    let told = size(|double, text| {
        let (head, tail) = text.split_at(text.len() / 2);
        let first = format!("632-{}", double.seal(head));
        vec![first, format!("632 {}", double.seal(tail))]
    });
    assert_eq!(told.await.unwrap(), 42);
    // And two replies in one.
    let told = size(|double, text| {
        let before = match text.starts_with("213") {
            true => "112-Perf Marker\r\n Stripe Index: 0\r\n112 End.\r\n",
            false => "",
        };
        vec![format!("632 {}", double.seal(&format!("{before}{text}")))]
    });
    assert_eq!(told.await.unwrap(), 42);
}

#[tokio::test]
async fn a_reply_without_protection_is_refused() {
    let told = size(|_, text| vec![text.trim_end().to_owned()]).await;
    assert_eq!(told.unwrap_err().kind(), ErrorKind::Protocol);
}

#[tokio::test]
async fn bytes_changed_on_the_way_are_refused() {
    let told = size(|double, text| {
        let mut records = STANDARD.decode(double.seal(text)).unwrap();
        let last = records.last_mut().unwrap();
        *last ^= 1;
        vec![format!("632 {}", STANDARD.encode(records))]
    });
    assert_eq!(told.await.unwrap_err().kind(), ErrorKind::Tls);
    let told = size(|_, _| vec!["632 not!base64".to_owned()]).await;
    assert_eq!(told.unwrap_err().kind(), ErrorKind::Protocol);
}
