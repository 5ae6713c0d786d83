//! The service itself: versions, and its own documentation.

use crate::openapi::doc::{Group, get};

pub(super) fn group() -> Group {
    Group {
        id: "api",
        about: "Versions, links, and this documentation.",
        docs: vec![
            get("/", "Versions and links")
                .about("Clients look at `api`, whose members are integers.")
                .ok("object", "Versions of the parts, and links to resources."),
            get("/openapi.json", "This document").ok("object", "An OpenAPI 3.1 document."),
            get("/api-docs", "List of resources")
                .about("In the form of Swagger 1.2, for old viewers; a page for browsers.")
                .ok("object", "The resources.")
                .or_page(),
            get("/api-docs/{resource}", "Routes of a resource")
                .about("In the form of Swagger 1.2.")
                .ok("object", "Routes and models.")
                .fails(404, "There is no such resource."),
            get("/api-docs/config/{resource}", "Routes of a part of the configuration")
                .about("The resources whose ids begin with `config/`.")
                .ok("object", "Routes and models.")
                .fails(404, "There is no such resource."),
            get("/api-docs/schema/submit", "JSON schema of a submission")
                .about(
                    "For validating before submitting. What is accepted is laxer: see `Submission`.",
                )
                .ok("object", "A JSON schema."),
        ],
        models: Vec::new(),
    }
}
