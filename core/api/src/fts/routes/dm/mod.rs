//! `/dm`: names on a storage, with the caller's own credential, through whatever plugin serves it.

mod listing;
mod target;

use causeway_sdk::{Operation, Stat};
use serde_json::{Value, json};

use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::submit::read_object;
use crate::fts::wire;
use crate::middleware::body::{is_json, unquoted};
use target::Target;

/// `GET /dm/list`: an object that is streamed page by page.
pub async fn list(call: Call) -> Outcome {
    let target = from_query(&call, Operation::List).await?;
    listing::respond(target).await
}

/// `GET /dm/stat`
pub async fn stat(call: Call) -> Outcome {
    let target = from_query(&call, Operation::Stat).await?;
    let stat = target
        .limited(target.storage.stat(&target.cx, &target.url))
        .await?;
    wire::json(&shape(&stat))
}

fn shape(stat: &Stat) -> Value {
    json!({
        "mode": stat.mode_or_default(),
        "nlink": stat.nlink.unwrap_or(1),
        "size": stat.size.unwrap_or(0),
        "atime": stat.atime.unwrap_or(0),
        "mtime": stat.mtime.unwrap_or(0),
        "ctime": stat.ctime.unwrap_or(0),
    })
}

/// `POST /dm/mkdir`; directories above are not created.
pub async fn mkdir(mut call: Call) -> Outcome {
    let [surl] = from_body(&mut call, ["surl"]).await?;
    let target = Target::find(&call, &surl, Operation::Mkdir).await?;
    done(
        target
            .limited(target.storage.mkdir(&target.cx, &target.url, false))
            .await,
    )
}

/// `POST /dm/unlink`
pub async fn unlink(mut call: Call) -> Outcome {
    let [surl] = from_body(&mut call, ["surl"]).await?;
    let target = Target::find(&call, &surl, Operation::Unlink).await?;
    done(
        target
            .limited(target.storage.unlink(&target.cx, &target.url))
            .await,
    )
}

/// `POST /dm/rmdir`
pub async fn rmdir(mut call: Call) -> Outcome {
    let [surl] = from_body(&mut call, ["surl"]).await?;
    let target = Target::find(&call, &surl, Operation::Rmdir).await?;
    done(
        target
            .limited(target.storage.rmdir(&target.cx, &target.url))
            .await,
    )
}

/// `POST /dm/rename`, within one storage. What has the new name already is not replaced.
pub async fn rename(mut call: Call) -> Outcome {
    let [old, new] = from_body(&mut call, ["old", "new"]).await?;
    let target = Target::find(&call, &old, Operation::Rename).await?;
    let new = target::check(&call, &new).await?;
    if new.storage() != target.url.storage() {
        return Err(ApiError::bad_request(
            "Both names must be on the same storage",
        ));
    }
    let rename = target.storage.rename(&target.cx, &target.url, &new, false);
    done(target.limited(rename).await)
}

fn done(result: Result<(), ApiError>) -> Outcome {
    result?;
    wire::json(&())
}

async fn from_query(call: &Call, operation: Operation) -> Result<Target, ApiError> {
    let surl = call.query.given("surl").ok_or_else(|| missing("surl"))?;
    Target::find(call, surl, operation).await
}

/// Texts of a JSON body. Old clients encode the body like a form without saying so.
async fn from_body<const N: usize>(
    call: &mut Call,
    names: [&'static str; N],
) -> Result<[String; N], ApiError> {
    let raw = call.take_body().await?;
    let body = match is_json(&call.headers) {
        true => raw,
        false => unquoted(&raw),
    };
    let object = read_object(&body)?;
    let mut texts = [const { String::new() }; N];
    for (text, name) in texts.iter_mut().zip(names) {
        *text = object
            .text(name)?
            .filter(|it| !it.is_empty())
            .ok_or_else(|| missing(name))?;
    }
    Ok(texts)
}

fn missing(name: &str) -> ApiError {
    ApiError::bad_request(format!("Missing {name} parameter"))
}
