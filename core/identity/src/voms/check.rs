//! Judging one attribute certificate: whose it is, who speaks, and whether that may be believed.
//!
//! The order is from cheap to dear: times, holder and targets, then the issuer, whose certificate
//! goes the same road as everybody's (CA directory, revocation lists, signing policies).

use rustls_pki_types::{CertificateDer, UnixTime};

use super::parse::AttributeCertificate;
use super::{Membership, VomsError, VomsIssuers};
use crate::pki::Certificate;
use crate::proxy::CLOCK_TOLERANCE;
use crate::verify::{ChainError, Purpose, VerifiedChain, Verifier};
use crate::{dn, proxy, signature};

/// What a check is made with.
pub(super) struct Check<'a> {
    pub(super) issuers: &'a VomsIssuers,
    pub(super) verifier: &'a Verifier,
    /// Names under which this service may be a target.
    pub(super) hosts: &'a [String],
    pub(super) now: UnixTime,
}

impl Check<'_> {
    pub(super) fn membership(
        &self,
        der: &[u8],
        chain: &VerifiedChain,
    ) -> Result<Membership, VomsError> {
        let attributes = AttributeCertificate::parse(der)?;
        let vo = attributes.vo;
        self.times(&attributes)?;
        check_holder(&attributes, chain)?;
        self.targets(&attributes)?;
        if let Some(oid) = &attributes.extensions.unknown_critical {
            return Err(VomsError::CriticalExtension {
                vo: vo.to_owned(),
                oid: oid.clone(),
            });
        }
        check_names(&attributes)?;
        let issuer = self.issuer(&attributes)?;
        let issuer_end = self.trust(&attributes, &issuer)?;
        Ok(describe(&attributes, issuer_end))
    }

    fn times(&self, attributes: &AttributeCertificate<'_>) -> Result<(), VomsError> {
        let now = self.now.as_secs();
        let vo = || attributes.vo.to_owned();
        if now.saturating_add(CLOCK_TOLERANCE) < attributes.not_before {
            return Err(VomsError::NotYetValid { vo: vo() });
        }
        if now > attributes.not_after.saturating_add(CLOCK_TOLERANCE) {
            return Err(VomsError::Expired { vo: vo() });
        }
        Ok(())
    }

    /// A list of targets without any name is for nobody.
    fn targets(&self, attributes: &AttributeCertificate<'_>) -> Result<(), VomsError> {
        let Some(targets) = &attributes.extensions.targets else {
            return Ok(());
        };
        let is_own = |target: &&str| {
            self.hosts
                .iter()
                .any(|host| host.eq_ignore_ascii_case(target))
        };
        match targets.iter().any(is_own) {
            true => Ok(()),
            false => Err(VomsError::OtherTarget {
                vo: attributes.vo.to_owned(),
            }),
        }
    }

    /// The issuer's chain, its own certificate first: from the attributes when the vomsdir describes
    /// that server, or one that lies in the vomsdir.
    fn issuer(
        &self,
        attributes: &AttributeCertificate<'_>,
    ) -> Result<Vec<CertificateDer<'static>>, VomsError> {
        let sent = attributes.extensions.certificates.as_deref();
        match (self.issuers.lsc(attributes.vo, attributes.host), sent) {
            (Some(lsc), Some(sent)) if !sent.is_empty() => {
                let names = names(sent).map_err(|source| chain_error(attributes, source))?;
                if !lsc.describes(&names) {
                    return Err(VomsError::OtherIssuer {
                        vo: attributes.vo.to_owned(),
                        host: attributes.host.to_owned(),
                        issuer: names.into_iter().next().unwrap_or_default().0,
                    });
                }
                Ok(sent
                    .iter()
                    .map(|der| CertificateDer::from(der.to_vec()))
                    .collect())
            }
            _ => {
                let signs = |candidate: &&CertificateDer<'_>| {
                    Certificate::parse(candidate).is_ok_and(|it| is_issuer(attributes, &it))
                };
                let found = self
                    .issuers
                    .certificates(attributes.vo)
                    .find(signs)
                    .cloned();
                let unknown = || VomsError::UnknownIssuer {
                    vo: attributes.vo.to_owned(),
                    host: attributes.host.to_owned(),
                };
                found.map(|it| vec![it]).ok_or_else(unknown)
            }
        }
    }

    /// Whether that issuer signed, and may be believed. Returns for how long.
    fn trust(
        &self,
        attributes: &AttributeCertificate<'_>,
        issuer: &[CertificateDer<'static>],
    ) -> Result<u64, VomsError> {
        let vo = || attributes.vo.to_owned();
        let end = self
            .verifier
            .verify_plain(issuer, Purpose::Attributes, self.now)
            .map_err(|source| chain_error(attributes, source))?;
        let own = Certificate::parse(&issuer[0])
            .map_err(|source| chain_error(attributes, source.into()))?;
        if own.is_ca() || !proxy::may_sign(&own) {
            return Err(VomsError::IssuerMayNotSign { vo: vo() });
        }
        match is_issuer(attributes, &own) {
            true => Ok(end),
            false => Err(VomsError::BadSignature { vo: vo() }),
        }
    }
}

