//! From the SURL a user wrote to a server, the way to secure it, and a path on it.
//!
//! # Invariants
//! - A path that comes out of here has no control character, so it cannot end a command early, and
//!   no `.` or `..` segment.

use causeway_sdk::{Error, ErrorKind, Result, Url as Surl};
use percent_encoding::percent_decode_str;

use crate::Config;
use crate::account::Account;
use crate::config::{FtpsMode, TlsPolicy};

/// Schemes served.
pub(crate) const SCHEMES: [&str; 2] = ["ftp", "ftps"];

/// How a control connection is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Security {
    None,
    /// `AUTH TLS` if the server has it.
    Tried,
    /// `AUTH TLS`, or no connection.
    Required,
    /// TLS from the first byte.
    Implicit,
}

/// A file on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Lower case, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    is_ftps: bool,
    /// Begins with a slash, has none at the end.
    pub(crate) path: String,
}

impl Place {
    /// Reads a URL.
    pub(crate) fn of(at: &Surl, config: &Config) -> Result<Self> {
        let invalid = |why: &str| Error::new(ErrorKind::Invalid, format!("use {at}: {why}"));
        let scheme = at.scheme().to_ascii_lowercase();
        if !SCHEMES.contains(&&*scheme) {
            return Err(invalid("not a URL of this storage"));
        }
        let host = at.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || host.chars().any(|it| it.is_whitespace()) {
            return Err(invalid("no host"));
        }
        if at.userinfo().is_some() {
            let why = "user information is not taken from URLs; \
                       give the storage a user and a password as access keys";
            return Err(invalid(why));
        }
        if at.query().is_some() {
            return Err(invalid(
                "FTP has no queries; a `?` in a name is written %3F",
            ));
        }
        let is_ftps = scheme == "ftps";
        let default_port = match (is_ftps, config.ftps) {
            (true, FtpsMode::Implicit) => 990,
            _ => 21,
        };
        Ok(Self {
            host: host.to_ascii_lowercase(),
            port: at.port().unwrap_or(default_port),
            is_ftps,
            path: path_of(at).map_err(invalid)?,
        })
    }

    /// How the connection is secured.
    pub(crate) fn security(&self, config: &Config, account: &Account) -> Security {
        match (self.is_ftps, config.ftps, config.tls) {
            (true, FtpsMode::Implicit, _) => Security::Implicit,
            (true, FtpsMode::Explicit, _) | (_, _, TlsPolicy::Required) => Security::Required,
            (_, _, TlsPolicy::Preferred) => Security::Tried,
            (_, _, TlsPolicy::Never) => Security::None,
            (_, _, TlsPolicy::Auto) if account.is_anonymous() => Security::None,
            (_, _, TlsPolicy::Auto) => Security::Required,
        }
    }
}

fn path_of(at: &Surl) -> Result<String, &'static str> {
    let path = percent_decode_str(at.path())
        .decode_utf8()
        .map_err(|_| "the path is not UTF-8")?;
    if path.chars().any(char::is_control) {
        return Err("the path has a control character");
    }
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err("the path has a `.` or `..` segment");
    }
    Ok(format!(
        "/{}",
        path.trim_end_matches('/')
            .strip_prefix('/')
            .unwrap_or_default()
    ))
}

/// The directory above, of a path as servers have it; `None` at the root.
pub(crate) fn parent(path: &str) -> Option<&str> {
    let (parent, name) = path.rsplit_once('/')?;
    if name.is_empty() {
        return None;
    }
    Some(if parent.is_empty() { "/" } else { parent })
}

#[cfg(test)]
mod tests {
    use causeway_sdk::{Credential, Secret};

    use super::*;
    use crate::account::Accounts;

    fn place(text: &str) -> Result<Place> {
        Place::of(&text.parse().unwrap(), &Config::default())
    }

    #[test]
    fn paths_are_decoded_once_and_begin_at_the_root() {
        for (surl, path) in [
            ("ftp://h", "/"),
            ("ftp://h/", "/"),
            ("ftp://h/a/b/", "/a/b"),
            ("ftp://h/a%20b", "/a b"),
            ("ftp://h/100%", "/100%"),
            ("ftp://h/%2541", "/%41"),
            ("ftp://h//eos//x", "//eos//x"),
            ("ftp://h/%C3%BC%3F#x", "/\u{fc}?#x"),
        ] {
            assert_eq!(place(surl).unwrap().path, path, "{surl}");
        }
    }

    #[test]
    fn ports_and_hosts() {
        for (surl, host, port) in [
            ("ftp://Ftp.Example.org/x", "ftp.example.org", 21),
            ("ftps://h/x", "h", 990),
            ("ftps://[::1]:2121/x", "::1", 2121),
        ] {
            let it = place(surl).unwrap();
            assert_eq!((&*it.host, it.port), (host, port), "{surl}");
        }
    }

    #[test]
    fn refuses_what_would_reach_something_else_or_say_more_than_one_command() {
        for surl in [
            "ftp://h/a%0D%0ADELE%20b",
            "ftp://h/a%0ab",
            "ftp://h/a%00",
            "ftp://h/a%7f",
            "ftp://h/a/../b",
            "ftp://h/a/%2e%2E/b",
            "ftp://h/%ff",
            "ftp://h/a?b",
            "ftp://u:hunter2@h/x",
            "ftp:///x",
            "http://h/x",
        ] {
            let error = place(surl).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{surl}");
            assert!(!error.message().contains("hunter2"));
        }
    }

    #[test]
    fn a_password_goes_over_tls_unless_the_operator_says_otherwise() {
        let keys = Credential::Keys {
            access: "a".into(),
            secret: Secret::new("b"),
            token: None,
            region: None,
        };
        let security = |surl: &str, options: &str, credential: &Credential| {
            let config = Config::parse(options).unwrap();
            let account = Accounts::load(&config).unwrap();
            let account = account.find("h", credential).unwrap();
            let place = Place::of(&surl.parse().unwrap(), &config).unwrap();
            place.security(&config, &account)
        };
        let none = Credential::None;
        for (surl, options, credential, expected) in [
            ("ftp://h/x", "{}", &none, Security::None),
            ("ftp://h/x", "{}", &keys, Security::Required),
            (
                "ftp://h/x",
                r#"{"tls":"required"}"#,
                &none,
                Security::Required,
            ),
            (
                "ftp://h/x",
                r#"{"tls":"preferred"}"#,
                &keys,
                Security::Tried,
            ),
            ("ftp://h/x", r#"{"tls":"never"}"#, &keys, Security::None),
            (
                "ftps://h/x",
                r#"{"tls":"never"}"#,
                &none,
                Security::Implicit,
            ),
            (
                "ftps://h/x",
                r#"{"ftps":"explicit"}"#,
                &none,
                Security::Required,
            ),
        ] {
            assert_eq!(
                security(surl, options, credential),
                expected,
                "{surl} {options}"
            );
        }
    }

    #[test]
    fn parents_end_at_the_root() {
        assert_eq!(parent("/a/b"), Some("/a"));
        assert_eq!(parent("/a"), Some("/"));
        assert_eq!(parent("/"), None);
    }
}
