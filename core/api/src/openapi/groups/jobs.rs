//! Jobs: submit, look, cancel, change.

use serde_json::json;

use super::{jobs_model, submission};
use crate::openapi::doc::{Doc, Group, delete, get, post};
use crate::openapi::kind::object;

const NO_JOB: &str = "There is no such job.";
const FOREIGN: &str = "The job is somebody else's.";
const NEVER: &str = "Not sent: when there is nothing to cancel the counts are 0.";

pub(super) fn group() -> Group {
    let submit = submit();
    Group {
        id: "jobs",
        about: "Jobs and their transfers.",
        docs: vec![
            list(),
            submit.also("PUT", "/jobs"),
            submit,
            several(get("/jobs/{job_ids}", "One job, or several"))
                .query(
                    "files",
                    "string",
                    "Names of members of transfers, with commas: adds `files` with just those.",
                ),
            several(delete("/jobs/{job_ids}", "Cancel jobs")).about(
                "A job that has ended is left as it is: its `http_status` is `304 Not Modified`.",
            ),
            several(post("/jobs/{job_ids}", "Change jobs"))
                .about("Only `priority` can be changed. Jobs that have ended stay as they are.")
                .body("Modification", "What shall change.")
                .example(json!({"params": {"priority": 5}}))
                .fails(400, "The priority is no integer."),
            one(get("/jobs/{job_id}/files", "Transfers of a job")).ok("[File]", "By number."),
            one(get("/jobs/{job_id}/dm", "Deletions of a job"))
                .ok("[DataManagement]", "An empty list for a job with transfers."),
            one(get("/jobs/{job_id}/{field}", "One member of a job"))
                .ok("any", "The bare value.")
                .fails(404, "There is no such job, or jobs have no such member."),
            one(get("/jobs/{job_id}/files/{file_id}/retries", "Failed attempts of a transfer"))
                .ok("[FileRetryLog]", "By attempt.")
                .fails(404, "There is no such job, or it has no such transfer."),
            one(delete("/jobs/{job_id}/files/{file_ids}", "Cancel transfers of a job"))
                .about("Only where transfers do not depend on each other.")
                .ok(
                    "string|[string]",
                    "`CANCELED`, or the state in which it had ended before, or that it is none of the job.",
                )
                .fails(400, "The job is of another type than N."),
            delete("/jobs/all", "Cancel everything")
                .ok("CancelCounts", "How much was cancelled.")
                .fails(404, NEVER),
            delete("/jobs/vo/{vo_name}", "Cancel everything of a VO")
                .ok("CancelCounts", "How much was cancelled.")
                .fails(404, NEVER)
                .fails(409, NEVER),
        ],
        models: models(),
    }
}

fn list() -> Doc {
    get("/jobs", "Jobs that have not ended, or those that fit")
        .about(
            "How far the right `transfer` reaches decides what is seen: own jobs, those of the first \
             VO, or all. Jobs that have ended are shown only with `state_in`, together with \
             `limit` or `time_window`.",
        )
        .query("user_dn", "string", "Only the caller's own, unless the right reaches everything.")
        .query("vo_name", "string", "Only of this VO.")
        .query("dlg_id", "string", "The caller's own delegation id.")
        .query("state_in", "string", "States, with commas.")
        .query("source_se", "string", "Storage that is the source of all transfers.")
        .query("dest_se", "string", "Storage that is the destination of all transfers.")
        .query("limit", "integer", "At most so many, the newest first; up to 500.")
        .query("time_window", "string", "`hours[:minutes]`: only those that ended since.")
        .query("fields", "string", "Names of members, with commas: only those are shown.")
        .ok("[Job]", "The jobs.")
        .fails(400, "An argument makes no sense, or `user_dn` is somebody else's.")
        .fails(403, "No right, or `dlg_id` is somebody else's.")
}

fn submit() -> Doc {
    post("/jobs", "Submit a job")
        .about(
            "Once the answer has come the job is on disk. PUT and POST do the same. Members that \
             nobody knows are ignored, and null means the default, at every level.",
        )
        .body("Submission", "Transfers, or deletions.")
        .example(submission::example())
        .ok("Submitted", "It is taken.")
        .fails(400, "The submission makes no sense; the message says where.")
        .fails(403, "No right to submit, or a storage is banned.")
        .fails(
            409,
            "The job id is taken, or a transfer to a destination is under way (where that is checked).",
        )
        .fails(419, "There is no delegated credential, or it lasts less than an hour.")
}

/// A route for one id or several.
fn several(doc: Doc) -> Doc {
    doc.ok(
        "JobStatus|[JobStatus]",
        "The job, or a list in the order asked for.",
    )
    .gives(
        207,
        "application/json",
        "[JobStatus|JobProblem]",
        "A list of which at least one element is not a job but says what is wrong.",
    )
    .fails(403, FOREIGN)
    .fails(404, NO_JOB)
}

/// A route for exactly one job.
fn one(doc: Doc) -> Doc {
    let mut doc = doc.fails(403, FOREIGN);
    if !doc.path.contains("{field}") && !doc.path.contains("{file_id}") {
        doc = doc.fails(404, NO_JOB);
    }
    doc
}

fn models() -> Vec<(&'static str, serde_json::Value)> {
    let mut models = vec![
        (
            "Submitted",
            object(&[("job_id!", "uuid", "Id of the job.")]),
        ),
        ("Modification", object(&[("params", "PriorityChange?", "")])),
        (
            "PriorityChange",
            object(&[(
                "priority",
                "integer?",
                "Kept as it is given; 0 changes nothing.",
            )]),
        ),
        (
            "CancelCounts",
            object(&[
                ("affected_files!", "integer", "Transfers."),
                ("affected_dm!", "integer", "Deletions."),
                ("affected_jobs!", "integer", "Jobs."),
            ]),
        ),
        (
            "JobProblem",
            object(&[
                ("job_id!", "string", "As it was asked for."),
                ("http_status!", "string", "For instance `404 Not Found`."),
                ("http_message!", "string", "What is wrong."),
            ]),
        ),
    ];
    models.extend(jobs_model::models());
    models.extend(submission::models());
    models
}
