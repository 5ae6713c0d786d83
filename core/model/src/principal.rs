//! Who calls, and what they may do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How the caller proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthMethod {
    /// TLS client certificate.
    Certificate,
    /// Bearer token.
    Oauth2,
    /// Not at all.
    Unauthenticated,
}

/// How far a right reaches, nearest first. No entry means no right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// `""`: own resources.
    #[serde(rename = "")]
    Private,
    /// `"vo"`: resources of the caller's VOs.
    #[serde(rename = "vo")]
    Vo,
    /// `"all"`: every resource.
    #[serde(rename = "all")]
    All,
}

/// The caller of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// How they proved it.
    pub method: AuthMethod,
    /// DN of the end-entity certificate; `anon` for nobody.
    pub user_dn: String,
    /// That DN, then those of the proxies.
    pub dn: Vec<String>,
    /// VOs, the first is the one jobs are booked on.
    pub vos: Vec<String>,
    /// FQANs exactly as the VO wrote them.
    pub voms_cred: Vec<String>,
    /// Roles.
    pub roles: Vec<String>,
    /// Rights by operation: `transfer`, `deleg`, `config`, `datamanagement`, `admin`.
    pub level: BTreeMap<String, Level>,
    /// Names what this caller delegated.
    pub delegation_id: Option<String>,
    /// The server itself.
    pub is_root: bool,
}

impl Principal {
    /// Nobody.
    pub fn anonymous() -> Self {
        Self {
            method: AuthMethod::Unauthenticated,
            user_dn: "anon".into(),
            dn: vec!["anon".into()],
            vos: Vec::new(),
            voms_cred: Vec::new(),
            roles: Vec::new(),
            level: BTreeMap::new(),
            delegation_id: None,
            is_root: false,
        }
    }

    /// The VO jobs are booked on.
    pub fn primary_vo(&self) -> &str {
        self.vos.first().map_or("", String::as_str)
    }

    /// How far the right for an operation reaches, without looking at a resource.
    ///
    /// [`Self::level`](field@Self::level) is what was granted; two rules come on top of it here.
    /// Everybody who is known may delegate for themselves, and whoever administers may configure.
    pub fn level(&self, operation: &str) -> Option<Level> {
        let granted = |operation| self.level.get(operation).copied();
        let implied = match operation {
            "deleg" if self.is_authenticated() => Some(Level::Private),
            "config" => granted("admin"),
            _ => None,
        };
        granted(operation).max(implied)
    }

    /// Whether the caller may do an operation on a resource of this owner and VO.
    pub fn may(&self, operation: &str, owner_dn: Option<&str>, vo: Option<&str>) -> bool {
        let owns = owner_dn.is_some_and(|dn| dn == self.user_dn);
        match self.level(operation) {
            None => false,
            Some(Level::All) => true,
            Some(Level::Vo) => owns || vo.is_none_or(|vo| self.vos.iter().any(|own| own == vo)),
            Some(Level::Private) => owner_dn.is_none() || owns,
        }
    }

    /// Known by a certificate or a token.
    pub fn is_authenticated(&self) -> bool {
        self.method != AuthMethod::Unauthenticated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(grants: &[(&str, Level)]) -> Principal {
        let grants = grants
            .iter()
            .map(|(name, level)| ((*name).to_owned(), *level));
        Principal {
            method: AuthMethod::Certificate,
            user_dn: "/CN=me".into(),
            vos: vec!["atlas".into()],
            level: grants.collect(),
            ..Principal::anonymous()
        }
    }

    #[test]
    fn rights_by_level() {
        use Level::{All, Private, Vo};
        for (level, owner, vo, expected) in [
            (Some(All), Some("/CN=you"), Some("cms"), true),
            (Some(Vo), None, None, true),
            (Some(Vo), Some("/CN=you"), Some("atlas"), true),
            (Some(Vo), Some("/CN=you"), Some("cms"), false),
            (Some(Vo), Some("/CN=me"), Some("cms"), true),
            (Some(Private), None, Some("cms"), true),
            (Some(Private), Some("/CN=me"), Some("cms"), true),
            (Some(Private), Some("/CN=me"), None, true),
            (Some(Private), Some("/CN=you"), Some("atlas"), false),
            (None, None, None, false),
            (None, Some("/CN=me"), None, false),
        ] {
            let grants: Vec<_> = level.map(|it| ("transfer", it)).into_iter().collect();
            let may = caller(&grants).may("transfer", owner, vo);
            assert_eq!(may, expected, "{level:?} {owner:?} {vo:?}");
        }
    }

    #[test]
    fn whoever_is_known_may_delegate_for_themselves() {
        let me = caller(&[]);
        assert!(me.may("deleg", None, None) && me.may("deleg", Some("/CN=me"), Some("cms")));
        assert!(!me.may("deleg", Some("/CN=you"), None));
        assert!(caller(&[("deleg", Level::All)]).may("deleg", Some("/CN=you"), None));
        assert!(!Principal::anonymous().may("deleg", None, None));
    }

    #[test]
    fn administration_includes_configuration() {
        use Level::{All, Private, Vo};
        assert_eq!(caller(&[("admin", All)]).level("config"), Some(All));
        let both = caller(&[("admin", Vo), ("config", Private)]);
        assert_eq!(both.level("config"), Some(Vo));
        let both = caller(&[("admin", Private), ("config", All)]);
        assert_eq!(both.level("config"), Some(All));
        assert_eq!(caller(&[("config", All)]).level("admin"), None);
        assert_eq!(caller(&[("admin", All)]).level("transfer"), None);
    }
}
