//! A provider of cloud storage on this machine, in the manner of OAuth 1: it knows one application,
//! gives tokens, lets a user agree, and checks every signature, time and nonce.
//!
//! Signatures are worked out by `openssl`. When it refuses it repeats what it was sent and what it
//! would have expected, as some providers do: nobody may hand that on.

mod signed;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::issuer::now;
use crate::rest::encode;
use signed::{Request, coded, coded_path, decoded, read, signature};

/// Names the application, and proves it.
pub const APP: (&str, &str) = ("causeway&app", "app secret/+%");
/// By how much a request may be late.
const LATE: i64 = 300;

/// The provider. Its threads end with the test's process.
#[derive(Clone, Debug)]
pub struct Drive {
    port: u16,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    given: usize,
    /// Secrets by request token, and whether the user has agreed.
    requests: BTreeMap<String, (String, bool)>,
    /// Secrets by access token.
    accesses: BTreeMap<String, String>,
    nonces: BTreeSet<String>,
    files: BTreeMap<String, String>,
    is_away: bool,
}

type Answer = (u16, &'static str, String);

impl Drive {
    /// With these files, by path and content.
    pub fn start(files: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr();
        let files = files.iter();
        let files = files.map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        let drive = Self {
            port: address.expect("a bound socket has an address").port(),
            shared: Arc::new(Mutex::new(Shared {
                files: files.collect(),
                ..Shared::default()
            })),
        };
        let own = drive.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let own = own.clone();
                // A client that hangs up is no failure.
                std::thread::spawn(move || drop(own.serve(client)));
            }
        });
        drive
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where a user agrees.
    pub fn page(&self, request_token: &str) -> String {
        let token = encode(request_token);
        format!("{}/1/oauth/authorize?oauth_token={token}", self.url())
    }

    /// Answers everything with 503, or as usual again.
    pub fn go_away(&self, is_away: bool) {
        self.lock().is_away = is_away;
    }

    /// Every secret that it has given out, and those of the application.
    pub fn secrets(&self) -> Vec<String> {
        let shared = self.lock();
        let requests = shared.requests.values().map(|it| it.0.clone());
        let accesses = shared.accesses.values().cloned();
        let own = [APP.1.to_owned(), coded(APP.1)];
        requests.chain(accesses).chain(own).collect()
    }

    /// Every access token that it has given out.
    pub fn tokens(&self) -> Vec<String> {
        self.lock().accesses.keys().cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, client: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(client.try_clone()?);
        let mut client = client;
        loop {
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line)? == 0 {
                    return Ok(());
                }
                match line.trim_end() {
                    "" => break,
                    line => head.push(line.to_owned()),
                }
            }
            let (status, kind, body) = self.answer(&read(&head));
            write!(
                client,
                "HTTP/1.1 {status} x\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )?;
        }
    }

    fn answer(&self, request: &Request) -> Answer {
        let mut shared = self.lock();
        if shared.is_away {
            return (503, "text/plain", "away".to_owned());
        }
        let path = decoded(&request.path);
        match (request.method.as_str(), path.as_str()) {
            ("GET", "/1/oauth/authorize") => shared.agree(request),
            ("GET", path) if path.starts_with("/direct/") => shared.direct(&path[8..]),
            (_, path) => {
                let secret = match shared.secret_for(request, path) {
                    Ok(secret) => secret,
                    Err(why) => return refused(request, why, ""),
                };
                match shared.check(request, &secret) {
                    Ok(()) => shared.signed(request, path, &self.url()),
                    Err(why) => refused(request, why, &secret),
                }
            }
        }
    }
}

impl Shared {
    fn agree(&mut self, request: &Request) -> Answer {
        let token = request.query.iter().find(|it| it.0 == "oauth_token");
        match token.and_then(|it| self.requests.get_mut(&it.1)) {
            Some(known) => {
                known.1 = true;
                (200, "text/plain", "thank you".to_owned())
            }
            None => (404, "text/plain", "no such token".to_owned()),
        }
    }

