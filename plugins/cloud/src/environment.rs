//! What the usual environment variables say: credentials, and where a service is. Read once.

use causeway_sdk::{Result, Secret};
use url::Url;

use crate::config::invalid;
use crate::login::Login;

/// What the environment says.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    /// The account that the credential is for: it is used for no other.
    pub(crate) azure_account: Option<String>,
    pub(crate) azure: Login,
    pub(crate) azure_endpoint: Option<String>,
    pub(crate) google: Login,
    pub(crate) google_endpoint: Option<String>,
}

impl Environment {
    /// Reads variables by `get`; an empty one counts as none. Credentials are left out unless they
    /// may be used.
    pub(crate) fn read(with_logins: bool, get: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let set = |name: &'static str| Some((name, get(name).filter(|it| !it.is_empty())?));
        let first = |names: &[&'static str]| names.iter().find_map(|name| set(name));
        let line = first(&["AZURE_STORAGE_CONNECTION_STRING"]).map(|(_, text)| text);
        let part = |name: &str| Some((LINE, line.as_deref().and_then(|it| part_of(it, name))?));
        let account = first(&["AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME"]);
        let account = account.or_else(|| part("AccountName")).map(|(_, it)| it);
        let endpoint = first(&[
            "AZURE_STORAGE_ENDPOINT",
            "AZURE_ENDPOINT",
            "AZURITE_BLOB_STORAGE_URL",
        ]);
        let blob = || {
            let (name, text) = part("BlobEndpoint")?;
            let tail = format!("/{}", account.as_deref().unwrap_or_default());
            let text = text.trim_end_matches('/').trim_end_matches(&tail);
            Some((name, text.to_owned()))
        };
        let mut it = Self {
            azure_endpoint: checked(endpoint.or_else(blob))?,
            azure_account: account,
            google_endpoint: emulator(&first)?,
            ..Self::default()
        };
        if with_logins {
            it.azure = azure(&first, &part)?;
            it.google = google(&first)?;
        }
        Ok(it)
    }
}

/// Says several things at once.
const LINE: &str = "AZURE_STORAGE_CONNECTION_STRING";

type Found = Option<(&'static str, String)>;

fn azure(
    first: &impl Fn(&[&'static str]) -> Found,
    part: &impl Fn(&str) -> Found,
) -> Result<Login> {
    let key = first(&["AZURE_STORAGE_KEY", "AZURE_STORAGE_ACCOUNT_KEY"]);
    let sas = || first(&["AZURE_STORAGE_SAS_TOKEN"]).or_else(|| part("SharedAccessSignature"));
    let (name, login) = match (key.or_else(|| part("AccountKey")), sas()) {
        (Some((name, key)), _) => (name, Login::key(&key)),
        (None, Some((name, sas))) => (name, Login::sas(&sas)),
        (None, None) => return Ok(Login::Nobody),
    };
    login.map_err(|_| invalid(name, "it cannot be read"))
}

fn google(first: &impl Fn(&[&'static str]) -> Found) -> Result<Login> {
    let text = first(&["GOOGLE_SERVICE_ACCOUNT_KEY"]);
    let file = || {
        first(&[
            "GOOGLE_APPLICATION_CREDENTIALS",
            "GOOGLE_SERVICE_ACCOUNT",
            "GOOGLE_SERVICE_ACCOUNT_PATH",
        ])
    };
    let (name, json) = match (text, file()) {
        (Some(found), _) => found,
        (None, Some((name, path))) => match std::fs::read_to_string(path) {
            Ok(json) => (name, json),
            Err(why) => return Err(invalid(name, &why.to_string())),
        },
        (None, None) => return Ok(Login::Nobody),
    };
    Login::account(&Secret::new(json)).map_err(|error| invalid(name, error.message()))
}

/// An emulator is often named without a scheme.
fn emulator(first: &impl Fn(&[&'static str]) -> Found) -> Result<Option<String>> {
    let found = first(&["STORAGE_EMULATOR_HOST"]).map(|(name, text)| match text.contains("://") {
        true => (name, text),
        false => (name, format!("http://{text}")),
    });
    checked(found)
}

fn checked(found: Found) -> Result<Option<String>> {
    found.map(|(name, text)| endpoint(name, &text)).transpose()
}

/// A part of a connection string: `Name=value;Name=value`.
fn part_of(line: &str, wanted: &str) -> Option<String> {
    let mut parts = line.split(';').filter_map(|it| it.split_once('='));
    let found = parts.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
    found.map(|(_, value)| value.trim().to_owned())
}

/// Understands an endpoint: scheme, host, perhaps a port and a path.
pub(crate) fn endpoint(name: &str, text: &str) -> Result<String> {
    let read = Url::parse(&text.replace("{account}", "account"))
        .ok()
        .filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        });
    match read {
        Some(_) => Ok(text.trim_end_matches('/').to_owned()),
        None => Err(invalid(
            name,
            "it must be http:// or https:// with a host, perhaps a path",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_some(with_logins: bool, pairs: &[(&str, &str)]) -> Result<Environment> {
        Environment::read(with_logins, |name| {
            let found = pairs.iter().find(|(it, _)| *it == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn read(pairs: &[(&str, &str)]) -> Result<Environment> {
        read_some(true, pairs)
    }

    #[test]
    fn credentials_that_may_not_be_used_are_not_even_read() {
        let it = read_some(
            false,
            &[
                ("AZURE_STORAGE_KEY", "Y2FuYXJ5"),
                ("AZURE_STORAGE_ENDPOINT", "http://h:1"),
                ("GOOGLE_APPLICATION_CREDENTIALS", "/no/such/file"),
            ],
        );
        let it = it.unwrap();
        assert_eq!(it.azure_endpoint.as_deref(), Some("http://h:1"));
        assert!(!it.azure.is_somebody() && !it.google.is_somebody());
    }

    #[test]
    fn the_usual_names_are_read() {
        let it = read(&[
            ("AZURE_STORAGE_ACCOUNT", "acct"),
            ("AZURE_STORAGE_KEY", "Y2FuYXJ5"),
            ("AZURE_STORAGE_ENDPOINT", "http://h:1/"),
            ("STORAGE_EMULATOR_HOST", "127.0.0.1:2"),
            ("GOOGLE_SERVICE_ACCOUNT_KEY", "{}"),
        ]);
        let it = it.unwrap();
        assert_eq!(it.azure_account.as_deref(), Some("acct"));
        assert_eq!(it.azure_endpoint.as_deref(), Some("http://h:1"));
        assert_eq!(it.google_endpoint.as_deref(), Some("http://127.0.0.1:2"));
        assert!(it.azure.is_somebody() && it.google.is_somebody());
        assert!(!format!("{it:?}").contains("Y2Fu"));
        let none = read(&[]).unwrap();
        assert!(!none.azure.is_somebody() && none.azure_endpoint.is_none());
    }

    #[test]
    fn a_connection_string_says_it_all() {
        let line = "DefaultEndpointsProtocol=http;AccountName=dev;AccountKey=Y2FuYXJ5Cg==;\
                    BlobEndpoint=http://127.0.0.1:10000/dev;";
        let it = read(&[("AZURE_STORAGE_CONNECTION_STRING", line)]).unwrap();
        assert_eq!(it.azure_account.as_deref(), Some("dev"));
        assert_eq!(it.azure_endpoint.as_deref(), Some("http://127.0.0.1:10000"));
        assert!(it.azure.is_somebody());
    }

    #[test]
    fn mistakes_name_the_variable_and_not_its_value() {
        for (name, value) in [
            ("AZURE_STORAGE_KEY", "canary!"),
            ("AZURE_STORAGE_SAS_TOKEN", "canary"),
            ("AZURE_STORAGE_ENDPOINT", "ftp://canary"),
            ("GOOGLE_SERVICE_ACCOUNT_KEY", "canary"),
            ("GOOGLE_APPLICATION_CREDENTIALS", "/no/canary"),
        ] {
            let error = read(&[(name, value)]).unwrap_err();
            assert!(error.message().contains(name), "{error}");
            assert!(!error.message().contains("canary"), "{error}");
        }
    }

    #[test]
    fn an_endpoint_is_an_address() {
        assert!(endpoint("endpoint", "https://{account}.blob.example.org").is_ok());
        for text in ["h", "ftp://h", "http://u:p@h", "http://h?x"] {
            assert!(endpoint("endpoint", text).is_err(), "{text}");
        }
    }
}
