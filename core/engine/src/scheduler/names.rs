//! Names of activities, kept once for all transfers that bear them.
//!
//! Users make these names up, so a name that nobody bears any more is forgotten.

use std::collections::HashMap;
use std::sync::Arc;

use super::slab::{ActivityId, Slab};

#[derive(Debug)]
pub(super) struct Name {
    /// As the user wrote it.
    pub(super) given: Arc<str>,
    /// As shares are compared with it.
    pub(super) lower: Box<str>,
    bearers: u64,
}

#[derive(Debug, Default)]
pub(super) struct Names {
    names: Slab<ActivityId, Name>,
    ids: HashMap<Arc<str>, ActivityId>,
}

impl Names {
    /// The number of a name, which has one bearer more.
    pub(super) fn take(&mut self, name: &Arc<str>) -> ActivityId {
        if let Some(id) = self.ids.get(name) {
            self.names[*id].bearers += 1;
            return *id;
        }
        let id = self.names.insert(Name {
            given: Arc::clone(name),
            lower: name.to_lowercase().into(),
            bearers: 1,
        });
        self.ids.insert(Arc::clone(name), id);
        id
    }

    /// A name has one bearer less.
    pub(super) fn give_back(&mut self, id: ActivityId) {
        let name = &mut self.names[id];
        name.bearers -= 1;
        if name.bearers == 0 {
            self.ids.remove(&name.given);
            self.names.remove(id);
        }
    }

    pub(super) fn get(&self, id: ActivityId) -> &Name {
        &self.names[id]
    }

    pub(super) fn bearers(&self, id: ActivityId) -> u64 {
        self.names[id].bearers
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }
}
