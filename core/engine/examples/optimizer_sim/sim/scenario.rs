//! What is tried: eleven worlds, each hard in its own way.

use super::world::{LinkSpec, StorageSpec};

const MB: f64 = 1e6;
const GB: f64 = 1e9;

/// A world, and what happens in it when.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) storages: Vec<StorageSpec>,
    pub(crate) links: Vec<LinkSpec>,
    /// Seconds it lasts.
    pub(crate) lasts: u64,
    /// All is quiet until then: what "the best throughput" is measured in.
    pub(crate) calm_until: u64,
    /// The optimizer is started anew at this second.
    pub(crate) restart_at: Option<u64>,
    /// Values that the links have from before; 0 for none.
    pub(crate) stored: Vec<u32>,
}

fn storage(name: &'static str, bandwidth: f64) -> StorageSpec {
    StorageSpec {
        name,
        bandwidth,
        knee: 400.0,
        slower: 0.0,
        failures: 0.0,
        outage: None,
    }
}

fn link(source: usize, destination: usize) -> LinkSpec {
    LinkSpec {
        source,
        destination,
        bandwidth: 1250.0 * MB,
        alone: 40.0 * MB,
        setup: 3.0,
        others: (0.0, 0.0, 0.0),
        sizes: vec![(0.0, 2.0 * GB, 0.5)],
        failures: 0.0,
        begins: 0.0,
    }
}

fn one_link(name: &'static str, about: &'static str) -> Scenario {
    Scenario {
        name,
        about,
        storages: vec![
            storage("source.one.org", 10.0 * GB),
            storage("destination.two.org", 10.0 * GB),
        ],
        links: vec![link(0, 1)],
        lasts: 5400,
        calm_until: 5400,
        restart_at: None,
        stored: vec![0; 10],
    }
}

/// All of them.
pub(crate) fn all() -> Vec<Scenario> {
    vec![
        wan(),
        lan(),
        long_fat(),
        small_files(),
        shared(),
        inherited(),
        overload(),
        outage(),
        other_traffic(),
        size_shift(),
        restart(),
    ]
}

/// One of them.
pub(crate) fn named(name: &str) -> Scenario {
    all()
        .into_iter()
        .find(|it| it.name == name)
        .unwrap_or_else(|| panic!("no scenario {name}"))
}

fn wan() -> Scenario {
    one_link("wan", "one link, 1.25 GB/s, 40 MB/s per transfer: needs 32")
}

fn lan() -> Scenario {
    let mut it = one_link(
        "lan",
        "2.5 GB/s storage, 400 MB/s per transfer, slower beyond 40 transfers: needs 7",
    );
    it.links[0].bandwidth = 10.0 * GB;
    it.links[0].alone = 400.0 * MB;
    it.links[0].setup = 1.0;
    it.storages[1].bandwidth = 2.5 * GB;
    it.storages[1].knee = 40.0;
    it.storages[1].slower = 0.5;
    it
}

fn long_fat() -> Scenario {
    let mut it = one_link(
        "long-fat",
        "a long link, 1.25 GB/s, 12 MB/s per transfer: needs 105",
    );
    it.links[0].alone = 12.0 * MB;
    it.links[0].setup = 5.0;
    it
}

fn small_files() -> Scenario {
    let mut it = one_link(
        "small-files",
        "5 MB each, two seconds of set-up each; the storage slows down and fails beyond 60",
    );
    it.links[0].sizes = vec![(0.0, 5.0 * MB, 0.5)];
    it.links[0].setup = 2.0;
    it.storages[1].bandwidth = 150.0 * MB;
    it.storages[1].knee = 60.0;
    it.storages[1].slower = 1.0;
    it.storages[1].failures = 0.02;
    it
}

fn shared() -> Scenario {
    let mut it = one_link(
        "shared",
        "ten links into one storage of 2 GB/s, five of them from the 20th minute on; slower \
         beyond 120 transfers: needs 80 in all",
    );
    const SOURCES: [&str; 10] = [
        "s0.one.org",
        "s1.one.org",
        "s2.one.org",
        "s3.one.org",
        "s4.one.org",
        "s5.one.org",
        "s6.one.org",
        "s7.one.org",
        "s8.one.org",
        "s9.one.org",
    ];
    it.storages = SOURCES
        .iter()
        .map(|name| storage(name, 10.0 * GB))
        .collect();
    it.storages.push(StorageSpec {
        knee: 120.0,
        slower: 0.5,
        ..storage("destination.two.org", 2.0 * GB)
    });
    it.links = (0..10)
        .map(|source| LinkSpec {
            alone: 25.0 * MB,
            begins: if source < 5 { 0.0 } else { 1200.0 },
            ..link(source, 10)
        })
        .collect();
    it.calm_until = 1200;
    it
}

fn inherited() -> Scenario {
    let mut it = one_link(
        "inherited",
        "two links into one storage of 2 GB/s, with 120 and 10 transfers from other times: needs \
         80 in all",
    );
    it.storages = vec![
        storage("s0.one.org", 10.0 * GB),
        storage("s1.one.org", 10.0 * GB),
        storage("destination.two.org", 2.0 * GB),
    ];
    it.links = [0, 1].map(|source| link(source, 2)).to_vec();
    for link in &mut it.links {
        link.alone = 25.0 * MB;
        link.bandwidth = 10.0 * GB;
    }
    it.stored = vec![120, 10];
    it.lasts = 2700;
    it.calm_until = 2700;
    it
}

fn overload() -> Scenario {
    let mut it = one_link(
        "overload",
        "the storage slows down and lets attempts fail beyond 40 transfers: needs 32",
    );
    it.storages[1].knee = 40.0;
    it.storages[1].slower = 1.0;
    it.storages[1].failures = 0.01;
    it
}

fn outage() -> Scenario {
    let mut it = one_link(
        "outage",
        "as wan; the destination is out from minute 30 to minute 40",
    );
    it.storages[1].outage = Some((1800.0, 2400.0));
    it.calm_until = 1800;
    it
}

fn other_traffic() -> Scenario {
    let mut it = one_link(
        "other-traffic",
        "as wan; others take 10 to 70 % of the link, up and down in 40 minutes",
    );
    it.links[0].others = (0.4, 0.3, 2400.0);
    it.lasts = 7200;
    it.calm_until = 1200;
    it
}

fn size_shift() -> Scenario {
    let mut it = one_link(
        "size-shift",
        "2 GB files; from minute 30 on 60 MB files, which need twice the transfers; then back",
    );
    it.links[0].sizes = vec![
        (0.0, 2.0 * GB, 0.5),
        (1800.0, 60.0 * MB, 0.5),
        (3600.0, 2.0 * GB, 0.5),
    ];
    it.calm_until = 1800;
    it
}

fn restart() -> Scenario {
    let mut it = one_link(
        "restart",
        "as long-fat; the optimizer is started anew at minute 30 and keeps only its stored values",
    );
    it.links = long_fat().links;
    it.restart_at = Some(1800);
    it
}
