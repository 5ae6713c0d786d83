//! Registering an application.

use causeway_identity::token::secret::random_base64;
use causeway_model::oauth::OAuthApp;
use http::StatusCode;

use super::fields::Fields;
use super::{APPS, go_to, no_randomness, page, store};
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire;
use crate::middleware::negotiate::prefers_html;

/// Applications of one user.
const MOST: usize = 100;

/// `GET /oauth2/register`
pub async fn form(call: Call) -> Outcome {
    store(&call)?;
    Ok(page::register())
}

/// `POST /oauth2/register`
pub async fn register(mut call: Call) -> Outcome {
    let fields = Fields::of(&mut call).await?;
    let store = store(&call)?;
    let owner = call.principal().user_dn.clone();
    let app = OAuthApp {
        client_id: random_base64(16)
            .map_err(no_randomness)?
            .expose()
            .to_owned(),
        client_secret: random_base64(32).map_err(no_randomness)?,
        owner,
        name: fields.needed("name", 128)?,
        description: fields.optional("description", 2048)?,
        website: fields.needed("website", 1024)?,
        redirect_to: fields.redirects()?,
        scope: fields.scope()?,
    };
    if store.apps_of(&app.owner).await?.len() >= MOST {
        return Err(ApiError::forbidden(
            "You have registered too many applications",
        ));
    }
    let client_id = app.client_id.clone();
    if !store.add_app(app).await? {
        return Err(ApiError::forbidden(
            "An application with this name exists already",
        ));
    }
    tracing::info!(client_id, owner = %call.principal().user_dn, "application registered");
    match prefers_html(&call.headers) {
        true => Ok(go_to(StatusCode::SEE_OTHER, APPS)),
        false => wire::json_with(StatusCode::CREATED, &client_id),
    }
}
