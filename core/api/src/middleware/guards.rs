//! Checks that come before any route: where a page comes from, who is banned, which VOs may.

use causeway_model::{AuthMethod, Principal};
use http::header::{HOST, ORIGIN};
use http::request::Parts;

use super::cors;
use crate::error::ApiError;
use crate::extract::Caller;
use crate::state::ApiState;

/// Refuses whoever presented something that is not accepted; they are not taken for nobody.
pub(super) fn check_credentials(caller: &Caller) -> Result<(), ApiError> {
    match &caller.refusal {
        None => Ok(()),
        Some(reason) => Err(ApiError::forbidden(format!(
            "Invalid credentials ({reason})"
        ))),
    }
}

/// Lets a request through or says why not.
pub(super) fn check(state: &ApiState, caller: &Principal, parts: &Parts) -> Result<(), ApiError> {
    if !is_same_site(parts) && !cors::is_allowed(&parts.headers, &state.config.cors_origins) {
        return Err(ApiError::forbidden("Host and Origin do not match"));
    }
    if state.bans.is_user_banned(&caller.user_dn) {
        return Err(ApiError::forbidden("The user has been banned"));
    }
    if !is_authorized_vo(caller, &state.authorized_vos()) {
        return Err(ApiError::forbidden(
            "The user does not belong to any authorized vo",
        ));
    }
    Ok(())
}

/// True when no page sent the request, or one of this very host.
fn is_same_site(parts: &Parts) -> bool {
    let Some(origin) = parts.headers.get(ORIGIN) else {
        return true;
    };
    let host = parts.headers.get(HOST).and_then(|it| it.to_str().ok());
    let host = host.or_else(|| parts.uri.authority().map(|it| it.as_str()));
    let origin = origin.to_str().ok().and_then(|it| it.split_once("://"));
    match (origin, host) {
        (Some((_, origin)), Some(host)) => origin.eq_ignore_ascii_case(host),
        _ => false,
    }
}

/// Anonymous callers have no rights anyway, and the service itself has all.
fn is_authorized_vo(caller: &Principal, list: &[String]) -> bool {
    list.is_empty()
        || caller.is_root
        || caller.method == AuthMethod::Unauthenticated
        || list.iter().any(|it| it == "*" || caller.vos.contains(it))
}
