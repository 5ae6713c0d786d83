//! Sessions by server and credential: from a URL and a credential of the SDK to the wire's pool.

use std::sync::Arc;

use causeway_gridftp_wire::endpoint::DEFAULT_PORT;
use causeway_gridftp_wire::{
    Credential as Chain, Endpoint, Facts, Lease, PeerRule, Pool, Security,
};
use causeway_sdk::{Credential, Error, ErrorKind, Result, Secret, Url};
use parking_lot::Mutex;

use crate::Config;
use crate::config::PLAIN_SCHEME;
use crate::error::{at, own};
use crate::looks::Looks;
use crate::trust::Anchors;

/// Port of FTP servers.
const PLAIN_PORT: u16 = 21;
/// Parsed credentials that are kept.
const MAX_CREDENTIALS: usize = 64;

/// Where sessions come from.
pub(crate) struct Client {
    config: Arc<Config>,
    pub(crate) pool: Pool,
    looks: Looks,
    anchors: Anchors,
    /// To parse a chain and its key takes longer than to compare a text.
    parsed: Mutex<Vec<(Secret, Chain)>>,
}

impl Client {
    pub(crate) fn new(config: Arc<Config>) -> Self {
        let pool = Pool::new(config.wire(), config.pool());
        Self {
            looks: Looks::new(pool.clone()),
            pool,
            anchors: Anchors::new(&config),
            parsed: Mutex::default(),
            config,
        }
    }

    /// A session with the server of a URL.
    pub(crate) async fn session(&self, credential: &Credential, url: &Url) -> Result<Lease> {
        let endpoint = self.endpoint(credential, url)?;
        self.pool
            .session(&endpoint)
            .await
            .map_err(|why| at(url, &why))
    }

    /// The same for a command or two, which may wait a moment for one that others use.
    pub(crate) async fn brief(&self, credential: &Credential, url: &Url) -> Result<Lease> {
        let endpoint = self.endpoint(credential, url)?;
        let session = self.pool.brief(&endpoint).await;
        session.map_err(|why| at(url, &why))
    }

    /// What stands at a path of the server of a URL.
    pub(crate) async fn facts(
        &self,
        credential: &Credential,
        url: &Url,
        path: &str,
    ) -> Result<Facts> {
        let endpoint = self.endpoint(credential, url)?;
        let facts = self.looks.stat(&endpoint, path).await;
        facts.map_err(|why| at(url, &why))
    }

    /// A server and in whose name it is approached.
    pub(crate) fn endpoint(&self, credential: &Credential, url: &Url) -> Result<Endpoint> {
        let host = url.host();
        let port = port(url);
        if is_plain(url) {
            return Ok(Endpoint::anonymous(host, port));
        }
        let config = &self.config;
        let by_port = config.subjects.get(&format!("{host}:{port}"));
        let peer = match by_port.or_else(|| config.subjects.get(host)) {
            Some(subject) => PeerRule::Subject(subject.clone()),
            None => PeerRule::Host(host.to_owned()),
        };
        let security = Security::Gsi {
            credential: self.chain(credential)?,
            peer,
            delegate: config.delegate(),
        };
        Ok(Endpoint::new(host, port, security))
    }

    fn chain(&self, credential: &Credential) -> Result<Chain> {
        let Credential::X509(pem) = credential else {
            let text = "log in: the server wants an X.509 certificate or proxy";
            return Err(Error::new(ErrorKind::AuthRequired, text));
        };
        let trust = self.anchors.current()?;
        if let Some(chain) = self.known(pem).filter(|it| it.trust().is_same(&trust)) {
            return Ok(chain);
        }
        let chain = Chain::from_pem(pem.expose().as_bytes(), trust)
            .map_err(|why| Error::new(ErrorKind::AuthRequired, why.to_string()))?;
        let mut parsed = self.parsed.lock();
        parsed.retain(|(text, _)| text != pem);
        if parsed.len() >= MAX_CREDENTIALS {
            parsed.remove(0);
        }
        parsed.push((pem.clone(), chain.clone()));
        Ok(chain)
    }

    fn known(&self, pem: &Secret) -> Option<Chain> {
        let parsed = self.parsed.lock();
        let found = parsed.iter().find(|(text, _)| text == pem);
        found.map(|(_, chain)| chain.clone())
    }
}

/// Whether a URL is of a server without security.
fn is_plain(url: &Url) -> bool {
    url.scheme().eq_ignore_ascii_case(PLAIN_SCHEME)
}

/// Port of the server of a URL.
pub(crate) fn port(url: &Url) -> u16 {
    let default = if is_plain(url) {
        PLAIN_PORT
    } else {
        DEFAULT_PORT
    };
    url.port().unwrap_or(default)
}

/// Path of a URL as the server knows it.
pub(crate) fn path(url: &Url) -> Result<String> {
    let path = url.decoded_path();
    let is_name = path.starts_with('/') && !path.contains(['\r', '\n', '\0']);
    let has_dots = path.split('/').any(|it| it == "." || it == "..");
    let refused = |why| Err(own(ErrorKind::Invalid, "use", url, why));
    if !is_name || has_dots || url.host().is_empty() {
        return refused("not the name of a file on a server");
    }
    // Globus servers drop such bytes there, and would use another name than was asked for.
    if is_plain(url) && !path.is_ascii() {
        return refused("without security, servers take ASCII names only");
    }
    Ok(path)
}
