//! What is loaded of what lies in the directories, and what is said of the rest.
//!
//! Where somebody decided upon a version, that one is loaded: from the directory if it still lies there
//! whole, else from the copy. So a process that starts late loads what the others have, whatever was
//! put into the directories meanwhile.

use std::collections::BTreeMap;
use std::path::Path;

use super::Host;
use crate::folder::{Found, folder_name};
use crate::handle::{Kind, PluginHandle, PluginInfo, State};
use crate::manifest::Manifest;
use crate::refusal::Refusal;
use crate::signature::Signatures;
use crate::wanted::{Decided, Wanted};

impl Host {
    /// Loads what is wanted. The rest is listed with its reason by [`plugins`](Self::plugins).
    pub fn load_wanted(wanted: &Wanted) -> Self {
        let mut host = Self {
            priority: wanted.priority.clone(),
            ..Self::default()
        };
        let signatures = Signatures::read(&wanted.signatures);
        for (name, folders) in host.look_through(wanted) {
            let options = wanted.options.get(&name);
            let load = |it: &Found| it.load(options, &signatures);
            let is_out = wanted.excluded.contains(&name);
            match (wanted.decided.get(&name), folders.as_slice()) {
                (Some(Decided::Version { id, kept }), found) => {
                    let found = found.iter().find(|it| is_version(it, id));
                    let copy = || Found::at(kept.clone());
                    match is_out {
                        true => host.refuse_found(found.unwrap_or(&copy()), &Refusal::OutOfService),
                        false => host.take_decided(found, copy, load),
                    }
                }
                (Some(decided), [one, ..]) => host.refuse_found(one, &refusal(decided)),
                (None, [one]) if is_out => host.refuse_found(one, &Refusal::OutOfService),
                (None, [one]) => host.take(one, load(one)),
                (None, several) => host.refuse_all(&name, several),
                (Some(_), []) => {}
            }
        }
        host.settle();
        host
    }

    /// Loads the plugin of one folder and nothing else.
    ///
    /// # Errors
    /// Why it was refused.
    pub fn load_folder(folder: &Path, wanted: &Wanted) -> Result<PluginHandle, Refusal> {
        load_alone(&Found::at(folder.to_owned()), wanted)
    }

    /// Loads one folder as [`load_folder`](Self::load_folder) does, with something between it and the network.
    ///
    /// # Errors
    /// Why it was refused.
    #[cfg(feature = "wasm")]
    pub fn load_folder_through(
        folder: &Path,
        wanted: &Wanted,
        wire: std::sync::Arc<dyn crate::wire::Wire>,
    ) -> Result<PluginHandle, Refusal> {
        let mut found = Found::at(folder.to_owned());
        found.wire = Some(wire);
        load_alone(&found, wanted)
    }

    /// Folders by name; a later directory wins. Those that were decided upon are there in any case.
    fn look_through(&mut self, wanted: &Wanted) -> BTreeMap<String, Vec<Found>> {
        let has_version = |decided: &Decided| matches!(decided, Decided::Version { .. });
        let decided = wanted.decided.iter().filter(|(_, it)| has_version(it));
        let mut all: BTreeMap<String, Vec<Found>> = decided
            .map(|(name, _)| (name.clone(), Vec::new()))
            .collect();
        for directory in &wanted.directories {
            let mut here: BTreeMap<String, Vec<Found>> = BTreeMap::new();
            match Found::all(directory) {
                Ok(folders) => {
                    for it in folders {
                        here.entry(it.name()).or_default().push(it);
                    }
                }
                Err(refusal) => self.refuse(directory, None, &refusal),
            }
            all.extend(here);
        }
        leave_alone(&mut all, &wanted.schemes);
        all
    }

    fn take(&mut self, found: &Found, loaded: Result<PluginHandle, Refusal>) {
        match loaded {
            Ok(handle) => self.add(handle),
            Err(refusal) => self.refuse_found(found, &refusal),
        }
    }

