//! The applications of a user: those they registered, and those they let act for them.

use std::collections::BTreeMap;

use causeway_model::oauth::OAuthToken;
use http::StatusCode;
use serde_json::{Value, json};

use super::fields::Fields;
use super::{APPS, app_shape, go_to, own_app, store};
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire;

/// `GET /oauth2/apps`
pub async fn list(call: Call) -> Outcome {
    let store = store(&call)?;
    let user_dn = &call.principal().user_dn;
    let apps = store.apps_of(user_dn).await?;
    let now = call.state.clock.now();
    // Of each application the token that lasts longest stands for all.
    let mut newest: BTreeMap<String, OAuthToken> = BTreeMap::new();
    for token in store.tokens_of(user_dn).await? {
        let is_older = |it: &OAuthToken| it.expires > token.expires;
        let is_over = token.expires <= now && token.refresh_expires <= now;
        if !is_over && !newest.get(&token.client_id).is_some_and(is_older) {
            newest.insert(token.client_id.clone(), token);
        }
    }
    let mut authorized: Vec<Value> = Vec::new();
    for (client_id, token) in newest {
        if let Some(app) = store.app(&client_id).await? {
            authorized.push(json!({
                "client_id": client_id,
                "name": app.name,
                "website": app.website,
                "description": app.description,
                "scope": token.scope.join(","),
                "expires": token.expires.to_string(),
            }));
        }
    }
    let apps: Vec<Value> = apps.iter().map(app_shape).collect();
    wire::json(&json!({"apps": apps, "authorized": authorized}))
}

/// `GET /oauth2/apps/{client_id}`
pub async fn show(call: Call) -> Outcome {
    wire::json(&app_shape(&own_app(&call).await?))
}

/// `POST /oauth2/apps/{client_id}`: changes an application, or deletes it when a field says so.
pub async fn change(mut call: Call) -> Outcome {
    let mut app = own_app(&call).await?;
    let fields = Fields::of(&mut call).await?;
    let store = store(&call)?;
    if fields.has("delete") {
        store.delete_app(&app.client_id).await?;
        return Ok(go_to(StatusCode::SEE_OTHER, APPS));
    }
    if fields.has("description") {
        app.description = fields.optional("description", 2048)?;
    }
    if fields.has("website") {
        app.website = fields.needed("website", 1024)?;
    }
    if fields.has("redirect_to") {
        app.redirect_to = fields.redirects()?;
    }
    if fields.has("scope") {
        app.scope = fields.scope()?;
    }
    match store.change_app(app).await? {
        true => Ok(go_to(StatusCode::SEE_OTHER, APPS)),
        false => Err(ApiError::not_found("Application not found")),
    }
}

/// `DELETE /oauth2/apps/{client_id}`
pub async fn remove(call: Call) -> Outcome {
    let app = own_app(&call).await?;
    store(&call)?.delete_app(&app.client_id).await?;
    wire::json(&())
}

/// `GET /oauth2/revoke/{client_id}`: the application acts for the caller no more.
pub async fn revoke(call: Call) -> Outcome {
    let user_dn = &call.principal().user_dn;
    let store = store(&call)?;
    store.revoke(call.param("client_id"), user_dn).await?;
    Ok(go_to(StatusCode::SEE_OTHER, APPS))
}
