//! Calls of Dropbox's interface: JSON in, JSON out, and JSON in a header where content is the body.

use causeway_sdk::{ErrorKind, Result};
use http::Method;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::at;
use crate::exchange::{Answer, Request, send};
use crate::place::{Place, wire};

/// A path as Dropbox has it; the top is empty.
pub(super) fn path(place: &Place) -> String {
    match place.key.as_str() {
        "" => String::new(),
        key => format!("/{key}"),
    }
}

/// A value for the header `Dropbox-API-Arg`: JSON in ASCII.
pub(super) fn header(value: &Value) -> String {
    let mut text = String::new();
    for unit in value.to_string().encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if (0x20..0x7f).contains(&byte) => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\u{unit:04x}")),
        }
    }
    text
}

/// A call with JSON in both directions. Repeat it only if it asks.
pub(super) async fn call(
    caller: &Caller,
    doing: &'static str,
    what: &str,
    value: &Value,
) -> Result<Answer> {
    let url = wire(&caller.base(), &format!("/2/{what}"), &[])?;
    let request = Request::new(Method::POST, url).json(value)?;
    let is_question = [
        "get_metadata",
        "list_folder",
        "continue",
        "get_temporary_link",
    ]
    .iter()
    .any(|it| what.ends_with(it));
    let request = if is_question {
        request.asks()
    } else {
        request.once()
    };
    send(caller, doing, request).await?.success().await
}

pub(super) async fn delete(caller: &Caller, rev: Option<&str>) -> Result<()> {
    let mut value = json!({"path": path(&caller.place)});
    if let Some(rev) = rev {
        value["parent_rev"] = rev.into();
    }
    call(caller, "remove", "files/delete_v2", &value)
        .await
        .map(drop)
}

/// A link to a file that is good for four hours.
pub(crate) async fn link(caller: &Caller) -> Result<String> {
    let value = json!({"path": path(&caller.place)});
    let answer = call(caller, "make a link to", "files/get_temporary_link", &value).await?;
    let asked = answer.asked.clone();
    let told: Value = answer.json().await?;
    match told["link"].as_str() {
        Some(link) => Ok(link.to_owned()),
        None => Err(at(
            ErrorKind::Remote,
            asked.doing,
            asked.what,
            "the service names none",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_in_headers_are_ascii() {
        let text = header(&json!({"path": "/a\u{e4}\u{1f30a}\u{7f}\"b"}));
        assert_eq!(text, "{\"path\":\"/a\\u00e4\\ud83c\\udf0a\\u007f\\\"b\"}");
        let back: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["path"], "/a\u{e4}\u{1f30a}\u{7f}\"b");
    }
}
