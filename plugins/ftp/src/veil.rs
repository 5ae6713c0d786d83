//! Keeps a login out of the FTP library's own log lines.
//!
//! The library writes every command to the log before it encodes it. So it is given words that
//! stand for user and password, and what they stand for is put in by the encoding.

use std::fmt;
use std::io;

use suppaftp::{Encoding, Utf8Encoding};

use crate::account::Account;

/// Stands for the user's name in a command.
pub(crate) const USER: &str = "<user>";
/// Stands for the password in a command.
pub(crate) const PASSWORD: &str = "<password>";

/// UTF-8, but for the two commands of the login.
pub(crate) struct Veil(Account);

impl Veil {
    pub(crate) fn new(account: &Account) -> Self {
        Self(account.clone())
    }
}

impl fmt::Debug for Veil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Veil")
    }
}

impl Encoding for Veil {
    fn decode(&self, bytes: &[u8]) -> String {
        Utf8Encoding.decode(bytes)
    }

    fn encode(&self, text: &str) -> io::Result<Vec<u8>> {
        let shown = text.trim_end_matches("\r\n");
        let meant = match shown.split_once(' ') {
            Some(("USER", USER)) => format!("USER {}\r\n", self.0.user.expose()),
            Some(("PASS", PASSWORD)) => format!("PASS {}\r\n", self.0.password.expose()),
            _ => return Utf8Encoding.encode(text),
        };
        Ok(meant.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use causeway_sdk::Credential;

    use super::*;
    use crate::account::Accounts;

    #[test]
    fn only_the_login_is_replaced() {
        let accounts = Accounts::load(&crate::Config::default()).unwrap();
        let veil = Veil::new(&accounts.find("h", &Credential::None).unwrap());
        for (shown, meant) in [
            ("USER <user>\r\n", "USER anonymous\r\n"),
            ("PASS <password>\r\n", "PASS anonymous@\r\n"),
            ("DELE <password>\r\n", "DELE <password>\r\n"),
            ("STOR /\u{fc}\r\n", "STOR /\u{fc}\r\n"),
        ] {
            assert_eq!(veil.encode(shown).unwrap(), meant.as_bytes());
        }
    }
}
