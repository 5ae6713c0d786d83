//! Connections, kept by host and credential, so that calls one after the other share them.
//!
//! # Invariants
//! - Two credentials never share a connection: some servers take the user from the first request
//!   on it.
//! - A client with a bearer token shows no certificate, whatever lies around on the machine.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use causeway_sdk::trust::Trust;
use causeway_sdk::{Algorithm, Credential, Error, ErrorKind, Host, Result, Secret};
use http_body_util::combinators::UnsyncBoxBody;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tower::ServiceExt as _;
use tower::util::MapResponse;
use url::Url;

use crate::Config;
use crate::error::internal;
use crate::letters::Letters;
use crate::records::Records;
use crate::wire::origin;

const USER_AGENT: &str = concat!("causeway-http/", env!("CARGO_PKG_VERSION"));
/// A client is made anew after this, so that changed trust takes effect.
const MAX_AGE: Duration = Duration::from_secs(1800);
const MAX_IDLE_PER_HOST: usize = 32;

type Wire = MaybeHttpsStream<TokioIo<TcpStream>>;
type Connector<T> = MapResponse<HttpsConnector<HttpConnector>, fn(Wire) -> T>;
/// Body of a request that goes the plain way.
pub(crate) type PlainBody = UnsyncBoxBody<Bytes, std::io::Error>;
/// The client of streamed PUTs.
pub(crate) type PutClient = legacy::Client<Connector<Records<Wire>>, PlainBody>;
/// The client of third-party copies.
pub(crate) type CopyClient = legacy::Client<Connector<Letters<Wire>>, PlainBody>;

/// What reaches one host under one credential.
pub(crate) struct Client {
    /// For everything but PUT and COPY.
    pub(crate) web: reqwest::Client,
    /// Sees interim responses, which the first hides.
    pub(crate) put: PutClient,
    /// Writes header names with capitals, which the first cannot.
    pub(crate) copy: CopyClient,
}

/// All clients in use.
pub(crate) struct Pool {
    config: Arc<Config>,
    trust: Trust,
    clients: Mutex<HashMap<Key, Kept>>,
}

#[derive(PartialEq, Eq, Hash)]
struct Key {
    origin: String,
    /// SHA-256 of the credential, so that the pool holds no copy of it.
    credential: String,
}

struct Kept {
    client: Arc<Client>,
    made: Instant,
    used: Instant,
}

impl Pool {
    pub(crate) fn new(config: Arc<Config>, host: &Host) -> Self {
        Self {
            trust: Trust::new(config.trust()).with_host(host),
            config,
            clients: Mutex::new(HashMap::new()),
        }
    }

    /// The client for a host under a credential.
    pub(crate) fn client(&self, url: &Url, credential: &Credential) -> Result<Arc<Client>> {
        let key = Key {
            origin: origin(url),
            credential: fingerprint(credential)?,
        };
        let mut clients = self.clients.lock();
        let now = Instant::now();
        if let Some(kept) = clients.get_mut(&key)
            && now.duration_since(kept.made) < MAX_AGE
        {
            kept.used = now;
            return Ok(kept.client.clone());
        }
        let client = Arc::new(self.make(credential)?);
        make_room(&mut clients, self.config.max_clients);
        clients.insert(
            key,
            Kept {
                client: client.clone(),
                made: now,
                used: now,
            },
        );
        Ok(client)
    }

    fn make(&self, credential: &Credential) -> Result<Client> {
        let mut tls = self.trust.client(identity(credential))?;
        // One transfer, one connection: HTTP/2 would put many on one and share its window.
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let web = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .http1_only()
            .http1_title_case_headers()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .tcp_nodelay(true)
            .connect_timeout(self.config.connect_timeout())
            .pool_idle_timeout(self.config.idle_timeout())
            .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
            .user_agent(USER_AGENT)
            .build()
            .map_err(|source| internal("set up a client", source))?;
        let https = self.connector(tls);
        let mut plain = legacy::Client::builder(TokioExecutor::new());
        plain
            .http1_title_case_headers(true)
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(self.config.idle_timeout())
            .pool_max_idle_per_host(MAX_IDLE_PER_HOST);
        let records: fn(Wire) -> Records<Wire> = Records::new;
        let letters: fn(Wire) -> Letters<Wire> = Letters::new;
        Ok(Client {
            web,
            put: plain.build(https.clone().map_response(records)),
            copy: plain.build(https.map_response(letters)),
        })
    }

