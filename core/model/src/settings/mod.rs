//! What an operator can change while the gateway runs, as one value.
//!
//! [`Settings`] is an immutable picture of all rows, cheap to copy and to look things up in. It
//! knows the rows that stand there from the beginning and the order in which rows decide. It does
//! not know who stores them ([`SettingsStore`](crate::ports::SettingsStore)) nor what a change does
//! to work under way (the engine).
//!
//! # Invariants
//! - A lookup costs the same however many rows there are: every table is a map by key.
//! - [`Settings::rows`] applied to [`Settings::empty`] gives the same settings: `rows_make_the_settings`.

mod authorization;
mod change;
mod ends;
mod rows;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use authorization::{AuthorizationRow, GRANTABLE};
pub use change::Change;
pub use rows::{
    ANY, ActivityShareRow, AuditRow, BanStatus, HostRow, LinkRow, Operation, OperationLimitRow,
    PUBLIC, ShareRow, StorageBanRow, StorageRow, TpcSupport, UserBanRow, VoRow,
};
use tables::{Tables, at_pair, sorted};

/// Transfers into or out of a storage when no row says anything.
const UNKNOWN_STORAGE_ACTIVE: u32 = 60;

/// Everything that is set. See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    tables: Tables,
    /// The rows that stand there from the beginning.
    initial: Arc<Initial>,
}

/// Rows that stand there from the beginning, for everything that has no row of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Initial {
    /// The link from anywhere to anywhere.
    pub link: Option<LinkRow>,
    /// Any storage.
    pub storage: Option<StorageRow>,
    /// Any VO.
    pub vo: Option<VoRow>,
}

impl Initial {
    /// What the field is used to.
    pub fn usual() -> Self {
        Self {
            link: Some(LinkRow {
                max_active: 130,
                optimizer_mode: Some(2),
                nostreams: Some(0),
                ..LinkRow::new(ANY, ANY, ANY)
            }),
            storage: Some(StorageRow {
                inbound_max_active: Some(200),
                outbound_max_active: Some(200),
                ..StorageRow::new(ANY)
            }),
            vo: Some(VoRow::new(ANY)),
        }
    }

    fn rows(&self) -> impl Iterator<Item = Change> {
        let link = self.link.clone().map(Change::PutLink);
        let storage = self.storage.clone().map(Change::PutStorage);
        let vo = self.vo.clone().map(Change::PutVo);
        [link, storage, vo].into_iter().flatten()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::with(Initial::usual())
    }
}

impl Settings {
    /// No rows at all.
    pub fn empty() -> Self {
        Self::with(Initial::default())
    }

    /// The rows that stand there from the beginning.
    pub fn with(initial: Initial) -> Self {
        let mut settings = Self {
            tables: Tables::default(),
            initial: Arc::new(initial),
        };
        settings.restore();
        settings
    }

    /// Puts or takes a row. A row that stood there from the beginning comes back when it is taken.
    pub fn apply(&mut self, change: &Change) {
        self.tables.apply(change);
        if Tables::takes_default(change) {
            self.restore();
        }
    }

    fn restore(&mut self) {
        for change in self.initial.clone().rows() {
            let there = match &change {
                Change::PutLink(_) => at_pair(&self.tables.links, ANY, ANY).is_some(),
                Change::PutStorage(_) => self.tables.storages.contains_key(ANY),
                _ => self.tables.vos.contains_key(ANY),
            };
            if !there {
                self.tables.apply(&change);
            }
        }
    }

    /// All rows, as the changes that make them.
    pub fn rows(&self) -> Vec<Change> {
        self.tables.rows()
    }

    /// The first value that a row for a pair gives: the pair's own row, the source's, the
    /// destination's, the general one.
    pub fn link_value<T>(
        &self,
        source: &str,
        destination: &str,
        value: impl Fn(&LinkRow) -> Option<T>,
    ) -> Option<T> {
        precedence(source, destination)
            .into_iter()
            .filter_map(|(a, b)| at_pair(&self.tables.links, a, b))
            .find_map(|row| value(row))
    }

    /// The row that decides how many transfers a link runs.
    pub fn link(&self, source: &str, destination: &str) -> Option<&Arc<LinkRow>> {
        precedence(source, destination)
            .into_iter()
            .find_map(|(a, b)| at_pair(&self.tables.links, a, b))
    }

    /// The row of a name.
    pub fn link_named(&self, name: &str) -> Option<&Arc<LinkRow>> {
        self.tables.link_names.get(name)
    }

    /// All links, by name.
    pub fn links(&self) -> impl Iterator<Item = &Arc<LinkRow>> {
        self.tables.link_names.values()
    }

    /// The row of a storage, without the general one.
    pub fn storage(&self, se: &str) -> Option<&Arc<StorageRow>> {
        self.tables.storages.get(se)
    }

    /// All rows of storages, by name.
    pub fn storages(&self) -> impl Iterator<Item = Arc<StorageRow>> {
        sorted(&self.tables.storages)
    }

    /// The first value that a row for a storage gives: its own row, the general one.
    pub fn storage_value<T>(
        &self,
        se: &str,
        value: impl Fn(&StorageRow) -> Option<T>,
    ) -> Option<T> {
        let rows = [se, ANY].into_iter().filter_map(|it| self.storage(it));
        rows.into_iter().find_map(|row| value(row))
    }

