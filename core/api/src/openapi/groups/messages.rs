//! What happens, as it happens, and what attempts wrote down; their meaning is in
//! `docs/messages.md`.

use crate::openapi::doc::{Group, HTML, TEXT, get};

pub(super) fn group() -> Group {
    Group {
        id: "events",
        about: "Events as they happen, logs of attempts, the page of a job.",
        docs: vec![
            get("/events", "What happens, as server-sent events")
                .about(
                    "Events about jobs that the caller may read; about links only for those with \
                     the right `config`. The connection stays open; it ends after an hour, or when \
                     nobody reads. Types are `start`, `complete`, `state`, `optimizer` and `job`; \
                     `gap` says that events before the next one are gone, `late` that the listener \
                     was too slow. The header `Last-Event-ID` goes on after an event.",
                )
                .query(
                    "types",
                    "string",
                    "Types of events, separated by commas; all if not given.",
                )
                .query("job_id", "uuid", "Only events about this job.")
                .query("vo_name", "string", "Only events about jobs of this VO.")
                .query("last_event_id", "string", "As the header `Last-Event-ID`.")
                .gives(200, "text/event-stream", "string", "The events.")
                .fails(400, "An argument makes no sense.")
                .fails(403, "No right to read jobs.")
                .fails(503, "Too many are listening, or events are not told here."),
            get(
                "/jobs/{job_id}/files/{file_id}/log",
                "The log of an attempt",
            )
            .query(
                "attempt",
                "integer",
                "Its number, from 1; the last one if not given.",
            )
            .gives(200, TEXT, "string", "The log so far.")
            .fails(400, "The number makes no sense.")
            .fails(403, "The job is somebody else's.")
            .fails(
                404,
                "There is no such job, transfer or attempt, or its log is not here.",
            ),
            get("/fts3/ftsmon", "The page of a job")
                .about("For links of the form `/fts3/ftsmon/#/job/{id}`.")
                .gives(200, HTML, "string", "The page."),
            get(
                "/fts3/ftsmon/job/{job_id}",
                "The page of a job, without the `#`",
            )
            .empty(302, "The page.")
            .fails(404, "That is no id of a job."),
            get("/js/ftsmon.js", "The script of that page").gives(
                200,
                "text/javascript",
                "string",
                "The script.",
            ),
        ],
        models: Vec::new(),
    }
}
