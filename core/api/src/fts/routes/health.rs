//! Liveness and readiness, for whoever starts and stops the process.

use std::time::Duration;

use causeway_model::JobId;
use causeway_model::ports::StoreError;
use http::StatusCode;

use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire;

/// Who takes longer than this to answer is not ready.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /healthz`: the process answers.
pub async fn live(_call: Call) -> Outcome {
    Ok(wire::with_body(
        StatusCode::OK,
        "text/plain; charset=utf-8",
        "ok\n",
    ))
}

/// `GET /readyz`: store and engine answer, nothing is missing, and work is taken.
pub async fn ready(call: Call) -> Outcome {
    let state = &call.state;
    let probe = state.store.job(JobId(uuid::Uuid::nil()));
    check("store", probe).await?;
    check("engine", state.control.ready()).await?;
    if let Some(obstacle) = state.readiness.obstacle() {
        return Err(ApiError::unavailable(obstacle));
    }
    Ok(wire::with_body(
        StatusCode::OK,
        "text/plain; charset=utf-8",
        "ready\n",
    ))
}

async fn check<T>(
    who: &str,
    probe: impl Future<Output = Result<T, StoreError>>,
) -> Result<(), ApiError> {
    match tokio::time::timeout(PATIENCE, probe).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => {
            tracing::warn!(%error, "{who} is not ready");
            Err(ApiError::unavailable(format!("The {who} is not ready")))
        }
        Err(_elapsed) => Err(ApiError::unavailable(format!("The {who} does not answer"))),
    }
}
