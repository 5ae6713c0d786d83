//! The signature of a request (RFC 5849, section 3): HMAC-SHA1 over the method, the URL and all
//! parameters, under the secrets of the service and of the token.
//!
//! Secrets are keys here and never text of the request. Knows no network.

use std::fmt::Write as _;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causeway_model::clouds::CloudToken;
use causeway_sdk::Secret;
use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use url::Url;
use zeroize::Zeroizing;

/// What is encoded: all but letters, digits and these (section 3.6).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

fn encoded(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, ENCODED)
}

/// Who signs, and with what this one request differs from all others.
pub(super) struct Signer<'a> {
    pub(super) key: &'a str,
    pub(super) secret: &'a Secret,
    pub(super) token: Option<&'a CloudToken>,
    pub(super) seconds: i64,
    pub(super) nonce: &'a str,
}

impl Signer<'_> {
    /// The value of `Authorization`, which is not to be shown: it has the token in it.
    pub(super) fn header(&self, method: &str, url: &Url) -> HeaderValue {
        let parameters = self.parameters();
        let signature = self.signature(&base(method, url, &parameters));
        let mut text = Zeroizing::new("OAuth ".to_owned());
        let signature = ("oauth_signature", signature.as_str());
        let borrowed = parameters
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        for (index, (name, value)) in borrowed.chain([signature]).enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            // Writing into a text cannot fail.
            let written = write!(text, "{comma}{name}=\"{}\"", encoded(value));
            debug_assert!(written.is_ok());
        }
        let mut header =
            HeaderValue::from_str(&text).expect("what is percent-encoded is visible ASCII");
        header.set_sensitive(true);
        header
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![
            ("oauth_consumer_key", self.key.to_owned()),
            ("oauth_nonce", self.nonce.to_owned()),
            ("oauth_signature_method", "HMAC-SHA1".to_owned()),
            ("oauth_timestamp", self.seconds.to_string()),
            ("oauth_version", "1.0".to_owned()),
        ];
        if let Some(token) = self.token {
            all.push(("oauth_token", token.token.expose().to_owned()));
        }
        all
    }

    fn signature(&self, base: &str) -> String {
        let token = self.token.map_or("", |it| it.secret.expose());
        let key = format!("{}&{}", encoded(self.secret.expose()), encoded(token));
        let key = Zeroizing::new(key);
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
        STANDARD.encode(hmac::sign(&key, base.as_bytes()))
    }
}

/// What is signed (section 3.4.1).
fn base(method: &str, url: &Url, parameters: &[(&str, String)]) -> Zeroizing<String> {
    let mut pairs: Vec<(String, String)> = parameters
        .iter()
        .map(|(name, value)| (encoded(name).to_string(), encoded(value).to_string()))
        .collect();
    for (name, value) in url.query_pairs() {
        pairs.push((encoded(&name).to_string(), encoded(&value).to_string()));
    }
    pairs.sort();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut plain = url.clone();
    plain.set_query(None);
    plain.set_fragment(None);
    Zeroizing::new(format!(
        "{method}&{}&{}",
        encoded(plain.as_str()),
        encoded(&pairs.join("&"))
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(
        (key, secret): (&str, &str),
        token: Option<(&str, &str)>,
        (seconds, nonce): (i64, &str),
        (method, url): (&str, &str),
        more: &[(&'static str, &str)],
    ) -> String {
        let token = token.map(|(token, secret)| CloudToken {
            token: Secret::new(token),
            secret: Secret::new(secret),
        });
        let secret = Secret::new(secret);
        let signer = Signer {
            key,
            secret: &secret,
            token: token.as_ref(),
            seconds,
            nonce,
        };
        let mut parameters = signer.parameters();
        // The examples leave the version out, which is optional.
        parameters.retain(|(name, _)| *name != "oauth_version");
        parameters.extend(
            more.iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        let url = Url::parse(url).unwrap();
        signer.signature(&base(method, &url, &parameters))
    }

    /// Two requests of section 1.2, and one without a token, whose signature an independent program
    /// computed (Python's `hmac` over a base that it made itself).
    #[test]
    fn the_examples_of_the_standard() {
        let keys = ("dpf43f3p2l4k3l03", "kd94hf93k423kf44");
        let asked = signed(
            keys,
            None,
            (137_131_200, "wIjqoxSySN"),
            ("POST", "https://photos.example.net/initiate"),
            &[("oauth_callback", "http://printer.example.com/ready")],
        );
        assert_eq!(asked, "87RUx2Qc8V0r6bcvqeGsXyxiQKo=");
        let traded = signed(
            keys,
            Some(("hh5s93j4hdidpola", "hdhd0244k9j7ao03")),
            (137_131_201, "walatlh"),
            ("POST", "https://photos.example.net/token"),
            &[("oauth_verifier", "hfdp7dh39dks9884")],
        );
        assert_eq!(traded, "gKgrFCywp7rO0OXSjdot/IHF7IU=");
        let used = signed(
            keys,
            Some(("nnch734d00sl2jdk", "pfkkdhi9sl3r4s00")),
            (137_131_202, "chapoH"),
            (
                "GET",
                "http://photos.example.net/photos?file=vacation.jpg&size=original",
            ),
            &[],
        );
        assert_eq!(used, "MdpQcU8iPSUjWoN/UDMsK2sui9I=");
    }

    #[test]
    fn names_and_ports_are_written_in_one_way() {
        let base = |url: &str| base("GET", &Url::parse(url).unwrap(), &[]).to_string();
        let expected = "GET&http%3A%2F%2Fexample.com%2Fr%2520v%2FX&id%3D123";
        assert_eq!(base("HTTP://EXAMPLE.COM:80/r%20v/X?id=123#f"), expected);
        let other = base("https://www.example.net:8080/?q=1");
        assert!(other.contains("https%3A%2F%2Fwww.example.net%3A8080%2F"));
        // Equal names go by value, and a blank is one way or the other.
        let pairs = "GET&http%3A%2F%2Fh%2F&a%3D1%26b%3Dx%2520y%26b%3Dz%252Aw";
        assert_eq!(base("http://h/?b=z*w&b=x+y&a=1"), pairs);
    }

    #[test]
    fn a_header_shows_no_secret() {
        let token = CloudToken {
            token: Secret::new("t o"),
            secret: Secret::new("hush"),
        };
        let secret = Secret::new("hush");
        let signer = Signer {
            key: "k",
            secret: &secret,
            token: Some(&token),
            seconds: 1,
            nonce: "n",
        };
        let header = signer.header("GET", &Url::parse("http://h/").unwrap());
        assert!(header.is_sensitive());
        assert!(!format!("{header:?}").contains("t%20o"));
        let text = header.to_str().unwrap();
        assert!(
            text.starts_with("OAuth oauth_consumer_key=\"k\", "),
            "{text}"
        );
        assert!(text.contains("oauth_token=\"t%20o\""), "{text}");
        assert!(!text.contains("hush"), "{text}");
    }
}
