//! Whom the service trusts: the CA directory and the vomsdir, read together and again.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use causeway_identity::anchors::TrustDirectory;
use causeway_identity::verify::{ExpiredCrl, Verifier};
use causeway_identity::voms::{VomsDirectory, VomsVerifier};

use crate::config::TlsConfig;

/// Both directories, and who judges by them.
#[derive(Clone)]
pub struct Trust {
    authorities: Arc<TrustDirectory>,
    issuers: Arc<VomsDirectory>,
    verifier: Verifier,
}

impl Trust {
    /// Reads both for the first time.
    ///
    /// # Errors
    /// A CA directory that cannot be read. Without a vomsdir nobody is a member of any VO.
    pub fn open(config: &TlsConfig) -> anyhow::Result<Self> {
        let authorities = Arc::new(TrustDirectory::open(&config.ca_dir)?);
        let expired = if config.reject_expired_crl {
            ExpiredCrl::Reject
        } else {
            ExpiredCrl::Accept
        };
        let verifier = Verifier::new(authorities.clone()).with_expired_crl(expired);
        Ok(Self {
            authorities,
            issuers: Arc::new(VomsDirectory::open(&config.voms_dir)),
            verifier,
        })
    }

    /// Judges chains of certificates.
    pub fn verifier(&self) -> Verifier {
        self.verifier.clone()
    }

    /// Judges VO attributes, as a service that has these names.
    pub fn voms(&self, hosts: Vec<String>) -> VomsVerifier {
        VomsVerifier::new(self.issuers.clone(), self.verifier()).with_hosts(hosts)
    }

    /// Reads both again; what cannot be read stays as it is in force, and is logged.
    pub fn reload(&self) {
        if let Err(error) = self.authorities.reload() {
            tracing::error!("reload: {error}; the old trust stays");
        }
        match self.issuers.reload() {
            // A service without VOMS has none, and has said so at its start.
            Err(error)
                if error.kind() == ErrorKind::NotFound
                    && self.issuers.snapshot().vo_count() == 0 => {}
            Err(error) => tracing::error!(
                "reload: read vomsdir {}: {error}; the old issuers stay",
                self.issuers.path().display()
            ),
            Ok(()) => {}
        }
    }

    /// Reads both again, again and again.
    pub async fn keep_fresh(self, interval: Duration) {
        let mut tick = tokio::time::interval(interval);
        tick.tick().await;
        loop {
            tick.tick().await;
            let trust = self.clone();
            if let Err(error) = tokio::task::spawn_blocking(move || trust.reload()).await {
                tracing::error!(%error, "a reload of trust was broken off");
            }
        }
    }
}
