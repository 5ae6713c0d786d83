//! Reading attribute certificates (RFC 5755) as VOMS servers write them.
//!
//! Only what VOMS uses is read: the holder by issuer and serial number, the issuer by name, one
//! attribute with the VO's membership names. Nothing is judged here; see [`super::check`]. There is
//! no recursion on what the bytes say: every level of nesting is a line of this file.

use super::VomsError;
use super::extensions::Extensions;
use crate::der::{self, Reader};
use crate::pki::{Signed, signed_parts};

/// The extension of a proxy that holds attribute certificates.
pub(crate) const IN_PROXY: &str = "1.3.6.1.4.1.8005.100.100.5";
/// The attribute with membership names.
pub(crate) const FQANS: &str = "1.3.6.1.4.1.8005.100.100.4";

/// Constructed, context-specific tags.
pub(crate) const CONTEXT_0: u8 = 0xa0;
pub(crate) const DIRECTORY_NAME: u8 = 0xa4;
/// A URI among general names.
pub(crate) const URI: u8 = 0x86;

/// Nobody is a member of so many VOs at once.
const MAX_CERTIFICATES: usize = 16;
/// Nobody has so many groups and roles.
const MAX_FQANS: usize = 1000;

/// One attribute certificate, borrowing its bytes.
#[derive(Debug)]
pub(crate) struct AttributeCertificate<'a> {
    pub(crate) signed: Signed<'a>,
    /// Encoded name of the CA that issued the holder's certificate, or of the holder.
    pub(crate) holder_name: &'a [u8],
    /// Serial number of the holder's certificate.
    pub(crate) holder_serial: &'a [u8],
    /// Encoded name of the VOMS server.
    pub(crate) issuer: &'a [u8],
    pub(crate) not_before: u64,
    pub(crate) not_after: u64,
    pub(crate) vo: &'a str,
    /// Host of the VOMS server.
    pub(crate) host: &'a str,
    /// Host and port.
    pub(crate) server: &'a str,
    pub(crate) fqans: Vec<&'a str>,
    pub(crate) extensions: Extensions<'a>,
}

/// The attribute certificates in the value of a proxy's extension, each still encoded. They stand
/// in one sequence, or in a sequence of one sequence.
pub(crate) fn certificates(value: &[u8]) -> Result<Vec<&[u8]>, VomsError> {
    let malformed = VomsError::Malformed("not a sequence of attribute certificates");
    let Some(outer) = der::only(value, der::SEQUENCE) else {
        return Err(malformed);
    };
    let first = Reader::new(outer.content).expect(der::SEQUENCE);
    let list = match first {
        None => return Err(malformed),
        Some(first) if is_certificate(first.content) => outer,
        Some(first) if first.raw.len() == outer.content.len() => first,
        Some(_) => return Err(malformed),
    };
    let all = elements(list.content, der::SEQUENCE).ok_or(malformed)?;
    match all.len() {
        0 => Err(VomsError::Malformed("there is no attribute certificate")),
        many if many > MAX_CERTIFICATES => Err(VomsError::TooMany("16 attribute certificates")),
        _ => Ok(all),
    }
}

/// A certificate begins with its signed part, and that with its version.
fn is_certificate(content: &[u8]) -> bool {
    let info = Reader::new(content).expect(der::SEQUENCE);
    info.is_some_and(|info| Reader::new(info.content).expect(der::INTEGER).is_some())
}

/// The elements of a content, all of which must carry `tag`.
pub(super) fn elements(content: &[u8], tag: u8) -> Option<Vec<&[u8]>> {
    let mut reader = Reader::new(content);
    let mut out = Vec::new();
    while !reader.is_empty() {
        out.push(reader.expect(tag)?.raw);
    }
    Some(out)
}

impl<'a> AttributeCertificate<'a> {
    pub(crate) fn parse(der: &'a [u8]) -> Result<Self, VomsError> {
        let signed = signed_parts(der).ok_or(VomsError::Malformed("not a signed structure"))?;
        let info = der::only(signed.body, der::SEQUENCE)
            .ok_or(VomsError::Malformed("not an attribute certificate"))?;
        let mut fields = Reader::new(info.content);
        let version = fields.expect(der::INTEGER);
        if version.is_none_or(|version| version.content != [1]) {
            return Err(VomsError::Malformed("not of version 2"));
        }
        let (holder_name, holder_serial) = holder(&mut fields).ok_or(VomsError::Malformed(
            "holder is not named by issuer and serial number",
        ))?;
        let issuer = issuer(&mut fields).ok_or(VomsError::Malformed("issuer is not a name"))?;
        let algorithm = fields.expect(der::SEQUENCE);
        if algorithm.is_none_or(|it| it.content != signed.algorithm) {
            return Err(VomsError::Malformed("it names two signature algorithms"));
        }
        fields
            .expect(der::INTEGER)
            .ok_or(VomsError::Malformed("no serial number"))?;
        let (not_before, not_after) =
            validity(&mut fields).ok_or(VomsError::Malformed("validity is malformed"))?;
        let attributes = fields
            .expect(der::SEQUENCE)
            .ok_or(VomsError::Malformed("no attributes"))?;
        let (authority, fqans) = membership(attributes.content)?;
        let (vo, host, server) = split_authority(authority)?;
        Ok(Self {
            signed,
            holder_name,
            holder_serial,
            issuer,
            not_before,
            not_after,
            vo,
            host,
            server,
            fqans,
            extensions: Extensions::read(&mut fields)?,
        })
    }
}

