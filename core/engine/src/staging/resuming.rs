//! Files that a former engine had asked for.

use std::collections::BTreeMap;
use std::time::Duration;

use causeway_model::{FileId, FileState, Transfer};

use super::request::{Request, Stage, Wanted};
use super::sending::{deadline, errand, key};
use crate::board::Place;
use crate::dispatcher::Dispatcher;

impl Dispatcher {
    /// Takes a file up that its storage may be bringing already: after a restart.
    pub(crate) fn resume_staging(&mut self, file: FileId) {
        let Some((job, row)) = self.rows(file) else {
            return;
        };
        let Some(token) = row.bringonline_token.clone() else {
            // Whether its storage ever heard of it is not known.
            let again = |row: &mut Transfer| row.staging_start = None;
            if self.board.move_file(file, FileState::Staging, again) {
                self.gather(file);
            }
            return;
        };
        let key = key(&job, &row);
        let place = key.place();
        let begun = row.staging_start.unwrap_or(self.now);
        let wanted = Wanted {
            url: row.source_surl.clone(),
            deadline: deadline(
                &job,
                begun,
                self.config.default_bring_online_timeout_seconds,
            ),
        };
        let named = (place.clone(), token.clone());
        let id = match self.staging.by_token.get(&named) {
            Some(id) => *id,
            None => {
                let id = self.staging.new_id();
                let request = Request {
                    errand: errand(&key, Some(&file)),
                    place: place.clone(),
                    files: BTreeMap::new(),
                    stage: Stage::Working(token),
                    failures: 0,
                    next_look: None,
                };
                self.staging.requests.insert(id, request);
                self.staging.by_token.insert(named, id);
                self.look_in(id, Duration::ZERO);
                id
            }
        };
        if let Some(request) = self.staging.requests.get_mut(&id) {
            request.files.insert(file, wanted);
        }
        self.staging.count(&place, 1);
        self.board.place_file(file, Place::Staging(id));
    }
}
