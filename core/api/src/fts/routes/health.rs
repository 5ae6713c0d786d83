//! Liveness and readiness, for whoever starts and stops the process.

use std::time::Duration;

use causeway_model::JobId;
use http::StatusCode;

use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire;

/// A store that takes longer than this to look a row up is not ready.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// `GET /healthz`: the process answers.
pub async fn live(_call: Call) -> Outcome {
    Ok(wire::with_body(
        StatusCode::OK,
        "text/plain; charset=utf-8",
        "ok\n",
    ))
}

/// `GET /readyz`: the store answers too.
pub async fn ready(call: Call) -> Outcome {
    let probe = call.state.store.job(JobId(uuid::Uuid::nil()));
    match tokio::time::timeout(STORE_PATIENCE, probe).await {
        Ok(Ok(_)) => Ok(wire::with_body(
            StatusCode::OK,
            "text/plain; charset=utf-8",
            "ready\n",
        )),
        Ok(Err(error)) => {
            tracing::warn!(%error, "store is not ready");
            Err(ApiError::unavailable("The store is not ready"))
        }
        Err(_elapsed) => Err(ApiError::unavailable("The store does not answer")),
    }
}
