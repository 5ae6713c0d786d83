//! From a TLS connection to the caller of its requests.
//!
//! Stands between the listeners and `causeway_identity`, and adds what the configuration and the
//! operators say about callers. It knows neither routes nor rows.
//!
//! # Invariants
//! - Every request is judged by what is in force when it comes in: trust, VO issuers, configuration,
//!   rights given to single users (`peer` keeps the last judgement until one of them changes).

mod peer;

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use causeway_api::Caller;
use causeway_identity::authz::{Operation, RoleTable};
use causeway_identity::fqan::VoMap;
use causeway_identity::principal::{IdentityRules, UnmappedVo};
use causeway_identity::signed_header::{SignedHeader, SignedHeaderError};
use causeway_identity::verify::Verifier;
use causeway_identity::voms::VomsVerifier;
use causeway_identity::{pki, tls};
use causeway_model::{Settings, Timestamp};
use rustls::ServerConnection;
use rustls::pki_types::UnixTime;
use tokio_rustls::TlsAcceptor;

use crate::config::{AuthConfig, TlsConfig};
use crate::trust::Trust;

pub use peer::Peer;

/// What is needed to accept a connection and to say who is at its other end. Made anew when the
/// configuration is read again.
pub struct Callers {
    verifier: Verifier,
    voms: VomsVerifier,
    rules: IdentityRules,
    /// Attributes that are not believed refuse the whole caller.
    refuses_invalid_voms: bool,
    acceptor: TlsAcceptor,
}

impl Callers {
    /// Reads certificates, trust and rules. `host` is the name of this machine.
    ///
    /// # Errors
    /// A sentence that names the file or the key of the configuration.
    pub fn new(
        trust: &Trust,
        tls_config: &TlsConfig,
        auth: &AuthConfig,
        host: &str,
    ) -> anyhow::Result<Self> {
        let (chain, key) = pki::read_identity(&tls_config.cert, &tls_config.key)?;
        let host_dn = pki::subject_dn(chain.first().context("tls.cert holds no certificate")?)?;
        let server = tls::server_config(chain, key, trust.verifier())
            .context("prepare TLS with tls.cert and tls.key")?;
        Ok(Self {
            verifier: trust.verifier(),
            voms: trust.voms(vec![host.to_owned()]),
            rules: rules(auth, host_dn)?,
            refuses_invalid_voms: auth.reject_invalid_voms,
            acceptor: TlsAcceptor::from(Arc::new(server)),
        })
    }

    /// What roles grant and which VO people have.
    pub fn rules(&self) -> &IdentityRules {
        &self.rules
    }

    /// For the next handshake.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }
}

fn rules(auth: &AuthConfig, host_dn: String) -> anyhow::Result<IdentityRules> {
    let vo_map = match &auth.vo_map {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("read auth.vo_map {}", path.display()))?;
            VoMap::parse(&text).with_context(|| format!("read auth.vo_map {}", path.display()))?
        }
        None => VoMap::default(),
    };
    let rows = auth
        .roles
        .iter()
        .map(|(role, rights)| (role.as_str(), rights.as_str()));
    let mut root_dns = vec![host_dn];
    root_dns.extend_from_slice(&auth.root_dns);
    Ok(IdentityRules {
        root_dns,
        vo_map,
        unmapped: match auth.unmapped_vo {
            crate::config::UnmappedVo::Dn => UnmappedVo::FromDn,
            crate::config::UnmappedVo::DelegationId => UnmappedVo::DelegationId,
        },
        roles: RoleTable::new(rows).context("read auth.roles")?,
    })
}

/// The callers as they are judged now.
pub struct LiveCallers {
    current: ArcSwap<Callers>,
    /// Tells what operators have set, once the engine runs.
    settings: OnceLock<Box<dyn Fn() -> Settings + Send + Sync>>,
}

impl LiveCallers {
    /// Judges by these until they are replaced.
    pub fn new(callers: Callers) -> Arc<Self> {
        Arc::new(Self {
            current: ArcSwap::from_pointee(callers),
            settings: OnceLock::new(),
        })
    }

    /// Judges by others from now on, callers of open connections included.
    pub fn replace(&self, callers: Callers) {
        self.current.store(Arc::new(callers));
    }

    /// Heeds what operators have set, as this tells it. The first to be given stays.
    pub fn heed(&self, settings: impl Fn() -> Settings + Send + Sync + 'static) {
        self.settings.get_or_init(|| Box::new(settings));
    }

    /// What is in force.
    pub fn current(&self) -> Arc<Callers> {
        self.current.load_full()
    }

    /// Operations that were given to a user by hand.
    pub fn given_to(&self, dn: &str) -> Vec<Operation> {
        let Some(settings) = self.settings.get() else {
            return Vec::new();
        };
        let settings = settings();
        let given = settings.operations_given_to(dn);
        given.filter_map(Operation::from_name).collect()
    }

    /// Who is at the other end of a connection.
    pub fn identify(self: &Arc<Self>, connection: &ServerConnection) -> Peer {
        let (by, now) = (self.current(), UnixTime::now());
        let generation = by.voms.generation();
        match tls::identify(connection, &by.verifier, now) {
            Ok(Some(chain)) => Peer::judged(self.clone(), &chain, by, generation, now),
            Ok(None) => Peer::anonymous(),
            Err(error) => {
                // The handshake accepted it a moment ago: it has just run out.
                tracing::info!(%error, "a certificate is no longer good");
                Peer::anonymous()
            }
        }
    }

    /// The caller who signed a header with the key of a certificate.
    ///
    /// # Errors
    /// The header is malformed, too old or not signed, or its certificate is not believed.
    pub fn signer(
        self: &Arc<Self>,
        header: &str,
        now: Timestamp,
    ) -> Result<Caller, SignedHeaderError> {
        let seconds = u64::try_from(now.seconds()).unwrap_or(0); // no clock is before 1970
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let by = self.current();
        let generation = by.voms.generation();
        let chain = SignedHeader::parse(header)?.verify(&by.verifier, now)?;
        Ok(Peer::judged(self.clone(), &chain, by, generation, now).caller_at(now))
    }

    /// The caller that a certificate file stands for: the development user.
    ///
    /// # Errors
    /// The file cannot be read or the chain is not good.
    pub fn of_file(self: &Arc<Self>, path: &Path) -> anyhow::Result<Peer> {
        let text = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
        let chain = pki::parse_chain_pem(&text)?;
        self.current().verifier.verify(&chain, UnixTime::now())?;
        Ok(Peer::holder(self.clone(), chain))
    }
}

#[cfg(test)]
pub(crate) mod tests;