    fn direct(&self, path: &str) -> Answer {
        match self.files.get(path) {
            Some(text) => (200, "text/plain", text.clone()),
            None => (404, "text/plain", String::new()),
        }
    }

    /// The secret of the token that goes with a request.
    fn secret_for(&self, request: &Request, path: &str) -> Result<String, &'static str> {
        let token = request.oauth("oauth_token");
        let of_request = |it: &(String, bool)| match it.1 {
            true => Ok(it.0.clone()),
            false => Err("nobody has agreed"),
        };
        match path {
            "/1/oauth/request_token" => Ok(String::new()),
            "/1/oauth/access_token" => {
                let known = self.requests.get(token);
                known.map_or(Err("no such request token"), of_request)
            }
            _ => self.accesses.get(token).cloned().ok_or("no such token"),
        }
    }

    fn check(&mut self, request: &Request, secret: &str) -> Result<(), &'static str> {
        let time: i64 = request.oauth("oauth_timestamp").parse().unwrap_or(0);
        match () {
            () if request.oauth("oauth_version") != "1.0" => Err("no such version"),
            () if request.oauth("oauth_signature_method") != "HMAC-SHA1" => Err("no such method"),
            () if request.oauth("oauth_consumer_key") != APP.0 => Err("no such application"),
            () if (now() - time).abs() > LATE => Err("not now"),
            () if request.oauth("oauth_signature") != signature(request, secret) => {
                Err("wrong signature")
            }
            () if !self.nonces.insert(request.oauth("oauth_nonce").to_owned()) => {
                Err("said before")
            }
            () => Ok(()),
        }
    }

    fn signed(&mut self, request: &Request, path: &str, url: &str) -> Answer {
        let below = |root: &str| path.strip_prefix(root).map(|it| it.trim_matches('/'));
        if path == "/1/oauth/request_token" {
            let (token, secret) = self.token("request");
            let form = form(&token, &secret);
            self.requests.insert(token, (secret, false));
            return (200, "application/x-www-form-urlencoded", form);
        }
        if path == "/1/oauth/access_token" {
            self.requests.remove(request.oauth("oauth_token"));
            let (token, secret) = self.token("access");
            let form = form(&token, &secret) + "&uid=42";
            self.accesses.insert(token, secret);
            return (200, "application/x-www-form-urlencoded", form);
        }
        let found = match (below("/1/metadata/auto"), below("/1/media/auto")) {
            (Some(directory), _) if request.method == "GET" => self.list(directory),
            (_, Some(file)) if request.method == "POST" => {
                let known = self.files.contains_key(file);
                known.then(|| json!({"url": format!("{url}/direct/{}", coded_path(file))}))
            }
            _ => None,
        };
        match found {
            Some(found) => (200, "application/json", found.to_string()),
            None => (
                404,
                "application/json",
                json!({"error": "not found"}).to_string(),
            ),
        }
    }

    fn list(&self, directory: &str) -> Option<Value> {
        let prefix = match directory {
            "" => String::new(),
            directory => format!("{directory}/"),
        };
        let inside = self
            .files
            .iter()
            .filter(|(path, _)| path.starts_with(&prefix));
        let contents: Vec<Value> = inside
            .map(|(path, text)| json!({"path": format!("/{path}"), "bytes": text.len()}))
            .collect();
        let found = json!({"path": format!("/{directory}"), "is_dir": true, "contents": contents});
        (!contents.is_empty()).then_some(found)
    }

    fn token(&mut self, kind: &str) -> (String, String) {
        self.given += 1;
        let number = self.given;
        (
            format!("{kind}/token+{number}"),
            format!("hush&{kind}={number}"),
        )
    }
}

fn form(token: &str, secret: &str) -> String {
    format!(
        "oauth_token_secret={}&oauth_token={}",
        coded(secret),
        coded(token)
    )
}

/// Tells far too much.
fn refused(request: &Request, why: &str, secret: &str) -> Answer {
    let said = json!({
        "error": why,
        "expected": request.base(),
        "key": format!("{}&{secret}", APP.1),
        "signature": request.oauth("oauth_signature"),
    });
    (401, "application/json", said.to_string())
}
