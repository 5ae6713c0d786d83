//! Transitions to another quality of service.
//!
//! No storage interface offers them, so each fails with the words users know for it, and its job
//! ends in order instead of waiting for ever.

use causeway_model::{Fault, FileId, FileState, Phase, Scope};

use crate::attempt::EOPNOTSUPP;
use crate::dispatcher::Dispatcher;
use crate::ending::fail;

const NOT_OFFERED: &str = "quality of service transitions are not supported by this storage";

impl Dispatcher {
    /// Fails a file that shall change its quality of service.
    pub(crate) fn refuse_transition(&mut self, file: FileId) {
        let now = self.now;
        let fault = Fault::new(Scope::Qos, Phase::Service, EOPNOTSUPP, NOT_OFFERED);
        let failure = fault.into();
        let refused = |row: &mut causeway_model::Transfer| fail(row, &failure, now);
        if self.board.move_file(file, FileState::Failed, refused) {
            self.file_failed(file);
        }
    }
}
