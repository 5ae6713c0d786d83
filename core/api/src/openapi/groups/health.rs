//! For whoever starts and stops the process, and what pages load.

use crate::openapi::doc::{Group, TEXT, get};

pub(super) fn group() -> Group {
    Group {
        id: "health",
        about: "For whoever starts and stops the process.",
        docs: vec![
            get("/healthz", "Whether the process answers").gives(200, TEXT, "string", "It does."),
            get("/readyz", "Whether work is taken")
                .gives(200, TEXT, "string", "It is.")
                .fails(503, "Something is missing; the message says what."),
        ],
        models: Vec::new(),
    }
}

pub(super) fn pages() -> Group {
    Group {
        id: "pages",
        about: "What pages for browsers load.",
        docs: vec![
            get("/css/causeway.css", "The style of all pages").gives(
                200,
                "text/css",
                "string",
                "A style sheet.",
            ),
            get("/js/forms.js", "The script of pages with forms").gives(
                200,
                "text/javascript",
                "string",
                "A script.",
            ),
        ],
        models: Vec::new(),
    }
}