    /// The version that was decided upon: as it was found, else the copy.
    fn take_decided(
        &mut self,
        found: Option<&Found>,
        copy: impl Fn() -> Found,
        load: impl Fn(&Found) -> Result<PluginHandle, Refusal>,
    ) {
        let refusal = match found.map(|it| (it, load(it))) {
            Some((_, Ok(handle))) => return self.add(handle),
            Some((it, Err(refusal))) => Some((it, refusal)),
            None => None,
        };
        let copy = copy();
        match (load(&copy), refusal) {
            (Ok(handle), None) => self.add(handle),
            (Ok(handle), Some((it, refusal))) => {
                let text = refusal.to_string();
                let path = it.folder.display().to_string();
                tracing::warn!(plugin.name = %it.name(), plugin.path = path, "plugin refused: failed to {text}; the copy that was kept is used");
                self.add(handle.instead_of(text));
            }
            // The one that an operator can do something about.
            (Err(_), Some((it, refusal))) => self.refuse_found(it, &refusal),
            (Err(refusal), None) => self.refuse_found(&copy, &refusal),
        }
    }

    fn add(&mut self, handle: PluginHandle) {
        tracing::info!(
            plugin.name = handle.name(),
            plugin.version = handle.version(),
            "plugin loaded"
        );
        self.plugins.push(handle);
    }

    fn refuse_all(&mut self, name: &str, several: &[Found]) {
        for (index, it) in several.iter().enumerate() {
            let other = &several[(index + 1) % several.len()];
            let refusal = Refusal::Duplicate {
                name: name.to_owned(),
                other: other.folder.clone(),
            };
            self.refuse_found(it, &refusal);
        }
    }

    fn refuse_found(&mut self, found: &Found, refusal: &Refusal) {
        self.refuse(&found.folder, found.manifest(), refusal);
    }

    fn refuse(&mut self, folder: &Path, manifest: Option<&Manifest>, refusal: &Refusal) {
        let name = manifest.map_or_else(|| folder_name(folder), |it| it.name.clone());
        let state = match refusal {
            Refusal::Disabled => State::Disabled,
            refusal => State::Failed(refusal.to_string()),
        };
        if state != State::Disabled {
            tracing::warn!(plugin.name = %name, plugin.path = %folder.display(), "plugin refused: failed to {refusal}");
        }
        self.refused.push(PluginInfo {
            name,
            version: manifest.map(|it| it.version.clone()).unwrap_or_default(),
            kind: manifest.map_or(Kind::Native, |it| it.kind),
            schemes: manifest.map(|it| it.schemes.clone()).unwrap_or_default(),
            state,
            path: Some(manifest.map_or_else(|| folder.to_owned(), |it| it.library(folder))),
            sha256: manifest.map(|it| it.sha256.clone()),
            signed_by: None,
            instead_of: None,
            panics: 0,
            counters: BTreeMap::new(),
            capabilities: None,
        });
    }
}

fn load_alone(found: &Found, wanted: &Wanted) -> Result<PluginHandle, Refusal> {
    let signatures = Signatures::read(&wanted.signatures);
    found.load(wanted.options.get(&found.name()), &signatures)
}

/// Takes out what serves none of these schemes. Where one of them has nobody, all stay, so that who is told of
/// it hears what there is.
fn leave_alone(all: &mut BTreeMap<String, Vec<Found>>, schemes: &[String]) {
    let is_served = |scheme: &String| all.values().flatten().any(|it| it.serves(scheme));
    if schemes.is_empty() || !schemes.iter().all(is_served) {
        return;
    }
    let is_wanted =
        |it: &Found| it.manifest().is_none() || schemes.iter().any(|scheme| it.serves(scheme));
    // Of a version that was decided upon there may be the copy alone, whose manifest nobody has read yet.
    all.retain(|_, folders| folders.is_empty() || folders.iter().any(is_wanted));
}

fn is_version(found: &Found, id: &str) -> bool {
    found.written.as_ref().is_ok_and(|it| it.id() == id)
}

fn refusal(decided: &Decided) -> Refusal {
    match decided {
        Decided::Refused(reason) => Refusal::Tried(reason.clone()),
        Decided::Disabled | Decided::Version { .. } => Refusal::Disabled,
    }
}
