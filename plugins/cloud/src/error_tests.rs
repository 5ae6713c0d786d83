//! The tables, answer by answer.

use causeway_sdk::{Credential, Secret};

use super::*;

fn asked(service: Service) -> Asked {
    Asked {
        service,
        doing: "read",
        what: "gs://b/k".into(),
        host: "h".into(),
        login: Login::drive(&Credential::Bearer(Secret::new("canary"))).unwrap(),
    }
}

fn refused(service: Service, status: u16, text: &str) -> Error {
    let status = StatusCode::from_u16(status).unwrap();
    from_status(&asked(service), status, &HeaderMap::new(), text)
}

fn azure_text(code: &str) -> String {
    format!("<Error><Code>{code}</Code><Message>text</Message></Error>")
}

fn google_text(reason: &str) -> String {
    format!(r#"{{"error":{{"code":1,"message":"text","errors":[{{"reason":"{reason}"}}]}}}}"#)
}

fn dropbox_text(summary: &str) -> String {
    format!(r#"{{"error_summary":"{summary}/...","error":{{".tag":"x"}}}}"#)
}

#[test]
fn codes_of_azure() {
    for (status, code, kind) in [
        (404, "BlobNotFound", ErrorKind::NotFound),
        (409, "BlobAlreadyExists", ErrorKind::Exists),
        (403, "AuthenticationFailed", ErrorKind::AuthRequired),
        (403, "AuthorizationPermissionMismatch", ErrorKind::Denied),
        (412, "ConditionNotMet", ErrorKind::Conflict),
        (400, "InvalidBlockList", ErrorKind::Conflict),
        (400, "Md5Mismatch", ErrorKind::Integrity),
        (503, "ServerBusy", ErrorKind::Busy),
        (409, "BlobArchived", ErrorKind::NotOnline),
        (500, "InternalError", ErrorKind::Remote),
        (400, "Unheard", ErrorKind::Invalid),
    ] {
        let error = refused(Service::Azure, status, &azure_text(code));
        assert_eq!(error.kind(), kind, "{error:?}");
        assert_eq!(error.remote_status(), Some(status.into()));
        assert!(error.message().contains(code), "{error}");
    }
}

#[test]
fn an_expired_signature_is_told_from_a_wrong_one() {
    let detail = |text: &str| {
        let text = format!(
            "<Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate \
             the request.\nRequestId:1</Message><AuthenticationErrorDetail>{text}\
             </AuthenticationErrorDetail></Error>"
        );
        refused(Service::Azure, 403, &text).kind()
    };
    let text = "Signed expiry time [Mon, 01 Jan 2024 00:00:00 GMT] must be after signed start";
    assert_eq!(detail(text), ErrorKind::AuthExpired);
    assert_eq!(detail("Signature did not match"), ErrorKind::AuthRequired);
}

#[test]
fn reasons_of_google() {
    for (status, reason, kind) in [
        (404, "notFound", ErrorKind::NotFound),
        (412, "conditionNotMet", ErrorKind::Conflict),
        (401, "authError", ErrorKind::AuthExpired),
        (401, "required", ErrorKind::AuthRequired),
        (403, "insufficientFilePermissions", ErrorKind::Denied),
        (403, "userRateLimitExceeded", ErrorKind::Throttled),
        (403, "storageQuotaExceeded", ErrorKind::NoSpace),
        (403, "fileNotDownloadable", ErrorKind::Unsupported),
        (500, "backendError", ErrorKind::Remote),
    ] {
        for service in [Service::Gcs, Service::Drive] {
            let error = refused(service, status, &google_text(reason));
            assert_eq!(error.kind(), kind, "{error:?}");
        }
    }
}

#[test]
fn summaries_of_dropbox() {
    for (status, summary, kind) in [
        (409, "path/not_found", ErrorKind::NotFound),
        (409, "path_lookup/not_found", ErrorKind::NotFound),
        (409, "path/not_file", ErrorKind::IsDirectory),
        (409, "path/not_folder", ErrorKind::NotDirectory),
        (409, "path/conflict/file", ErrorKind::Exists),
        (409, "to/conflict/folder", ErrorKind::Exists),
        (409, "path/insufficient_space", ErrorKind::NoSpace),
        (409, "path/disallowed_name", ErrorKind::Invalid),
        (401, "expired_access_token", ErrorKind::AuthExpired),
        (401, "invalid_access_token", ErrorKind::AuthRequired),
        (401, "missing_scope", ErrorKind::Denied),
        (429, "too_many_requests", ErrorKind::Throttled),
        (429, "too_many_write_operations", ErrorKind::Busy),
        (409, "unheard", ErrorKind::Conflict),
    ] {
        let error = refused(Service::Dropbox, status, &dropbox_text(summary));
        assert_eq!(error.kind(), kind, "{error:?}");
    }
}

#[test]
fn bare_statuses() {
    for (status, kind) in [
        (401, ErrorKind::AuthRequired),
        (403, ErrorKind::Denied),
        (404, ErrorKind::NotFound),
        (408, ErrorKind::Timeout),
        (412, ErrorKind::Conflict),
        (429, ErrorKind::Throttled),
        (502, ErrorKind::Remote),
        (503, ErrorKind::Busy),
        (507, ErrorKind::NoSpace),
        (302, ErrorKind::Invalid),
    ] {
        for service in [
            Service::Azure,
            Service::Gcs,
            Service::Dropbox,
            Service::Drive,
        ] {
            assert_eq!(refused(service, status, "").kind(), kind, "{status}");
        }
    }
}

#[test]
fn without_a_credential_no_means_that_one_is_wanted() {
    let nobody = Asked {
        login: Login::Nobody,
        ..asked(Service::Gcs)
    };
    let error = from_status(&nobody, StatusCode::FORBIDDEN, &HeaderMap::new(), "");
    assert_eq!(error.kind(), ErrorKind::AuthRequired);
}

#[test]
fn a_time_to_wait_is_passed_on_within_reason() {
    let mut headers = HeaderMap::new();
    for (text, seconds) in [
        ("7", 7),
        ("99999999", 3600),
        ("Mon, 01 Jan 2024 00:00:00 GMT", 0),
    ] {
        headers.insert("retry-after", text.parse().unwrap());
        let error = from_status(
            &asked(Service::Gcs),
            StatusCode::TOO_MANY_REQUESTS,
            &headers,
            "",
        );
        assert_eq!(
            error.retry(),
            Retry::After(Duration::from_secs(seconds)),
            "{text}"
        );
    }
}

#[test]
fn a_service_that_repeats_a_token_does_not_show_it() {
    let error = refused(Service::Dropbox, 400, "the token canary is not good");
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}
