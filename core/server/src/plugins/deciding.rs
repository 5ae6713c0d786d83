//! Which version of each plugin is used: what lies in the plugin directories, held against what is
//! remembered.
//!
//! A version that nobody has seen is tried first; one that fails leaves the old one in place. In the very
//! beginning there is no old one: then workers find out themselves, and what works is remembered.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use causeway_host::{Candidate, Candidates, Decided, Version, Wanted};
use causeway_model::workers::RefusedVersion;

use super::book::{Book, Shelf};
use super::trial::try_folder;
use crate::config::Config;

/// What was decided, and what is remembered.
#[derive(Clone, Debug, Default)]
pub(super) struct Picture {
    pub(super) book: Book,
    /// By name; what an operator disabled is not looked at here.
    pub(super) decided: BTreeMap<String, Decided>,
    /// What was not taken.
    pub(super) refused: BTreeMap<String, RefusedVersion>,
    /// Versions in the plugin directories.
    pub(super) lying: BTreeMap<String, String>,
    /// Plugins that nobody has tried: workers will say whether they work.
    pub(super) untried: BTreeMap<String, (Version, PathBuf)>,
}

impl Picture {
    /// What processes are told.
    pub(super) fn decided(&self) -> BTreeMap<String, Decided> {
        let mut all = self.decided.clone();
        let disabled = self.book.plugins.iter().filter(|(_, it)| it.disabled);
        all.extend(disabled.map(|(name, _)| (name.clone(), Decided::Disabled)));
        all
    }

    fn refuse(&mut self, name: &str, version: Option<&Version>, reason: String) {
        tracing::warn!(plugin.name = name, "plugin refused: failed to {reason}");
        let refused = RefusedVersion {
            version: version.map(|it| it.version.clone()).unwrap_or_default(),
            sha256: version.map(|it| it.sha256.clone()),
            reason,
        };
        self.refused.insert(name.to_owned(), refused);
    }
}

/// Who decides.
pub(super) struct Judge<'a> {
    pub(super) config: &'a Config,
    pub(super) wanted: &'a Wanted,
    pub(super) shelf: &'a Shelf,
    /// The gateway starts: what was never remembered is not tried.
    pub(super) starting: bool,
}

impl Judge<'_> {
    /// Looks at what lies there.
    pub(super) async fn look(&self, book: Book) -> Picture {
        let directories = self.wanted.directories.clone();
        let found = tokio::task::spawn_blocking(move || Candidates::find(&directories)).await;
        // A panic in there has been told, and nothing was found.
        let found = found.unwrap_or_default();
        let mut picture = Picture {
            book,
            ..Picture::default()
        };
        if found.complete {
            // Who removes a plugin's folder wants it no more.
            let there = |name: &String, _: &mut _| found.plugins.contains_key(name);
            picture.book.plugins.retain(there);
        }
        let names: Vec<String> = picture.book.plugins.keys().cloned().collect();
        for name in names {
            self.decide(&mut picture, &name);
        }
        for (name, candidate) in &found.plugins {
            self.judge(&mut picture, name, candidate).await;
            self.decide(&mut picture, name);
        }
        picture
    }

    /// The version that is remembered is the one that is used.
    fn decide(&self, picture: &mut Picture, name: &str) {
        let entry = picture.book.plugins.get(name);
        if let Some(version) = entry.and_then(|it| it.serving.as_ref()) {
            let decided = self.shelf.decided(name, version);
            picture.decided.insert(name.to_owned(), decided);
        }
    }

    async fn judge(&self, picture: &mut Picture, name: &str, candidate: &Candidate) {
        let version = match &candidate.version {
            Ok(version) => version,
            Err(refusal) => return picture.refuse(name, None, refusal.to_string()),
        };
        picture.lying.insert(name.to_owned(), version.id.clone());
        if !self.is_new(picture, name, version, &candidate.folder) {
            return;
        }
        let verdict = self
            .may_serve(picture, name, version, &candidate.folder)
            .await;
        match verdict {
            Ok(()) => {
                let number = version.version.as_str();
                tracing::info!(
                    plugin.name = name,
                    plugin.version = number,
                    "plugin has another version"
                );
                let entry = picture.book.plugins.entry(name.to_owned()).or_default();
                entry.take(version.clone());
            }
            Err(reason) => {
                let entry = picture.book.plugins.get(name);
                if entry.is_none_or(|it| it.serving.is_none()) {
                    let decided = Decided::Refused(reason.clone());
                    picture.decided.insert(name.to_owned(), decided);
                }
                picture.refuse(name, Some(version), reason);
            }
        }
    }

    /// Whether a version is another one than serves, and one that may be taken.
    fn is_new(&self, picture: &mut Picture, name: &str, version: &Version, folder: &Path) -> bool {
        let entry = picture.book.plugins.get(name).cloned().unwrap_or_default();
        let Some(serving) = &entry.serving else {
            if self.starting {
                let found = (version.clone(), folder.to_owned());
                picture.untried.insert(name.to_owned(), found);
            }
            return !self.starting;
        };
        if serving.id != version.id {
            return entry.passed_over.as_ref() != Some(&version.id);
        }
        // The copy may be gone, or another signature may be there.
        if let Err(refusal) = self.shelf.keep(name, &version.id, folder) {
            tracing::warn!(plugin.name = name, "failed to {refusal}");
        }
        false
    }

    /// Tries a version, and keeps a copy of one that works.
    async fn may_serve(
        &self,
        picture: &Picture,
        name: &str,
        version: &Version,
        folder: &Path,
    ) -> Result<(), String> {
        self.no_conflict(picture, name, version)?;
        self.works(folder).await?;
        let kept = self.shelf.keep(name, &version.id, folder);
        kept.map_err(|refusal| refusal.to_string())
    }

    /// Whether the plugin in a folder can be used.
    pub(super) async fn works(&self, folder: &Path) -> Result<(), String> {
        let cache = self.config.plugins.cache_dir.as_deref();
        let memory = self.config.engine.worker_memory_bytes;
        try_folder(folder, self.wanted, cache, memory).await
    }

    /// A plugin that claims what another one serves would put both out.
    fn no_conflict(&self, picture: &Picture, name: &str, version: &Version) -> Result<(), String> {
        let preferred = |it: &str| self.wanted.priority.iter().any(|one| one == it);
        for (other, entry) in picture.book.plugins.iter().filter(|(it, _)| *it != name) {
            let claimed = entry.serving.iter().flat_map(|it| &it.schemes);
            let mut both = claimed.filter(|it| version.schemes.contains(it));
            if let Some(scheme) = both.next()
                && !preferred(name)
                && !preferred(other)
            {
                let conflict = causeway_host::Refusal::Conflict {
                    scheme: scheme.clone(),
                    other: other.clone(),
                };
                return Err(conflict.to_string());
            }
        }
        Ok(())
    }
}
