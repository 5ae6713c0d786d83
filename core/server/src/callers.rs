//! From a TLS connection to the caller of its requests.
//!
//! Stands between the listeners and `causeway_identity`, and adds what the configuration says about
//! callers. It knows neither routes nor rows.

use std::sync::Arc;

use anyhow::Context as _;
use causeway_api::Caller;
use causeway_identity::anchors::TrustDirectory;
use causeway_identity::authz::RoleTable;
use causeway_identity::fqan::VoMap;
use causeway_identity::principal::{self, IdentityRules};
use causeway_identity::verify::{ExpiredCrl, VerifiedChain, Verifier};
use causeway_identity::{pki, tls};
use rustls::ServerConnection;
use rustls::pki_types::UnixTime;
use tokio_rustls::TlsAcceptor;

use crate::config::{AuthConfig, TlsConfig};

/// The trust directory, and who judges chains by it.
///
/// # Errors
/// A directory that cannot be read.
pub fn open_trust(config: &TlsConfig) -> anyhow::Result<(Arc<TrustDirectory>, Verifier)> {
    let trust = Arc::new(TrustDirectory::open(&config.ca_dir)?);
    let expired = if config.reject_expired_crl {
        ExpiredCrl::Reject
    } else {
        ExpiredCrl::Accept
    };
    let verifier = Verifier::new(trust.clone()).with_expired_crl(expired);
    Ok((trust, verifier))
}

/// Who is at the other end of a connection, for as long as that is proved.
#[derive(Clone, Debug)]
pub struct Peer {
    caller: Caller,
    /// Last second in which the certificates are good; nothing for callers without any.
    valid_until: Option<u64>,
}

impl Peer {
    /// Somebody who proved nothing.
    pub fn anonymous() -> Self {
        Self {
            caller: Caller::anonymous(),
            valid_until: None,
        }
    }

    /// The caller of a request that comes in now. A connection may outlive the certificates it
    /// began with; whoever goes on using it then is nobody.
    pub fn caller_at(&self, now: UnixTime) -> Caller {
        match self.valid_until {
            Some(end) if now.as_secs() > end => {
                tracing::info!(
                    user_dn = %self.caller.principal.user_dn,
                    "a connection outlived its certificate; its caller is anonymous now"
                );
                Caller::anonymous()
            }
            _ => self.caller.clone(),
        }
    }
}

/// What is needed to accept a connection and to say who is at its other end.
pub struct Callers {
    verifier: Verifier,
    rules: IdentityRules,
    acceptor: TlsAcceptor,
}

impl Callers {
    /// Reads certificates, trust and rules.
    ///
    /// # Errors
    /// A sentence that names the file or the key of the configuration.
    pub fn new(
        verifier: Verifier,
        tls_config: &TlsConfig,
        auth: &AuthConfig,
    ) -> anyhow::Result<Self> {
        let (chain, key) = pki::read_identity(&tls_config.cert, &tls_config.key)?;
        let host_dn = pki::subject_dn(chain.first().context("tls.cert holds no certificate")?)?;
        let server = tls::server_config(chain, key, verifier.clone())
            .context("prepare TLS with tls.cert and tls.key")?;
        let vo_map = match &auth.vo_map {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("read auth.vo_map {}", path.display()))?;
                VoMap::parse(&text)
                    .with_context(|| format!("read auth.vo_map {}", path.display()))?
            }
            None => VoMap::default(),
        };
        let rows = auth
            .roles
            .iter()
            .map(|(role, rights)| (role.as_str(), rights.as_str()));
        let roles = RoleTable::new(rows).context("read auth.roles")?;
        let mut root_dns = vec![host_dn];
        root_dns.extend_from_slice(&auth.root_dns);
        Ok(Self {
            verifier,
            rules: IdentityRules {
                root_dns,
                vo_map,
                roles,
                ..IdentityRules::default()
            },
            acceptor: TlsAcceptor::from(Arc::new(server)),
        })
    }

    /// For the next handshake.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }

    /// Who is at the other end of a connection.
    pub fn identify(&self, connection: &ServerConnection) -> Peer {
        match tls::identify(connection, &self.verifier, UnixTime::now()) {
            Ok(Some(chain)) => self.peer(&chain),
            Ok(None) => Peer::anonymous(),
            Err(error) => {
                // The handshake accepted it a moment ago: it has just run out.
                tracing::info!(%error, "a certificate is no longer good");
                Peer::anonymous()
            }
        }
    }

    /// The caller that a certificate file stands for: the development user.
    ///
    /// # Errors
    /// The file cannot be read or the chain is not good.
    pub fn of_file(&self, path: &std::path::Path) -> anyhow::Result<Peer> {
        let text = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
        let chain = self
            .verifier
            .verify(&pki::parse_chain_pem(&text)?, UnixTime::now())?;
        Ok(self.peer(&chain))
    }

    fn peer(&self, chain: &VerifiedChain) -> Peer {
        Peer {
            caller: Caller {
                principal: principal::of_chain(chain, Vec::new(), &self.rules, &[]),
                chain_pem: chain.presented_pem(),
                rsa_bits: chain.key_bits().and_then(|bits| u32::try_from(bits).ok()),
            },
            valid_until: Some(chain.not_after()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use causeway_model::{AuthMethod, Principal};

    use super::*;

    /// A person whose certificate is good up to and with that second.
    pub(crate) fn person(valid_until: u64) -> Peer {
        let principal = Principal {
            method: AuthMethod::Certificate,
            user_dn: "/CN=me".to_owned(),
            ..Principal::anonymous()
        };
        Peer {
            caller: Caller {
                principal,
                ..Caller::anonymous()
            },
            valid_until: Some(valid_until),
        }
    }

    #[test]
    fn a_caller_ends_with_the_certificate() {
        let user_dn = |peer: &Peer, at| {
            let caller = peer.caller_at(UnixTime::since_unix_epoch(Duration::from_secs(at)));
            (caller.principal.user_dn, caller.principal.method)
        };
        let nobody = ("anon".to_owned(), AuthMethod::Unauthenticated);
        let me = ("/CN=me".to_owned(), AuthMethod::Certificate);
        assert_eq!(user_dn(&person(100), 100), me);
        assert_eq!(user_dn(&person(100), 101), nobody);
        assert_eq!(user_dn(&Peer::anonymous(), 101), nobody);
    }
}
