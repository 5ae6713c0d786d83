//! `/whoami`: the caller as the service sees them.

use http::StatusCode;

use crate::error::Outcome;
use crate::extract::Call;
use crate::fts::wire;

/// `GET /whoami`
pub async fn whoami(call: Call) -> Outcome {
    wire::json(&wire::whoami(&call.caller))
}

/// `GET /whoami/certificate`: the certificates the caller presented.
pub async fn certificate(call: Call) -> Outcome {
    let pem = call.caller.chain_pem.clone();
    Ok(wire::with_body(
        StatusCode::OK,
        "application/x-pem-file",
        pem,
    ))
}
