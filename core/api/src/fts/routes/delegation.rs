//! `/delegation`: the two steps in which a user leaves a proxy with the service, and VO attributes
//! for it.
//!
//! What makes a request and judges a proxy is in `causeway_identity::delegation`; this keeps both
//! in the vault, under the delegation id and the DN.

use causeway_identity::delegation::{self, DelegatedCredential, DelegationRequest};
use causeway_identity::voms::parse_commands;
use causeway_model::Timestamp;
use causeway_model::ports::{PendingDelegation, StoredCredential};
use http::header::HeaderName;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire;
use crate::vo_servers::VoAnswer;

const DELEGATION_ID: HeaderName = HeaderName::from_static("x-delegation-id");
const PLAIN: &str = "text/plain; charset=utf-8";

/// `GET /delegation`
pub async fn index(call: Call) -> Outcome {
    let caller = call.principal();
    let id = caller.delegation_id.as_deref().unwrap_or("");
    wire::json(&json!({"delegation_id": id, "vos": caller.vos}))
}

/// `GET /delegation/{dlg_id}`: null, or how long what is stored will last.
pub async fn info(call: Call) -> Outcome {
    match stored(&call).await? {
        None => wire::json(&()),
        Some(stored) => wire::json(&json!({
            "termination_time": stored.termination_time.to_string(),
            // One text with blanks, as the reference has it; clients rely on the list.
            "voms_attrs": stored.voms_attrs.split('\n').collect::<Vec<_>>(),
        })),
    }
}

/// `DELETE /delegation/{dlg_id}`
pub async fn remove(call: Call) -> Outcome {
    let (id, dn) = key(&call);
    match call.state.vault.delete_credential(id, dn).await? {
        true => Ok(wire::empty(StatusCode::NO_CONTENT)),
        false => Err(ApiError::not_found("Delegated credentials not found")),
    }
}

/// `GET /delegation/{dlg_id}/request`: the same request until the caller's key length changes.
pub async fn request(call: Call) -> Outcome {
    let request = match reusable(&call).await? {
        Some(request) => request,
        None => {
            // One key at a time: making one is work, and two callers with the same id must be
            // given the same one.
            let _one_at_a_time = call.state.key_making.lock().await;
            match reusable(&call).await? {
                Some(request) => request,
                None => new_request(&call).await?,
            }
        }
    };
    let mut response = wire::with_body(StatusCode::OK, PLAIN, request.csr_pem);
    if let Ok(id) = HeaderValue::from_str(call.param("dlg_id")) {
        response.headers_mut().insert(DELEGATION_ID, id);
    }
    Ok(response)
}

async fn reusable(call: &Call) -> Result<Option<DelegationRequest>, ApiError> {
    let request = pending(call).await?;
    Ok(request.filter(|it| it.is_reusable_for(leaf_bits(call))))
}

async fn new_request(call: &Call) -> Result<DelegationRequest, ApiError> {
    let bits = leaf_bits(call);
    let fqans = call.principal().voms_cred.clone();
    let made = tokio::task::spawn_blocking(move || DelegationRequest::create(bits, &fqans)).await;
    let request = match made {
        Ok(Ok(request)) => request,
        Ok(Err(error)) => return Err(no_key(&error)),
        Err(error) => return Err(no_key(&error)),
    };
    let (id, dn) = key(call);
    let row = PendingDelegation {
        request_pem: request.csr_pem.clone(),
        private_key_pem: request.private_key.clone(),
        key_bits: request.key_bits as u32,
        voms_attrs: request.voms_attrs.clone(),
    };
    call.state.vault.put_pending(id, dn, &row).await?;
    Ok(request)
}

fn no_key(error: &dyn std::error::Error) -> ApiError {
    tracing::error!(%error, "no certificate request could be made");
    ApiError::internal("Could not make a certificate request")
}

