//! A token for the passive side of a third-party copy, in exchange for an X.509 credential.
//!
//! A certificate cannot be handed on over HTTP. Storages that take certificates therefore give out
//! macaroons: narrow, short-lived tokens.

use causeway_sdk::{Access, Credential, Error, ErrorKind, Result, Secret, Url as Surl};
use http::Method;
use serde::Deserialize;

use crate::exchange::{Request, send};
use crate::storage::Inner;
use crate::wire::to_wire;

/// Longest answer read, in bytes.
const MAX_ANSWER: usize = 64 << 10;

#[derive(Deserialize)]
struct Grant {
    macaroon: Secret,
}

/// The activities a side of a copy needs.
fn activities(access: Access) -> &'static str {
    match access {
        Access::Read => "DOWNLOAD,LIST",
        Access::Write => "UPLOAD,MANAGE,DELETE,LIST",
    }
}

/// Asks the storage for a token that is good for this file and this side only.
pub(crate) async fn request(
    inner: &Inner,
    credential: &Credential,
    at: &Surl,
    access: Access,
) -> Result<Secret> {
    let seconds = inner.config.macaroon_validity_seconds;
    let wish = serde_json::json!({
        "caveats": [format!("activity:{}", activities(access))],
        "validity": format!("PT{seconds}S"),
    });
    let request = Request::new(Method::POST)
        .with("content-type", "application/macaroon-request")?
        .with("accept", "application/json")?
        .with_body(wish.to_string());
    let answer = send(&inner.pool, credential, &to_wire(at)?, request).await?;
    if !answer.status().is_success() {
        let status = answer.status().as_u16();
        let text = format!(
            "get a token of {at}: the storage gives out no macaroon (HTTP {status}), \
             and a certificate cannot be passed on"
        );
        // A missing right or an overload is that; anything else means that it does not know how.
        let failure = answer.into_error("get a token of").await;
        return Err(match failure.kind() {
            ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::Remote => {
                Error::new(ErrorKind::Unsupported, text).with_remote_status(status.into())
            }
            _ => failure,
        });
    }
    let mut answer = answer;
    let text = answer.text(MAX_ANSWER).await;
    let grant: Grant = serde_json::from_str(&text).map_err(|_| {
        // Not the text: it may be half a token.
        let text = format!("get a token of {at}: the answer is no macaroon");
        Error::new(ErrorKind::Unsupported, text)
    })?;
    Ok(grant.macaroon)
}
