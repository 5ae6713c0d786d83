//! One run: a scenario, and who decides in it.

use causeway_engine::optimizer::range::{self, LinkRule, LinkSetup, StorageRule};
use causeway_engine::optimizer::{Constants, LinkInput, Mode, Optimizer};

use super::scenario::Scenario;
use super::world::World;

/// The optimizer is asked every so many seconds, first in the middle of the interval.
const TICK: u64 = 10;

/// Who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Nobody: every link keeps this number.
    Fixed(u32),
    /// The optimizer in this mode.
    Mode(Mode),
}

/// One second of one run.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    /// What each link may run.
    pub(crate) limits: Vec<u32>,
    /// What each link runs.
    pub(crate) running: Vec<usize>,
    /// Bytes each link moved.
    pub(crate) rates: Vec<f64>,
}

/// What happened.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) moments: Vec<Moment>,
    /// Bytes that arrived and stayed.
    pub(crate) kept: f64,
    /// Attempts that failed.
    pub(crate) failed: u64,
    /// What the optimizer said: second, link, number, why.
    pub(crate) said: Vec<(u64, usize, u32, String)>,
}

/// The initial configuration: all links 2 to 130, all storages 200.
fn setup(mode: Mode, source: &str, destination: &str) -> LinkSetup {
    let links = [LinkRule {
        source: "*".to_owned(),
        destination: "*".to_owned(),
        min_active: Some(2),
        max_active: Some(130),
        optimizer_mode: Some(2),
    }];
    let storages = [StorageRule {
        storage: "*".to_owned(),
        inbound_max_active: Some(200),
        outbound_max_active: Some(200),
        ..StorageRule::default()
    }];
    LinkSetup {
        mode,
        ..range::resolve(&links, &storages, source, destination)
    }
}

/// Runs it.
pub(crate) fn run(scenario: &Scenario, policy: Policy, seed: u64, lasts: u64) -> Story {
    let mut world = World::new(&scenario.storages, &scenario.links, seed);
    let mut optimizer = Optimizer::new(Constants::default());
    let mut stored = scenario.stored.clone();
    for (link, stored) in world.links.iter_mut().zip(&stored) {
        link.limit = match policy {
            Policy::Fixed(limit) => limit,
            Policy::Mode(_) => (*stored).max(link.limit),
        };
    }
    let mut said = Vec::new();
    let mut moments = Vec::with_capacity(lasts as usize);
    while world.seconds < lasts {
        if let Policy::Mode(mode) = policy
            && world.seconds % TICK == TICK / 2
        {
            said.extend(decide(&mut world, &mut optimizer, mode, &mut stored));
        }
        if scenario.restart_at == Some(world.seconds) {
            optimizer = Optimizer::new(Constants::default());
            world.forget_windows();
        }
        world.step();
        moments.push(Moment {
            limits: world.links.iter().map(|it| it.limit).collect(),
            running: world.links.iter().map(|it| it.running()).collect(),
            rates: world.links.iter().map(|it| it.rate).collect(),
        });
    }
    Story {
        moments,
        kept: world.links.iter().map(|it| it.kept).sum(),
        failed: world.links.iter().map(|it| it.failed).sum(),
        said,
    }
}

/// One tick of the optimizer over the links with activity.
fn decide(
    world: &mut World,
    optimizer: &mut Optimizer,
    mode: Mode,
    stored: &mut [u32],
) -> Vec<(u64, usize, u32, String)> {
    let time = world.seconds as f64;
    let now = world.now();
    let busy: Vec<usize> = (0..world.links.len())
        .filter(|it| world.links[*it].queue_size(time) > 0)
        .collect();
    let setups: Vec<LinkSetup> = busy
        .iter()
        .map(|it| {
            let link = &world.links[*it];
            setup(mode, &link.source_se, &link.dest_se)
        })
        .collect();
    let inputs: Vec<LinkInput<'_>> = busy
        .iter()
        .zip(&setups)
        .map(|(index, setup)| {
            let link = &world.links[*index];
            LinkInput {
                source_se: &link.source_se,
                dest_se: &link.dest_se,
                setup,
                window: &link.window,
                queue_size: link.queue_size(time),
                stored: stored[*index],
            }
        })
        .collect();
    let decisions = optimizer.tick(now, &inputs);
    let mut said = Vec::new();
    for decision in decisions {
        let value = decision.value;
        let index = world
            .links
            .iter()
            .position(|it| it.source_se == value.source_se && it.dest_se == value.dest_se);
        let index = index.expect("a decision is about a link that was given");
        world.links[index].limit = value.active;
        stored[index] = value.active;
        let rationale = decision.evolution.rationale;
        said.push((world.seconds, index, value.active, rationale));
    }
    said
}