/// The holder's own certificate, or one of its proxies: some servers bind to the one they saw. It is
/// named by its serial number and its issuer; the older form, which servers still write unless told
/// otherwise, has the holder's own name in that place.
pub(super) fn check_holder(
    attributes: &AttributeCertificate<'_>,
    chain: &VerifiedChain,
) -> Result<(), VomsError> {
    let is_it = |der: &CertificateDer<'_>| {
        Certificate::parse(der).is_ok_and(|own| {
            own.raw_serial() == attributes.holder_serial
                && [own.issuer(), own.subject()]
                    .iter()
                    .any(|name| dn::is_same_name(name, attributes.holder_name))
        })
    };
    match chain.holder_certificates().any(is_it) {
        true => Ok(()),
        false => Err(VomsError::OtherHolder {
            vo: attributes.vo.to_owned(),
        }),
    }
}

/// A server speaks for its own VO: every name is that VO, or below it.
pub(super) fn check_names(attributes: &AttributeCertificate<'_>) -> Result<(), VomsError> {
    let is_own = |fqan: &&str| {
        let rest = fqan
            .strip_prefix('/')
            .and_then(|it| it.strip_prefix(attributes.vo));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    match attributes.fqans.iter().find(|fqan| !is_own(fqan)) {
        None => Ok(()),
        Some(foreign) => Err(VomsError::ForeignAttribute {
            vo: attributes.vo.to_owned(),
            fqan: (*foreign).to_owned(),
        }),
    }
}

/// The membership that an attribute certificate stands for, once it is believed.
pub(super) fn describe(attributes: &AttributeCertificate<'_>, issuer_end: u64) -> Membership {
    let fqans = attributes.fqans.iter().map(|fqan| (*fqan).to_owned());
    let end = attributes.not_after.saturating_add(CLOCK_TOLERANCE);
    Membership {
        vo: attributes.vo.to_owned(),
        server: attributes.server.to_owned(),
        fqans: fqans.collect(),
        not_after: attributes.not_after,
        believed_until: end.min(issuer_end),
    }
}

fn is_issuer(attributes: &AttributeCertificate<'_>, candidate: &Certificate<'_>) -> bool {
    dn::is_same_name(candidate.subject(), attributes.issuer)
        && signature::is_signature(candidate.public_key(), &attributes.signed)
}

/// Subject and issuer of each certificate.
fn names(certificates: &[&[u8]]) -> Result<Vec<(String, String)>, ChainError> {
    let name = |der: &&[u8]| {
        let parsed = Certificate::parse(der)?;
        Ok((
            crate::verify::render(parsed.subject())?,
            crate::verify::render(parsed.issuer())?,
        ))
    };
    certificates.iter().map(name).collect()
}

fn chain_error(attributes: &AttributeCertificate<'_>, source: ChainError) -> VomsError {
    VomsError::Chain {
        vo: attributes.vo.to_owned(),
        source: Box::new(source),
    }
}
