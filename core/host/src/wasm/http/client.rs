//! Connections of plugins, kept by credential, so that requests one after the other share them and
//! those of two users never do.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_sdk::trust::{Trust, TrustPlaces};
use causeway_sdk::{Credential, Error, ErrorKind, Host, Result, Secret};
use parking_lot::Mutex;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::allow::Allowed;
use crate::grants::Grants;
use crate::manifest::digest;

/// Clients that are kept; the one used longest ago makes room.
const CLIENTS: usize = 64;
/// A client is made anew after this, so that changed trust takes effect.
const AGE: Duration = Duration::from_secs(600);
const CONNECT: Duration = Duration::from_secs(30);
/// A body has to go on within this.
const SILENCE: Duration = Duration::from_secs(300);
const IDLE: Duration = Duration::from_secs(60);
/// Where operating systems keep their CA certificates.
const SYSTEM_CAS: &str = "/etc/ssl/certs";

/// All clients of a plugin.
pub(super) struct Clients {
    trust: Trust,
    resolver: Arc<Resolver>,
    kept: Mutex<HashMap<String, Kept>>,
}

struct Kept {
    client: reqwest::Client,
    made: Instant,
    used: Instant,
}

impl Clients {
    pub(super) fn new(grants: &Grants, allowed: Allowed) -> Self {
        let log = Host::new(|_, text| tracing::warn!("{text}"));
        Self {
            // What components call is run by companies as well as by sites.
            trust: Trust::new(places(grants)).with_system().with_host(&log),
            resolver: Arc::new(Resolver(allowed)),
            kept: Mutex::new(HashMap::new()),
        }
    }

    /// The client that shows this credential.
    pub(super) fn client(&self, credential: &Credential) -> Result<reqwest::Client> {
        let (identity, key) = match credential {
            Credential::None => (None, String::new()),
            Credential::Bearer(token) => (None, digest(token.expose().as_bytes())),
            Credential::X509(pem) => (Some(pem), digest(pem.expose().as_bytes())),
            // Not the secret's: the name of the key tells users apart as well.
            Credential::Keys { access, .. } => (None, digest(access.as_bytes())),
        };
        let now = Instant::now();
        let mut kept = self.kept.lock();
        if let Some(it) = kept.get_mut(&key).filter(|it| now - it.made < AGE) {
            it.used = now;
            return Ok(it.client.clone());
        }
        let client = self.make(identity)?;
        if kept.len() >= CLIENTS {
            let oldest = kept.iter().min_by_key(|(_, it)| it.used);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                kept.remove(&oldest);
            }
        }
        let it = Kept {
            client: client.clone(),
            made: now,
            used: now,
        };
        kept.insert(key, it);
        Ok(client)
    }

    fn make(&self, identity: Option<&Secret>) -> Result<reqwest::Client> {
        reqwest::Client::builder()
            .tls_backend_preconfigured(self.trust.client(identity)?)
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .tcp_nodelay(true)
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .pool_idle_timeout(IDLE)
            .dns_resolver(Arc::clone(&self.resolver))
            .user_agent(concat!("causeway/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|source| {
                Error::new(ErrorKind::Internal, "set up a client").with("cause", source)
            })
    }
}

fn places(grants: &Grants) -> TrustPlaces {
    TrustPlaces {
        ca_dir: grants.ca_dir.clone(),
        ca_file: grants.ca_file.clone(),
        system_ca_dir: SYSTEM_CAS.into(),
    }
}

/// Names of hosts to addresses, without those a plugin may not reach. The connection goes to what
/// was looked at here and to nothing that is looked up later.
struct Resolver(Allowed);

/// A name stands for private addresses only.
#[derive(Debug)]
pub(super) struct Private(IpAddr);

impl fmt::Display for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "was not granted the private address {}, to which the name leads",
            self.0
        )
    }
}

impl std::error::Error for Private {}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let refused = found.iter().find(|it| allowed.address(it.ip()).is_err());
            // One private address among public ones is a name that was made for that.
            if let Some(refused) = refused {
                return Err(Box::new(Private(refused.ip())) as _);
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
