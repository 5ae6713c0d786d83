//! Transfers of all jobs, by condition.

use crate::openapi::doc::{Group, get};

pub(super) fn group() -> Group {
    Group {
        id: "files",
        about: "Transfers across jobs.",
        docs: vec![
            get("/files", "Transfers that have not ended, or those that fit")
                .about("Those of the caller's first VO, or all if the right reaches that far.")
                .query("vo_name", "string", "Only of this VO.")
                .query("state_in", "string", "States, with commas.")
                .query("source_se", "string", "Source storage.")
                .query("dest_se", "string", "Destination storage.")
                .query("dest_surl", "string", "Destination URL.")
                .query(
                    "limit",
                    "integer",
                    "At most so many; 1 to 1000, what lies outside is moved to the bound.",
                )
                .query(
                    "time_window",
                    "string",
                    "`hours[:minutes]`: only those that ended since.",
                )
                .ok("[File]", "The transfers.")
                .fails(400, "An argument makes no sense.")
                .fails(403, "No right to look at transfers."),
        ],
        models: Vec::new(),
    }
}
