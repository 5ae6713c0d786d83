//! `/cs`: a user lets this service use their storage at a provider, in three steps.
//!
//! The service gets a request token ([`request`]), the user agrees with it on the provider's page,
//! and the token is traded in for one to go on with ([`grant`]), which is kept as the user's grant.
//! How a provider is spoken to is behind a port, and which there are is what operators wrote at
//! `/config/cloud_storage`: nothing here knows any.

pub mod content;

use axum::response::Response;
use causeway_model::clouds::{
    CloudGrant, CloudHolder, CloudRequestToken, CloudStorage, CloudToken, CloudTrouble,
};
use causeway_sdk::Secret;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

use super::config::cloud_grants::REQUEST_MILLIS;
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire;

const NOT_CONFIGURED: &str = "The storage has not been properly configured";

/// `GET /cs/registered/{service}`: whether the caller has a token.
pub async fn registered(call: Call) -> Outcome {
    let has_token = match known(&call).await? {
        Some(cloud) => granted(&call, &cloud.name).await?.is_some(),
        None => false,
    };
    wire::json(&has_token)
}

/// `GET /cs/access_request/{service}`: whether the caller has asked. It stays so when the token is
/// there: pages look here first, and at the token afterwards.
pub async fn requested(call: Call) -> Outcome {
    if let Some(cloud) = known(&call).await? {
        let clouds = &call.operations()?.clouds;
        let user = &call.principal().user_dn;
        let pending = clouds.cloud_request(&cloud.name, user).await?;
        let is_pending = pending.is_some_and(|it| is_good(&call, &it));
        if is_pending || granted(&call, &cloud.name).await?.is_some() {
            return wire::json(&cloud.name);
        }
    }
    let text = "The user has not registered for the given service";
    Err(ApiError::not_found(text))
}

/// `GET /cs/access_request/{service}/request`, the first step. Pages cut the answer at its `&` and
/// send the user to the provider with what stands behind it.
pub async fn request(call: Call) -> Outcome {
    let cloud = known(&call).await?;
    let cloud = cloud.ok_or_else(|| ApiError::forbidden(NOT_CONFIGURED))?;
    let operations = call.operations()?;
    let asked = operations.providers.request_token(&cloud).await;
    let token = asked.map_err(|trouble| match trouble {
        CloudTrouble::Refused(_) => {
            ApiError::forbidden("The provider does not accept the keys of this service")
        }
        other => unavailable(&cloud, &other),
    })?;
    let row = CloudRequestToken {
        storage: cloud.name,
        user_dn: call.principal().user_dn.clone(),
        token: token.token.clone(),
        token_secret: token.secret.clone(),
        expires: call.state.clock.now().plus_millis(REQUEST_MILLIS),
    };
    operations.clouds.put_cloud_request(&row).await?;
    let (token, secret) = (encoded(&token.token), encoded(&token.secret));
    let form = format!("oauth_token_secret={secret}&oauth_token={token}");
    Ok(confidential(form))
}

/// `GET /cs/access_grant/{service}`, the third step. A request that the provider refuses is worth
/// nothing any more: the user begins again. One that it could not be asked about stays.
pub async fn grant(call: Call) -> Outcome {
    let cloud = known(&call).await?;
    let cloud = cloud.ok_or_else(|| ApiError::not_found(NOT_CONFIGURED))?;
    let operations = call.operations()?;
    let clouds = &operations.clouds;
    let user = &call.principal().user_dn;
    let request = clouds.take_cloud_request(&cloud.name, user).await?;
    let request = request.filter(|it| is_good(&call, it));
    let request = request.ok_or_else(|| ApiError::bad_request("No access has been requested"))?;
    let token = CloudToken {
        token: request.token.clone(),
        secret: request.token_secret.clone(),
    };
    let access = match operations.providers.access_token(&cloud, &token).await {
        Ok(access) => access,
        Err(CloudTrouble::Refused(_)) => {
            let text = "The provider does not grant access: request it again, and agree";
            return Err(ApiError::bad_request(text));
        }
        Err(trouble) => {
            clouds.put_cloud_request(&request).await?;
            return Err(unavailable(&cloud, &trouble));
        }
    };
    keep(&call, cloud.name, &access).await?;
    Ok(confidential(access.token.expose().to_owned()))
}

/// Keeps a user's grant, unless the provider has been taken out of the configuration meanwhile.
async fn keep(call: &Call, storage: String, access: &CloudToken) -> Result<(), ApiError> {
    let operations = call.operations()?;
    let _turn = operations.turn.take().await;
    if operations.clouds.cloud(&storage).await?.is_none() {
        return Err(ApiError::not_found(NOT_CONFIGURED));
    }
    let grant = CloudGrant {
        storage,
        holder: CloudHolder::User(call.principal().user_dn.clone()),
        access_token: access.token.clone(),
        access_token_secret: access.secret.clone(),
    };
    Ok(operations.clouds.put_cloud_grant(&grant).await?)
}

/// `DELETE /cs/access_grant/{service}`
pub async fn forget(call: Call) -> Outcome {
    let holder = CloudHolder::User(call.principal().user_dn.clone());
    let gone = match known(&call).await? {
        Some(cloud) => {
            let clouds = &call.operations()?.clouds;
            clouds.delete_cloud_grant(&cloud.name, &holder).await?
        }
        None => false,
    };
    match gone {
        true => Ok(wire::empty(StatusCode::NO_CONTENT)),
        false => Err(ApiError::not_found("No token for the user")),
    }
}

/// The provider in the path: by its name, or by its name in capitals, as operators write them and
/// pages do not.
async fn known(call: &Call) -> Result<Option<CloudStorage>, ApiError> {
    let name = call.param("service");
    let clouds = &call.operations()?.clouds;
    match clouds.cloud(name).await? {
        Some(cloud) => Ok(Some(cloud)),
        None => Ok(clouds.cloud(&name.to_uppercase()).await?),
    }
}

/// The caller's own token.
async fn granted(call: &Call, storage: &str) -> Result<Option<CloudToken>, ApiError> {
    let holder = CloudHolder::User(call.principal().user_dn.clone());
    let clouds = &call.operations()?.clouds;
    let grant = clouds.cloud_grant(storage, &holder).await?;
    let token = grant.map(|it| CloudToken {
        token: it.access_token,
        secret: it.access_token_secret,
    });
    Ok(token.filter(|it| !it.token.is_empty()))
}

fn encoded(secret: &Secret) -> PercentEncode<'_> {
    utf8_percent_encode(secret.expose(), NON_ALPHANUMERIC)
}

fn is_good(call: &Call, request: &CloudRequestToken) -> bool {
    request.expires > call.state.clock.now()
}

/// 503; the log has the reason for operators.
fn unavailable(cloud: &CloudStorage, trouble: &CloudTrouble) -> ApiError {
    tracing::warn!(storage = cloud.name, error = %trouble, "a cloud storage does not serve");
    ApiError::unavailable("The provider cannot be asked now")
}

/// A text that nobody on the way may keep.
fn confidential(text: String) -> Response {
    let mut response = wire::with_body(StatusCode::OK, "text/plain", text);
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}
