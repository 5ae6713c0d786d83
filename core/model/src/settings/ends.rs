//! Which storages links begin at and end at, sorted, for whoever begins to type one. Kept as links
//! come and go.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::Settings;
use super::rows::{ANY, LinkRow};
use crate::names::beginning;

/// Number of links at a storage.
type Counts = BTreeMap<Arc<str>, usize>;

/// The index. See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Ends {
    sources: Counts,
    destinations: Counts,
}

impl Ends {
    pub(super) fn add(&mut self, link: &LinkRow) {
        *self.sources.entry(link.source_se.clone()).or_default() += 1;
        *self.destinations.entry(link.dest_se.clone()).or_default() += 1;
    }

    pub(super) fn remove(&mut self, link: &LinkRow) {
        leave(&mut self.sources, &link.source_se);
        leave(&mut self.destinations, &link.dest_se);
    }
}

fn leave(counts: &mut Counts, storage: &Arc<str>) {
    let Some(count) = counts.get_mut(storage) else {
        return;
    };
    *count -= 1;
    if *count == 0 {
        counts.remove(storage);
    }
}

/// Names that begin so. `*` is the name of none.
fn fitting(counts: &Counts, prefix: &str, limit: usize) -> Vec<String> {
    let from = (Bound::Included(prefix), Bound::Unbounded);
    let names = counts.range::<str, _>(from).map(|(name, _)| name);
    beginning(names.filter(|it| &***it != ANY), prefix, limit)
}

impl Settings {
    /// Storages that links begin at, by the beginning of their names.
    pub fn link_sources(&self, prefix: &str, limit: usize) -> Vec<String> {
        fitting(&self.tables.ends.sources, prefix, limit)
    }

    /// Storages that links end at, by the beginning of their names.
    pub fn link_destinations(&self, prefix: &str, limit: usize) -> Vec<String> {
        fitting(&self.tables.ends.destinations, prefix, limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Change;

    #[test]
    fn storages_come_and_go_with_their_links() {
        let mut it = Settings::default();
        for (name, source, destination) in [
            ("1", "davs://a", "davs://c"),
            ("2", "davs://a", "davs://b"),
            ("3", "srm://a", "*"),
        ] {
            it.apply(&Change::PutLink(LinkRow::new(name, source, destination)));
        }
        assert_eq!(it.link_sources("", 9), ["davs://a", "srm://a"]);
        assert_eq!(it.link_sources("davs://", 9), ["davs://a"]);
        assert_eq!(it.link_destinations("davs://", 9), ["davs://b", "davs://c"]);
        assert_eq!(it.link_destinations("davs://", 1), ["davs://b"]);
        // The row of a name moves, and the row of a pair is taken by another name.
        it.apply(&Change::PutLink(LinkRow::new("1", "davs://a", "davs://d")));
        it.apply(&Change::PutLink(LinkRow::new("4", "davs://a", "davs://b")));
        assert_eq!(it.link_destinations("davs://", 9), ["davs://b", "davs://d"]);
        for name in ["1", "4", "4", "2"] {
            it.apply(&Change::DeleteLink(name.into()));
        }
        assert!(it.link_destinations("", 9).is_empty());
        assert_eq!(it.link_sources("", 9), ["srm://a"]);
    }
}
