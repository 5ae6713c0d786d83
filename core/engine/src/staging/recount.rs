//! Counts bringing online again and compares: for tests.

use std::collections::HashMap;

use super::Staging;
use super::gather::Place;

impl Staging {
    /// What there is of each kind.
    ///
    /// # Errors
    /// The first difference between a counter and what it counts.
    pub(crate) fn recount(&self) -> Result<[(&'static str, usize); 4], String> {
        let mut started: HashMap<&Place, usize> = HashMap::new();
        for request in self.requests.values() {
            *started.entry(&request.place).or_default() += request.files.len();
        }
        started.retain(|_, files| *files > 0);
        let same = started.len() == self.started.len()
            && started
                .iter()
                .all(|(place, files)| self.started.get(*place) == Some(files));
        if !same {
            let counted = &self.started;
            return Err(format!(
                "files being staged: counted {counted:?}, found {started:?}"
            ));
        }
        Ok([
            ("requests", self.requests.len()),
            ("files being staged", self.started.len()),
            ("request tokens", self.by_token.len()),
            ("files to stage", self.gathering.waiting()),
        ])
    }
}
