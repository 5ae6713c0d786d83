//! The rows by key: how a change gets in, and how all of them come out.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::authorization::Rights;
use super::change::Change;
use super::ends::Ends;
use super::rows::{
    ANY, ActivityShareRow, HostRow, LinkRow, Operation, OperationLimitRow, ShareRow, StorageBanRow,
    StorageRow, UserBanRow, VoRow,
};

/// Values by pair of storages; two steps, so that looking up needs no new key.
pub(super) type Pairs<T> = HashMap<Arc<str>, HashMap<Arc<str>, T>>;
/// Shares of one pair.
pub(super) type VoWeights = BTreeMap<Arc<str>, u32>;

/// One table for each kind of row. A copy shares them all; a change copies one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tables {
    pub(super) links: Arc<Pairs<Arc<LinkRow>>>,
    pub(super) link_names: Arc<BTreeMap<Arc<str>, Arc<LinkRow>>>,
    pub(super) storages: Arc<HashMap<Arc<str>, Arc<StorageRow>>>,
    pub(super) shares: Arc<Pairs<VoWeights>>,
    pub(super) activities: Arc<HashMap<Arc<str>, Arc<ActivityShareRow>>>,
    pub(super) operations: Arc<Pairs<BTreeMap<Operation, u32>>>,
    pub(super) vos: Arc<HashMap<Arc<str>, Arc<VoRow>>>,
    pub(super) storage_bans: Arc<HashMap<Arc<str>, Arc<StorageBanRow>>>,
    pub(super) user_bans: Arc<HashMap<Arc<str>, Arc<UserBanRow>>>,
    pub(super) hosts: Arc<BTreeMap<Arc<str>, bool>>,
    pub(super) rights: Arc<Rights>,
    /// The ends of `link_names`.
    pub(super) ends: Arc<Ends>,
}

pub(super) fn at_pair<'a, T>(
    pairs: &'a Pairs<T>,
    source: &str,
    destination: &str,
) -> Option<&'a T> {
    pairs.get(source)?.get(destination)
}

fn remove_pair<T>(pairs: &mut Pairs<T>, source: &str, destination: &str) {
    if let Some(row) = pairs.get_mut(source) {
        row.remove(destination);
        if row.is_empty() {
            pairs.remove(source);
        }
    }
}

