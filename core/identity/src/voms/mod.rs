//! Membership of VOs: the attribute certificates that VOMS servers put into proxies.
//!
//! The server asks [`VomsVerifier`] once for each verified chain; what comes out as text goes to
//! [`crate::principal`]. Attributes that are not believed are reported and left out: whoever brought
//! them keeps their identity. How attributes are asked for is here too, as far as it is text
//! (`servers`, `request`); the network is somebody else's.
//!
//! # Invariants
//! - A name gets out only if the certificate it stands in is signed by an issuer that the vomsdir
//!   describes for that very VO, and is bound to the holder of the chain (`tests/voms`).
//! - Arbitrary bytes give an error, never a panic (`tests/hostile_bytes.rs`).

mod check;
mod directory;
mod error;
pub(crate) mod extensions;
mod lsc;
pub(crate) mod parse;
mod request;
mod servers;

pub use directory::{DEFAULT_VOMS_DIRECTORY, VomsDirectory, VomsIssuers};
pub use error::VomsError;
pub use request::{VomsCommandError, VomsRequest, parse_commands};
pub use servers::{DEFAULT_VOMSES, VomsServer, VomsServers};

use std::sync::Arc;

use rustls_pki_types::{CertificateDer, UnixTime};

use self::check::Check;
use self::parse::AttributeCertificate;
use crate::pki::Certificate;
use crate::verify::{VerifiedChain, Verifier};

/// Membership of one VO, as one of its servers wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The VO.
    pub vo: String,
    /// Host and port of the server.
    pub server: String,
    /// Groups and roles, exactly as written and in that order.
    pub fqans: Vec<String>,
    /// End of validity, seconds since 1970.
    pub not_after: u64,
    /// Last second in which it is believed: the end with the tolerance for clocks, or the end of the
    /// issuer's certificate.
    pub believed_until: u64,
}

/// What a chain says about VOs.
#[derive(Debug, Default)]
pub struct Attributes {
    /// Memberships that are believed, in order.
    pub accepted: Vec<Membership>,
    /// Why others are not.
    pub refused: Vec<VomsError>,
}

impl Attributes {
    /// All groups and roles, in order.
    pub fn fqans(&self) -> Vec<String> {
        let all = self.accepted.iter().flat_map(|it| it.fqans.iter().cloned());
        all.collect()
    }

    /// Last second in which all that is believed now will be; nothing when that is nothing.
    pub fn believed_until(&self) -> Option<u64> {
        self.accepted.iter().map(|it| it.believed_until).min()
    }
}

/// Reads the VO attributes of verified chains.
#[derive(Debug, Clone)]
pub struct VomsVerifier {
    directory: Arc<VomsDirectory>,
    verifier: Verifier,
    hosts: Vec<String>,
}

impl VomsVerifier {
    /// One that follows the reloads of both directories.
    pub fn new(directory: Arc<VomsDirectory>, verifier: Verifier) -> Self {
        Self {
            directory,
            verifier,
            hosts: Vec::new(),
        }
    }

    /// Sets the names of this service, for attributes that were made for certain services only.
    #[must_use]
    pub fn with_hosts(mut self, hosts: Vec<String>) -> Self {
        self.hosts = hosts;
        self
    }

    /// Numbers of what is in force in the trust directory and in the vomsdir: other ones after every
    /// reload.
    pub fn generation(&self) -> (u64, u64) {
        (self.verifier.generation(), self.directory.generation())
    }

    /// What a chain says about VOs. Of several certificates with attributes the one nearest to the
    /// leaf counts: a later proxy may choose other roles.
    pub fn attributes(&self, chain: &VerifiedChain, now: UnixTime) -> Attributes {
        let mut found = Attributes::default();
        let Some(value) = chain.holder_certificates().find_map(extension) else {
            return found;
        };
        let all = match parse::certificates(&value) {
            Ok(all) => all,
            Err(error) => {
                found.refused.push(error);
                return found;
            }
        };
        let issuers = self.directory.snapshot();
        let check = Check {
            issuers: &issuers,
            verifier: &self.verifier,
            hosts: &self.hosts,
            now,
        };
        for der in all {
            match check.membership(der, chain) {
                Ok(membership) => found.accepted.push(membership),
                Err(error) => found.refused.push(error),
            }
        }
        found
    }
}

/// The value of a certificate's extension with attributes.
fn extension(der: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let parsed = Certificate::parse(der).ok()?; // it was parsed before: part of a verified chain
    let mut extensions = parsed.x509.extensions().iter();
    let found = extensions.find(|it| it.oid.to_id_string() == parse::IN_PROXY)?;
    Some(found.value.to_vec())
}

/// What a VOMS server's answer to the holder of `chain` says. Signature and issuer are not looked
/// at: whoever will be shown the attributes does that, with a vomsdir of their own.
pub fn read_answer(der: &[u8], chain: &VerifiedChain) -> Result<Membership, VomsError> {
    let attributes = AttributeCertificate::parse(der)?;
    check::check_holder(&attributes, chain)?;
    check::check_names(&attributes)?;
    Ok(check::describe(&attributes, u64::MAX))
}
