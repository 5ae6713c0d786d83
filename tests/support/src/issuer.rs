//! An issuer of tokens on this machine: it publishes its keys, signs what it is told to, and trades
//! tokens in for others.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::KeyPair;
use serde_json::{Value, json};

/// The issuer. Its threads end with the test's process.
#[derive(Clone, Debug)]
pub struct Issuer {
    port: u16,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    key: KeyPair,
    /// Answers to forms, the last one for ever.
    answers: Vec<(u16, Value)>,
    forms: Vec<String>,
}

impl Issuer {
    /// With a key of the name `first`.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr();
        let issuer = Self {
            port: address.expect("a bound socket has an address").port(),
            shared: Arc::new(Mutex::new(Shared {
                name: "first".to_owned(),
                key: new_key(),
                answers: vec![(400, json!({"error": "invalid_grant"}))],
                forms: Vec::new(),
            })),
        };
        let own = issuer.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let own = own.clone();
                // A client that hangs up is no failure.
                std::thread::spawn(move || drop(own.serve(client)));
            }
        });
        issuer
    }

    /// What its tokens call it.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Publishes a new key of this name, and forgets the old one.
    pub fn rotate(&self, name: &str) {
        let mut shared = self.lock();
        shared.name = name.to_owned();
        shared.key = new_key();
    }

    /// Answers forms with these, one after the other.
    pub fn answer_forms(&self, answers: Vec<(u16, Value)>) {
        self.lock().answers = answers;
    }

    /// The forms that were sent.
    pub fn forms(&self) -> Vec<String> {
        self.lock().forms.clone()
    }

    /// Claims of somebody that are good for an hour.
    pub fn claims(&self, subject: &str, audience: &str, scope: &str) -> Value {
        let now = now();
        json!({
            "wlcg.ver": "1.0", "iss": self.url(), "sub": subject, "aud": audience,
            "iat": now - 5, "nbf": now - 5, "exp": now + 3600, "scope": scope,
            "wlcg.groups": ["/dteam"],
        })
    }

    /// A token with these claims, signed with the key it publishes.
    pub fn sign(&self, claims: &Value) -> String {
        let shared = self.lock();
        let header = Header {
            kid: Some(shared.name.clone()),
            ..Header::new(Algorithm::ES256)
        };
        let key = EncodingKey::from_ec_der(&shared.key.serialize_der());
        jsonwebtoken::encode(&header, claims, &key).expect("claims can be signed")
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, client: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(client.try_clone()?);
        let mut client = client;
        loop {
            let mut first = String::new();
            if reader.read_line(&mut first)? == 0 {
                return Ok(());
            }
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line)?;
                let line = line.trim().to_ascii_lowercase();
                if line.is_empty() {
                    break;
                }
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap_or(0);
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            let path = first.split(' ').nth(1).unwrap_or("").to_owned();
            let (status, answer) = self.answer(&path, &body);
            let answer = answer.to_string();
            write!(
                client,
                "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{answer}",
                answer.len()
            )?;
        }
    }

    fn answer(&self, path: &str, body: &[u8]) -> (u16, Value) {
        let mut shared = self.lock();
        let at = |path: &str| format!("{}{path}", self.url());
        match path {
            "/.well-known/openid-configuration" => {
                let found = json!({
                    "issuer": self.url(), "jwks_uri": at("jwk"), "token_endpoint": at("token"),
                });
                (200, found)
            }
            "/jwk" => {
                let point = shared.key.public_key_raw();
                let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
                let key = json!({
                    "kty": "EC", "crv": "P-256", "kid": shared.name, "use": "sig",
                    "x": text(&point[1..33]), "y": text(&point[33..65]),
                });
                (200, json!({"keys": [key]}))
            }
            "/token" => {
                shared
                    .forms
                    .push(String::from_utf8_lossy(body).into_owned());
                match shared.answers.len() {
                    1 => shared.answers[0].clone(),
                    _ => shared.answers.remove(0),
                }
            }
            _ => (404, Value::Null),
        }
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("a key can be made")
}

/// Seconds of the epoch.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.expect("it is after 1970").as_secs()).expect("it is not that late")
}
