//! Plugins in the book: which are out of service, which versions workers have, and what was counted.

use std::collections::BTreeMap;

use causeway_model::workers::{PluginCounters, PluginMarks, RunningVersion, VersionState};

use super::Roster;
use crate::crew::wire::{PluginCard, PluginNews};

impl Roster {
    /// Looks at plugins that are out of service: those that the newest workers have loaded are
    /// back, and those whose file is another by now are called back.
    pub(in crate::crew) fn look_after_plugins(&mut self) -> (Vec<String>, Vec<String>) {
        let Some(table) = self.table.clone() else {
            return Default::default();
        };
        let card = |name: &str| table.plugins.iter().find(|it| it.name == name);
        let is_loaded = |name: &str| card(name).is_some_and(|it| it.capabilities.is_some());
        let back = self.ledger.returned(is_loaded);
        let refused = table.plugins.iter().filter(|it| it.capabilities.is_none());
        for card in refused {
            if let Some(sha256) = &card.sha256 {
                self.ledger.left_out(&card.name, sha256);
            }
        }
        let changed = |name: &&String| {
            let was = self.ledger.why_out(name).and_then(|it| it.sha256.as_ref());
            let is = card(name).and_then(|it| it.sha256.as_ref());
            matches!((was, is), (Some(was), Some(is)) if was != is)
        };
        let changed: Vec<String> = self.ledger.out().keys().filter(changed).cloned().collect();
        let called = changed.into_iter().filter(|it| self.ledger.call_back(it));
        (back, called.collect())
    }

    /// Why a scheme is not served now, if its plugin is out of service.
    pub(in crate::crew) fn refusal(&self, scheme: &str) -> Option<String> {
        if self.ledger.out().is_empty() {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        let table = self.table.as_ref()?;
        let serves = |card: &&PluginCard| card.schemes.contains(&scheme);
        // Looked for by name and by what a plugin claims: one that was left out serves nothing.
        let by_table = self.served_by.get(&scheme).map(|it| it.as_ref());
        let claimed = table
            .plugins
            .iter()
            .filter(serves)
            .map(|it| it.name.as_str());
        let names = by_table.map_or_else(|| claimed.collect(), |name| vec![name]);
        names.into_iter().find_map(|name| {
            let out = self.ledger.why_out(name)?;
            Some(format!("plugin {name} is out of service: {}", out.reason))
        })
    }

    /// A worker tells what it has counted.
    pub(in crate::crew) fn hear_of_plugins(&mut self, id: u64, news: Vec<PluginNews>) {
        let Some(line) = self.lines.get_mut(&id) else {
            return;
        };
        for it in news {
            let before = line.news.get(&it.name);
            let new = it
                .marks
                .since(before.map(|it| it.marks).unwrap_or_default());
            let none = PluginCounters::default();
            let own = it.counters.since(before.map_or(&none, |it| &it.counters));
            let sum = self.marks.entry(it.name.clone()).or_default();
            *sum = sum.and(new);
            let sum = self.counters.entry(it.name.clone()).or_default();
            sum.add_all(&own);
            line.news.insert(it.name.clone(), it);
        }
    }

    /// What was counted of plugins, by name.
    pub(in crate::crew) fn marks(&self) -> &BTreeMap<String, PluginMarks> {
        &self.marks
    }

    /// What plugins counted themselves, by name.
    pub(in crate::crew) fn counters(&self) -> &BTreeMap<String, PluginCounters> {
        &self.counters
    }

    /// Every plugin of the newest workers, with what is known of it by now.
    pub(in crate::crew) fn cards(&self) -> Vec<PluginCard> {
        let mut cards = self
            .table
            .as_ref()
            .map_or_else(Vec::new, |it| it.plugins.clone());
        for card in &mut cards {
            if let Some(out) = self.ledger.why_out(&card.name) {
                card.state = format!("out of service: {}", out.reason);
            } else if card.capabilities.is_some() && self.is_degraded(&card.name) {
                "degraded".clone_into(&mut card.state);
            }
        }
        cards
    }

    fn is_degraded(&self, plugin: &str) -> bool {
        let active = self.lines.values().filter(|it| it.serves(self.active));
        let mut news = active.filter_map(|it| it.news.get(plugin));
        news.any(|it| it.is_degraded)
    }

    /// Versions of plugins that workers have loaded, by name.
    pub(in crate::crew) fn versions(&self) -> BTreeMap<String, Vec<RunningVersion>> {
        let mut all: BTreeMap<String, Vec<RunningVersion>> = BTreeMap::new();
        for line in self.lines.values() {
            let state = match line.serves(self.active) {
                true => VersionState::Serving,
                false => VersionState::Draining,
            };
            let cards = line.table.iter().flat_map(|it| &it.plugins);
            for card in cards.filter(|it| it.capabilities.is_some()) {
                let versions = all.entry(card.name.clone()).or_default();
                let is_it = |it: &&mut RunningVersion| {
                    it.state == state && it.version == card.version && it.sha256 == card.sha256
                };
                let attempts = line.attempts_with(&card.name);
                match versions.iter_mut().find(is_it) {
                    Some(version) => {
                        version.workers += 1;
                        version.attempts += attempts;
                    }
                    None => versions.push(RunningVersion {
                        version: card.version.clone(),
                        sha256: card.sha256.clone(),
                        state,
                        workers: 1,
                        attempts,
                    }),
                }
            }
        }
        for versions in all.values_mut() {
            versions.sort_by_key(|it| it.state);
        }
        all
    }
}
