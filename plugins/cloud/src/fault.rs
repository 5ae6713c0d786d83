//! What services write when they refuse, reduced to a code and a sentence. Without any network.
//!
//! | service | form |
//! |---|---|
//! | Azure | header `x-ms-error-code`, XML `<Error><Code>..</Code><Message>..</Message></Error>` |
//! | Google | JSON `{"error": {"message", "errors": [{"reason"}]}}`, or OAuth's `{"error": "code"}` |
//! | Dropbox | JSON `{"error_summary": "path/not_found/.."}`, or a bare sentence for bad requests |

use std::time::Duration;

use http::{HeaderMap, header};
use serde_json::Value;

use crate::place::Service;
use crate::xml;

/// Cloud Storage found other bytes than the checksum before them says. Our name: it has none for it.
pub(crate) const HASH_MISMATCH: &str = "hashMismatch";

/// What a service said when it refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: String,
    pub(crate) message: String,
    /// Time to wait that stands in the body.
    pub(crate) retry_after: Option<Duration>,
}

impl Fault {
    /// Reads what came with a refusal; what is missing is empty.
    pub(crate) fn read(service: Service, headers: &HeaderMap, text: &str) -> Self {
        match service {
            Service::Azure => azure(headers, text),
            Service::Gcs | Service::Drive => google(headers, text),
            Service::Dropbox => dropbox(text),
        }
    }
}

fn azure(headers: &HeaderMap, text: &str) -> Fault {
    let code = headers.get("x-ms-error-code");
    let code = code.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let (in_body, message) = xml::fault(text);
    let code = if code.is_empty() {
        in_body
    } else {
        code.to_owned()
    };
    // The rest of the lines are a request id, a time, and at times what was signed.
    let message = message.lines().next().unwrap_or_default().to_owned();
    let expired = text.contains("xpired") || text.contains("xpiry");
    Fault {
        message: if expired && !message.contains("expired") {
            format!("{message} (expired)")
        } else {
            message
        },
        code,
        retry_after: None,
    }
}

fn google(headers: &HeaderMap, text: &str) -> Fault {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let error = &value["error"];
    let reason = error["errors"][0]["reason"]
        .as_str()
        .or_else(|| error.as_str());
    let message = error["message"].as_str();
    let message = message.or_else(|| value["error_description"].as_str());
    // Downloads are refused with a header and a bare sentence (RFC 6750 section 3.1).
    let challenge = headers
        .get(header::WWW_AUTHENTICATE)
        .and_then(|it| it.to_str().ok());
    let is_invalid = challenge.is_some_and(|it| it.contains("invalid_token"));
    // Its reason is that of every request that is not understood.
    let is_damaged = message.is_some_and(|it| it.contains("match calculated"));
    let code = match is_damaged {
        true => Some(HASH_MISMATCH),
        false => reason.or(is_invalid.then_some("invalid_token")),
    };
    Fault {
        code: code.unwrap_or_default().to_owned(),
        message: message.unwrap_or_default().to_owned(),
        retry_after: None,
    }
}

fn dropbox(text: &str) -> Fault {
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        let is_page = text.trim_start().starts_with('<');
        let message = if is_page {
            String::new()
        } else {
            text.to_owned()
        };
        return Fault {
            message,
            ..Fault::default()
        };
    };
    let summary = value["error_summary"].as_str().unwrap_or_default();
    let wait = value["error"]["retry_after"]
        .as_u64()
        .map(Duration::from_secs);
    let said = value["user_message"]["text"].as_str().unwrap_or_default();
    Fault {
        code: summary
            .trim_end_matches('.')
            .trim_end_matches('/')
            .to_owned(),
        message: said.to_owned(),
        retry_after: wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(service: Service, text: &str) -> (String, String) {
        let it = Fault::read(service, &HeaderMap::new(), text);
        (it.code, it.message)
    }

    #[test]
    fn every_form_is_read() {
        let text = "\u{feff}<?xml version=\"1.0\"?><Error><Code>BlobNotFound</Code>\
                    <Message>The blob is not there.\nRequestId:1\nTime:2</Message></Error>";
        let expected = (
            "BlobNotFound".to_owned(),
            "The blob is not there.".to_owned(),
        );
        assert_eq!(read(Service::Azure, text), expected);
        let text = r#"{"error":{"errors":[{"reason":"userRateLimitExceeded"}],"message":"slow"}}"#;
        let expected = ("userRateLimitExceeded".to_owned(), "slow".to_owned());
        assert_eq!(read(Service::Drive, text), expected);
        let text = r#"{"error":"invalid_grant","error_description":"old"}"#;
        assert_eq!(
            read(Service::Gcs, text),
            ("invalid_grant".into(), "old".into())
        );
        let text = r#"{"error":{"errors":[{"reason":"invalid"}],
            "message":"Provided CRC32C \"a\" doesn't match calculated CRC32C \"b\"."}}"#;
        assert_eq!(read(Service::Gcs, text).0, HASH_MISMATCH);
        let text = r#"{"error_summary":"path/not_found/..","error":{".tag":"path"}}"#;
        assert_eq!(read(Service::Dropbox, text).0, "path/not_found");
        let text = "Error in call to API function";
        assert_eq!(
            read(Service::Dropbox, text),
            (String::new(), text.to_owned())
        );
        for service in [Service::Azure, Service::Gcs, Service::Dropbox] {
            let page = "<html><body>502 Bad Gateway</body></html>";
            assert_eq!(
                read(service, page),
                (String::new(), String::new()),
                "{service:?}"
            );
        }
    }

    #[test]
    fn a_time_to_wait_may_stand_in_the_body() {
        let text = r#"{"error_summary":"too_many_requests/..","error":{"retry_after":300}}"#;
        let it = Fault::read(Service::Dropbox, &HeaderMap::new(), text);
        assert_eq!(it.retry_after, Some(Duration::from_secs(300)));
    }
}
