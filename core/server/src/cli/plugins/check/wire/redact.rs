//! What must not be written down is taken out of texts and bytes.
//!
//! Three things are looked for: the values of the secrets that this run was given, in clear and as they
//! look in a URL; headers, parameters of queries and members of JSON whose names say that they are secret;
//! and what looks like a key or a token. Nobody can be sure to know every secret of a server, so a
//! recording is still to be read before it is published; the guide says so.

use causeway_sdk::secret::mask;
use causeway_sdk::{Bytes, Credential};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::Url;

const HIDDEN: &str = "<redacted>";
/// Shorter texts are found everywhere.
const SHORTEST: usize = 6;
/// Names with one of these in it are those of secrets.
const TELLING: [&str; 9] = [
    "token",
    "secret",
    "password",
    "passwd",
    "signature",
    "credential",
    "cookie",
    "authorization",
    "api-key",
];
/// Names of secrets that are words of their own.
const NAMES: [&str; 5] = ["sig", "auth", "apikey", "api_key", "x-amz-security-token"];

/// Takes secrets out.
#[derive(Clone, Default)]
pub(in super::super) struct Redactor {
    secrets: Vec<String>,
}

impl Redactor {
    /// For the secrets of a credential, and those among the options of the plugin.
    pub(in super::super) fn new(credential: &Credential, options: &Value) -> Self {
        let mut secrets = Vec::new();
        match credential {
            Credential::None => {}
            Credential::Bearer(token) => secrets.push(token.expose().to_owned()),
            Credential::X509(pem) => secrets.extend(pem.expose().lines().map(str::to_owned)),
            Credential::Keys { secret, token, .. } => {
                secrets.push(secret.expose().to_owned());
                secrets.extend(token.as_ref().map(|it| it.expose().to_owned()));
            }
        }
        gather(options, false, &mut secrets);
        secrets.retain(|it| it.len() >= SHORTEST && !it.starts_with("-----"));
        let encoded = |it: &String| utf8_percent_encode(it, NON_ALPHANUMERIC).to_string();
        let encoded: Vec<String> = secrets.iter().map(encoded).collect();
        secrets.extend(encoded);
        // A long one first: it may have a shorter one in it.
        secrets.sort_by_key(|it| std::cmp::Reverse(it.len()));
        secrets.dedup();
        Self { secrets }
    }

    fn known(&self, text: &str) -> String {
        let hide = |text: String, secret: &String| text.replace(secret.as_str(), HIDDEN);
        self.secrets.iter().fold(text.to_owned(), hide)
    }

    /// A URI, with the values of parameters that say they are secret.
    pub(in super::super) fn uri(&self, text: &str) -> String {
        let text = self.known(text);
        let Ok(mut url) = Url::parse(&text) else {
            return mask(&text);
        };
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        if !pairs.iter().any(|(name, _)| is_secret(name)) {
            return text;
        }
        let mut query = url.query_pairs_mut();
        query.clear();
        for (name, value) in &pairs {
            let value = if is_secret(name) { HIDDEN } else { value };
            query.append_pair(name, value);
        }
        drop(query);
        url.to_string()
    }

    /// The value of a header.
    pub(super) fn header(&self, name: &str, value: &[u8]) -> String {
        if is_secret(name) {
            return HIDDEN.to_owned();
        }
        let text = self.known(&String::from_utf8_lossy(value));
        // An address keeps the harmless part of its query: a next page is found by it.
        let word = |it: &str| match it.contains("://") {
            true => self.uri(it),
            false => mask(it),
        };
        let mut out = String::new();
        for part in text.split_inclusive([' ', '<', '>', '"', ',']) {
            let bare = part.trim_end_matches([' ', '<', '>', '"', ',']);
            out.push_str(&word(bare));
            out.push_str(&part[bare.len()..]);
        }
        out
    }

    /// A body.
    pub(super) fn body(&self, bytes: &Bytes) -> Bytes {
        let mut json = match serde_json::from_slice::<Value>(bytes) {
            Ok(json) if json.is_object() || json.is_array() => json,
            _ => return self.plain(bytes),
        };
        if !hide_members(&mut json) {
            return self.plain(bytes);
        }
        self.plain(&Bytes::from(json.to_string()))
    }

