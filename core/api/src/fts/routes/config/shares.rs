//! `/config/shares`: how much of a link a VO gets. The VO `public` stands for all without a row.

use causeway_model::settings::{Change, ShareRow};
use causeway_sdk::Url;
use http::StatusCode;
use serde_json::Value;

use super::members::{Members, body};
use crate::error::{ApiError, Outcome};
use crate::extract::{Call, Pairs};
use crate::fts::wire::{self, settings};

/// Answer to a share of which something is not said.
const MISSING: &str = "Missing source, destination, vo and/or share";

/// `GET /config/shares`: by link and VO.
pub async fn list(call: Call) -> Outcome {
    let rows = call.operations()?.now().share_rows();
    let rows: Vec<Value> = rows.iter().map(settings::share).collect();
    wire::json(&rows)
}

/// `POST /config/shares`
pub async fn set(mut call: Call) -> Outcome {
    let mut members = Members::from(body(&mut call).await?);
    let row = row(&mut members)?;
    let share = row.active;
    call.change(vec![Change::PutShare(row)]).await?;
    wire::json(&share)
}

fn row(members: &mut Members) -> Result<ShareRow, ApiError> {
    let source = members.name("source")?;
    let destination = members.name("destination")?;
    let vo = members.name("vo")?;
    let share = members.any("share").value().filter(|it| !is_nothing(it));
    members.end()?;
    let (Some(source), Some(destination), Some(vo), Some(share)) = (source, destination, vo, share)
    else {
        return Err(ApiError::bad_request(MISSING));
    };
    let active = weight(&share).ok_or_else(|| ApiError::bad_request("Bad share value"))?;
    Ok(ShareRow {
        source: storage(&source).ok_or_else(|| invalid("source"))?.into(),
        destination: storage(&destination)
            .ok_or_else(|| invalid("destination"))?
            .into(),
        vo: vo.into(),
        active,
    })
}

fn is_nothing(share: &Value) -> bool {
    share.as_f64() == Some(0.0) || matches!(share, Value::String(it) if it.trim().is_empty())
}

/// A whole number above 0, also as text.
fn weight(share: &Value) -> Option<u32> {
    let number = match share {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.and_then(|it| u32::try_from(it).ok())
}

fn invalid(side: &str) -> ApiError {
    ApiError::bad_request(format!("Invalid {side}"))
}

/// The storage in a URL.
fn storage(text: &str) -> Option<String> {
    let url: Url = text.parse().ok()?;
    (!url.scheme().is_empty() && !url.host().is_empty()).then(|| url.storage())
}

/// `DELETE /config/shares?source=&destination=&vo=`
pub async fn remove(call: Call) -> Outcome {
    let change = removal(&call.query)?;
    call.change(vec![change]).await?;
    Ok(wire::empty(StatusCode::NO_CONTENT))
}

fn removal(query: &Pairs) -> Result<Change, ApiError> {
    let needed = |name| {
        let value = query.given(name);
        value.ok_or_else(|| ApiError::bad_request("Missing source, destination and/or vo"))
    };
    let end = |name| {
        let text = needed(name)?;
        Ok::<_, ApiError>(storage(text).unwrap_or_else(|| text.to_owned()).into())
    };
    Ok(Change::DeleteShare {
        source: end("source")?,
        destination: end("destination")?,
        vo: needed("vo")?.into(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn weights_are_whole_and_above_nothing() {
        assert_eq!(weight(&json!(80)), Some(80));
        assert_eq!(weight(&json!("80")), Some(80));
        for odd in [
            json!(-1),
            json!(0.5),
            json!("much"),
            json!(true),
            json!([1]),
        ] {
            assert_eq!(weight(&odd), None, "{odd}");
        }
        assert!(is_nothing(&json!(0)) && is_nothing(&json!("")) && !is_nothing(&json!(-1)));
    }

    #[test]
    fn a_url_is_reduced_to_its_storage() {
        assert_eq!(
            storage("gsiftp://Source.example.org:2811/path").as_deref(),
            Some("gsiftp://source.example.org")
        );
        for odd in ["source.example.org", "gsiftp://", "*", ""] {
            assert_eq!(storage(odd), None, "{odd}");
        }
    }
}
