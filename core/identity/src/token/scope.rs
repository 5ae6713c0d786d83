//! What the scopes of a token leave of what its holder may do.
//!
//! The WLCG profile knows two kinds of tokens. One names capabilities, and is good for those alone:
//! whoever gets hold of a token that was made to read a storage can do nothing here. The other says
//! who somebody is; its holder may do what their role allows.

use std::collections::BTreeMap;

use causeway_model::Level;

use crate::authz::Operation;

/// Allows everything that its holder may do here.
const ALL: &str = "fts";
/// Allows transfers, by a name of its own.
const SUBMIT: &str = "fts:submit-transfer";
/// What names of capabilities begin with, ours and those of others.
const CAPABILITIES: [&str; 3] = ["fts:", "storage.", "compute."];

/// Operations for which a token may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permitted {
    /// Whatever its holder may do.
    All,
    /// These, as far as its holder may do them.
    Only(Vec<Operation>),
}

impl Permitted {
    /// By the scopes of a token of another issuer. When scopes are required, a token without any
    /// capability allows nothing.
    pub fn by_scopes<'a>(scopes: impl Iterator<Item = &'a str>, required: bool) -> Self {
        let mut operations = Vec::new();
        let mut is_limited = required;
        for scope in scopes {
            if scope == ALL {
                return Self::All;
            }
            is_limited |= CAPABILITIES.iter().any(|it| scope.starts_with(it));
            let name = scope.strip_prefix("fts:").unwrap_or("");
            match Operation::from_name(name) {
                _ if scope == SUBMIT => operations.push(Operation::Transfer),
                Some(operation) => operations.push(operation),
                None => {}
            }
        }
        match is_limited {
            true => Self::Only(operations),
            false => Self::All,
        }
    }

    /// By the names of operations, which are the scopes of this service's own tokens.
    pub fn by_names(names: &[String]) -> Self {
        let known = names.iter().filter_map(|it| Operation::from_name(it));
        Self::Only(known.collect())
    }

    /// Takes away what the token may not be used for.
    pub fn cap(&self, levels: &mut BTreeMap<String, Level>) {
        if let Self::Only(operations) = self {
            levels.retain(|name, _| operations.iter().any(|it| it.as_str() == name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(scopes: &str, required: bool) -> Permitted {
        Permitted::by_scopes(scopes.split_ascii_whitespace(), required)
    }

    #[test]
    fn capabilities_are_all_that_a_token_is_good_for() {
        use Operation::{Configuration, Transfer};
        let only = |it: &[Operation]| Permitted::Only(it.to_vec());
        for (scopes, expected) in [
            ("", Permitted::All),
            ("openid profile offline_access", Permitted::All),
            ("storage.read:/", only(&[])),
            ("openid storage.modify:/x", only(&[])),
            ("compute.create", only(&[])),
            ("fts:submit-transfer", only(&[Transfer])),
            ("fts:transfer fts:config", only(&[Transfer, Configuration])),
            ("fts:everything", only(&[])),
            ("fts storage.read:/", Permitted::All),
            ("ftsx", Permitted::All),
        ] {
            assert_eq!(by(scopes, false), expected, "{scopes}");
        }
        for scopes in ["", "openid profile", "transfer"] {
            assert_eq!(by(scopes, true), only(&[]), "{scopes}");
        }
        assert_eq!(by("openid fts", true), Permitted::All);
    }

    #[test]
    fn nothing_is_added() {
        let mut levels: BTreeMap<String, Level> = [("transfer".to_owned(), Level::Vo)].into();
        Permitted::by_names(&["config".to_owned(), "x".to_owned()]).cap(&mut levels);
        assert!(levels.is_empty());
        let mut levels: BTreeMap<String, Level> = [
            ("transfer".to_owned(), Level::Vo),
            ("config".to_owned(), Level::All),
        ]
        .into();
        Permitted::by_names(&["transfer".to_owned()]).cap(&mut levels);
        assert_eq!(levels, [("transfer".to_owned(), Level::Vo)].into());
    }
}