/// `PUT` and `POST /delegation/{dlg_id}/credential`
pub async fn credential(mut call: Call) -> Outcome {
    let body = call.take_body().await?;
    let request = pending(&call).await?;
    let (id, dn) = key(&call);
    let accepted = delegation::accept(
        request.as_ref(),
        &body,
        dn,
        &call.state.verifier,
        unix_time(call.state.clock.now()),
    );
    let accepted = accepted.map_err(|error| ApiError::bad_request(error.to_string()))?;
    let row = StoredCredential {
        proxy_pem: accepted.proxy,
        voms_attrs: accepted.voms_attrs,
        termination_time: termination(accepted.termination),
    };
    call.state.vault.put_credential(id, dn, &row).await?;
    Ok(wire::empty(StatusCode::CREATED))
}

fn unix_time(now: Timestamp) -> rustls_pki_types::UnixTime {
    let seconds = u64::try_from(now.seconds()).unwrap_or(0);
    rustls_pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))
}

/// `POST /delegation/{dlg_id}/voms`: asks the servers of VOs for attributes and puts them into the
/// stored proxy. Answers until when that is good.
pub async fn voms(mut call: Call) -> Outcome {
    let body = call.take_body().await?;
    let commands: Vec<String> = serde_json::from_slice(&body)
        .map_err(|error| ApiError::bad_request(format!("Expecting a list of strings: {error}")))?;
    let requests =
        parse_commands(&commands).map_err(|error| ApiError::bad_request(error.to_string()))?;
    let now = call.state.clock.now();
    let stored = stored(&call).await?.filter(|it| it.termination_time > now);
    let stored = stored.ok_or_else(|| ApiError::forbidden("Delegated proxy already expired"))?;
    let left = stored.termination_time.seconds() - now.seconds();
    let lifetime = u64::try_from(left).unwrap_or(0);
    let servers = &call.state.vo_servers;
    let answers = servers
        .attributes(&stored.proxy_pem, &requests, lifetime)
        .await;
    let answers = answers.map_err(ApiError::failed_dependency)?;
    let extended = extend(&call, stored, answers, now).await?;
    let row = StoredCredential {
        proxy_pem: extended.proxy,
        voms_attrs: commands.join(" "),
        termination_time: termination(extended.termination),
    };
    let (id, dn) = key(&call);
    call.state.vault.put_credential(id, dn, &row).await?;
    Ok(wire::with_body(
        StatusCode::NON_AUTHORITATIVE_INFORMATION,
        PLAIN,
        row.termination_time.to_string(),
    ))
}

async fn extend(
    call: &Call,
    stored: StoredCredential,
    answers: Vec<VoAnswer>,
    now: Timestamp,
) -> Result<DelegatedCredential, ApiError> {
    let _one_at_a_time = call.state.key_making.lock().await;
    let verifier = call.state.verifier.clone();
    let extended = tokio::task::spawn_blocking(move || {
        let answers: Vec<_> = answers
            .into_iter()
            .map(|it| (it.vo, it.certificate))
            .collect();
        delegation::extend(&stored.proxy_pem, &answers, &verifier, unix_time(now))
    });
    match extended.await {
        Ok(extended) => extended.map_err(|error| ApiError::failed_dependency(error.to_string())),
        Err(error) => Err(no_key(&error)),
    }
}

fn termination(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// Under what the caller's things are kept.
fn key(call: &Call) -> (&str, &str) {
    (call.param("dlg_id"), &call.principal().user_dn)
}

fn leaf_bits(call: &Call) -> Option<usize> {
    call.caller.rsa_bits.map(|it| it as usize)
}

async fn stored(call: &Call) -> Result<Option<StoredCredential>, ApiError> {
    let (id, dn) = key(call);
    Ok(call.state.vault.credential(id, dn).await?)
}

async fn pending(call: &Call) -> Result<Option<DelegationRequest>, ApiError> {
    let (id, dn) = key(call);
    let row = call.state.vault.pending(id, dn).await?;
    Ok(row.map(|row| DelegationRequest {
        csr_pem: row.request_pem,
        private_key: row.private_key_pem,
        key_bits: row.key_bits as usize,
        voms_attrs: row.voms_attrs,
    }))
}