impl Tables {
    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::PutLink(row) => self.put_link(row),
            Change::DeleteLink(name) => self.delete_link(name),
            Change::PutStorage(row) => {
                put(&mut self.storages, &row.storage, Arc::new(row.clone()));
            }
            Change::DeleteStorage(se) => self.delete_storage(se),
            Change::PutShare(row) => {
                let shares = Arc::make_mut(&mut self.shares);
                let of_source = shares.entry(row.source.clone()).or_default();
                let of_pair = of_source.entry(row.destination.clone()).or_default();
                of_pair.insert(row.vo.clone(), row.active);
            }
            Change::DeleteShare {
                source,
                destination,
                vo,
            } => self.delete_share(source, destination, vo),
            Change::PutActivityShare(row) => {
                put(&mut self.activities, &row.vo, Arc::new(row.clone()));
            }
            Change::DeleteActivityShare(vo) => remove(&mut self.activities, vo),
            Change::PutOperationLimit(row) => self.put_operation(row),
            Change::PutVo(row) => put(&mut self.vos, &row.vo_name, Arc::new(row.clone())),
            Change::DeleteVo(vo) => remove(&mut self.vos, vo),
            Change::BanStorage(row) => put(&mut self.storage_bans, &row.se, Arc::new(row.clone())),
            Change::UnbanStorage(se) => remove(&mut self.storage_bans, se),
            Change::BanUser(row) => put(&mut self.user_bans, &row.dn, Arc::new(row.clone())),
            Change::UnbanUser(dn) => remove(&mut self.user_bans, dn),
            Change::PutHost(row) => {
                Arc::make_mut(&mut self.hosts).insert(row.hostname.clone(), row.drain);
            }
            Change::DeleteHost(host) => drop(Arc::make_mut(&mut self.hosts).remove(host)),
            Change::Authorize(row) => self.authorize(row),
            Change::Revoke(row) => self.revoke(row),
        }
    }

    /// One row for each name and one for each pair: a row takes the place of both.
    fn put_link(&mut self, row: &LinkRow) {
        let names = Arc::make_mut(&mut self.link_names);
        let links = Arc::make_mut(&mut self.links);
        let ends = Arc::make_mut(&mut self.ends);
        if let Some(old) = names.remove(&row.symbolic_name) {
            remove_pair(links, &old.source_se, &old.dest_se);
            ends.remove(&old);
        }
        let row = Arc::new(row.clone());
        let of_source = links.entry(row.source_se.clone()).or_default();
        if let Some(old) = of_source.insert(row.dest_se.clone(), row.clone()) {
            names.remove(&old.symbolic_name);
            ends.remove(&old);
        }
        ends.add(&row);
        names.insert(row.symbolic_name.clone(), row);
    }

    fn delete_link(&mut self, name: &str) {
        let Some(row) = Arc::make_mut(&mut self.link_names).remove(name) else {
            return;
        };
        remove_pair(Arc::make_mut(&mut self.links), &row.source_se, &row.dest_se);
        Arc::make_mut(&mut self.ends).remove(&row);
        remove_pair(
            Arc::make_mut(&mut self.shares),
            &row.source_se,
            &row.dest_se,
        );
    }

    fn delete_storage(&mut self, se: &Arc<str>) {
        remove(&mut self.storages, se);
        let operations = Arc::make_mut(&mut self.operations);
        operations.remove(se);
    }

    fn delete_share(&mut self, source: &str, destination: &str, vo: &str) {
        let shares = Arc::make_mut(&mut self.shares);
        let Some(of_pair) = shares
            .get_mut(source)
            .and_then(|it| it.get_mut(destination))
        else {
            return;
        };
        of_pair.remove(vo);
        if of_pair.is_empty() {
            remove_pair(shares, source, destination);
        }
    }

    fn put_operation(&mut self, row: &OperationLimitRow) {
        let operations = Arc::make_mut(&mut self.operations);
        let of_host = operations.entry(row.host.clone()).or_default();
        let of_vo = of_host.entry(row.vo_name.clone()).or_default();
        match row.concurrent_ops {
            0 => drop(of_vo.remove(&row.operation)),
            limit => drop(of_vo.insert(row.operation, limit)),
        }
        if of_vo.is_empty() {
            remove_pair(operations, &row.host, &row.vo_name);
        }
    }

    /// The changes that make these tables out of empty ones, in an order that is always the same.
    pub(super) fn rows(&self) -> Vec<Change> {
        let mut all: Vec<Change> = Vec::new();
        all.extend(
            self.link_names
                .values()
                .map(|it| Change::PutLink((**it).clone())),
        );
        let storages = sorted(&self.storages);
        all.extend(storages.map(|it| Change::PutStorage((*it).clone())));
        for share in self.share_rows() {
            all.push(Change::PutShare(share));
        }
        let activities = sorted(&self.activities);
        all.extend(activities.map(|it| Change::PutActivityShare((*it).clone())));
        all.extend(
            self.operation_rows()
                .into_iter()
                .map(Change::PutOperationLimit),
        );
        all.extend(sorted(&self.vos).map(|it| Change::PutVo((*it).clone())));
        let bans = sorted(&self.storage_bans);
        all.extend(bans.map(|it| Change::BanStorage((*it).clone())));
        all.extend(sorted(&self.user_bans).map(|it| Change::BanUser((*it).clone())));
        all.extend(self.hosts.iter().map(|(hostname, drain)| {
            Change::PutHost(HostRow {
                hostname: hostname.clone(),
                drain: *drain,
            })
        }));
        all.extend(self.right_rows());
        all
    }

    pub(super) fn share_rows(&self) -> Vec<ShareRow> {
        let mut rows = Vec::new();
        for (source, of_source) in &*self.shares {
            for (destination, of_pair) in of_source {
                rows.extend(of_pair.iter().map(|(vo, active)| ShareRow {
                    source: source.clone(),
                    destination: destination.clone(),
                    vo: vo.clone(),
                    active: *active,
                }));
            }
        }
        rows.sort_by(|a, b| {
            (&a.source, &a.destination, &a.vo).cmp(&(&b.source, &b.destination, &b.vo))
        });
        rows
    }

    pub(super) fn operation_rows(&self) -> Vec<OperationLimitRow> {
        let mut hosts: Vec<_> = self.operations.keys().collect();
        hosts.sort();
        let rows = hosts.into_iter().map(|it| self.operation_rows_at(it));
        rows.flatten().collect()
    }

    pub(super) fn operation_rows_at(&self, host: &str) -> Vec<OperationLimitRow> {
        let Some((host, of_host)) = self.operations.get_key_value(host) else {
            return Vec::new();
        };
        let mut rows = Vec::new();
        for (vo, of_vo) in of_host {
            rows.extend(of_vo.iter().map(|(operation, limit)| OperationLimitRow {
                vo_name: vo.clone(),
                host: host.clone(),
                operation: *operation,
                concurrent_ops: *limit,
            }));
        }
        rows.sort_by(|a, b| (&a.vo_name, a.operation).cmp(&(&b.vo_name, b.operation)));
        rows
    }

    /// Whether a change may have taken a row that stood there from the beginning.
    pub(super) fn takes_default(change: &Change) -> bool {
        match change {
            Change::DeleteLink(_) => true,
            Change::DeleteStorage(name) | Change::DeleteVo(name) => &**name == ANY,
            _ => false,
        }
    }
}

fn put<T: Clone>(table: &mut Arc<HashMap<Arc<str>, T>>, key: &Arc<str>, row: T) {
    Arc::make_mut(table).insert(key.clone(), row);
}

fn remove<T: Clone>(table: &mut Arc<HashMap<Arc<str>, T>>, key: &Arc<str>) {
    Arc::make_mut(table).remove(key);
}

pub(super) fn sorted<T>(table: &HashMap<Arc<str>, Arc<T>>) -> impl Iterator<Item = Arc<T>> {
    let mut rows: Vec<_> = table.iter().collect();
    rows.sort_by_key(|(key, _)| (*key).clone());
    rows.into_iter()
        .map(|(_, row)| row.clone())
        .collect::<Vec<_>>()
        .into_iter()
}
