//! What a user has at a provider: directories, and links to files. Answers are the provider's own.

use axum::response::Response;
use causeway_model::JsonText;
use causeway_model::clouds::{CloudStorage, CloudToken, CloudTrouble};
use http::StatusCode;

use super::{granted, known, unavailable};
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire;

const NO_TOKEN: &str = "No token for the given storage";

/// `GET /cs/remote_content/{service}?surl=`: a directory, the uppermost one if none is given.
pub async fn list(call: Call) -> Outcome {
    let (cloud, token) = opened(&call).await?;
    let path = path(call.query.given("surl").unwrap_or("/"))?;
    let providers = &call.operations()?.providers;
    shown(&cloud, providers.content(&cloud, &token, &path).await)
}

/// `GET /cs/file_urllink/{service}/{path}`
pub async fn link(call: Call) -> Outcome {
    let (cloud, token) = opened(&call).await?;
    let path = path(call.param("path"))?;
    let providers = &call.operations()?.providers;
    shown(&cloud, providers.link(&cloud, &token, &path).await)
}

/// The provider in the path and the caller's token there.
async fn opened(call: &Call) -> Result<(CloudStorage, CloudToken), ApiError> {
    if let Some(cloud) = known(call).await?
        && let Some(token) = granted(call, &cloud.name).await?
    {
        return Ok((cloud, token));
    }
    Err(ApiError::forbidden(NO_TOKEN))
}

/// Names from the uppermost directory on, without slashes at either end. A URL counts from behind
/// its host.
fn path(given: &str) -> Result<String, ApiError> {
    let path = match given.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => given,
    };
    let names: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
    match names.iter().any(|it| matches!(*it, "." | "..")) {
        true => Err(ApiError::bad_request("The path goes up")),
        false => Ok(names.join("/")),
    }
}

fn shown(cloud: &CloudStorage, answer: Result<JsonText, CloudTrouble>) -> Outcome {
    answer.map(json).map_err(|trouble| match trouble {
        CloudTrouble::Refused(_) => ApiError::forbidden("The provider does not accept the token"),
        CloudTrouble::NotFound => ApiError::not_found("There is nothing of that name"),
        CloudTrouble::Unavailable(_) => unavailable(cloud, &trouble),
    })
}

fn json(text: JsonText) -> Response {
    wire::with_body(StatusCode::OK, "application/json", text.0)
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn paths_are_names_below_the_uppermost_directory() {
        let fine = [
            ("/", ""),
            ("", ""),
            ("/a/b c/", "a/b c"),
            ("a//b", "a/b"),
            ("x://host/a/b", "a/b"),
            ("x://host", ""),
            ("/a..b/...", "a..b/..."),
        ];
        for (given, expected) in fine {
            assert_eq!(path(given).as_deref(), Ok(expected), "{given}");
        }
        for given in ["..", "/a/../b", "x://host/./a"] {
            assert_eq!(path(given).unwrap_err().status(), 400, "{given}");
        }
    }
}
