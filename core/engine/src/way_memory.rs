//! The dispatcher's side of the memory of ways: learns from attempts, and tells the next ones.

use causeway_model::{Rung, Transfer};

use crate::dispatcher::Dispatcher;

impl Dispatcher {
    /// An attempt ended: these ways did not work on its link, this one did.
    pub(crate) fn learn_ways(&mut self, row: &Transfer, refused: &[Rung], worked: Option<Rung>) {
        let (source, destination) = (&row.source_se, &row.dest_se);
        for way in refused {
            self.ways.refused(source, destination, *way, self.now);
        }
        if let Some(way) = worked {
            self.ways.worked(source, destination, way);
        }
    }

    /// The ways that come last on the link of a transfer. What an operator said about the
    /// third-party copies of one of its storages goes before what was learnt.
    pub(crate) fn avoided_ways(&self, row: &Transfer) -> Vec<Rung> {
        let said = |se: &str| {
            let row = self.settings.storage(se);
            row.is_some_and(|it| it.tpc_support.is_some())
        };
        if said(&row.source_se) || said(&row.dest_se) {
            return Vec::new();
        }
        self.ways.avoided(&row.source_se, &row.dest_se, self.now)
    }
}
