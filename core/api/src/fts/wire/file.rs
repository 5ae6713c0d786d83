//! A transfer as clients know it ("file"), and its failed attempts.

use causeway_model::{RetryLog, Transfer};
use serde::{Serialize, Serializer};

use super::project::{Fields, Members, Shown, shown, verbatim};

/// A transfer, or some of its members.
pub struct FileShape<'a> {
    /// The transfer.
    pub file: &'a Transfer,
    /// Members wanted.
    pub fields: &'a Fields,
}

impl<'a> FileShape<'a> {
    /// A whole transfer.
    pub fn new(file: &'a Transfer) -> Self {
        Self {
            file,
            fields: &Fields::ALL,
        }
    }
}

impl Serialize for FileShape<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let file = self.file;
        let mut it = Members::begin(serializer, self.fields)?;
        it.put("file_id", &file.file_id.0)?;
        it.put("job_id", &Shown(file.job_id))?;
        it.put("file_state", file.state.name())?;
        it.put("source_surl", file.source_surl.as_str())?;
        it.put("dest_surl", file.dest_surl.as_str())?;
        it.put("source_se", &file.source_se)?;
        it.put("dest_se", &file.dest_se)?;
        it.put("file_index", &file.file_index)?;
        it.put("hashed_id", &file.hashed_id)?;
        it.put("retry", &file.retry)?;
        it.put("priority", &file.priority)?;
        it.put("pid", &file.pid)?;
        it.put("vo_name", &file.vo_name)?;
        it.put("activity", &file.activity)?;
        it.put("selection_strategy", &file.selection_strategy)?;
        it.put("reason", &file.reason)?;
        it.put("checksum", &file.checksum)?;
        it.put("transfer_host", &file.transfer_host)?;
        it.put("staging_host", &file.staging_host)?;
        it.put("filesize", &file.filesize)?;
        it.put("user_filesize", &file.user_filesize)?;
        it.put("transferred", &file.transferred)?;
        it.put("start_time", &shown(file.start_time))?;
        it.put("finish_time", &shown(file.finish_time))?;
        it.put("staging_start", &shown(file.staging_start))?;
        it.put("staging_finished", &shown(file.staging_finished))?;
        it.put("archive_start_time", &shown(file.archive_start_time))?;
        it.put("archive_finish_time", &shown(file.archive_finish_time))?;
        it.put("retry_timestamp", &shown(file.retry_timestamp))?;
        it.put("internal_file_params", &file.internal_file_params)?;
        it.put("bringonline_token", &file.bringonline_token)?;
        it.put("log_file", &file.log_file)?;
        it.put("log_debug", &file.log_debug)?;
        it.put("recoverable", &file.recoverable)?;
        it.put("tx_duration", &file.tx_duration)?;
        it.put("throughput", &file.throughput)?;
        it.put("file_metadata", &verbatim(&file.file_metadata))?;
        it.put("dest_surl_uuid", &shown(file.dest_surl_uuid))?;
        it.put("retries", NO_RETRIES)?;
        it.put("staging_metadata", &verbatim(&file.staging_metadata))?;
        it.put("archive_metadata", &verbatim(&file.archive_metadata))?;
        it.put("scitag", &file.scitag)?;
        it.put("src_token_id", &file.src_token_id.map(Shown))?;
        it.put("dst_token_id", &file.dst_token_id.map(Shown))?;
        let initial = file.file_state_initial.map(|it| it.name());
        it.put("file_state_initial", &initial)?;
        it.end()
    }
}

const NO_RETRIES: &[u8] = &[];

/// A failed attempt.
pub struct RetryShape<'a>(pub &'a RetryLog);

impl Serialize for RetryShape<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut it = Members::begin(serializer, &Fields::ALL)?;
        it.put("file_id", &self.0.file_id.0)?;
        it.put("attempt", &self.0.attempt)?;
        it.put("datetime", &Shown(self.0.datetime))?;
        it.put("reason", &self.0.reason)?;
        it.put("transfer_host", &self.0.transfer_host)?;
        it.put("log_file", &self.0.log_file)?;
        it.end()
    }
}
