//! A world: storages, users, operators and accidents around an engine that may die and come back.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use causeway_engine::{Engine, EngineConfig, Parts, TestClock};
use causeway_model::Timestamp;
use causeway_model::observe::Watched;
use causeway_model::ports::{Clock, EngineControl};
use causeway_store::{EmbeddedStore, MemoryStore, StoreOptions};
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::acts::{Act, Drawer, Fate};
use crate::crew::Shift;
use crate::jobs::Maker;
use crate::record::Record;
use crate::shape;
use crate::weather::Weather;
use crate::witness::{Store, Witness};

pub const NODE: &str = "node1";
/// No question to the engine takes longer.
const PATIENCE: Duration = Duration::from_secs(7200);

/// One life of an engine.
pub struct Life {
    engine: Engine,
    pub witness: Arc<Witness>,
    pub shift: Arc<Shift>,
}

/// The world of a seed.
pub struct World {
    dice: StdRng,
    pub record: Record,
    clock: Arc<TestClock>,
    pub config: EngineConfig,
    pub weather: Weather,
    pub drawer: Drawer,
    maker: Maker,
    /// Where the store is, when it is on disk.
    dir: Option<PathBuf>,
    store: Arc<dyn Store>,
    pub life: Option<Life>,
}

fn open(dir: Option<&PathBuf>) -> Arc<dyn Store> {
    match dir {
        Some(dir) => Arc::new(EmbeddedStore::open(dir, StoreOptions::default()).unwrap()),
        None => Arc::new(MemoryStore::new()),
    }
}

impl World {
    /// The world of a seed, on a disk when there is a directory.
    pub async fn of(seed: u64, dir: Option<PathBuf>, keep_tape: bool) -> Self {
        let mut dice = StdRng::seed_from_u64(seed);
        let number = dice.random_range(2..5);
        let hosts: Vec<String> = (0..number).map(|it| format!("mock://se{it}")).collect();
        let config = shape::config(&mut dice, seed);
        let record = Record::default();
        if keep_tape {
            record.keep_tape();
        }
        record.with(|it| {
            it.default_retry = config.retry;
            it.most = (config.max_active, config.deletion_max_active);
            it.eras.tuned = config.optimizer.enabled;
            it.values.start = config.link_start_active.max(1);
        });
        let mut world = Self {
            clock: Arc::new(TestClock::default()),
            weather: Weather::over(&hosts, seed),
            drawer: Drawer {
                hosts: hosts.clone(),
                record: record.clone(),
            },
            maker: Maker { hosts, files: 0 },
            store: open(dir.as_ref()),
            life: None,
            dice,
            record,
            config,
            dir,
        };
        world.start().await;
        world
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn engine(&self) -> &Engine {
        &self.life.as_ref().unwrap().engine
    }

    async fn start(&mut self) {
        let seed = self.dice.random();
        let witness = Witness::new(
            self.store.clone(),
            self.record.clone(),
            self.clock.clone(),
            seed,
        );
        let storages = Arc::new(self.weather.clone());
        let shift = Shift::new(
            storages.clone(),
            self.clock.clone(),
            self.record.clone(),
            seed,
        );
        let parts = Parts {
            store: witness.clone(),
            vault: None,
            clock: self.clock.clone(),
            storages,
            host: NODE.into(),
            observer: Watched::by(witness.clone()),
            settings: Some(witness.clone()),
            history: Some(witness.clone()),
            tokens: None,
        };
        let now = self.now();
        self.record.with(|it| it.values.begin(now));
        let engine = Engine::start_with(self.config.clone(), parts, shift.clone())
            .await
            .unwrap();
        let settings = engine.settings();
        self.record.with(|it| {
            it.eras.begin(settings);
            it.eras.settle(now);
        });
        self.life = Some(Life {
            engine,
            witness,
            shift,
        });
    }

    /// Ends the engine somehow; another comes up on what it left.
    async fn end(&mut self, fate: Fate) {
        self.record.note(self.now(), format!("{fate:?}"));
        let Some(life) = self.life.take() else { return };
        if let Fate::Stop { grace } = fate {
            let stop = tokio::time::timeout(PATIENCE, life.engine.shutdown(grace));
            if stop.await.is_err() {
                self.record.blame("the engine does not stop");
            }
        }
        life.witness.cut();
        life.shift.die();
        self.record.with(|it| it.died());
        drop(life);
        if self.dir.is_some() {
            // The lock on the directory goes with the store.
            self.store = Arc::new(MemoryStore::new());
            self.store = open(self.dir.as_ref());
        }
        self.start().await;
    }

    /// Everything that happens to this world, then what is left of it.
    pub async fn run(&mut self) {
        for _ in 0..self.dice.random_range(10..40) {
            self.step().await;
            if self.record.verdict().is_some() {
                return;
            }
        }
        self.calm().await;
        if self.record.verdict().is_none() {
            self.look_back().await;
        }
        if self.record.verdict().is_none() {
            self.grow_old().await;
        }
        if self.record.verdict().is_none() {
            self.look_back().await;
        }
    }

    async fn step(&mut self) {
        let fate = self.dice.random_bool(0.1).then(|| self.fate());
        // A life may end before its answers are given, or its rows are written.
        let ends_soon = fate.is_some() && self.dice.random_bool(0.7);
        let patience = match ends_soon {
            true => Duration::from_millis(self.dice.random_range(0..100)),
            false => PATIENCE,
        };
        let acts = self.draw();
        self.record.note(self.now(), brief(&acts));
        let done = join_all(acts.into_iter().map(|act| self.act(act)));
        if tokio::time::timeout(patience, done).await.is_err() && !ends_soon {
            self.record.blame("the engine does not answer");
        }
        if let Some(fate) = fate {
            self.end(fate).await;
        }
        self.recount().await;
        let rest = match self.dice.random_range(0..10) {
            0..6 => self.dice.random_range(0..4000),
            6..9 => self.dice.random_range(4000..60_000),
            // A day, now and then, in which jobs grow old.
            _ if self.dice.random_bool(0.1) => self.dice.random_range(50_000_000..150_000_000),
            _ => self.dice.random_range(60_000..2_000_000),
        };
        tokio::time::sleep(Duration::from_millis(rest)).await;
    }

    fn fate(&mut self) -> Fate {
        let grace = Duration::from_millis(self.dice.random_range(0..40_000));
        match self.dice.random_bool(0.4) {
            true => Fate::Stop { grace },
            false => Fate::Kill,
        }
    }

    fn draw(&mut self) -> Vec<Act> {
        let now = self.now();
        let mut acts = Vec::new();
        if self.dice.random_bool(0.5) {
            let view = self.maker.job(&mut self.dice, &*self.store, now);
            if self.dice.random_bool(0.1) {
                acts.push(Act::CancelJob(view.job.job_id));
            }
            acts.insert(0, Act::Submit(Box::new(view)));
        }
        for _ in 0..self.dice.random_range(0..3) {
            acts.extend(self.drawer.act(&mut self.dice));
        }
        if self.dice.random_bool(0.25) {
            acts.push(self.drawer.change(&mut self.dice, now));
        }
        acts
    }
}

fn brief(acts: &[Act]) -> String {
    let names = acts.iter().map(|act| match act {
        Act::Submit(view) => format!("Submit({})", view.job.job_id),
        act => format!("{act:?}"),
    });
    names.collect::<Vec<_>>().join(", ")
}
