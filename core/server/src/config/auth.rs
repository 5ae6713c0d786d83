//! Who may do what.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Section `auth`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthConfig {
    /// Role to rights, `level:operation` separated by semicolons.
    pub roles: BTreeMap<String, String>,
    /// VOs that may use the service; `*` for all.
    pub authorized_vos: Vec<String>,
    /// File that maps DNs to VOs, `"DN" vo` a line.
    pub vo_map: Option<PathBuf>,
    /// Web pages that may call the API from a browser.
    pub cors_origins: Vec<String>,
    /// DNs that may do everything.
    pub root_dns: Vec<String>,
}

impl Default for AuthConfig {
    fn default() -> Self {
        let roles = [
            ("Public", "vo:transfer;all:datamanagement"),
            ("lcgadmin", "all:config"),
            ("production", "all:config"),
        ];
        Self {
            roles: roles
                .into_iter()
                .map(|(role, rights)| (role.into(), rights.into()))
                .collect(),
            authorized_vos: vec!["*".into()],
            vo_map: None,
            cors_origins: Vec::new(),
            root_dns: Vec::new(),
        }
    }
}
