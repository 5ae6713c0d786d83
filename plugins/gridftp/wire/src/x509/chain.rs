//! Peeling proxies (RFC 3820) off a chain: from the presented leaf down to the end-entity
//! certificate.
//!
//! Path libraries refuse proxies, because a proxy's issuer is a person's certificate and no CA. So
//! the proxies are checked here, each against its issuer, and the rest goes to the library.
//!
//! # Invariants
//! - Every peeled proxy was signed by the key of the certificate that follows it, carries that
//!   certificate's name plus one common name, and is valid at the time asked.
//! - The loop takes each presented certificate at most once, so it ends.

use rustls_pki_types::CertificateDer;

use super::der::{self, Reader};
use super::{Certificate, dn, signature};

const RFC_3820: &str = "1.3.6.1.5.5.7.1.14";
const DRAFT: &str = "1.3.6.1.4.1.3536.1.222";
/// Content of 1.3.6.1.5.5.7.21.1.
pub(crate) const INHERIT_ALL: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 21, 1];
/// Content of 1.3.6.1.4.1.3536.1.1.1.9.
pub(crate) const LIMITED: &[u8] = &[0x2b, 6, 1, 4, 1, 0x9b, 0x50, 1, 1, 1, 9];

/// How far a peer's clock may run ahead before its new proxy is "not yet valid".
const CLOCK_TOLERANCE: u64 = 5 * 60;
/// Shortest RSA key accepted for a proxy.
const MIN_PROXY_RSA_BITS: usize = 1024;
const PROXY_EXTENSIONS: [&str; 6] = [
    "2.5.29.15",
    "2.5.29.19",
    "2.5.29.37",
    "2.5.29.35",
    RFC_3820,
    DRAFT,
];

/// What a proxy says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProxyKind {
    pub(crate) is_limited: bool,
    path_length: Option<u64>,
}

/// All certificates of a chain, parsed.
pub(crate) fn parse<'a>(chain: &'a [CertificateDer<'_>]) -> Result<Vec<Certificate<'a>>, String> {
    chain.iter().map(|der| Certificate::parse(der)).collect()
}

/// The end-entity certificate of a chain that is not in doubt: our own.
pub(crate) fn end_entity<'a, 'b>(chain: &'b [Certificate<'a>]) -> &'b Certificate<'a> {
    let is_proxy = |it: &Certificate<'_>| matches!(recognise(it), Ok(Some(_)));
    let found = chain.iter().find(|it| !is_proxy(it));
    found.unwrap_or(&chain[0])
}

