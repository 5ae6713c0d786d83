//! What a component may reach, from its manifest and from the operator's configuration.
//!
//! Hosts, methods and kinds of credentials stand in the manifest, which an operator grants by putting it into the
//! plugin directory; the table `grants` among the plugin's options, which is the operator's own, replaces what stands
//! there. Seeing a credential itself is granted by that table alone: a manifest asks for it, and no more. Without
//! either nothing is granted.

use std::path::PathBuf;

use causeway_sdk::capability::CredentialKind;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::manifest::Permissions;

/// Key of the operator's table among a plugin's options.
const KEY: &str = "grants";

/// What a component may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Grants {
    /// Hosts it may call.
    pub(crate) hosts: Vec<String>,
    /// Methods it may use; none for all.
    pub(crate) methods: Vec<String>,
    /// Credentials that go with its requests; none for all.
    pub(crate) credentials: Option<Vec<CredentialKind>>,
    /// It may see credentials themselves. Only the operator's table says so.
    pub(crate) reveal: bool,
    /// Directory of CA certificates for its requests.
    pub(crate) ca_dir: Option<PathBuf>,
    /// File of CA certificates for its requests.
    pub(crate) ca_file: Option<PathBuf>,
}

/// The operator's table.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Table {
    http: Option<Vec<String>>,
    methods: Option<Vec<String>>,
    credentials: Option<Vec<CredentialKind>>,
    credential_reveal: Option<bool>,
    ca_dir: Option<PathBuf>,
    ca_file: Option<PathBuf>,
}

impl Grants {
    /// Takes the operator's table out of the options, so that the plugin does not see it.
    pub(crate) fn take(
        asked: Option<&Permissions>,
        options: &mut Map<String, Value>,
    ) -> Result<Self, String> {
        let table = match options.remove(KEY) {
            Some(table) => serde_json::from_value::<Table>(table)
                .map_err(|source| format!("read the plugin's table {KEY}: {source}"))?,
            None => Table::default(),
        };
        let asked = asked.cloned().unwrap_or_default();
        Ok(Self {
            hosts: table.http.unwrap_or(asked.http),
            methods: table.methods.unwrap_or(asked.methods),
            credentials: table.credentials.or(asked.credentials),
            // Never by what an author wrote: a secret that is out cannot be taken back.
            reveal: table.credential_reveal == Some(true),
            ca_dir: table.ca_dir,
            ca_file: table.ca_file,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn taken(asked: &Permissions, options: Value) -> (Result<Grants, String>, Map<String, Value>) {
        let Value::Object(mut options) = options else {
            panic!("an object")
        };
        (Grants::take(Some(asked), &mut options), options)
    }

    #[test]
    fn the_operator_has_the_last_word() {
        let asked = Permissions {
            http: vec!["*.example.org".to_owned()],
            ..Permissions::default()
        };
        let (grants, left) = taken(
            &asked,
            json!({"a": 1, "grants": {"http": ["one.example.org"]}}),
        );
        let grants = grants.unwrap();
        assert_eq!(grants.hosts, ["one.example.org"]);
        assert_eq!(Value::Object(left), json!({"a": 1}));
    }

    #[test]
    fn only_the_operator_lets_credentials_be_seen() {
        let asks = Permissions {
            credential_reveal: true,
            ..Permissions::default()
        };
        for (options, reveal) in [
            (json!({}), false),
            (json!({"grants": {}}), false),
            (json!({"grants": {"http": ["*"]}}), false),
            (json!({"grants": {"credential_reveal": false}}), false),
            (json!({"grants": {"credential_reveal": true}}), true),
        ] {
            let (grants, _) = taken(&asks, options.clone());
            assert_eq!(grants.unwrap().reveal, reveal, "{options}");
        }
    }

    #[test]
    fn a_misspelt_grant_is_an_error() {
        let (grants, _) = taken(&Permissions::default(), json!({"grants": {"htpp": []}}));
        assert!(grants.unwrap_err().contains("htpp"));
    }
}
