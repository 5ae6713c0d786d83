//! Counts what waits for tape again and compares: for tests.

use super::Archiving;

impl Archiving {
    /// Files that wait.
    ///
    /// # Errors
    /// The first difference between a group and its files.
    pub(crate) fn recount(&self) -> Result<usize, String> {
        let grouped: usize = self
            .groups
            .values()
            .map(|it| it.due.len() + it.asked.len())
            .sum();
        if grouped != self.files.len() || self.groups.len() != self.ids.len() {
            return Err(format!(
                "files that wait for tape: {} in {} groups, of {} in {}",
                grouped,
                self.groups.len(),
                self.files.len(),
                self.ids.len()
            ));
        }
        Ok(self.files.len())
    }
}
