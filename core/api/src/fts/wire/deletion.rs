//! A deletion as clients know it ("dm").

use causeway_model::Deletion;
use serde::{Serialize, Serializer};

use super::project::{Fields, Members, Shown, shown, verbatim};

/// A deletion. Members that only the reference's schema had are null.
pub struct DeletionShape<'a>(pub &'a Deletion);

impl Serialize for DeletionShape<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let row = self.0;
        let mut it = Members::begin(serializer, &Fields::ALL)?;
        it.put("file_id", &row.file_id.0)?;
        it.put("job_id", &Shown(row.job_id))?;
        it.put("file_state", row.state.name())?;
        it.put("source_surl", row.source_surl.as_str())?;
        it.put("source_se", &row.source_se)?;
        it.put("dmHost", &row.host)?;
        it.put("reason", &row.reason)?;
        it.put("start_time", &shown(row.start_time))?;
        it.put("finish_time", &shown(row.finish_time))?;
        it.put("job_finished", &shown(row.job_finished))?;
        it.put("tx_duration", &row.tx_duration)?;
        it.put("retry", &row.retry)?;
        it.put("retry_timestamp", &shown(row.retry_timestamp))?;
        it.put("file_metadata", &verbatim(&row.file_metadata))?;
        it.put("hashed_id", &row.hashed_id)?;
        it.put("vo_name", &row.vo_name)?;
        for name in NULLS {
            it.put(name, &())?;
        }
        it.end()
    }
}

const NULLS: [&str; 8] = [
    "dest_surl",
    "dest_se",
    "checksum",
    "wait_timestamp",
    "wait_timeout",
    "user_filesize",
    "activity",
    "dm_token",
];
