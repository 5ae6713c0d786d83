//! The tables, row by row.

use std::time::Duration;

use super::*;
use crate::config::Config;
use crate::environment::Environment;
use crate::reading::Reading;

fn place() -> Place {
    let config = Config::default();
    let reading = Reading {
        config: &config,
        environment: &Environment::default(),
        endpoint: None,
        path_style: false,
    };
    reading.place(&"s3://h.org/b/k".parse().unwrap()).unwrap()
}

fn document(code: &str, message: &str) -> String {
    format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>")
}

fn fail(status: u16, headers: &[(&'static str, &str)], text: &str, signed: bool) -> Error {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    let status = StatusCode::from_u16(status).unwrap();
    from_status("get", &place(), status, &map, text, signed)
}

#[test]
fn codes_decide() {
    use ErrorKind::*;
    for (status, code, kind) in [
        (403, "AccessDenied", Denied),
        (403, "RequestTimeTooSkewed", Denied),
        (403, "InvalidAccessKeyId", AuthRequired),
        (403, "SignatureDoesNotMatch", AuthRequired),
        (400, "AuthorizationHeaderMalformed", AuthRequired),
        (400, "InvalidToken", AuthRequired),
        (400, "ExpiredToken", AuthExpired),
        (400, "TokenRefreshRequired", AuthExpired),
        (404, "NoSuchKey", NotFound),
        (404, "NoSuchBucket", NotFound),
        (404, "NoSuchUpload", Conflict),
        (409, "BucketNotEmpty", NotEmpty),
        (412, "PreconditionFailed", Conflict),
        (409, "ConditionalRequestConflict", Conflict),
        (403, "InvalidObjectState", NotOnline),
        (503, "SlowDown", Throttled),
        (429, "TooManyRequests", Throttled),
        (503, "ServiceUnavailable", Busy),
        (400, "RequestTimeout", Timeout),
        (400, "BadDigest", Integrity),
        (400, "XAmzContentChecksumMismatch", Integrity),
        (400, "IncompleteBody", Network),
        (403, "QuotaExceeded", NoSpace),
        (501, "NotImplemented", Unsupported),
        (500, "InternalError", Remote),
        (400, "InvalidPart", Invalid),
        (400, "EntityTooSmall", Invalid),
        (403, "SomethingNew", Denied),
    ] {
        let error = fail(status, &[], &document(code, "why"), true);
        assert_eq!(error.kind(), kind, "{code}");
        assert_eq!(error.remote_status(), Some(status.into()));
        let said = format!("get s3://h.org/b/k: HTTP {status} {code} why");
        assert_eq!(error.message(), said);
    }
}

#[test]
fn bare_statuses_decide_without_a_code() {
    use ErrorKind::*;
    for (status, kind) in [
        (301, Invalid),
        (400, Invalid),
        (401, AuthRequired),
        (403, Denied),
        (404, NotFound),
        (405, Unsupported),
        (408, Timeout),
        (409, Conflict),
        (412, Conflict),
        (416, Invalid),
        (429, Throttled),
        (500, Remote),
        (501, Unsupported),
        (502, Remote),
        (503, Busy),
        (504, Timeout),
        (507, NoSpace),
    ] {
        for text in ["", "<html>busy</html>", "not even that"] {
            assert_eq!(fail(status, &[], text, true).kind(), kind, "{status}");
        }
    }
}

#[test]
fn nobody_is_asked_who_they_are() {
    let text = document("AccessDenied", "no");
    assert_eq!(fail(403, &[], &text, false).kind(), ErrorKind::AuthRequired);
    assert_eq!(fail(403, &[], "", false).kind(), ErrorKind::AuthRequired);
}

#[test]
fn a_server_names_the_time_to_wait() {
    let slow = document("SlowDown", "");
    let error = fail(503, &[("retry-after", "7")], &slow, true);
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(7)));
    let past = fail(
        429,
        &[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")],
        "",
        true,
    );
    assert_eq!(past.retry(), Retry::After(Duration::ZERO));
    let far = fail(429, &[("retry-after", "99999999")], "", true);
    assert_eq!(far.retry(), Retry::After(Duration::from_secs(3600)));
    assert_eq!(
        fail(503, &[("retry-after", "x")], &slow, true).retry(),
        Retry::Soon
    );
}

#[test]
fn a_bucket_elsewhere_is_said_so() {
    let headers = [("x-amz-bucket-region", "eu-west-1")];
    let error = fail(301, &headers, &document("PermanentRedirect", ""), true);
    assert!(error.message().contains("eu-west-1"), "{error}");
    assert_eq!(error.retry(), Retry::Never);
}

#[test]
fn what_servers_repeat_of_a_request_is_not_repeated() {
    let text = "<Error><Code>SignatureDoesNotMatch</Code><Message>m</Message>\
        <AWSAccessKeyId>canary</AWSAccessKeyId><StringToSign>canary</StringToSign>\
        <CanonicalRequest>canary</CanonicalRequest><Token-0>canary</Token-0></Error>";
    let error = fail(403, &[], text, true);
    assert!(!format!("{error:?}").contains("canary"));
    let long = document("X", &"y".repeat(5000));
    assert!(fail(500, &[], &long, true).message().len() < 400);
}
