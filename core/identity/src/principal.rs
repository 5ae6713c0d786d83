//! The caller: everything that follows from a verified chain and its VO attributes.
//!
//! The server asks once for each connection. It takes a [`VerifiedChain`], so an unverified
//! certificate cannot become a caller. The VO attributes come in as text, because reading them from
//! the chain is another room's work. What a caller is, and may do, is said by
//! [`causeway_model::Principal`].

use causeway_model::{AuthMethod, Principal};

use crate::authz::{Operation, RoleTable};
use crate::dn;
use crate::fqan::{VoMap, roles_of, virtual_vo, vos_of};
use crate::identifiers::delegation_id;
use crate::verify::VerifiedChain;

/// The VO of people whose certificates say nothing about VOs and who are not in the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnmappedVo {
    /// Name and domain of the DN: `TestUser@cern.ch`.
    #[default]
    FromDn,
    /// The delegation id.
    DelegationId,
}

/// What this server knows about callers in general.
#[derive(Debug, Clone, Default)]
pub struct IdentityRules {
    /// Whose holders are root: the server's own DN first of all, in slash or comma form.
    pub root_dns: Vec<String>,
    /// VOs of people without VO attributes.
    pub vo_map: VoMap,
    /// The VO of those who are not in the map.
    pub unmapped: UnmappedVo,
    /// What roles grant.
    pub roles: RoleTable,
}

/// The holder of a verified chain. `fqans` are the chain's VO attributes, checked and in order;
/// `static_grants` what was granted to this DN by hand.
pub fn of_chain(
    chain: &VerifiedChain,
    fqans: Vec<String>,
    rules: &IdentityRules,
    static_grants: &[Operation],
) -> Principal {
    Principal {
        dn: chain.dns().to_vec(),
        ..of_member(chain.user_dn().to_owned(), fqans, rules, static_grants)
    }
}

/// Somebody with this DN and these VO attributes, both of which were proved once.
pub fn of_member(
    user_dn: String,
    fqans: Vec<String>,
    rules: &IdentityRules,
    static_grants: &[Operation],
) -> Principal {
    let delegation_id = delegation_id(&user_dn, &fqans);
    let vos = match vos_of(&fqans) {
        vos if vos.is_empty() => vec![rules.vo_without_attributes(&user_dn, &delegation_id)],
        vos => vos,
    };
    let roles = roles_of(&fqans);
    let is_root = rules.is_root(&user_dn);
    let level = if is_root {
        RoleTable::root_levels()
    } else {
        rules.roles.levels(&roles, static_grants)
    };
    Principal {
        method: AuthMethod::Certificate,
        dn: vec![user_dn.clone()],
        vos,
        voms_cred: fqans,
        roles,
        level,
        delegation_id: Some(delegation_id),
        is_root,
        user_dn,
    }
}

impl IdentityRules {
    /// True for a DN whose holder is root. An empty one in the list is nobody's.
    pub fn is_root(&self, user_dn: &str) -> bool {
        let mut dns = self.root_dns.iter().map(|dn| dn::normalise(dn));
        dns.any(|dn| !dn.is_empty() && dn == user_dn)
    }

    fn vo_without_attributes(&self, user_dn: &str, delegation_id: &str) -> String {
        match (self.vo_map.get(user_dn), self.unmapped) {
            (Some(vo), _) => vo.to_owned(),
            (None, UnmappedVo::FromDn) => virtual_vo(user_dn),
            (None, UnmappedVo::DelegationId) => delegation_id.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use causeway_model::Level;
    use rustls_pki_types::CertificateDer;

    use super::*;

    const USER: &str = "/DC=ch/DC=cern/CN=Test User";

    fn chain() -> VerifiedChain {
        VerifiedChain {
            user_dn: USER.to_owned(),
            dns: vec![USER.to_owned(), format!("{USER}/CN=1234567")],
            eec: CertificateDer::from(Vec::new()),
            presented: Vec::new(),
            proxies: Vec::new(),
            not_after: 0,
            is_limited: false,
            leaf_is_limited: false,
            issuer_is_limited: false,
            proxy_style: None,
            key_bits: Some(2048),
        }
    }

    fn principal(fqans: &[&str], rules: &IdentityRules) -> Principal {
        let fqans = fqans.iter().map(|fqan| (*fqan).to_owned()).collect();
        of_chain(&chain(), fqans, rules, &[])
    }

    #[test]
    fn a_member_of_a_vo() {
        let fqans = [
            "/testvo/Role=NULL/Capability=NULL",
            "/testvo/Role=myrole/Capability=NULL",
        ];
        let expected = Principal {
            method: AuthMethod::Certificate,
            user_dn: USER.to_owned(),
            dn: vec![USER.to_owned(), format!("{USER}/CN=1234567")],
            vos: vec!["testvo".to_owned()],
            voms_cred: fqans.map(str::to_owned).to_vec(),
            roles: vec!["myrole".to_owned()],
            level: [
                ("transfer".to_owned(), Level::Vo),
                ("datamanagement".to_owned(), Level::All),
            ]
            .into(),
            delegation_id: Some(delegation_id(USER, &fqans.map(str::to_owned))),
            is_root: false,
        };
        assert_eq!(principal(&fqans, &IdentityRules::default()), expected);
    }

    #[test]
    fn the_published_delegation_id_comes_out() {
        let fqans = [
            "/testvo/Role=NULL/Capability=NULL",
            "/testvo/Role=myrole/Capability=NULL",
            "/testvo/Role=lcgadmin/Capability=NULL",
        ];
        let caller = principal(&fqans, &IdentityRules::default());
        assert_eq!(caller.delegation_id.as_deref(), Some("3df3433182cc378b"));
        assert_eq!(caller.level("config"), Some(Level::All));
    }

    #[test]
    fn people_without_attributes_get_a_virtual_vo() {
        let mut rules = IdentityRules::default();
        assert_eq!(principal(&[], &rules).vos, ["TestUser@cern.ch"]);
        assert_eq!(
            principal(&[], &rules).delegation_id.as_deref(),
            Some("92fbce05ea766c17")
        );
        rules.unmapped = UnmappedVo::DelegationId;
        assert_eq!(principal(&[], &rules).vos, ["92fbce05ea766c17"]);
        rules.vo_map = VoMap::parse(&format!("\"{USER}\" atlas")).unwrap();
        assert_eq!(principal(&[], &rules).vos, ["atlas"]);
        assert_eq!(principal(&["/cms"], &rules).vos, ["cms"]);
    }

    #[test]
    fn roots_are_named_in_either_spelling() {
        for name in [USER, "CN=Test User,DC=cern,DC=ch"] {
            let rules = IdentityRules {
                root_dns: vec!["/CN=the host".to_owned(), name.to_owned()],
                ..IdentityRules::default()
            };
            let root = principal(&[], &rules);
            assert!(root.is_root && root.may("admin", Some("/CN=x"), Some("y")));
        }
        for others in [vec![], vec![String::new(), "/CN=the host".to_owned()]] {
            let rules = IdentityRules {
                root_dns: others,
                ..IdentityRules::default()
            };
            assert!(!principal(&[], &rules).is_root && !rules.is_root(""));
        }
    }
}