/// Index of the end-entity certificate, after every proxy before it was checked.
pub(crate) fn peel(chain: &[Certificate<'_>], now: u64) -> Result<usize, String> {
    let mut remaining: Vec<usize> = (1..chain.len()).collect();
    let (mut at, mut below) = (0, 0_u64);
    while let Some(kind) = recognise(&chain[at])? {
        let issuer = find_issuer(chain, &remaining, &chain[at])
            .ok_or("the certificate that issued a proxy is missing")?;
        check_proxy(&chain[at], &chain[issuer], now)?;
        if kind.path_length.is_some_and(|allowed| below > allowed) {
            return Err("a proxy has more proxies below it than it allows".to_owned());
        }
        below += 1;
        remaining.retain(|index| *index != issuer);
        at = issuer;
    }
    Ok(at)
}

/// The certificate that issued `proxy`: by name, and among several by the signature.
fn find_issuer(
    chain: &[Certificate<'_>],
    remaining: &[usize],
    proxy: &Certificate<'_>,
) -> Option<usize> {
    let named = |index: &&usize| chain[**index].subject() == proxy.issuer();
    let mut candidates = remaining.iter().filter(named).copied();
    let signed = |index: &usize| signature::is_signed_by(proxy, &chain[*index]);
    candidates.find(signed)
}

/// What a proxy says about itself, or nothing when it is none.
pub(crate) fn recognise(certificate: &Certificate<'_>) -> Result<Option<ProxyKind>, String> {
    for extension in certificate.x509.extensions() {
        let oid = extension.oid.to_id_string();
        if oid == RFC_3820 && !extension.critical {
            return Err("the policy of a proxy is not critical".to_owned());
        }
        if oid == RFC_3820 || oid == DRAFT {
            let kind = read_info(extension.value);
            return kind
                .map(Some)
                .ok_or_else(|| "the policy of a proxy is unknown".to_owned());
        }
    }
    Ok(legacy(certificate))
}

/// Proxies before the extension existed are known by their last name, unless a CA issued them.
fn legacy(certificate: &Certificate<'_>) -> Option<ProxyKind> {
    let rdns = dn::rdns(certificate.subject())?;
    let [last] = rdns.last()?.as_slice() else {
        return None;
    };
    let is_one =
        last.oid == dn::COMMON_NAME && [&b"proxy"[..], b"limited proxy"].contains(&last.value);
    (is_one && added_rdn(certificate).is_some()).then_some(ProxyKind {
        is_limited: last.value == b"limited proxy",
        path_length: None,
    })
}

/// ProxyCertInfo: an optional path length, which the draft put behind the policy, and a policy.
fn read_info(value: &[u8]) -> Option<ProxyKind> {
    let mut parts = Reader::new(der::only(value, der::SEQUENCE)?.content);
    let (mut path_length, mut is_limited) = (None, None);
    while !parts.is_empty() {
        let part = parts.next_element()?;
        match part.tag {
            der::INTEGER if path_length.is_none() => path_length = Some(small(part.content)?),
            0xa1 if path_length.is_none() => {
                path_length = Some(small(der::only(part.content, der::INTEGER)?.content)?);
            }
            der::SEQUENCE if is_limited.is_none() => is_limited = Some(read_policy(part.content)?),
            _ => return None,
        }
    }
    Some(ProxyKind {
        is_limited: is_limited?,
        path_length,
    })
}

/// True for the limited language, false for inherit-all; nothing for others, whose policy nobody
/// here could apply.
fn read_policy(content: &[u8]) -> Option<bool> {
    let mut parts = Reader::new(content);
    match parts.expect(der::OID)?.content {
        INHERIT_ALL if parts.is_empty() => Some(false),
        LIMITED => Some(true),
        _ => None,
    }
}

fn small(content: &[u8]) -> Option<u64> {
    let is_small = (1..=8).contains(&content.len()) && content[0] < 0x80;
    is_small.then(|| {
        content
            .iter()
            .fold(0, |sum, it| (sum << 8) | u64::from(*it))
    })
}

fn check_proxy(proxy: &Certificate<'_>, issuer: &Certificate<'_>, now: u64) -> Result<(), String> {
    let has_short_key = proxy
        .rsa_bits()
        .is_some_and(|bits| bits < MIN_PROXY_RSA_BITS);
    let may_sign = match issuer.x509.key_usage() {
        Ok(None) => true,
        Ok(Some(usage)) => usage.value.digital_signature(),
        Err(_) => false,
    };
    let rules = [
        (
            !issuer.is_ca(),
            "a proxy was issued by a certificate authority",
        ),
        (
            !proxy.is_ca(),
            "a proxy claims to be a certificate authority",
        ),
        (
            added_rdn(proxy).is_some_and(is_single_common_name),
            "a proxy's name is not its issuer's with one common name added",
        ),
        (
            extensions_are_known(proxy),
            "a proxy has an extension that it may not have",
        ),
        (!has_short_key, "a proxy's key is too short"),
        (
            now.saturating_add(CLOCK_TOLERANCE) >= proxy.not_before(),
            "a proxy is not yet valid",
        ),
        (now <= proxy.not_after(), "a proxy has expired"),
        (
            may_sign,
            "the key usage of a proxy's issuer lacks digital signature",
        ),
        (
            signature::is_signed_by(proxy, issuer),
            "a proxy was not signed by its issuer",
        ),
    ];
    match rules.iter().find(|(holds, _)| !holds) {
        None => Ok(()),
        Some((_, why)) => Err((*why).to_owned()),
    }
}

fn extensions_are_known(proxy: &Certificate<'_>) -> bool {
    proxy.x509.extensions().iter().all(|extension| {
        match extension.oid.to_id_string().as_str() {
            "2.5.29.17" | "2.5.29.18" => false, // other names are forbidden in proxies
            known => PROXY_EXTENSIONS.contains(&known) || !extension.critical,
        }
    })
}

/// The one relative name the subject has beyond the issuer's name, if that is how they differ.
fn added_rdn<'a>(proxy: &Certificate<'a>) -> Option<&'a [u8]> {
    let subject = der::only(proxy.subject(), der::SEQUENCE)?.content;
    let issuer = der::only(proxy.issuer(), der::SEQUENCE)?.content;
    let mut added = Reader::new(subject.strip_prefix(issuer)?);
    let rdn = added.expect(der::SET)?;
    added.is_empty().then_some(rdn.raw)
}

fn is_single_common_name(rdn: &[u8]) -> bool {
    let name = der::sequence(&[rdn]);
    let rdns = dn::rdns(&name).unwrap_or_default();
    matches!(rdns.as_slice(), [one] if one.len() == 1 && one[0].oid == dn::COMMON_NAME)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policy(language: &[u8]) -> Vec<u8> {
        der::sequence(&[&der::element(der::OID, language)])
    }

    #[test]
    fn reads_both_orders_of_the_path_length() {
        let rfc = der::sequence(&[&der::unsigned(&[3]), &policy(INHERIT_ALL)]);
        let draft = der::sequence(&[&policy(LIMITED), &der::element(0xa1, &der::unsigned(&[2]))]);
        let kind = |is_limited, length| {
            Some(ProxyKind {
                is_limited,
                path_length: Some(length),
            })
        };
        assert_eq!(read_info(&rfc), kind(false, 3));
        assert_eq!(read_info(&draft), kind(true, 2));
    }

    #[test]
    fn refuses_what_it_cannot_apply() {
        let independent = policy(&[0x2b, 6, 1, 5, 5, 7, 21, 2]);
        let negative = [&[2, 1, 0x80][..], &policy(INHERIT_ALL)].concat();
        for bad in [
            der::sequence(&[&independent]),
            der::element(0x30, &negative),
            vec![],
            der::sequence(&[]),
        ] {
            assert_eq!(read_info(&bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_policies_never_panic(bytes: Vec<u8>) {
            read_info(&bytes);
            read_info(&der::sequence(&[&bytes]));
        }
    }
}
