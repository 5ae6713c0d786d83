//! `/config/cloud_storage/{storage_name}`: who may use a provider, and with which keys.

use causeway_model::clouds::{CloudGrant, CloudHolder, CloudRequestToken};
use causeway_sdk::Secret;
use http::StatusCode;
use serde_json::{Value, json};

use super::cloud_storage::{known, note};
use super::members::Members;
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire::{self, settings};

/// A request token is good for so long, whoever brought it.
pub(in crate::fts::routes) const REQUEST_MILLIS: i64 = 24 * 3_600_000;

/// `GET /config/cloud_storage/{storage_name}`
pub async fn list(call: Call) -> Outcome {
    let storage = known(&call).await?;
    let grants = call.operations()?.clouds.cloud_grants(&storage.name);
    let rows: Vec<Value> = grants.await?.iter().map(settings::cloud_grant).collect();
    wire::json(&rows)
}

/// `POST /config/cloud_storage/{storage_name}`
pub async fn set(mut call: Call) -> Outcome {
    let mut members = Members::of(&mut call).await?;
    let storage = known(&call).await?.name;
    let given = Keys::read(&mut members)?;
    members.end()?;
    let answer = json!({
        "storage_name": storage,
        "user_dn": given.holder.user_dn(),
        "vo_name": given.holder.vo_name(),
    });
    note(&call, &answer).await?;
    let clouds = &call.operations()?.clouds;
    if let (Some(dn), Some((token, token_secret))) = (given.holder.user_dn(), given.request) {
        let request = CloudRequestToken {
            storage: storage.clone(),
            user_dn: dn.to_owned(),
            token,
            token_secret,
            expires: call.state.clock.now().plus_millis(REQUEST_MILLIS),
        };
        clouds.put_cloud_request(&request).await?;
    }
    let (access_token, access_token_secret) = given.access;
    let grant = CloudGrant {
        storage,
        holder: given.holder,
        access_token,
        access_token_secret,
    };
    clouds.put_cloud_grant(&grant).await?;
    wire::json_with(StatusCode::CREATED, &answer)
}

/// What a request brings.
struct Keys {
    holder: CloudHolder,
    access: (Secret, Secret),
    request: Option<(Secret, Secret)>,
}

impl Keys {
    fn read(members: &mut Members) -> Result<Self, ApiError> {
        let holder = match (members.name("user_dn")?, members.name("vo_name")?) {
            (Some(dn), None) => CloudHolder::User(dn),
            (None, Some(vo)) => CloudHolder::Vo(vo),
            (None, None) => {
                let text = "One of user_dn or vo_name must be specified";
                return Err(ApiError::bad_request(text));
            }
            (Some(_), Some(_)) => {
                let text = "Only one of user_dn or vo_name must be specified";
                return Err(ApiError::bad_request(text));
            }
        };
        let mut secret = |name: &str, alias: &str| {
            let (given, other) = (members.text(name)?.value(), members.text(alias)?.value());
            Ok::<_, ApiError>(given.or(other).map(Secret::new))
        };
        let access = (
            secret("access_token", "access_key")?.unwrap_or_default(),
            secret("access_token_secret", "secret_key")?.unwrap_or_default(),
        );
        let request = (
            secret("request_token", "")?,
            secret("request_token_secret", "")?.unwrap_or_default(),
        );
        Ok(Self {
            holder,
            access,
            request: request.0.map(|token| (token, request.1)),
        })
    }
}

/// `DELETE /config/cloud_storage/{storage_name}/{id}`: by DN or VO.
pub async fn remove(call: Call) -> Outcome {
    let storage = known(&call).await?.name;
    let id = call.param("id");
    note(&call, &json!({"storage_name": storage, "removed": id})).await?;
    let clouds = &call.operations()?.clouds;
    let mut any = false;
    for holder in [CloudHolder::User(id.into()), CloudHolder::Vo(id.into())] {
        any |= clouds.delete_cloud_grant(&storage, &holder).await?;
    }
    match any {
        true => Ok(wire::empty(StatusCode::NO_CONTENT)),
        false => Err(ApiError::not_found("The user or VO does not exist")),
    }
}
