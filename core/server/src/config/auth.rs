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
    /// The VO of people who are in no map and whose certificates name none.
    pub unmapped_vo: UnmappedVo,
    /// Refuse callers whose VO attributes are not believed; otherwise they are members of nothing.
    pub reject_invalid_voms: bool,
    /// Applications may be let act for users, at `/oauth2`.
    pub oauth2_provider: bool,
    /// Issuers whose tokens are believed.
    pub token_issuers: Vec<TokenIssuerConfig>,
    /// Audiences of which a token must name one, besides this service's own URL.
    pub token_audiences: Vec<String>,
    /// By how much the clocks of issuers may differ, in seconds.
    pub token_leeway_seconds: u32,
    /// How long the keys of an issuer are used without asking again, in seconds.
    pub token_keys_kept_seconds: u32,
    /// Longest question to an issuer, in seconds.
    pub token_timeout_seconds: u32,
    /// Least that a token for a storage must last when it is submitted, in seconds.
    pub transfer_token_life_min_seconds: u32,
    /// Issuers on this very machine need no TLS.
    pub token_loopback_http: bool,
}

/// An issuer of tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenIssuerConfig {
    /// Its URL, as in the claim `iss`.
    pub issuer: String,
    /// The VO of all its users; empty: their groups say it.
    pub vo: String,
    /// Tokens allow nothing that their scopes do not name.
    pub require_scope: bool,
    /// Name of this service there; empty when it has none. Lets tokens of transfers be renewed.
    pub client_id: String,
    /// File with the secret that goes with it.
    pub client_secret_file: PathBuf,
}

/// The VO of people of whom nobody says one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnmappedVo {
    /// Name and domain of the DN, `TestUser@cern.ch`.
    #[default]
    Dn,
    /// The delegation id.
    DelegationId,
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
            unmapped_vo: UnmappedVo::default(),
            reject_invalid_voms: false,
            oauth2_provider: true,
            token_issuers: Vec::new(),
            token_audiences: vec!["https://wlcg.cern.ch/jwt/v1/any".into()],
            token_leeway_seconds: 60,
            token_keys_kept_seconds: 86_400,
            token_timeout_seconds: 10,
            transfer_token_life_min_seconds: 0,
            token_loopback_http: false,
        }
    }
}
