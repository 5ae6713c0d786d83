//! What the surface says about itself: the document of now, the listing of old, and the JSON
//! schema of a submission, which documents while what is accepted is laxer.

use http::StatusCode;

use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire;
use crate::middleware::negotiate::prefers_html;
use crate::openapi;

const SUBMIT: &str = include_str!("submit.schema.json");

/// `GET /openapi.json`
pub async fn document(_call: Call) -> Outcome {
    wire::json(openapi::openapi())
}

/// `GET /api-docs`: the resources, or a page for browsers.
pub async fn resources(call: Call) -> Outcome {
    if prefers_html(&call.headers) {
        let page = openapi::page();
        return Ok(wire::with_body(
            StatusCode::OK,
            "text/html; charset=utf-8",
            page,
        ));
    }
    wire::json(&openapi::resources())
}

/// `GET /api-docs/{resource}`
pub async fn resource(call: Call) -> Outcome {
    described(call.param("resource"))
}

/// `GET /api-docs/config/{resource}`: ids with a slash in them.
pub async fn config_resource(call: Call) -> Outcome {
    described(&format!("config/{}", call.param("resource")))
}

fn described(id: &str) -> Outcome {
    match openapi::resource(id) {
        Some(resource) => wire::json(&resource),
        None => Err(ApiError::not_found(format!("API not found: {id}"))),
    }
}

/// `GET /api-docs/schema/submit`
pub async fn submit_schema(_call: Call) -> Outcome {
    Ok(wire::with_body(StatusCode::OK, "application/json", SUBMIT))
}
