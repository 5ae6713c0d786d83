//! Whom to be on a server: the user and password of the call, of the configuration, or nobody.
//!
//! # Invariants
//! - A proxy or a token is never sent: FTP has no use for either, and whoever brings one is treated
//!   like one who brings nothing.
//! - Neither name nor password can end a command line early.

use std::collections::HashMap;
use std::fmt;

use causeway_sdk::{Algorithm, Credential, Error, ErrorKind, Result, Secret};

use crate::Config;

const NOBODY: &str = "anonymous";

/// A login.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) user: Secret,
    pub(crate) password: Secret,
    /// SHA-256 of both, empty for the anonymous: tells logins apart without holding them.
    pub(crate) mark: String,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Account")
    }
}

impl Account {
    fn new(user: &str, password: &Secret) -> Result<Self> {
        let is_bad = |text: &str| text.chars().any(char::is_control);
        if user.is_empty() || is_bad(user) || is_bad(password.expose()) {
            let text = "log in: the user name or the password has characters that no login has";
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        let mut hasher = Algorithm::Sha256.hasher();
        hasher.update(user.as_bytes());
        hasher.update(b"\0");
        hasher.update(password.expose().as_bytes());
        Ok(Self {
            user: Secret::new(user),
            password: password.clone(),
            mark: hasher.finish().hex,
        })
    }

    fn nobody(password: &str) -> Result<Self> {
        let account = Self::new(NOBODY, &Secret::new(password))?;
        Ok(Self {
            mark: String::new(),
            ..account
        })
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        self.mark.is_empty()
    }
}

/// The accounts of the configuration.
pub(crate) struct Accounts {
    by_host: HashMap<String, Account>,
    nobody: Account,
}

impl Accounts {
    /// Reads the password files.
    pub(crate) fn load(config: &Config) -> Result<Self> {
        let mut by_host = HashMap::new();
        for (host, options) in &config.accounts {
            let invalid = |why: &dyn fmt::Display| {
                let text = format!("use option accounts.{host}: {why}");
                Error::new(ErrorKind::Invalid, text)
            };
            let text = std::fs::read_to_string(&options.password_file)
                .map_err(|why| invalid(&format!("{}: {why}", options.password_file.display())))?;
            let password = Secret::new(text.lines().next().unwrap_or_default());
            let account = Account::new(&options.user, &password).map_err(|why| invalid(&why))?;
            by_host.insert(host.to_ascii_lowercase(), account);
        }
        let nobody = Account::nobody(&config.anonymous_password)?;
        Ok(Self { by_host, nobody })
    }

    /// The login for a call.
    pub(crate) fn find(&self, host: &str, credential: &Credential) -> Result<Account> {
        match credential {
            Credential::Keys { access, secret, .. } => Account::new(access, secret),
            _ => Ok(self.by_host.get(host).unwrap_or(&self.nobody).clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(access: &str, secret: &str) -> Credential {
        Credential::Keys {
            access: access.into(),
            secret: Secret::new(secret),
            token: None,
            region: None,
        }
    }

    #[test]
    fn the_call_comes_before_the_configuration_and_that_before_nobody() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "wonderland\nrest").unwrap();
        let text = format!(
            r#"{{"accounts":{{"FTP.example.org":{{"user":"alice","password_file":{:?}}}}}}}"#,
            file.path()
        );
        let accounts = Accounts::load(&Config::parse(&text).unwrap()).unwrap();
        let find = |host, credential: &Credential| accounts.find(host, credential).unwrap();
        let configured = find("ftp.example.org", &Credential::None);
        assert_eq!(configured.user.expose(), "alice");
        assert_eq!(configured.password.expose(), "wonderland");
        let brought = find("ftp.example.org", &keys("bob", "x"));
        assert_eq!(brought.user.expose(), "bob");
        for credential in [
            Credential::None,
            Credential::Bearer(Secret::new("token")),
            Credential::X509(Secret::new("pem")),
        ] {
            let account = find("other.example.org", &credential);
            assert!(account.is_anonymous());
            assert_eq!(account.user.expose(), NOBODY);
            assert_eq!(account.password.expose(), "anonymous@");
        }
        assert!(!format!("{configured:?}").contains("wonderland"));
    }

    #[test]
    fn a_login_cannot_carry_a_second_command() {
        let accounts = Accounts::load(&Config::default()).unwrap();
        for (access, secret) in [
            ("a\r\nDELE x", "p"),
            ("a", "p\nDELE x"),
            ("", "p"),
            ("a", "\0"),
        ] {
            let error = accounts.find("h", &keys(access, secret)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
        }
    }

    #[test]
    fn a_password_file_that_is_not_there_is_named() {
        let text = r#"{"accounts":{"h":{"user":"u","password_file":"/no/such/file"}}}"#;
        let error = Accounts::load(&Config::parse(text).unwrap()).err().unwrap();
        assert!(error.message().contains("/no/such/file"), "{error}");
    }
}
