//! Telling a proxy from other certificates, and reading what its policy says.
//!
//! Three generations exist: RFC 3820, the draft before it under an identifier of Globus, and the
//! legacy form that has no extension at all and is known by its name. Nothing is judged here; see
//! the parent module for the rules.

use super::ProxyError;
use crate::der::{self, Reader};
use crate::dn;
use crate::pki::Certificate;

pub(crate) const RFC_3820: &str = "1.3.6.1.5.5.7.1.14";
pub(crate) const DRAFT: &str = "1.3.6.1.4.1.3536.1.222";
pub(crate) const INHERIT_ALL: &str = "1.3.6.1.5.5.7.21.1";
pub(crate) const INDEPENDENT: &str = "1.3.6.1.5.5.7.21.2";
pub(crate) const LIMITED: &str = "1.3.6.1.4.1.3536.1.1.1.9";

/// The generation of a proxy certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyStyle {
    /// RFC 3820, `CN=<number>`.
    Rfc3820,
    /// The draft that Globus 3 used.
    Draft,
    /// Globus 2: `CN=proxy` or `CN=limited proxy`.
    Legacy,
}

/// What a proxy says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProxyKind {
    pub(crate) style: ProxyStyle,
    /// How many proxies may follow below this one.
    pub(crate) path_length: Option<u32>,
    pub(crate) is_limited: bool,
}

/// The kind of proxy a certificate is, or nothing when it is none.
///
/// A legacy proxy is known by its last name alone, so the caller must see to it that a CA did not
/// issue it.
pub(crate) fn recognise(certificate: &Certificate<'_>) -> Result<Option<ProxyKind>, ProxyError> {
    for extension in certificate.x509.extensions() {
        let style = match extension.oid.to_id_string().as_str() {
            RFC_3820 => ProxyStyle::Rfc3820,
            DRAFT => ProxyStyle::Draft,
            _ => continue,
        };
        if style == ProxyStyle::Rfc3820 && !extension.critical {
            return Err(ProxyError::PolicyNotCritical);
        }
        return read_info(extension.value, style).map(Some);
    }
    Ok(recognise_legacy(certificate))
}

fn recognise_legacy(certificate: &Certificate<'_>) -> Option<ProxyKind> {
    let rdns = dn::rdns(certificate.subject()).ok()?; // an unreadable name is no proxy's name
    let [last] = rdns.last()?.as_slice() else {
        return None;
    };
    let is_limited = match last.value {
        _ if last.oid != dn::attributes::COMMON_NAME => return None,
        b"proxy" => false,
        b"limited proxy" => true,
        _ => return None,
    };
    Some(ProxyKind {
        style: ProxyStyle::Legacy,
        path_length: None,
        is_limited,
    })
}

/// Reads ProxyCertInfo: an optional path length and a policy. The draft put the length behind the
/// policy and tagged it.
fn read_info(value: &[u8], style: ProxyStyle) -> Result<ProxyKind, ProxyError> {
    let whole = der::only(value, der::SEQUENCE).ok_or(ProxyError::PolicyMalformed)?;
    let mut parts = Reader::new(whole.content);
    let mut path_length = None;
    let mut is_limited = None;
    while !parts.is_empty() {
        let part = parts.next_element().ok_or(ProxyError::PolicyMalformed)?;
        let length = match part.tag {
            der::INTEGER if is_limited.is_none() => Some(part),
            0xa1 if style == ProxyStyle::Draft => der::only(part.content, der::INTEGER),
            der::SEQUENCE if is_limited.is_none() => {
                is_limited = Some(read_policy(part.content)?);
                continue;
            }
            _ => None,
        };
        let length = length
            .filter(|_| path_length.is_none())
            .ok_or(ProxyError::PolicyMalformed)?;
        path_length = Some(small_unsigned(length.content).ok_or(ProxyError::PolicyMalformed)?);
    }
    let is_limited = is_limited.ok_or(ProxyError::PolicyMalformed)?;
    Ok(ProxyKind {
        style,
        path_length,
        is_limited,
    })
}

/// True for the limited language, false for inherit-all; every other language is refused because
/// we could not apply its policy.
fn read_policy(content: &[u8]) -> Result<bool, ProxyError> {
    let mut parts = Reader::new(content);
    let language = parts.expect(der::OID).ok_or(ProxyError::PolicyMalformed)?;
    let language = der::oid_text(language.content).ok_or(ProxyError::PolicyMalformed)?;
    match language.as_str() {
        INHERIT_ALL if parts.is_empty() => Ok(false),
        INHERIT_ALL => Err(ProxyError::PolicyMalformed),
        LIMITED => Ok(true),
        INDEPENDENT => Err(ProxyError::Independent),
        _ => Err(ProxyError::UnknownLanguage(language)),
    }
}

fn small_unsigned(content: &[u8]) -> Option<u32> {
    if content.is_empty() || content[0] >= 0x80 {
        return None;
    }
    content.iter().try_fold(0_u32, |sum, byte| {
        sum.checked_mul(256)?.checked_add(u32::from(*byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(parts: &[&[u8]]) -> Vec<u8> {
        der::sequence(parts)
    }

    fn policy(language: &str) -> Vec<u8> {
        der::sequence(&[&der::oid(language)])
    }

    #[test]
    fn reads_both_orders_of_the_path_length() {
        let rfc = info(&[&der::unsigned(&[3]), &policy(INHERIT_ALL)]);
        assert_eq!(
            read_info(&rfc, ProxyStyle::Rfc3820).unwrap().path_length,
            Some(3)
        );
        let draft = info(&[&policy(LIMITED), &der::element(0xa1, &der::unsigned(&[2]))]);
        let kind = read_info(&draft, ProxyStyle::Draft).unwrap();
        assert_eq!((kind.path_length, kind.is_limited), (Some(2), true));
        assert!(read_info(&draft, ProxyStyle::Rfc3820).is_err());
    }

    #[test]
    fn refuses_languages_it_cannot_apply() {
        let independent = info(&[&policy(INDEPENDENT)]);
        assert_eq!(
            read_info(&independent, ProxyStyle::Rfc3820),
            Err(ProxyError::Independent)
        );
        let unknown = info(&[&policy("1.2.3.4")]);
        assert_eq!(
            read_info(&unknown, ProxyStyle::Rfc3820),
            Err(ProxyError::UnknownLanguage("1.2.3.4".into()))
        );
    }

    #[test]
    fn refuses_malformed_information() {
        let twice = info(&[
            &der::unsigned(&[1]),
            &der::unsigned(&[2]),
            &policy(INHERIT_ALL),
        ]);
        let negative = info(&[&[2, 1, 0x80], &policy(INHERIT_ALL)]);
        let restricted = info(&[&der::sequence(&[
            &der::oid(INHERIT_ALL),
            &der::element(4, b"x"),
        ])]);
        for bad in [
            twice,
            negative,
            restricted,
            info(&[]),
            vec![],
            vec![0x30, 0x80],
        ] {
            assert_eq!(
                read_info(&bad, ProxyStyle::Rfc3820),
                Err(ProxyError::PolicyMalformed),
                "{bad:?}"
            );
        }
    }
}
