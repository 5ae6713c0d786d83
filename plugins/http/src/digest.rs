//! Checksums in headers: `Want-Digest` and `Digest` (RFC 3230), `Want-Repr-Digest`, `Repr-Digest`
//! and `Content-Digest` (RFC 9530).
//!
//! The field writes adler32 in hexadecimal and the rest in base64; some servers write all in
//! hexadecimal. Both are read; the length tells them apart.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use causeway_sdk::{Algorithm, Checksum};
use http::HeaderMap;

/// Name in RFC 3230 headers.
fn old_name(algorithm: Algorithm) -> Option<&'static str> {
    Some(match algorithm {
        Algorithm::Adler32 => "adler32",
        Algorithm::Crc32 => "crc32",
        Algorithm::Crc32c => "crc32c",
        Algorithm::Md5 => "md5",
        Algorithm::Sha1 => "sha",
        Algorithm::Sha256 => "sha-256",
        _ => return None,
    })
}

/// Name in RFC 9530 headers; crc32 has none.
fn new_name(algorithm: Algorithm) -> Option<&'static str> {
    Some(match algorithm {
        Algorithm::Adler32 => "adler",
        Algorithm::Crc32c => "crc32c",
        Algorithm::Md5 => "md5",
        Algorithm::Sha1 => "sha",
        Algorithm::Sha256 => "sha-256",
        _ => return None,
    })
}

fn algorithm(name: &str) -> Option<Algorithm> {
    let name = name.trim().to_ascii_lowercase();
    match &*name {
        "adler" => Some(Algorithm::Adler32),
        "sha" => Some(Algorithm::Sha1),
        _ => name.parse().ok(),
    }
}

/// The algorithms that a server can be asked for by name.
pub(crate) fn named() -> impl Iterator<Item = Algorithm> {
    let has_name = |it: &Algorithm| old_name(*it).is_some() || new_name(*it).is_some();
    Algorithm::ALL.into_iter().filter(has_name)
}

/// Values of `Want-Digest` and `Want-Repr-Digest` that ask for one algorithm.
pub(crate) fn want(algorithm: Algorithm) -> (Option<String>, Option<String>) {
    (
        old_name(algorithm).map(str::to_owned),
        new_name(algorithm).map(|name| format!("{name}=10")),
    )
}

/// Values of `Digest` and `Repr-Digest` that announce a checksum.
pub(crate) fn announce(checksum: &Checksum) -> (Option<String>, Option<String>) {
    let hex = checksum.normalized();
    let Ok(bytes) = hex::decode(&hex) else {
        return (None, None);
    };
    let base64 = BASE64.encode(bytes);
    let old = match checksum.algorithm {
        Algorithm::Adler32 | Algorithm::Crc32 => &hex,
        _ => &base64,
    };
    (
        old_name(checksum.algorithm).map(|name| format!("{name}={old}")),
        new_name(checksum.algorithm).map(|name| format!("{name}=:{base64}:")),
    )
}

/// The checksums an answer tells. What cannot be read is left out.
///
/// `Content-Digest` is of the bytes sent: pass `is_whole` false for a part of a file.
pub(crate) fn read(headers: &HeaderMap, is_whole: bool) -> Vec<Checksum> {
    let mut found: Vec<Checksum> = Vec::new();
    for (name, value) in headers {
        let counts = match name.as_str() {
            "digest" | "repr-digest" => true,
            "content-digest" => is_whole,
            _ => false,
        };
        let Some(text) = value.to_str().ok().filter(|_| counts) else {
            continue;
        };
        for checksum in parse(text) {
            if !found.contains(&checksum) {
                found.push(checksum);
            }
        }
    }
    found
}

/// `alg=value, alg=:value:`, as both standards and dCache's property write it.
pub(crate) fn parse(text: &str) -> impl Iterator<Item = Checksum> + '_ {
    text.split(',').filter_map(|item| {
        let (name, value) = item.split_once('=')?;
        let algorithm = algorithm(name)?;
        Some(Checksum::new(algorithm, to_hex(algorithm, value.trim())?))
    })
}

fn to_hex(algorithm: Algorithm, value: &str) -> Option<String> {
    let value = match value.strip_prefix(':') {
        Some(inner) => inner.split(':').next()?,
        None => value.split(';').next()?.trim(),
    };
    let digits = algorithm.digits();
    let is_hex = !value.is_empty() && value.bytes().all(|it| it.is_ascii_hexdigit());
    // Leading zeros get lost in short sums only.
    if is_hex && (value.len() == digits || (digits == 8 && value.len() < 8)) {
        return Some(value.to_ascii_lowercase());
    }
    let bytes = BASE64.decode(value).ok()?;
    (bytes.len() * 2 == digits).then(|| hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(name: &'static str, value: &str) -> Vec<String> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        let found = read(&headers, true);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn values_of_real_servers() {
        for (name, value, expected) in [
            ("digest", "adler32=0d3702ab", "ADLER32:0d3702ab"),
            ("digest", "ADLER32=d3702ab", "ADLER32:0d3702ab"),
            (
                "digest",
                "md5=sQqNsWTgdUEFt6mb5y4/5Q==",
                "MD5:b10a8db164e0754105b7a99be72e3fe5",
            ),
            (
                "digest",
                "md5=b10a8db164e0754105b7a99be72e3fe5",
                "MD5:b10a8db164e0754105b7a99be72e3fe5",
            ),
            ("digest", "crc32c=4waSgw==", "CRC32C:e3069283"),
            ("repr-digest", "adler=:DTcCqw==:", "ADLER32:0d3702ab"),
            (
                "repr-digest",
                "md5=:sQqNsWTgdUEFt6mb5y4/5Q==:",
                "MD5:b10a8db164e0754105b7a99be72e3fe5",
            ),
        ] {
            assert_eq!(read_one(name, value), [expected], "{value}");
        }
    }

    #[test]
    fn several_at_once_and_rubbish_between() {
        let value = "unixsum=30637, md5=HUXZLQLMuI/KZ5KDcJPcOA==,adler32=zz, adler32=1f";
        assert_eq!(
            read_one("digest", value),
            ["MD5:1d45d92d02ccb88fca6792837093dc38", "ADLER32:0000001f"]
        );
        assert!(read_one("digest", "md5=AAAA").is_empty());
        assert!(read_one("etag", "md5=sQqNsWTgdUEFt6mb5y4/5Q==").is_empty());
    }

    #[test]
    fn what_we_announce_we_can_read() {
        for algorithm in Algorithm::ALL {
            let sum = {
                let mut hasher = algorithm.hasher();
                hasher.update(b"Wikipedia");
                hasher.finish()
            };
            let (old, new) = announce(&sum);
            for text in [old, new].into_iter().flatten() {
                assert_eq!(parse(&text).collect::<Vec<_>>(), std::slice::from_ref(&sum));
            }
        }
    }

    #[test]
    fn a_digest_of_a_part_is_not_that_of_the_file() {
        let mut headers = HeaderMap::new();
        headers.insert("content-digest", "adler=:DTcCqw==:".parse().unwrap());
        assert!(read(&headers, false).is_empty());
        assert_eq!(read(&headers, true).len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "\\PC*") {
            let _count = parse(&text).count();
        }
    }
}
