//! Links to a blob: shared access signatures for one blob, for reading, made with the account's key.
//!
//! Not object_store's, which signs names as they stand in URLs, while Azure compares with names as
//! they are: of a blob with a space in its name it makes a link that opens nothing.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use causeway_sdk::{Result, Secret};

use super::{VERSION, url};
use crate::caller::Caller;
use crate::login::refused;

/// A URL with which anybody may read a blob until then, in seconds since 1970.
pub(crate) fn link(caller: &Caller, key: &Secret, until: i64) -> Result<String> {
    let mut link = url(caller, &caller.place.key, &[])?;
    let place = &caller.place;
    let blob = format!("/blob/{}/{}/{}", place.account, place.bucket, place.key);
    let expiry = time(until);
    // What is good under TLS only is not to be taken to a door without.
    let protocol = if link.scheme() == "https" {
        "https"
    } else {
        ""
    };
    let signature = sign(key, &blob, &expiry, protocol)?;
    let mut query = link.query_pairs_mut();
    query.extend_pairs([("sv", VERSION), ("sp", "r"), ("se", &expiry), ("sr", "b")]);
    if !protocol.is_empty() {
        query.append_pair("spr", protocol);
    }
    query.append_pair("sig", &signature);
    drop(query);
    Ok(link.into())
}

fn sign(key: &Secret, blob: &str, expiry: &str, protocol: &str) -> Result<String> {
    let key = BASE64_STANDARD.decode(key.expose());
    let key = key.map_err(|_| refused("the account key is not in Base64"))?;
    // Permissions, start, expiry, what, policy, addresses, protocol, version, kind, and seven that
    // are not used: a snapshot's time, an encryption scope, and five headers of the answer.
    let text = [
        "r", "", expiry, blob, "", "", protocol, VERSION, "b", "", "", "", "", "", "", "",
    ]
    .join("\n");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), text.as_bytes());
    Ok(BASE64_STANDARD.encode(tag))
}

fn time(seconds: i64) -> String {
    // Times that a clock has fit.
    let time = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX);
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_over_the_name_as_it_is() {
        // "canary", in Base64; the signature was made with openssl.
        let key = Secret::new("Y2FuYXJ5");
        let made = sign(&key, "/blob/acct/c/a b", "2030-01-01T00:00:00Z", "https").unwrap();
        assert_eq!(made, "T7KGaETScMA4xsgndNs4M3aP8yt4nnTBthsNnoENK8c=");
        let other = sign(&key, "/blob/acct/c/a%20b", "2030-01-01T00:00:00Z", "https").unwrap();
        assert_ne!(made, other);
        assert!(sign(&Secret::new("!"), "/", "", "").is_err());
    }

    #[test]
    fn times_are_in_utc_to_the_second() {
        assert_eq!(time(1_893_456_000), "2030-01-01T00:00:00Z");
    }
}
