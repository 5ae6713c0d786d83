//! What an operator does to plugins while transfers run: take what lies in the directories by now, disable,
//! enable, go back to the version that served before.
//!
//! Every change is remembered, then obeyed by a new generation of workers; the old ones end what they have.
//! One change at a time; whoever only looks waits for nobody.
//!
//! # Invariants
//! - A version that does not work leaves the one that serves in place: `tests/live_plugins_refused.rs`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use causeway_engine::crew::{PluginCard, Processes};
use causeway_engine::{EngineConfig, Isolation};
use causeway_model::workers::{
    PluginAction, PluginChange, PluginCounters, PluginMarks, RefusedVersion, RunningVersion,
};
use tokio::sync::Mutex;

use super::book::{Book, Entry, Shelf};
use super::deciding::{Judge, Picture};
use super::live::LivePlugins;
use super::{At, ForWorkers, keep_compiled_in, load_wanted, wanted};
use crate::bundled;
use crate::config::Config;

/// Longest wait of an operator for workers that obey.
const OBEYED: Duration = Duration::from_secs(30);

/// The plugins of a gateway.
pub struct Plugins {
    pub(super) at: At,
    pub(super) shelf: Shelf,
    /// Held while something changes.
    pub(super) config: Mutex<Config>,
    /// As it was after the last change.
    pub(super) picture: ArcSwap<Picture>,
}

/// What is known of a plugin beside its card.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// An operator disabled it.
    pub disabled: bool,
    /// What lies in the plugin directory and was not taken.
    pub refused: Option<RefusedVersion>,
    /// The version that served before: its version and the SHA-256 of its file.
    pub previous: Option<(String, String)>,
}

impl Plugins {
    /// Looks at what lies in the plugin directories and lets workers load it, or loads it here.
    ///
    /// # Errors
    /// When no worker could start, or what was remembered cannot be read.
    pub async fn start(config: &Config) -> anyhow::Result<Self> {
        let state = config.store.embedded_path().map_err(anyhow::Error::msg)?;
        let shelf = Shelf::new(&state);
        let config = with_places(config.clone(), &state);
        let picture = look(&config, &shelf, shelf.read()?, true).await;
        let text = ForWorkers::text(&config, picture.decided())?;
        let at = hire(&config.engine, text).await?;
        Ok(Self {
            at,
            shelf,
            config: Mutex::new(config),
            picture: ArcSwap::from_pointee(picture),
        })
    }

    /// Takes what lies in the plugin directories of a configuration, and uses that from now on.
    ///
    /// # Errors
    /// When it cannot be remembered or handed to workers; then everything stays as it was.
    pub async fn reload(&self, config: &Config) -> anyhow::Result<()> {
        let mut held = self.config.lock().await;
        let state = config.store.embedded_path().map_err(anyhow::Error::msg)?;
        let config = with_places(config.clone(), &state);
        self.take_up(&config).await?;
        *held = config;
        Ok(())
    }

    /// What would stand in the way of a change.
    pub fn obstacle(&self, action: &PluginAction) -> Option<PluginChange> {
        let picture = self.picture.load();
        let (PluginAction::Disable(name)
        | PluginAction::Enable(name)
        | PluginAction::RollBack(name)) = action
        else {
            return None;
        };
        let entry = picture.book.plugins.get(name);
        if entry.is_none() && !self.list().iter().any(|it| it.name == *name) {
            return Some(PluginChange::Unknown);
        }
        let has_previous = entry.is_some_and(|it| it.previous.is_some());
        let goes_back = matches!(action, PluginAction::RollBack(_));
        (goes_back && !has_previous).then_some(PluginChange::NoPrevious)
    }

    /// Changes which plugins are used, and waits until whatever starts obeys.
    ///
    /// # Errors
    /// When it cannot be remembered or handed to workers; then everything stays as it was.
    pub async fn change(&self, action: &PluginAction) -> anyhow::Result<PluginChange> {
        let config = self.config.lock().await;
        if let Some(obstacle) = self.obstacle(action) {
            return Ok(obstacle);
        }
        let generation = match action {
            PluginAction::Reload => self.take_up(&config).await?,
            PluginAction::Disable(name) => self.edit(&config, name, |it| it.disabled = true)?,
            PluginAction::Enable(name) => self.edit(&config, name, |it| it.disabled = false)?,
            PluginAction::RollBack(name) => match self.previous_works(&config, name).await {
                Ok(()) => self.roll_back(&config, name)?,
                Err(reason) => return Ok(PluginChange::Refused(reason)),
            },
        };
        drop(config);
        let obeyed = match &self.at {
            At::Elsewhere(crew) => crew.takes_over(generation, OBEYED).await,
            At::Here(_) => true,
        };
        Ok(match obeyed {
            true => PluginChange::Done,
            false => PluginChange::Pending,
        })
    }

    async fn take_up(&self, config: &Config) -> anyhow::Result<u64> {
        let book = self.picture.load().book.clone();
        let picture = look(config, &self.shelf, book, false).await;
        self.obey(config, picture)
    }

