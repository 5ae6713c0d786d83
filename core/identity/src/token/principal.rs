//! The caller that stands behind a token.

use causeway_model::{AuthMethod, Principal};

use super::scope::Permitted;
use super::verifier::VerifiedToken;
use crate::authz::Operation;
use crate::fqan::{roles_of, vos_of};
use crate::identifiers::token_delegation_id;
use crate::principal::IdentityRules;

/// The holder of a token of another issuer. They may do what a certificate user with the same roles
/// may, as far as the token allows; a token is never root.
pub fn of_token(
    token: &VerifiedToken,
    rules: &IdentityRules,
    static_grants: &[Operation],
) -> Principal {
    let claims = token.claims();
    let provider = &token.provider;
    // A verified token has a subject.
    let subject = claims.subject.clone().unwrap_or_default();
    let vos = match (rules.vo_map.get(&subject), &provider.vo) {
        (Some(vo), _) => vec![vo.to_owned()],
        (None, Some(vo)) => vec![vo.clone()],
        (None, None) => match vos_of(&claims.groups) {
            vos if vos.is_empty() => vec![provider.host()],
            vos => vos,
        },
    };
    let roles = roles_of(&claims.groups);
    let mut level = rules.roles.levels(&roles, static_grants);
    Permitted::by_scopes(claims.scopes(), provider.require_scope).cap(&mut level);
    Principal {
        method: AuthMethod::Oauth2,
        dn: vec![subject.clone()],
        vos,
        voms_cred: claims.groups.clone(),
        roles,
        level,
        delegation_id: Some(token_delegation_id(&claims.issuer, &subject)),
        is_root: false,
        user_dn: subject,
    }
}

/// A user of this service, as an application sees them that acts for them.
pub fn restricted(mut user: Principal, permitted: &Permitted) -> Principal {
    permitted.cap(&mut user.level);
    user.method = AuthMethod::Oauth2;
    user.is_root = false;
    user
}

#[cfg(test)]
mod tests {
    use causeway_model::Level;

    use super::super::Claims;
    use super::super::issuer::Provider;
    use super::*;
    use crate::fqan::VoMap;

    fn token(groups: &[&str], scope: &str, vo: Option<&str>) -> VerifiedToken {
        VerifiedToken {
            claims: Claims {
                issuer: "https://issuer.example/".to_owned(),
                subject: Some("sub-1".to_owned()),
                audiences: vec![],
                expires: Some(1),
                not_before: None,
                issued: None,
                scope: Some(scope.to_owned()),
                groups: groups.iter().map(|it| (*it).to_owned()).collect(),
                wlcg: true,
            },
            provider: Provider {
                issuer: "https://issuer.example".to_owned(),
                client: None,
                vo: vo.map(str::to_owned),
                require_scope: false,
            },
        }
    }

    #[test]
    fn a_member_of_a_group() {
        let it = token(&["/atlas", "/atlas/production"], "openid", None);
        let expected = Principal {
            method: AuthMethod::Oauth2,
            user_dn: "sub-1".to_owned(),
            dn: vec!["sub-1".to_owned()],
            vos: vec!["atlas".to_owned(), "atlas/production".to_owned()],
            voms_cred: vec!["/atlas".to_owned(), "/atlas/production".to_owned()],
            roles: vec![],
            level: [
                ("transfer".to_owned(), Level::Vo),
                ("datamanagement".to_owned(), Level::All),
            ]
            .into(),
            delegation_id: Some("63013b845a2f75ca".to_owned()),
            is_root: false,
        };
        assert_eq!(of_token(&it, &IdentityRules::default(), &[]), expected);
    }

    #[test]
    fn the_vo_by_map_then_issuer_then_groups_then_host() {
        let mut rules = IdentityRules::default();
        let vos = |rules: &IdentityRules, groups: &[&str], vo| {
            of_token(&token(groups, "", vo), rules, &[]).vos
        };
        assert_eq!(vos(&rules, &[], None), ["issuer.example"]);
        assert_eq!(vos(&rules, &["/cms"], None), ["cms"]);
        assert_eq!(vos(&rules, &["/cms"], Some("dteam")), ["dteam"]);
        rules.vo_map = VoMap::parse("\"sub-1\" lhcb").unwrap();
        assert_eq!(vos(&rules, &["/cms"], Some("dteam")), ["lhcb"]);
    }

    #[test]
    fn scopes_take_away_and_never_give() {
        let rules = IdentityRules::default();
        let level = |scope: &str| of_token(&token(&["/cms"], scope, None), &rules, &[]).level;
        assert_eq!(
            level("fts:submit-transfer"),
            [("transfer".to_owned(), Level::Vo)].into()
        );
        assert_eq!(level("storage.read:/"), [].into());
        assert_eq!(level("fts:config"), [].into());
    }

    #[test]
    fn a_token_is_never_root() {
        let rules = IdentityRules {
            root_dns: vec!["sub-1".to_owned()],
            ..IdentityRules::default()
        };
        let it = of_token(&token(&[], "", None), &rules, &[]);
        assert!(!it.is_root && it.level("admin").is_none());
        let root = Principal {
            method: AuthMethod::Certificate,
            is_root: true,
            level: crate::authz::RoleTable::root_levels(),
            ..Principal::anonymous()
        };
        let it = restricted(root, &Permitted::by_names(&["transfer".to_owned()]));
        assert!(!it.is_root && it.level("config").is_none());
        assert_eq!(it.level("transfer"), Some(Level::All));
    }
}
