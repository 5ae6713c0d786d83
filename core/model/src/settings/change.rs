//! Changes of settings: what is stored, what is audited, what the engine reacts to.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::authorization::AuthorizationRow;
use super::rows::{
    ANY, ActivityShareRow, HostRow, LinkRow, OperationLimitRow, ShareRow, StorageBanRow,
    StorageRow, UserBanRow, VoRow,
};

/// One row put or taken away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// A link, known by its name and by its pair.
    PutLink(LinkRow),
    /// Takes a link away by its name, and the shares of its pair.
    DeleteLink(Arc<str>),
    /// A storage.
    PutStorage(StorageRow),
    /// Takes a storage away, and its operation limits.
    DeleteStorage(Arc<str>),
    /// A share.
    PutShare(ShareRow),
    /// Takes a share away.
    DeleteShare {
        /// Source storage.
        source: Arc<str>,
        /// Destination storage.
        destination: Arc<str>,
        /// The VO.
        vo: Arc<str>,
    },
    /// Activity shares of a VO.
    PutActivityShare(ActivityShareRow),
    /// Takes the activity shares of a VO away.
    DeleteActivityShare(Arc<str>),
    /// A limit of an operation.
    PutOperationLimit(OperationLimitRow),
    /// Defaults of a VO.
    PutVo(VoRow),
    /// Takes the defaults of a VO away.
    DeleteVo(Arc<str>),
    /// Bans a storage, in place of any ban it has.
    BanStorage(StorageBanRow),
    /// Lifts the ban of a storage.
    UnbanStorage(Arc<str>),
    /// Bans a user.
    BanUser(UserBanRow),
    /// Lifts the ban of a user.
    UnbanUser(Arc<str>),
    /// A node.
    PutHost(HostRow),
    /// Takes a node away.
    DeleteHost(Arc<str>),
    /// Gives a user a right.
    Authorize(AuthorizationRow),
    /// Takes a right away from a user.
    Revoke(AuthorizationRow),
}

impl Change {
    /// Whether the row can be taken. An error says what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self::PutLink(row) => check_link(row),
            Self::PutStorage(row) => check_storage(row),
            Self::PutShare(row) => all_named(&[&row.source, &row.destination, &row.vo]),
            Self::PutActivityShare(row) => check_activities(row),
            Self::PutOperationLimit(row) => all_named(&[&row.vo_name, &row.host]),
            Self::PutVo(row) => all_named(&[&row.vo_name]),
            Self::DeleteVo(vo) if &**vo == ANY => Err("the default row cannot be removed".into()),
            Self::BanStorage(row) if &*row.se == ANY => Err("a ban names one storage".into()),
            Self::BanStorage(row) => all_named(&[&row.se]),
            Self::BanUser(row) => all_named(&[&row.dn]),
            Self::PutHost(row) => all_named(&[&row.hostname]),
            Self::Authorize(row) => row.check(),
            Self::DeleteLink(_)
            | Self::DeleteStorage(_)
            | Self::DeleteShare { .. }
            | Self::DeleteActivityShare(_)
            | Self::DeleteVo(_)
            | Self::UnbanStorage(_)
            | Self::UnbanUser(_)
            | Self::DeleteHost(_)
            | Self::Revoke(_) => Ok(()),
        }
    }

    /// Name of the change in the audit.
    pub fn action(&self) -> &'static str {
        match self {
            Self::PutLink(_) => "link",
            Self::DeleteLink(_) => "link-delete",
            Self::PutStorage(_) | Self::DeleteStorage(_) => "set-se-config",
            Self::PutShare(_) => "share-set",
            Self::DeleteShare { .. } => "share-delete",
            Self::PutActivityShare(_) | Self::DeleteActivityShare(_) => "activity-share",
            Self::PutOperationLimit(_) => "set-se-limits",
            Self::PutVo(_) | Self::DeleteVo(_) => "set-globals",
            Self::BanStorage(_) => "ban-se",
            Self::UnbanStorage(_) => "unban-se",
            Self::BanUser(_) => "ban-dn",
            Self::UnbanUser(_) => "unban-dn",
            Self::PutHost(_) | Self::DeleteHost(_) => "drain",
            Self::Authorize(_) => "authorize",
            Self::Revoke(_) => "revoke",
        }
    }
}

fn all_named(names: &[&str]) -> Result<(), String> {
    match names.iter().all(|it| !it.is_empty()) {
        true => Ok(()),
        false => Err("a name is empty".to_owned()),
    }
}

fn check_link(row: &LinkRow) -> Result<(), String> {
    if row.source_se.is_empty() || row.dest_se.is_empty() {
        return Err("Missing source and/or destination".to_owned());
    }
    if row.symbolic_name.is_empty() {
        return Err("Missing symbolicname".to_owned());
    }
    if &*row.symbolic_name == ANY && (&*row.source_se != ANY || &*row.dest_se != ANY) {
        return Err("this name is kept for the link from anywhere to anywhere".to_owned());
    }
    if row.min_active > row.max_active {
        return Err("max_active is lower than min_active".to_owned());
    }
    Ok(())
}

fn check_storage(row: &StorageRow) -> Result<(), String> {
    all_named(&[&row.storage])?;
    let throughputs = [row.inbound_max_throughput, row.outbound_max_throughput];
    let sound = |it: &f64| it.is_finite() && *it >= 0.0;
    match throughputs.iter().flatten().all(sound) {
        true => Ok(()),
        false => Err("a throughput is negative or not a number".to_owned()),
    }
}

fn check_activities(row: &ActivityShareRow) -> Result<(), String> {
    all_named(&[&row.vo])?;
    let sound = |it: &(String, f64)| it.1.is_finite() && it.1 >= 0.0;
    match row.shares.iter().all(sound) {
        true => Ok(()),
        false => Err("Share weight must be a number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_contradict_themselves_are_refused() {
        let link = LinkRow {
            min_active: 9,
            max_active: 8,
            ..LinkRow::new("l", "a", "b")
        };
        let text = Change::PutLink(link).check().unwrap_err();
        assert_eq!(text, "max_active is lower than min_active");
        let storage = StorageRow {
            inbound_max_throughput: Some(-1.0),
            ..StorageRow::new("a")
        };
        assert!(Change::PutStorage(storage).check().is_err());
        assert!(Change::PutStorage(StorageRow::new("")).check().is_err());
        assert!(Change::DeleteVo(ANY.into()).check().is_err());
        assert!(Change::DeleteVo("atlas".into()).check().is_ok());
        let shares = ActivityShareRow {
            vo: "v".into(),
            active: true,
            shares: vec![("a".into(), f64::NAN)],
        };
        assert!(Change::PutActivityShare(shares).check().is_err());
    }
}
