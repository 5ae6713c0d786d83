//! Archived jobs as clients know them: with the names that the rows had of old.

use causeway_model::ports::JobView;
use causeway_model::{Job, JobType, Transfer};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::project::{Fields, Members, Shown, shown, verbatim};
use super::{DeletionShape, JobShape};

/// A job out of the archive, or some of its members.
pub struct ArchivedJob<'a> {
    view: &'a JobView,
    fields: &'a Fields,
}

impl<'a> ArchivedJob<'a> {
    /// Those members of a job.
    pub fn new(view: &'a JobView, fields: &'a Fields) -> Self {
        Self { view, fields }
    }
}

impl Serialize for ArchivedJob<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let job = &*self.view.job;
        let mut it = Members::begin(serializer, self.fields)?;
        JobShape::new(job).put_common(&mut it)?;
        put_legacy(&mut it, job)?;
        let files = self.view.files.iter();
        let files: Vec<_> = files.map(|file| ArchivedFile { file, job }).collect();
        it.put("files", &files)?;
        let deletions = self.view.deletions.iter().map(|row| DeletionShape(row));
        it.put("dm", &deletions.collect::<Vec<_>>())?;
        it.end()
    }
}

/// Members that live jobs do not have any more.
fn put_legacy<M: SerializeMap>(it: &mut Members<'_, M>, job: &Job) -> Result<(), M::Error> {
    it.put("reuse_job", &(job.job_type == Some(JobType::Reuse)))?;
    it.put("job_params", "")
}

/// A transfer of an archived job.
struct ArchivedFile<'a> {
    file: &'a Transfer,
    job: &'a Job,
}

impl Serialize for ArchivedFile<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let file = self.file;
        let mut it = Members::begin(serializer, &Fields::ALL)?;
        it.put("file_id", &Shown(file.file_id))?;
        it.put("file_index", &file.file_index)?;
        it.put("job_id", &Shown(file.job_id))?;
        it.put("file_state", file.state.name())?;
        it.put("source_surl", file.source_surl.as_str())?;
        it.put("dest_surl", file.dest_surl.as_str())?;
        it.put("source_se", &file.source_se)?;
        it.put("dest_se", &file.dest_se)?;
        it.put("staging_host", &file.staging_host)?;
        it.put("transferhost", &file.transfer_host)?;
        it.put("reason", &file.reason)?;
        it.put("current_failures", &file.retry)?;
        it.put("filesize", &file.filesize)?;
        it.put("user_filesize", &file.user_filesize)?;
        it.put("checksum", &file.checksum)?;
        it.put("start_time", &shown(file.start_time))?;
        it.put("finish_time", &shown(file.finish_time))?;
        it.put("staging_start", &shown(file.staging_start))?;
        it.put("staging_finished", &shown(file.staging_finished))?;
        it.put("job_finished", &shown(self.job.job_finished))?;
        it.put("internal_file_params", &file.internal_file_params)?;
        it.put("pid", &file.pid)?;
        it.put("tx_duration", &file.tx_duration)?;
        it.put("throughput", &file.throughput)?;
        it.put("retry", &file.retry)?;
        it.put("file_metadata", &verbatim(&file.file_metadata))?;
        it.put("selection_strategy", &file.selection_strategy)?;
        it.put("bringonline_token", &file.bringonline_token)?;
        it.end()
    }
}
