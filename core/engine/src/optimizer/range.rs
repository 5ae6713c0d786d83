//! Between which numbers a link may move: configured rows and defaults, resolved.
//!
//! Pure functions on plain values; whoever keeps the configuration calls them when it changes.

use super::sample::Mode;

/// Transfers into or out of a storage for which nothing is configured, not even for `*`.
pub const STORAGE_FALLBACK: u32 = 60;
const LAN_MIN: u32 = 10;
const WAN_MIN: u32 = 2;
const ANY: &str = "*";

/// What a link row says of concurrency. `*` stands for any storage.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkRule {
    /// Source storage or `*`.
    pub source: String,
    /// Destination storage or `*`.
    pub destination: String,
    /// Least transfers; not above 0 means the default.
    pub min_active: Option<i64>,
    /// Most transfers; not above 0 means what the storages allow.
    pub max_active: Option<i64>,
    /// Mode.
    pub optimizer_mode: Option<i64>,
}

/// What a storage row says. Nothing, or nothing positive, means it says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StorageRule {
    /// Storage or `*`.
    pub storage: String,
    /// Transfers into it.
    pub inbound_max_active: Option<i64>,
    /// Transfers out of it.
    pub outbound_max_active: Option<i64>,
    /// MiB/s into it.
    pub inbound_max_throughput: Option<f64>,
    /// MiB/s out of it.
    pub outbound_max_throughput: Option<f64>,
}

/// What the two storages of a link allow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StorageLimits {
    /// Transfers out of the source.
    pub source_max_active: u32,
    /// Transfers into the destination.
    pub destination_max_active: u32,
    /// MiB/s out of the source, if limited.
    pub source_max_throughput: Option<f64>,
    /// MiB/s into the destination, if limited.
    pub destination_max_throughput: Option<f64>,
}

/// Between which numbers a link may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Least transfers, at least 1.
    pub min: u32,
    /// Most transfers, at least `min`.
    pub max: u32,
    /// The row that was used is not the one for all links.
    pub specific: bool,
    /// The upper end comes from the limits of the storages.
    pub storage_specific: bool,
}

/// All that configuration says of one link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkSetup {
    /// Who decides.
    pub mode: Mode,
    /// Within which range.
    pub range: Range,
    /// What the storages allow.
    pub limits: StorageLimits,
}

/// The row that speaks for a link: its own, else `(source, *)`, `(*, destination)`, `(*, *)`.
pub fn matching<'a>(
    rules: &'a [LinkRule],
    source: &str,
    destination: &str,
) -> Option<&'a LinkRule> {
    let order = [
        (source, destination),
        (source, ANY),
        (ANY, destination),
        (ANY, ANY),
    ];
    order.into_iter().find_map(|(source, destination)| {
        rules
            .iter()
            .find(|it| it.source == source && it.destination == destination)
    })
}

/// The limits of the two storages of a link: each value from the storage's own row, else from the
/// row `*`, else the fallback.
pub fn storage_limits(rules: &[StorageRule], source: &str, destination: &str) -> StorageLimits {
    StorageLimits {
        source_max_active: active_limit(rules, source, |it| it.outbound_max_active),
        destination_max_active: active_limit(rules, destination, |it| it.inbound_max_active),
        source_max_throughput: throughput_limit(rules, source, |it| it.outbound_max_throughput),
        destination_max_throughput: throughput_limit(rules, destination, |it| {
            it.inbound_max_throughput
        }),
    }
}

fn rows<'a>(rules: &'a [StorageRule], storage: &'a str) -> impl Iterator<Item = &'a StorageRule> {
    [storage, ANY]
        .into_iter()
        .filter_map(move |name| rules.iter().find(|it| it.storage == name))
}

fn active_limit(
    rules: &[StorageRule],
    storage: &str,
    column: impl Fn(&StorageRule) -> Option<i64>,
) -> u32 {
    rows(rules, storage)
        .filter_map(column)
        .find_map(positive)
        .unwrap_or(STORAGE_FALLBACK)
}

fn throughput_limit(
    rules: &[StorageRule],
    storage: &str,
    column: impl Fn(&StorageRule) -> Option<f64>,
) -> Option<f64> {
    rows(rules, storage)
        .filter_map(column)
        .find(|limit| *limit > 0.0)
}

/// A number above 0, cut to what fits; `None` for any other.
fn positive(value: i64) -> Option<u32> {
    (value > 0).then(|| u32::try_from(value).unwrap_or(u32::MAX))
}

/// True when both storages stand in the same domain: the same storage, or names that agree from
/// their first dot on. Two names without any dot agree.
pub fn is_lan(source: &str, destination: &str) -> bool {
    source == destination || domain(source) == domain(destination)
}

fn domain(storage: &str) -> Option<&str> {
    storage.find('.').map(|at| &storage[at..])
}