    /// Transfers that may run into a storage.
    pub fn inbound_limit(&self, se: &str) -> u32 {
        let limit = self.storage_value(se, |it| it.inbound_max_active);
        limit.unwrap_or(UNKNOWN_STORAGE_ACTIVE)
    }

    /// Transfers that may run out of a storage.
    pub fn outbound_limit(&self, se: &str) -> u32 {
        let limit = self.storage_value(se, |it| it.outbound_max_active);
        limit.unwrap_or(UNKNOWN_STORAGE_ACTIVE)
    }

    /// MiB/s into a storage; `None` for no limit.
    pub fn inbound_throughput(&self, se: &str) -> Option<f64> {
        self.storage_value(se, |it| it.inbound_max_throughput)
            .filter(|it| *it > 0.0)
    }

    /// MiB/s out of a storage; `None` for no limit.
    pub fn outbound_throughput(&self, se: &str) -> Option<f64> {
        self.storage_value(se, |it| it.outbound_max_throughput)
            .filter(|it| *it > 0.0)
    }

    /// Third-party copies that both storages of a pair take part in: pulls, pushes.
    pub fn third_party(&self, source: &str, destination: &str) -> (bool, bool) {
        let of = |se| {
            let support = self.storage_value(se, |it| it.tpc_support);
            support.unwrap_or(TpcSupport::Full)
        };
        let (a, b) = (of(source), of(destination));
        (a.pulls() && b.pulls(), a.pushes() && b.pushes())
    }

    /// Weights of VOs on a link; `None` when all weigh the same.
    pub fn shares(&self, source: &str, destination: &str) -> Option<&BTreeMap<Arc<str>, u32>> {
        precedence(source, destination)
            .into_iter()
            .find_map(|(a, b)| at_pair(&self.tables.shares, a, b))
    }

    /// All shares, by pair and VO.
    pub fn share_rows(&self) -> Vec<ShareRow> {
        self.tables.share_rows()
    }

    /// Weights of the activities of a VO, whether they count or not.
    pub fn activity_share(&self, vo: &str) -> Option<&Arc<ActivityShareRow>> {
        self.tables.activities.get(vo)
    }

    /// All activity shares, by VO.
    pub fn activity_shares(&self) -> impl Iterator<Item = Arc<ActivityShareRow>> {
        sorted(&self.tables.activities)
    }

    /// How much of an operation a VO may run at a storage; `None` for no limit.
    pub fn operation_limit(&self, vo: &str, se: &str, operation: Operation) -> Option<u32> {
        at_pair(&self.tables.operations, se, vo)?
            .get(&operation)
            .copied()
    }

    /// All limits of operations, by storage and VO.
    pub fn operation_limits(&self) -> Vec<OperationLimitRow> {
        self.tables.operation_rows()
    }

    /// The limits of operations at one storage, by VO.
    pub fn operation_limits_at(&self, se: &str) -> Vec<OperationLimitRow> {
        self.tables.operation_rows_at(se)
    }

    /// The row of a VO, without the general one.
    pub fn vo(&self, vo: &str) -> Option<&Arc<VoRow>> {
        self.tables.vos.get(vo)
    }

    /// All rows of VOs, by name.
    pub fn vos(&self) -> impl Iterator<Item = Arc<VoRow>> {
        sorted(&self.tables.vos)
    }

    /// The first value that a row for a VO gives: its own row, the general one.
    pub fn vo_value<T>(&self, vo: &str, value: impl Fn(&VoRow) -> Option<T>) -> Option<T> {
        let rows = [vo, ANY].into_iter().filter_map(|it| self.vo(it));
        rows.into_iter().find_map(|row| value(row))
    }

    /// The ban of a storage, as far as it is for a VO.
    pub fn storage_ban(&self, se: &str, vo: &str) -> Option<&Arc<StorageBanRow>> {
        let ban = self.tables.storage_bans.get(se)?;
        ban.applies_to(vo).then_some(ban)
    }

    /// The ban of a storage, whoever it is for.
    pub fn ban_of_storage(&self, se: &str) -> Option<&Arc<StorageBanRow>> {
        self.tables.storage_bans.get(se)
    }

    /// All banned storages, by name.
    pub fn storage_bans(&self) -> impl Iterator<Item = Arc<StorageBanRow>> {
        sorted(&self.tables.storage_bans)
    }

    /// The ban of a user.
    pub fn user_ban(&self, dn: &str) -> Option<&Arc<UserBanRow>> {
        self.tables.user_bans.get(dn)
    }

    /// All banned users, by DN.
    pub fn user_bans(&self) -> impl Iterator<Item = Arc<UserBanRow>> {
        sorted(&self.tables.user_bans)
    }

    /// All nodes with a row, by name, and whether they take up no work.
    pub fn hosts(&self) -> impl Iterator<Item = (&Arc<str>, bool)> {
        self.tables.hosts.iter().map(|(name, drain)| (name, *drain))
    }

    /// Whether a node has a row.
    pub fn knows_host(&self, host: &str) -> bool {
        self.tables.hosts.contains_key(host)
    }

    /// Whether a node takes up no work.
    pub fn is_drained(&self, host: &str) -> bool {
        self.tables.hosts.get(host).copied().unwrap_or(false)
    }
}

fn precedence<'a>(source: &'a str, destination: &'a str) -> [(&'a str, &'a str); 4] {
    [
        (source, destination),
        (source, ANY),
        (ANY, destination),
        (ANY, ANY),
    ]
}
