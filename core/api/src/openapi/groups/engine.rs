//! Routes that no other service of the kind has; their meaning is in `docs/explain.md` and
//! `docs/isolation.md`.

use super::{engine_model, submission};
use crate::openapi::doc::{Group, delete, get, post};

const NO_RIGHT: &str = "No right to configure.";
const SILENT: &str = "The engine does not answer: try again later.";

pub(super) fn group() -> Group {
    Group {
        id: "engine",
        about: "Why something waits, what would become of a submission, what the engine found out.",
        docs: vec![
            get("/jobs/{job_id}/files/{file_id}/explain", "Why a transfer waits")
                .ok("Explanation", "The reasons, the one that stops it first.")
                .fails(403, "The job is somebody else's.")
                .fails(404, "There is no such job, or it has no such transfer.")
                .fails(503, SILENT),
            post("/plan", "What would become of a submission")
                .about("It is read, judged and refused like one. Nothing is stored.")
                .body("Submission", "As for `POST /jobs`.")
                .example(submission::example())
                .ok("Plan", "What would happen.")
                .fails(400, "The submission makes no sense; the message says where.")
                .fails(403, "No right to submit, or a storage is banned.")
                .fails(409, "The job id is taken.")
                .fails(419, "There is no delegated credential, or it lasts less than an hour.")
                .fails(503, SILENT),
            get("/engine/conditions", "What the engine found out")
                .about("Each list from `offset` on, at most `limit` elements; `totals` says how long they are.")
                .query("storage", "string", "Only what is about this storage.")
                .query("limit", "integer", "1 to 1000, and 1000 if not given.")
                .query("offset", "integer", "How many to leave out in front.")
                .ok("Conditions", "Storages that cannot be reached, ways that do not work, values of links.")
                .fails(400, "An argument makes no sense.")
                .fails(403, NO_RIGHT)
                .fails(503, SILENT),
            delete("/engine/breakers", "Use a storage again that could not be reached")
                .needs("storage", "string", "The storage.")
                .empty(204, "It is in use, whether or not it was.")
                .fails(400, "No storage is named.")
                .fails(403, NO_RIGHT)
                .fails(503, SILENT),
            delete("/engine/ways", "Forget which ways of copying did not work on a link")
                .needs("source", "string", "Source storage.")
                .needs("destination", "string", "Destination storage.")
                .empty(204, "All ways are tried again.")
                .fails(400, "A storage is not named.")
                .fails(403, NO_RIGHT)
                .fails(503, SILENT),
            get("/engine/workers", "The processes that run transfers and plugins")
                .ok("[Worker]", "None where plugins run in the service itself.")
                .fails(403, NO_RIGHT)
                .fails(503, SILENT),
            get("/engine/plugins", "Plugins, and why one is not used")
                .ok("[Plugin]", "As `GET /config/plugins`.")
                .fails(403, NO_RIGHT)
                .fails(503, SILENT),
            post("/engine/plugins/{name}/put-back", "Use a plugin again that was taken out of service")
                .about("It is back when workers have loaded it, which takes a moment.")
                .ok("Plugin", "As it is then.")
                .fails(403, NO_RIGHT)
                .fails(404, "There is no such plugin.")
                .fails(409, "It is not out of service.")
                .fails(503, SILENT),
        ],
        models: engine_model::models(),
    }
}
