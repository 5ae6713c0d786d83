//! A job as clients know it.

use causeway_model::{Job, Overwrite};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::FileShape;
use super::project::{Fields, Members, Shown, shown, verbatim};

/// A job, or some of its members, with what a bulk answer adds.
pub struct JobShape<'a> {
    /// The job.
    pub job: &'a Job,
    /// Members wanted.
    pub fields: &'a Fields,
    /// `http_status` of a bulk answer.
    pub status: Option<&'static str>,
    /// `http_message` of a bulk answer; `Some(None)` for an explicit null.
    pub message: Option<Option<&'static str>>,
    /// `files`, when asked for.
    pub files: Option<Vec<FileShape<'a>>>,
}

impl<'a> JobShape<'a> {
    /// A plain job.
    pub fn new(job: &'a Job) -> Self {
        Self::with_fields(job, &Fields::ALL)
    }

    /// Some members of a job.
    pub fn with_fields(job: &'a Job, fields: &'a Fields) -> Self {
        Self {
            job,
            fields,
            status: None,
            message: None,
            files: None,
        }
    }
}

impl JobShape<'_> {
    /// The members that archived jobs have, too.
    pub(super) fn put_common<M: SerializeMap>(
        &self,
        it: &mut Members<'_, M>,
    ) -> Result<(), M::Error> {
        let job = self.job;
        it.put("job_id", &Shown(job.job_id))?;
        it.put("job_state", job.state.name())?;
        it.put("cancel_job", &job.cancel_job)?;
        it.put("source_se", &job.source_se)?;
        it.put("dest_se", &job.dest_se)?;
        it.put("user_dn", &job.user_dn)?;
        it.put("cred_id", &job.cred_id)?;
        it.put("vo_name", &job.vo_name)?;
        it.put("submit_host", &job.submit_host)?;
        it.put("submit_time", &Shown(job.submit_time))?;
        it.put("job_finished", &shown(job.job_finished))?;
        it.put("reason", &job.reason)?;
        it.put("priority", &job.priority)?;
        it.put("retry", &job.retry)?;
        it.put("max_time_in_queue", &job.max_time_in_queue)?;
        it.put("space_token", &job.space_token)?;
        it.put("source_space_token", &job.source_space_token)?;
        it.put("destination_spacetoken", &job.space_token)?;
        it.put("source_spacetoken", &job.source_space_token)?;
        let params = (!job.copy_params.is_empty()).then_some(Shown(&job.copy_params));
        it.put("internal_job_params", &params)?;
        it.put("overwrite_flag", &OverwriteFlag(job.overwrite))?;
        it.put("copy_pin_lifetime", &job.copy_pin_lifetime)?;
        it.put("bring_online", &job.bring_online)?;
        it.put("verify_checksum", &job.verify_checksum.0)?;
        it.put("job_metadata", &verbatim(&job.job_metadata))?;
        it.put("archive_timeout", &job.archive_timeout)?;
        it.put("target_qos", &job.target_qos)?;
        it.put("dst_file_report", &job.dst_file_report)?;
        it.put("os_project_id", &job.os_project_id)
    }
}

impl Serialize for JobShape<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let job = self.job;
        let mut it = Members::begin(serializer, self.fields)?;
        self.put_common(&mut it)?;
        it.put("job_type", &job.job_type.map(|it| it.letter()))?;
        it.put("retry_delay", &job.retry_delay)?;
        if let Some(files) = &self.files {
            it.always("files", files)?;
        }
        if let Some(status) = self.status {
            it.always("http_status", status)?;
        }
        if let Some(message) = self.message {
            it.always("http_message", &message)?;
        }
        it.end()
    }
}

/// A boolean where that is enough, else a letter.
struct OverwriteFlag(Overwrite);

impl Serialize for OverwriteFlag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.letter() {
            Some(letter) => serializer.serialize_char(letter),
            None => serializer.serialize_bool(self.0 == Overwrite::Yes),
        }
    }
}