/// `Holder`: issuer and serial number of a certificate.
fn holder<'a>(fields: &mut Reader<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let mut holder = Reader::new(fields.expect(der::SEQUENCE)?.content);
    let mut base = Reader::new(holder.expect(CONTEXT_0)?.content);
    let issuer = only_directory_name(base.expect(der::SEQUENCE)?.content)?;
    let serial = base.expect(der::INTEGER)?.content;
    // A unique id of the issuer, or a second way to name the holder, would have to match too.
    (base.is_empty() && holder.is_empty()).then_some((issuer, serial))
}

/// `AttCertIssuer` in its second form, which is the only one allowed.
fn issuer<'a>(fields: &mut Reader<'a>) -> Option<&'a [u8]> {
    let mut form = Reader::new(fields.expect(CONTEXT_0)?.content);
    let names = form.expect(der::SEQUENCE)?;
    only_directory_name(names.content).filter(|_| form.is_empty())
}

/// The encoded name of a list of general names that is one directory name.
fn only_directory_name(names: &[u8]) -> Option<&[u8]> {
    let name = der::only(names, DIRECTORY_NAME)?;
    der::only(name.content, der::SEQUENCE).map(|it| it.raw)
}

fn validity(fields: &mut Reader<'_>) -> Option<(u64, u64)> {
    let mut times = Reader::new(fields.expect(der::SEQUENCE)?.content);
    let not_before = der::read_generalized_time(&times.next_element()?)?;
    let not_after = der::read_generalized_time(&times.next_element()?)?;
    times.is_empty().then_some((not_before, not_after))
}

/// The one membership attribute: who grants, and the names.
fn membership(attributes: &[u8]) -> Result<(&str, Vec<&str>), VomsError> {
    let wanted = der::oid_content(FQANS).unwrap_or_default();
    let mut found = None;
    let mut reader = Reader::new(attributes);
    while !reader.is_empty() {
        let malformed = VomsError::Malformed("attributes are malformed");
        let Some(attribute) = reader.expect(der::SEQUENCE) else {
            return Err(malformed);
        };
        let mut parts = Reader::new(attribute.content);
        let (Some(kind), Some(values)) = (parts.expect(der::OID), parts.expect(der::SET)) else {
            return Err(malformed);
        };
        if kind.content == wanted && found.replace(values.content).is_some() {
            return Err(VomsError::Malformed("membership occurs twice"));
        }
    }
    let values = found.ok_or(VomsError::Malformed("no membership"))?;
    let syntax =
        der::only(values, der::SEQUENCE).ok_or(VomsError::Malformed("membership is malformed"))?;
    let mut parts = Reader::new(syntax.content);
    let authority = parts
        .expect(CONTEXT_0)
        .and_then(|names| text_of(names.content, URI))
        .ok_or(VomsError::Malformed("the granting server is not named"))?;
    let names = parts
        .expect(der::SEQUENCE)
        .and_then(|names| elements(names.content, der::OCTET_STRING))
        .filter(|_| parts.is_empty())
        .ok_or(VomsError::Malformed("membership is malformed"))?;
    if names.len() > MAX_FQANS {
        return Err(VomsError::TooMany("1000 attributes"));
    }
    let fqans: Option<Vec<&str>> = names.into_iter().map(fqan).collect();
    Ok((
        authority,
        fqans.ok_or(VomsError::Malformed("an attribute is not plain text"))?,
    ))
}

/// A name without blanks and control characters: they are joined by blanks and written to logs.
fn fqan(raw: &[u8]) -> Option<&str> {
    let text = text_of(raw, der::OCTET_STRING)?;
    text.bytes()
        .all(|byte| byte.is_ascii_graphic())
        .then_some(text)
}

fn text_of(raw: &[u8], tag: u8) -> Option<&str> {
    std::str::from_utf8(der::only(raw, tag)?.content).ok() // bytes that are no text name nobody
}

/// `voname://host:port` in its parts: VO, host, host with port.
fn split_authority(uri: &str) -> Result<(&str, &str, &str), VomsError> {
    let malformed = VomsError::Malformed("the granting server is not of the form vo://host:port");
    let Some((vo, server)) = uri.split_once("://") else {
        return Err(malformed);
    };
    let Some((host, _)) = server.rsplit_once(':') else {
        return Err(malformed);
    };
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    match !vo.is_empty() && !host.is_empty() && plain(vo) && plain(server) {
        true => Ok((vo, host, server)),
        false => Err(malformed),
    }
}
