//! The services' own codes to the kinds of the SDK: one table for each.

use causeway_sdk::ErrorKind;

use crate::fault::HASH_MISMATCH;
use crate::place::Service;

/// Codes of Azure Blob Storage.
fn azure(code: &str) -> Option<ErrorKind> {
    Some(match code {
        "BlobNotFound" | "ContainerNotFound" | "ResourceNotFound" | "ContainerBeingDeleted" => {
            ErrorKind::NotFound
        }
        "BlobAlreadyExists" | "ResourceAlreadyExists" => ErrorKind::Exists,
        "AuthenticationFailed"
        | "NoAuthenticationInformation"
        | "InvalidAuthenticationInfo"
        | "PublicAccessNotPermitted" => ErrorKind::AuthRequired,
        "AuthorizationFailure"
        | "AuthorizationPermissionMismatch"
        | "InsufficientAccountPermissions"
        | "AuthorizationProtocolMismatch"
        | "AuthorizationSourceIPMismatch"
        | "AccountIsDisabled"
        | "AuthorizationServiceMismatch"
        | "AuthorizationResourceTypeMismatch"
        | "BlobImmutableDueToPolicy" => ErrorKind::Denied,
        "ConditionNotMet"
        | "TargetConditionNotMet"
        | "SourceConditionNotMet"
        | "InvalidBlockList"
        | "PendingCopyOperation"
        | "LeaseIdMissing"
        | "SnapshotsPresent" => ErrorKind::Conflict,
        "Md5Mismatch" | "Crc64Mismatch" => ErrorKind::Integrity,
        "ServerBusy" => ErrorKind::Busy,
        "IngressOverAccountLimit"
        | "EgressIsOverAccountLimit"
        | "OperationTimedOut"
        | "TpmOverAccountLimit" => ErrorKind::Throttled,
        "BlobArchived" | "BlobBeingRehydrated" => ErrorKind::NotOnline,
        "BlobTypeNotSupported" | "FeatureVersionMismatch" | "UnsupportedHttpVerb" => {
            ErrorKind::Unsupported
        }
        "InternalError" => ErrorKind::Remote,
        _ => return None,
    })
}

/// Reasons of Google's interfaces: Cloud Storage and Drive.
fn google(code: &str) -> Option<ErrorKind> {
    Some(match code {
        "notFound" => ErrorKind::NotFound,
        "conditionNotMet" | "conflict" => ErrorKind::Conflict,
        "authError" | "expired" | "invalid_token" => ErrorKind::AuthExpired,
        "required" | "invalid_grant" => ErrorKind::AuthRequired,
        "forbidden"
        | "insufficientPermissions"
        | "insufficientFilePermissions"
        | "appNotAuthorizedToFile"
        | "domainPolicy"
        | "accountDisabled"
        | "cannotDownloadAbusiveFile"
        | "userProjectMissing" => ErrorKind::Denied,
        "rateLimitExceeded"
        | "userRateLimitExceeded"
        | "dailyLimitExceeded"
        | "quotaExceeded"
        | "sharingRateLimitExceeded"
        | "downloadQuotaExceeded" => ErrorKind::Throttled,
        "storageQuotaExceeded"
        | "teamDriveFileLimitExceeded"
        | "numChildrenInNonRootLimitExceeded" => ErrorKind::NoSpace,
        "fileNotDownloadable" | "notImplemented" => ErrorKind::Unsupported,
        HASH_MISMATCH => ErrorKind::Integrity,
        "backendError" | "internalError" => ErrorKind::Remote,
        _ => return None,
    })
}

/// Error summaries of Dropbox, part by part from the front: `path/not_found/..`.
fn dropbox(summary: &str) -> Option<ErrorKind> {
    let kind = |part: &str| {
        Some(match part {
            "not_found" | "no_entries" => ErrorKind::NotFound,
            "not_file" => ErrorKind::IsDirectory,
            "not_folder" => ErrorKind::NotDirectory,
            "conflict" => ErrorKind::Exists,
            "no_write_permission"
            | "no_permission"
            | "restricted_content"
            | "access_denied"
            | "missing_scope"
            | "user_suspended"
            | "team_folder"
            | "locked"
            | "email_unverified" => ErrorKind::Denied,
            "malformed_path" | "disallowed_name" | "invalid_argument" => ErrorKind::Invalid,
            "insufficient_space" | "insufficient_quota" | "over_quota" => ErrorKind::NoSpace,
            "too_many_requests" => ErrorKind::Throttled,
            "too_many_write_operations" => ErrorKind::Busy,
            "expired_access_token" => ErrorKind::AuthExpired,
            "invalid_access_token" | "invalid_select_user" => ErrorKind::AuthRequired,
            "content_hash_mismatch" => ErrorKind::Integrity,
            "unsupported_file" | "unsupported_content_type" => ErrorKind::Unsupported,
            "incorrect_offset" | "closed" | "reset" => ErrorKind::Conflict,
            "internal_error" => ErrorKind::Remote,
            _ => return None,
        })
    };
    summary.split('/').find_map(kind)
}

/// The kind for a code; `None` for one that says no more than its status.
pub(crate) fn kind_of_code(service: Service, code: &str) -> Option<ErrorKind> {
    match service {
        Service::Azure => azure(code),
        Service::Gcs | Service::Drive => google(code),
        Service::Dropbox => dropbox(code),
    }
}
