//! The tables, row by row.

use super::*;

fn fail(status: u16, headers: &[(&'static str, &str)], text: &str) -> Error {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    let url = "https://h/p?sig=1".parse().unwrap();
    from_status(
        "get",
        &url,
        StatusCode::from_u16(status).unwrap(),
        &map,
        text,
    )
}

#[test]
fn the_table() {
    use ErrorKind::*;
    for (status, kind) in [
        (400, Invalid),
        (401, AuthRequired),
        (403, Denied),
        (404, NotFound),
        (405, Unsupported),
        (408, Timeout),
        (409, Conflict),
        (410, NotFound),
        (412, Conflict),
        (416, Invalid),
        (418, Invalid),
        (423, Busy),
        (429, Throttled),
        (500, Remote),
        (501, Unsupported),
        (502, Remote),
        (503, Busy),
        (504, Timeout),
        (507, NoSpace),
        (599, Remote),
    ] {
        let error = fail(status, &[], "");
        assert_eq!(error.kind(), kind, "{status}");
        assert_eq!(error.remote_status(), Some(status.into()));
        assert!(!error.message().contains("sig"));
    }
}

#[test]
fn a_server_names_the_time_to_wait() {
    let error = fail(503, &[("retry-after", "7")], "");
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(7)));
    let past = fail(503, &[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")], "");
    assert_eq!(past.retry(), Retry::After(Duration::ZERO));
    let far = fail(429, &[("retry-after", "99999999")], "");
    assert_eq!(far.retry(), Retry::After(MAX_WAIT));
    assert_eq!(fail(503, &[("retry-after", "x")], "").retry(), Retry::Soon);
}

#[test]
fn texts_help_where_the_status_does_not() {
    let error = fail(500, &[], "Unable to remove /q; directory not empty\n");
    assert_eq!(error.kind(), ErrorKind::NotEmpty);
    let error = fail(403, &[], "no such file");
    assert_eq!(error.kind(), ErrorKind::Denied);
    let page = fail(500, &[], "<html>no such file");
    assert_eq!(page.kind(), ErrorKind::Remote);
    assert!(!page.message().contains("html"), "{page}");
}

#[test]
fn server_texts_are_short_and_without_secrets() {
    let text = format!("Bearer hunter2 {}", "x".repeat(5000));
    let message = fail(500, &[], &text).message().to_owned();
    assert!(message.len() < 300, "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn an_expired_token_is_told_from_a_missing_one() {
    let value = r#"Bearer error="invalid_token", error_description="token expired""#;
    let error = fail(401, &[("www-authenticate", value)], "");
    assert_eq!(error.kind(), ErrorKind::AuthExpired);
}

#[test]
fn tls_failures_are_found_inside_io_errors() {
    let url = "https://h/".parse().unwrap();
    for (tls, kind) in [
        (
            rustls::Error::AlertReceived(Alert::CertificateExpired),
            ErrorKind::AuthExpired,
        ),
        (
            rustls::Error::AlertReceived(Alert::UnknownCA),
            ErrorKind::AuthRequired,
        ),
        (
            rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer),
            ErrorKind::Network,
        ),
    ] {
        let error = std::io::Error::other(std::io::Error::other(tls));
        let error = from_transport("get", &url, &error, false);
        assert_eq!((error.kind(), error.retry()), (kind, Retry::Never));
    }
}
