//! Names for forms.

use crate::openapi::doc::{Group, get};

pub(super) fn group() -> Group {
    let terms = [
        ("/autocomplete/dn", "DNs of users"),
        ("/autocomplete/source", "Source storages of links"),
        ("/autocomplete/destination", "Destination storages of links"),
        ("/autocomplete/storage", "Storages of links"),
        ("/autocomplete/vo", "Names of VOs"),
    ];
    let docs = terms.map(|(path, summary)| {
        get(path, summary)
            .query("term", "string", "How they begin.")
            .ok("[string]", "All that begin so.")
            .fails(403, "No right to configure.")
    });
    Group {
        id: "autocomplete",
        about: "Names for forms.",
        docs: docs.into(),
        models: Vec::new(),
    }
}
