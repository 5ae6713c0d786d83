//! What a case needs of a storage, and what to say when it is missing.

use causeway_sdk::Operation;

use crate::probe::Probe;

/// What a case needs beyond a storage.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Need {
    /// An operation.
    Can(Operation),
    /// Written files can be read again.
    Kept,
    /// A file to read, written or seeded.
    Sample,
    /// Ranges are honoured.
    Ranges,
    /// Chunks in any order.
    Positional,
    /// A write can be taken up again.
    Resumable,
    /// Nothing visible before the commit.
    Atomic,
    /// Missing directories are made on the way.
    Parents,
    /// Files of unknown size can be written.
    UnknownSize,
    /// Directories can be renamed.
    RenameDirectories,
    /// It copies from its own kind.
    CopyPull,
    /// It copies to its own kind.
    CopyPush,
    /// Somebody can make the network fail.
    Network,
    /// A server that answers in its own time, and no recording.
    Live,
}

impl Probe {
    /// Why a case cannot run here.
    pub(crate) fn lacks(&self, needs: &[Need]) -> Option<String> {
        let missing = needs.iter().find(|need| !self.has(**need))?;
        Some(match missing {
            Need::Can(operation) => format!("needs {}", operation.name()),
            Need::Kept if self.can.can(Operation::Write) => "the storage keeps nothing".into(),
            Need::Kept => "needs write and read".into(),
            Need::Sample => "needs read, and write or a seeded file".into(),
            Need::Ranges => "needs read.ranges".into(),
            Need::Positional => "needs write.positional".into(),
            Need::Resumable => "needs write.resumable".into(),
            Need::Atomic => "needs write.atomic".into(),
            Need::Parents => "needs write.parents".into(),
            Need::UnknownSize => "write.needs_size is claimed".into(),
            Need::RenameDirectories => "needs rename.directories".into(),
            Need::CopyPull => "needs copy.pull_from its own scheme".into(),
            Need::CopyPush => "needs copy.push_to its own scheme".into(),
            Need::Network => "needs a network that can be made to fail".into(),
            Need::Live => "what it finds depends on time, which a recording has none of".into(),
        })
    }

    fn has(&self, need: Need) -> bool {
        let scheme = self.home.scheme();
        match need {
            Need::Can(operation) => self.can.can(operation),
            Need::Kept => self.keeps,
            Need::Sample => self.can.can(Operation::Read) && (self.keeps || !self.seeds.is_empty()),
            Need::Ranges => self.can.read.ranges,
            Need::Positional => self.can.write.positional,
            Need::Resumable => self.can.write.resumable,
            Need::Atomic => self.can.write.atomic,
            Need::Parents => self.can.write.parents,
            Need::UnknownSize => !self.can.write.needs_size,
            Need::RenameDirectories => self.can.rename.directories,
            Need::CopyPull => self.can.can_pull_from(scheme),
            Need::CopyPush => self.can.can_push_to(scheme),
            Need::Network => self.network.is_some(),
            Need::Live => self.live,
        }
    }
}
