//! Submitting.

use bytes::Bytes;
use causeway_model::AuthMethod;
use serde_json::json;

use crate::error::{ApiError, Outcome};
use crate::extract::{Call, Caller};
use crate::fts::submit::{self, Context, Document, Submission, admission, strategy};
use crate::fts::wire;
use crate::state::ApiState;

/// A credential must last at least so long, in seconds.
const LIFE_MIN: f64 = 3600.0;

/// Larger bodies, in bytes, are read on a thread where nobody waits.
const LARGE: usize = 1 << 20;

/// `POST /jobs` and `PUT /jobs`
pub async fn submit(mut call: Call) -> Outcome {
    let body = call.take_object().await?;
    let mut submission = judged(&call, &body).await?;
    let state = &call.state;
    let tokens = std::mem::take(&mut submission.tokens).into_rows();
    if !tokens.is_empty() {
        let store = state.transfer_tokens.as_ref();
        let store = store.ok_or_else(|| {
            ApiError::bad_request("This service accepts no source_tokens or destination_tokens")
        })?;
        store.add_tokens(tokens).await?;
    }
    let job_id = submission.job.job_id;
    let ids = state.store.reserve_file_ids(submission.len());
    state
        .control
        .submit(submission.into_view(ids.start))
        .await?;
    tracing::info!(job_id = %job_id, request_id = %call.request_id, "job taken");
    wire::json(&json!({"job_id": job_id.to_string()}))
}

/// Everything that is done with a submission before it is stored: for a plan, all of it.
pub(crate) async fn judged(call: &Call, body: &Bytes) -> Result<Submission, ApiError> {
    // What is no JSON is told before what is missing in the vault, as the reference does.
    let document = Document::read(body)?;
    check_credential(call).await?;

    let mut submission = match body.len() > LARGE {
        true => build_elsewhere(call, body.clone()).await?,
        false => submit::build(&document, context(&call.state, &call.caller))?,
    };
    let state = &call.state;
    admission::ask(&*state.storages, &submission).await?;
    let sources = strategy::Sources {
        jobs: &*state.store,
        past: state.operations.as_deref().map(|it| &*it.settings),
        now: state.clock.now(),
    };
    strategy::choose(&mut submission, sources).await?;
    submission.hold_for_tokens();
    Ok(submission)
}

fn context<'a>(state: &'a ApiState, caller: &'a Caller) -> Context<'a> {
    Context {
        principal: &caller.principal,
        storages: &*state.storages,
        identity: &*state.identity,
        bans: &*state.bans,
        config: &state.config.submit,
        submit_host: &state.config.submit_host,
        now: state.clock.now(),
    }
}

async fn build_elsewhere(call: &Call, body: Bytes) -> Result<Submission, ApiError> {
    let (state, caller) = (call.state.clone(), call.caller.clone());
    let work = move || submit::parse(&body, context(&state, &caller));
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => {
            tracing::error!(%error, "reading a submission failed");
            Err(ApiError::internal("Internal error"))
        }
    }
}

/// Whoever came with a certificate must have left a proxy that lasts.
async fn check_credential(call: &Call) -> Result<(), ApiError> {
    let caller = call.principal();
    if caller.method != AuthMethod::Certificate || !call.state.config.require_delegation {
        return Ok(());
    }
    let id = caller.delegation_id.as_deref().unwrap_or("");
    let dn = &caller.user_dn;
    let Some(stored) = call.state.vault.credential(id, dn).await? else {
        return Err(ApiError::needs_delegation(format!(
            "No delegation found for \"{dn}\""
        )));
    };
    let left = stored
        .termination_time
        .seconds_since(call.state.clock.now());
    if left <= 0.0 {
        let ago = -left as u64;
        return Err(ApiError::needs_delegation(format!(
            "The delegated credentials expired {ago} seconds ago ({id})"
        )));
    }
    if left < LIFE_MIN {
        return Err(ApiError::needs_delegation(format!(
            "The delegated credentials has less than one hour left ({id})"
        )));
    }
    Ok(())
}
