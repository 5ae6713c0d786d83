//! Who gets a scheme: the only one that claims it, or the one that an operator prefers.

use std::collections::{BTreeMap, BTreeSet};

use super::Host;
use crate::handle::{PluginHandle, PluginInfo, State};
use crate::refusal::Refusal;

impl Host {
    /// Gives every scheme to one plugin. Where several claim one and no priority decides, none of
    /// them stays.
    pub(super) fn settle(&mut self) {
        let conflicts = self.conflicts();
        for (name, refusal) in &conflicts {
            tracing::warn!(plugin.name = %name, "plugin refused: failed to {refusal}");
        }
        let (out, stay): (Vec<_>, Vec<_>) = std::mem::take(&mut self.plugins)
            .into_iter()
            .partition(|it| conflicts.contains_key(it.name()));
        self.refused.extend(out.iter().map(|handle| PluginInfo {
            state: State::Failed(conflicts[handle.name()].to_string()),
            ..handle.info()
        }));
        self.plugins = stay;
        self.schemes = self
            .claims()
            .into_iter()
            .filter_map(|(scheme, claimants)| Some((scheme, self.winner(&claimants)?.clone())))
            .collect();
    }

    fn claims(&self) -> BTreeMap<String, Vec<PluginHandle>> {
        let mut claims: BTreeMap<String, Vec<PluginHandle>> = BTreeMap::new();
        for handle in &self.plugins {
            let schemes: BTreeSet<_> = handle
                .schemes()
                .iter()
                .map(|it| it.to_ascii_lowercase())
                .collect();
            for scheme in schemes {
                claims.entry(scheme).or_default().push(handle.clone());
            }
        }
        claims
    }

    fn winner<'a>(&self, claimants: &'a [PluginHandle]) -> Option<&'a PluginHandle> {
        match claimants {
            [one] => Some(one),
            several => self
                .priority
                .iter()
                .find_map(|name| several.iter().find(|it| it.name() == name)),
        }
    }

    fn conflicts(&self) -> BTreeMap<String, Refusal> {
        let mut conflicts = BTreeMap::new();
        for (scheme, claimants) in self.claims() {
            if self.winner(&claimants).is_some() {
                continue;
            }
            for (index, it) in claimants.iter().enumerate() {
                let other = &claimants[(index + 1) % claimants.len()];
                conflicts.insert(
                    it.name().to_owned(),
                    Refusal::Conflict {
                        scheme: scheme.clone(),
                        other: other.name().to_owned(),
                    },
                );
            }
        }
        conflicts
    }
}
