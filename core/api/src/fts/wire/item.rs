//! One element of an answer about several jobs.

use serde::{Serialize, Serializer};

use super::JobShape;
use super::project::{Fields, Members};
use crate::error::ApiError;

/// A job, or why it cannot be shown.
pub enum Item<'a> {
    /// The job.
    Job(JobShape<'a>),
    /// Its id as it was asked for, and the error.
    Error(&'a str, &'a ApiError),
}

impl Item<'_> {
    /// True for a job that cannot be shown.
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Error(..))
    }
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Job(job) => job.serialize(serializer),
            Self::Error(id, error) => {
                let mut it = Members::begin(serializer, &Fields::ALL)?;
                it.put("job_id", id)?;
                it.put("http_status", &error.status_line())?;
                it.put("http_message", error.message())?;
                it.end()
            }
        }
    }
}