    fn connector(&self, mut tls: rustls::ClientConfig) -> HttpsConnector<HttpConnector> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(self.config.connect_timeout()));
        // The connector sets this itself and insists on finding it empty.
        tls.alpn_protocols.clear();
        HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp)
    }
}

/// The certificate to show, if that is how the user comes.
fn identity(credential: &Credential) -> Option<&Secret> {
    match credential {
        Credential::X509(pem) => Some(pem),
        _ => None,
    }
}

/// Names a credential without revealing it.
pub(crate) fn fingerprint(credential: &Credential) -> Result<String> {
    let (kind, text) = match credential {
        Credential::None => return Ok(String::new()),
        Credential::Bearer(token) => ("bearer:", token),
        Credential::X509(pem) => ("x509:", pem),
        Credential::Keys { .. } => {
            let text = "use access keys: this storage takes a token or a certificate";
            return Err(Error::new(ErrorKind::AuthRequired, text));
        }
    };
    let mut hasher = Algorithm::Sha256.hasher();
    hasher.update(kind.as_bytes());
    hasher.update(text.expose().as_bytes());
    Ok(hasher.finish().hex)
}

/// Forgets what was unused for longest. Its running requests go on.
fn make_room(clients: &mut HashMap<Key, Kept>, limit: usize) {
    clients.retain(|_, kept| kept.made.elapsed() < MAX_AGE);
    while clients.len() >= limit {
        let oldest = clients.iter().min_by_key(|(_, kept)| kept.used);
        let Some(key) = oldest.map(|(key, _)| Key {
            origin: key.origin.clone(),
            credential: key.credential.clone(),
        }) else {
            return;
        };
        clients.remove(&key);
    }
}

/// The name we go by.
pub(crate) fn user_agent() -> http::HeaderValue {
    http::HeaderValue::from_static(USER_AGENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(text: &str) -> Credential {
        Credential::Bearer(Secret::new(text))
    }

    fn pool(max_clients: usize) -> (tempfile::NamedTempFile, Pool) {
        // Any certificate will do; nothing is connected to.
        let any = rcgen::generate_simple_self_signed(vec!["ca".into()]).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), any.cert.pem()).unwrap();
        let config = Config {
            ca_file: Some(file.path().into()),
            max_clients,
            ..Config::default()
        };
        (file, Pool::new(config.into(), &Host::silent()))
    }

    #[test]
    fn one_client_per_host_and_credential() {
        let (_ca, pool) = pool(8);
        let get = |url: &str, credential: &Credential| {
            pool.client(&url.parse().unwrap(), credential).unwrap()
        };
        let one = get("https://a/x", &bearer("1"));
        assert!(Arc::ptr_eq(&one, &get("https://a:443/y", &bearer("1"))));
        for (url, credential) in [
            ("https://a/x", bearer("2")),
            ("https://a/x", Credential::None),
            ("https://b/x", bearer("1")),
            ("http://a/x", bearer("1")),
        ] {
            assert!(!Arc::ptr_eq(&one, &get(url, &credential)), "{url}");
        }
    }

    #[test]
    fn the_pool_is_bounded_and_keeps_what_is_used() {
        let (_ca, pool) = pool(3);
        let url = "https://a/".parse().unwrap();
        let first = pool.client(&url, &bearer("first")).unwrap();
        for i in 0..10 {
            pool.client(&url, &bearer(&i.to_string())).unwrap();
            let again = pool.client(&url, &bearer("first")).unwrap();
            assert!(Arc::ptr_eq(&first, &again));
        }
        assert_eq!(pool.clients.lock().len(), 3);
    }

    #[test]
    fn access_keys_are_refused() {
        let keys = Credential::Keys {
            access: "a".into(),
            secret: Secret::new("b"),
            token: None,
            region: None,
        };
        assert!(fingerprint(&keys).is_err());
    }
}
