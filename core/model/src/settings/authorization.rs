//! Rights given to single users by operators.
//!
//! A row gives an operation at its highest level, whatever roles say. Who looks at the rows when a
//! request comes in is the server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Settings;
use super::change::Change;
use super::tables::Tables;

/// Operations that may be given; the right to administrate is not among them.
pub const GRANTABLE: [&str; 4] = ["deleg", "transfer", "config", "datamanagement"];

/// A right of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRow {
    /// The user.
    pub dn: Arc<str>,
    /// What they may do, one of [`GRANTABLE`].
    pub operation: Arc<str>,
}

impl AuthorizationRow {
    /// Whether the row can be taken.
    pub(super) fn check(&self) -> Result<(), String> {
        match () {
            () if self.dn.is_empty() || self.operation.is_empty() => {
                Err("Missing dn and/or operation".to_owned())
            }
            () if !GRANTABLE.contains(&&*self.operation) => {
                Err(format!("Operation {} can not be granted", self.operation))
            }
            () => Ok(()),
        }
    }
}

/// Operations by user.
pub(super) type Rights = BTreeMap<Arc<str>, BTreeSet<Arc<str>>>;

pub(super) fn give(rights: &mut Rights, row: &AuthorizationRow) {
    let of_user = rights.entry(row.dn.clone()).or_default();
    of_user.insert(row.operation.clone());
}

pub(super) fn take(rights: &mut Rights, row: &AuthorizationRow) {
    if let Some(of_user) = rights.get_mut(&row.dn) {
        of_user.remove(&row.operation);
        if of_user.is_empty() {
            rights.remove(&row.dn);
        }
    }
}

/// All rows, by user and operation.
pub(super) fn rows(rights: &Rights) -> impl Iterator<Item = AuthorizationRow> + '_ {
    rights.iter().flat_map(|(dn, operations)| {
        operations.iter().map(|operation| AuthorizationRow {
            dn: dn.clone(),
            operation: operation.clone(),
        })
    })
}

impl Tables {
    pub(super) fn authorize(&mut self, row: &AuthorizationRow) {
        give(Arc::make_mut(&mut self.rights), row);
    }

    pub(super) fn revoke(&mut self, row: &AuthorizationRow) {
        take(Arc::make_mut(&mut self.rights), row);
    }

    pub(super) fn right_rows(&self) -> impl Iterator<Item = Change> + '_ {
        rows(&self.rights).map(Change::Authorize)
    }
}

impl Settings {
    /// All rights given to single users, by user and operation.
    pub fn authorizations(&self) -> impl Iterator<Item = AuthorizationRow> + '_ {
        rows(&self.tables.rights)
    }

    /// The operations that were given to a user.
    pub fn operations_given_to(&self, dn: &str) -> impl Iterator<Item = &str> {
        let given = self.tables.rights.get(dn);
        given.into_iter().flatten().map(|it| &**it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(dn: &str, operation: &str) -> AuthorizationRow {
        AuthorizationRow {
            dn: dn.into(),
            operation: operation.into(),
        }
    }

    #[test]
    fn rights_come_and_go() {
        let mut settings = Settings::default();
        for it in [
            row("/CN=b", "config"),
            row("/CN=a", "transfer"),
            row("/CN=a", "config"),
        ] {
            assert_eq!(it.check(), Ok(()));
            settings.apply(&Change::Authorize(it));
        }
        let of_a: Vec<_> = settings.operations_given_to("/CN=a").collect();
        assert_eq!(of_a, ["config", "transfer"]);
        assert_eq!(settings.authorizations().count(), 3);
        let mut again = Settings::default();
        settings.rows().iter().for_each(|it| again.apply(it));
        assert_eq!(again, settings);
        settings.apply(&Change::Revoke(row("/CN=a", "config")));
        settings.apply(&Change::Revoke(row("/CN=a", "transfer")));
        assert_eq!(settings.operations_given_to("/CN=a").count(), 0);
        assert_eq!(settings.authorizations().count(), 1);
    }

    #[test]
    fn nobody_is_made_an_administrator() {
        for (dn, operation) in [
            ("", "config"),
            ("/CN=a", ""),
            ("/CN=a", "admin"),
            ("/CN=a", "*"),
        ] {
            assert!(row(dn, operation).check().is_err(), "{dn} {operation}");
        }
    }
}