    fn plain(&self, bytes: &Bytes) -> Bytes {
        let has = |secret: &String| find(bytes, secret.as_bytes()).is_some();
        let pem = find(bytes, b"PRIVATE KEY-----").is_some();
        if !pem && !self.secrets.iter().any(has) {
            return bytes.clone();
        }
        let text = self.known(&String::from_utf8_lossy(bytes));
        if pem { mask(&text).into() } else { text.into() }
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|it| it == part)
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // What a server asks for is no secret.
    let question = name.ends_with("-authenticate");
    let telling = TELLING.iter().any(|it| name.contains(it));
    !question && (telling || NAMES.contains(&name.as_str()))
}

/// Texts of options whose name, or the name of what they are in, says that they are secret.
fn gather(options: &Value, secret: bool, found: &mut Vec<String>) {
    match options {
        Value::String(text) if secret => found.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|it| gather(it, secret, found)),
        Value::Object(members) => {
            for (name, value) in members {
                gather(value, secret || is_secret(name), found);
            }
        }
        _ => {}
    }
}

/// Hides members that say they are secret; true when there were any.
fn hide_members(json: &mut Value) -> bool {
    let mut hidden = false;
    match json {
        Value::Array(list) => list.iter_mut().for_each(|it| hidden |= hide_members(it)),
        Value::Object(members) => {
            for (name, value) in members {
                if is_secret(name) && value.is_string() {
                    *value = HIDDEN.into();
                    hidden = true;
                } else {
                    hidden |= hide_members(value);
                }
            }
        }
        _ => {}
    }
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;
    use causeway_sdk::Secret;
    use serde_json::json;

    fn redactor() -> Redactor {
        let options = json!({ "name": "harmless", "access_token": "op+tion", "in": { "secrets": ["deeper"] } });
        Redactor::new(&Credential::Bearer(Secret::new("canary")), &options)
    }

    #[test]
    fn what_was_given_is_hidden_wherever_it_turns_up() {
        let it = redactor();
        assert_eq!(
            it.header("x-note", b"harmless canary op+tion"),
            "harmless <redacted> <redacted>"
        );
        assert_eq!(
            it.body(&Bytes::from_static(b"a canary, deeper")),
            "a <redacted>, <redacted>"
        );
        assert!(!it.uri("http://h/canary?x=op%2Btion").contains("tion"));
    }

    #[test]
    fn what_says_that_it_is_secret_is_hidden() {
        let it = Redactor::default();
        assert_eq!(it.header("Authorization", b"Basic abc"), HIDDEN);
        assert_eq!(it.header("set-cookie", b"a=b"), HIDDEN);
        assert_eq!(
            it.header("www-authenticate", b"Basic realm=x"),
            "Basic realm=x"
        );
        let uri = it.uri("http://h/p?prefix=a&X-Amz-Signature=abc&sig=d");
        assert!(
            uri.contains("prefix=a") && !uri.contains("abc") && !uri.contains("=d"),
            "{uri}"
        );
        for harmless in ["http://h/p?x=1", "<http://h/p?page=2>; rel=\"next\""] {
            assert_eq!(it.header("link", harmless.as_bytes()), harmless);
        }
        let link = it.header("link", b"<http://h/p?token=abc>; rel=next");
        assert!(!link.contains("abc"), "{link}");
        let body = it.body(&Bytes::from_static(
            br#"{"a":[{"refresh_token":"abc"}],"b":1}"#,
        ));
        assert_eq!(body, r#"{"a":[{"refresh_token":"<redacted>"}],"b":1}"#);
        let pem = b"-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n";
        assert!(!String::from_utf8_lossy(&it.body(&Bytes::from_static(pem))).contains("abc"));
    }

    #[test]
    fn the_rest_stays_byte_for_byte() {
        let it = redactor();
        for bytes in [&b"\xff\x00 a"[..], b"{\"a\" : 1}", b""] {
            assert_eq!(it.body(&Bytes::copy_from_slice(bytes)), bytes);
        }
        let uri = "http://h/p%20q?prefix=a%2Fb&list-type=2";
        assert_eq!(it.uri(uri), uri);
    }
}