    fn edit(
        &self,
        config: &Config,
        name: &str,
        change: impl FnOnce(&mut Entry),
    ) -> anyhow::Result<u64> {
        let mut picture = Picture::clone(&self.picture.load());
        change(picture.book.plugins.entry(name.to_owned()).or_default());
        self.obey(config, picture)
    }

    fn roll_back(&self, config: &Config, name: &str) -> anyhow::Result<u64> {
        let mut picture = Picture::clone(&self.picture.load());
        let lying = picture.lying.get(name);
        let entry = picture.book.plugins.entry(name.to_owned()).or_default();
        entry.go_back(lying);
        if let Some(version) = &entry.serving {
            let decided = self.shelf.decided(name, version);
            picture.decided.insert(name.to_owned(), decided);
        }
        self.obey(config, picture)
    }

    async fn previous_works(&self, config: &Config, name: &str) -> Result<(), String> {
        let picture = self.picture.load_full();
        let entry = picture.book.plugins.get(name);
        let Some(version) = entry.and_then(|it| it.previous.as_ref()) else {
            return Ok(());
        };
        let judge = Judge {
            config,
            wanted: &wanted(&config.plugins),
            shelf: &self.shelf,
            starting: false,
        };
        judge.works(&self.shelf.folder(name, &version.id)).await
    }

    /// Remembers, then lets workers load it; gives their generation.
    fn obey(&self, config: &Config, picture: Picture) -> anyhow::Result<u64> {
        let told = ForWorkers {
            decided: picture.decided(),
            config: config.clone(),
        };
        let text = ForWorkers::text(config, picture.decided())?;
        self.remember(&picture)?;
        self.picture.store(Arc::new(picture));
        Ok(match &self.at {
            At::Elsewhere(crew) => crew.renew(text),
            At::Here(plugins) => {
                keep_compiled_in(config.plugins.cache_dir.clone());
                plugins.reload(&told.wanted(&[]));
                0
            }
        })
    }

    pub(super) fn remember(&self, picture: &Picture) -> anyhow::Result<()> {
        self.shelf.write(&picture.book)?;
        if let Err(error) = self.shelf.tidy(&picture.book) {
            tracing::warn!(%error, "copies of old plugins are in the way");
        }
        Ok(())
    }

    /// Every plugin and its state.
    pub fn list(&self) -> Vec<PluginCard> {
        self.at.cards()
    }

    /// What is known of a plugin beside its card.
    pub fn known(&self, name: &str) -> Known {
        let picture = self.picture.load();
        let entry = picture.book.plugins.get(name);
        let previous = entry.and_then(|it| it.previous.as_ref());
        Known {
            disabled: entry.is_some_and(|it| it.disabled),
            refused: picture.refused.get(name).cloned(),
            previous: previous.map(|it| (it.version.clone(), it.sha256.clone())),
        }
    }

    /// What was counted, by plugin.
    pub fn marks(&self) -> BTreeMap<String, PluginMarks> {
        self.at.marks()
    }

    /// What plugins counted themselves, by plugin.
    pub fn counters(&self) -> BTreeMap<String, PluginCounters> {
        self.at.counters()
    }

    /// Versions that are loaded, by plugin.
    pub fn versions(&self) -> BTreeMap<String, Vec<RunningVersion>> {
        self.at.versions()
    }

    /// The worker processes, where there are any.
    pub fn crew(&self) -> Option<&Processes> {
        match &self.at {
            At::Elsewhere(crew) => Some(crew),
            At::Here(_) => None,
        }
    }

    /// The plugins of this process, where they are here.
    pub fn here(&self) -> Option<&Arc<LivePlugins>> {
        match &self.at {
            At::Elsewhere(_) => None,
            At::Here(plugins) => Some(plugins),
        }
    }
}

async fn look(config: &Config, shelf: &Shelf, book: Book, starting: bool) -> Picture {
    let judge = Judge {
        config,
        wanted: &wanted(&config.plugins),
        shelf,
        starting,
    };
    judge.look(book).await
}

/// Compiled components, and what plugins remember of what they began, lie beside the store unless somebody
/// said where.
fn with_places(mut config: Config, state: &Path) -> Config {
    let dir = &mut config.plugins.cache_dir;
    dir.get_or_insert_with(|| state.join("components"));
    bundled::keep_records(&mut config.plugins, &state.join("begun"));
    config
}

async fn hire(engine: &EngineConfig, text: String) -> anyhow::Result<At> {
    if engine.isolation == Isolation::InProcess {
        tracing::warn!("plugins run in this process: one that crashes ends the service");
        let told: ForWorkers = toml::from_str(&text).context("understand the configuration")?;
        keep_compiled_in(told.config.plugins.cache_dir.clone());
        let plugins = LivePlugins::from(load_wanted(&told.wanted(&[])));
        return Ok(At::Here(Arc::new(plugins)));
    }
    let crew = Processes::start(engine.process_options(), text);
    Ok(At::Elsewhere(
        crew.await.context("start the worker processes")?,
    ))
}
