//! Checksums in headers: those a storage keeps, and those that go with what is sent.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use causeway_sdk::{Algorithm, Checksum};
use http::HeaderMap;

/// Headers of the checksums that S3 and the gateway both know.
const HEADERS: [(&str, Algorithm); 5] = [
    ("x-amz-checksum-crc32", Algorithm::Crc32),
    ("x-amz-checksum-crc32c", Algorithm::Crc32c),
    ("x-amz-checksum-sha1", Algorithm::Sha1),
    ("x-amz-checksum-sha256", Algorithm::Sha256),
    ("x-amz-checksum-crc64nvme", Algorithm::Crc64Nvme),
];

/// Checksums of the whole object that an answer tells. One over parts (`...-N`) is none.
pub(crate) fn told(headers: &HeaderMap, etag_is_md5: bool) -> Vec<Checksum> {
    let text = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
    let is_of_parts = text("x-amz-checksum-type").is_some_and(|it| it == "COMPOSITE");
    let kept = HEADERS.iter().filter_map(|(name, algorithm)| {
        let hex = from_base64(text(name)?, *algorithm)?;
        (!is_of_parts).then(|| Checksum::new(*algorithm, hex))
    });
    let is_encrypted = text("x-amz-server-side-encryption").is_some_and(|it| it.contains("kms"))
        || headers.contains_key("x-amz-server-side-encryption-customer-algorithm");
    let md5 = text("etag").filter(|_| etag_is_md5 && !is_encrypted);
    kept.chain(md5.and_then(md5_of)).collect()
}

/// The MD5 that an ETag is, when it looks like one.
pub(crate) fn md5_of(etag: &str) -> Option<Checksum> {
    let hex = etag.trim_matches('"');
    let is_hex = hex.len() == Algorithm::Md5.digits() && hex.bytes().all(|c| c.is_ascii_hexdigit());
    is_hex.then(|| Checksum::new(Algorithm::Md5, hex))
}

/// The ETag that S3 makes for an object out of those of its parts: MD5 of MD5s.
pub(crate) fn etag_of_parts<'a>(parts: impl ExactSizeIterator<Item = &'a str>) -> Option<String> {
    let (count, mut hasher) = (parts.len(), Algorithm::Md5.hasher());
    for etag in parts {
        hasher.update(&hex::decode(md5_of(etag)?.hex).ok()?);
    }
    Some(format!("{}-{count}", hasher.finish().hex))
}

fn from_base64(text: &str, algorithm: Algorithm) -> Option<String> {
    let bytes = BASE64_STANDARD.decode(text.trim()).ok()?;
    (bytes.len() * 2 == algorithm.digits()).then(|| hex::encode(bytes))
}

/// A checksum as headers have it. `None` when its digits are none.
pub(crate) fn to_base64(sum: &Checksum) -> Option<String> {
    let bytes = hex::decode(sum.normalized()).ok()?;
    (bytes.len() * 2 == sum.algorithm.digits()).then(|| BASE64_STANDARD.encode(bytes))
}

/// The header with which a storage is asked to verify this checksum, if it can be.
pub(crate) fn header_for(algorithm: Algorithm) -> Option<&'static str> {
    if algorithm == Algorithm::Md5 {
        return Some("content-md5");
    }
    let known = HEADERS.iter().find(|(_, it)| *it == algorithm);
    known.map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_of(headers: &[(&'static str, &str)], etag_is_md5: bool) -> Vec<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let told = told(&map, etag_is_md5);
        told.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_checksums_of_the_whole_object_count() {
        let etag = ("etag", "\"25f9e794323b453885f5181f1b624d0b\"");
        let crc = ("x-amz-checksum-crc32c", "4waSgw==");
        let both = ["CRC32C:e3069283", "MD5:25f9e794323b453885f5181f1b624d0b"];
        assert_eq!(told_of(&[etag, crc], true), both);
        assert_eq!(told_of(&[etag, crc], false), both[..1]);
        // Of "123456789", as everything above.
        let crc64 = ("x-amz-checksum-crc64nvme", "rosUhgp5mIg=");
        assert_eq!(told_of(&[crc64], true), ["CRC64NVME:ae8b14860a799888"]);
        let parts = ("etag", "\"25f9e794323b453885f5181f1b624d0b-3\"");
        let of_parts = ("x-amz-checksum-crc32c", "4waSgw==-3");
        assert!(told_of(&[parts, of_parts], true).is_empty());
        let composite = ("x-amz-checksum-type", "COMPOSITE");
        assert!(told_of(&[crc, composite], true).is_empty());
        let kms = ("x-amz-server-side-encryption", "aws:kms");
        assert!(told_of(&[etag, kms], true).is_empty());
        assert!(told_of(&[("x-amz-checksum-sha256", "4waSgw==")], true).is_empty());
    }

    #[test]
    fn the_etag_of_an_object_in_parts() {
        let one = "\"25f9e794323b453885f5181f1b624d0b\"";
        let parts = [one, one];
        let etag = etag_of_parts(parts.into_iter()).unwrap();
        assert_eq!(etag, "4f2908c19b573e50b194e208c928de17-2");
        assert_eq!(etag_of_parts(["\"x\""].into_iter()), None);
    }

    #[test]
    fn base64_and_back() {
        let sum = Checksum::new(Algorithm::Crc32c, "E3069283");
        assert_eq!(to_base64(&sum).as_deref(), Some("4waSgw=="));
        assert_eq!(
            from_base64("4waSgw==", Algorithm::Crc32c).as_deref(),
            Some("e3069283")
        );
        assert_eq!(to_base64(&Checksum::new(Algorithm::Crc32c, "xyz")), None);
        assert_eq!(header_for(Algorithm::Adler32), None);
        assert_eq!(header_for(Algorithm::Md5), Some("content-md5"));
    }
}