/// Mode and range of a link.
pub fn resolve(
    links: &[LinkRule],
    storages: &[StorageRule],
    source: &str,
    destination: &str,
) -> LinkSetup {
    let limits = storage_limits(storages, source, destination);
    let rule = matching(links, source, destination);
    let mode = rule
        .and_then(|it| it.optimizer_mode)
        .map_or_else(Mode::default, Mode::from_column);
    LinkSetup {
        mode,
        range: range(rule, &limits, is_lan(source, destination)),
        limits,
    }
}

fn range(rule: Option<&LinkRule>, limits: &StorageLimits, lan: bool) -> Range {
    // Half a range is none: either end missing counts as both missing.
    let (min, max) = rule
        .and_then(|it| it.min_active.zip(it.max_active))
        .unwrap_or((0, 0));
    let min = positive(min).unwrap_or(if lan { LAN_MIN } else { WAN_MIN });
    let by_storages = limits.source_max_active.min(limits.destination_max_active);
    let configured = positive(max);
    Range {
        min,
        max: configured.unwrap_or(by_storages).max(min),
        specific: rule.is_some_and(|it| it.source != ANY || it.destination != ANY),
        storage_specific: configured.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(source: &str, destination: &str, min: i64, max: i64, mode: i64) -> LinkRule {
        LinkRule {
            source: source.to_owned(),
            destination: destination.to_owned(),
            min_active: Some(min),
            max_active: Some(max),
            optimizer_mode: Some(mode),
        }
    }

    fn storage(name: &str, inbound: Option<i64>, outbound: Option<i64>) -> StorageRule {
        StorageRule {
            storage: name.to_owned(),
            inbound_max_active: inbound,
            outbound_max_active: outbound,
            ..StorageRule::default()
        }
    }

    const A: &str = "mock://a.one.org";
    const B: &str = "mock://b.two.org";

    #[test]
    fn the_nearest_row_speaks() {
        let mut rules = vec![
            rule("*", "*", 2, 130, 2),
            rule("*", B, 3, 30, 1),
            rule(A, "*", 4, 40, 3),
            rule(A, B, 5, 50, 0),
        ];
        let seen = |rules: &[LinkRule]| {
            let it = resolve(rules, &[], A, B);
            (it.mode, it.range.min, it.range.max, it.range.specific)
        };
        assert_eq!(seen(&rules), (Mode::Disabled, 5, 50, true));
        rules.pop();
        assert_eq!(seen(&rules), (Mode::Aggressive, 4, 40, true));
        rules.pop();
        assert_eq!(seen(&rules), (Mode::Conservative, 3, 30, true));
        rules.pop();
        assert_eq!(seen(&rules), (Mode::Normal, 2, 130, false));
        rules.pop();
        assert_eq!(seen(&rules), (Mode::Conservative, 2, 60, false));
    }

    #[test]
    fn half_a_range_is_none_and_the_storages_set_the_upper_end() {
        let mut half = rule(A, B, 5, 50, 2);
        half.min_active = None;
        let storages = [
            storage("*", Some(200), Some(150)),
            storage(B, Some(70), None),
        ];
        let range = resolve(&[half], &storages, A, B).range;
        let expected = Range {
            min: 2,
            max: 70,
            specific: true,
            storage_specific: true,
        };
        assert_eq!(range, expected);
        let back = resolve(&[], &storages, B, A);
        assert_eq!(back.limits.source_max_active, 150);
        assert_eq!((back.range.min, back.range.max), (2, 150));
    }

    #[test]
    fn the_upper_end_is_at_least_the_lower() {
        let storages = [storage("*", Some(4), Some(4))];
        let range = resolve(&[rule("*", "*", 0, 0, 1)], &storages, A, A).range;
        assert_eq!((range.min, range.max), (10, 10));
    }

    #[test]
    fn domains() {
        assert!(is_lan(A, A));
        assert!(is_lan("mock://x.cern.ch", "mock://y.cern.ch"));
        assert!(!is_lan("mock://x.cern.ch", "mock://x.fnal.gov"));
        assert!(is_lan("mock://one", "mock://two"));
        assert!(!is_lan("mock://one", "mock://two.cern.ch"));
        let lan = resolve(&[], &[], "mock://one", "mock://two").range;
        assert_eq!((lan.min, lan.max), (10, 60));
    }

    #[test]
    fn storages_own_row_then_star_then_sixty() {
        let mut own = storage(A, None, Some(7));
        own.outbound_max_throughput = Some(12.5);
        let rules = [own, storage("*", Some(200), Some(0))];
        let limits = storage_limits(&rules, A, B);
        assert_eq!(limits.source_max_active, 7);
        assert_eq!(limits.destination_max_active, 200);
        assert_eq!(limits.source_max_throughput, Some(12.5));
        assert_eq!(limits.destination_max_throughput, None);
        assert_eq!(storage_limits(&rules, B, A).source_max_active, 60);
    }
}
