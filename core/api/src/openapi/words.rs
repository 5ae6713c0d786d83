//! The texts that stand at many routes: what a part of a path means, who may, what may always
//! happen.

use super::doc::Doc;
use crate::fts::router::Auth;

pub(super) const INFO: &str = "\
A storage gateway that speaks the REST dialect of FTS3, so that its clients work unchanged, and some \
routes of its own. Identity comes from a client certificate (also a proxy) or from a bearer token; \
what a caller may do is shown by `/whoami`.\n\n\
Errors are `{\"status\", \"message\"}`, or a page for those who prefer `text/html`. Points in time are \
UTC without zone. One slash at the end of a path and slashes repeated at its beginning do not count; \
`%2F` stays inside its part of the path. Every path answers OPTIONS with the methods it knows, HEAD \
where it answers GET, and 405 for the others. A form with `_method=DELETE` is taken as DELETE.";

pub(super) const CERTIFICATE: &str =
    "A certificate of the user, or a proxy of it, shown in the TLS handshake.";
pub(super) const TOKEN: &str = "A token of an issuer the gateway trusts, or one of its own.";
pub(super) const FLAG: &str =
    "True or false; also 1 or 0, and texts, of which those that begin with a `y` are true.";

/// Answers that are alike wherever they occur: status, name, meaning.
pub(super) const SHARED: &[(u16, &str, &str)] = &[
    (
        400,
        "BadRequest",
        "The request makes no sense; the message says where.",
    ),
    (
        403,
        "Forbidden",
        "The caller may not, is banned, or comes from another origin.",
    ),
    (404, "NotFound", "There is no such thing."),
    (
        413,
        "TooLarge",
        "The body is larger than this server takes.",
    ),
    (
        429,
        "TooMany",
        "Asked too often, where that is limited; `Retry-After` says when to come again.",
    ),
    (
        500,
        "ServerError",
        "Something went wrong inside; the log of the server says what.",
    ),
    (
        503,
        "Unavailable",
        "Busy, or it took too long: try again later.",
    ),
];

/// Statuses that any route like this one may answer with, and the shared answers for them.
pub(super) fn everywhere(doc: &Doc) -> Vec<(u16, &'static str)> {
    let mut all = vec![
        (403, "Forbidden"),
        (429, "TooMany"),
        (500, "ServerError"),
        (503, "Unavailable"),
    ];
    if doc.path.contains('{') {
        all.push((404, "NotFound"));
    }
    if doc.body.is_some() {
        all.extend([(400, "BadRequest"), (413, "TooLarge")]);
    }
    if doc.query.iter().any(|it| it.required) {
        all.push((400, "BadRequest"));
    }
    all
}

/// Who may call a route.
pub(super) fn rights(auth: Auth) -> String {
    match auth {
        Auth::Public => "Anybody may.".to_owned(),
        Auth::Known => "Anybody may who has said who they are.".to_owned(),
        Auth::Certificate => "Needs a certificate.".to_owned(),
        Auth::OwnDelegation => "Only for the caller's own delegation id.".to_owned(),
        Auth::CertificateAndOwnDelegation => {
            "Needs a certificate, and only for the caller's own delegation id.".to_owned()
        }
        Auth::CertificateAndOperation(name) => {
            format!("Needs a certificate, and the right `{name}`.")
        }
        Auth::Operation(name) => format!("Needs the right `{name}`."),
        Auth::Root => "Only for the service itself.".to_owned(),
    }
}

/// What a part of a path means.
pub(super) fn path_part(name: &str) -> &'static str {
    let found = PARTS.iter().find(|(part, _)| *part == name);
    found.map_or("", |(_, about)| about)
}

const PARTS: &[(&str, &str)] = &[
    ("dlg_id", "Delegation id of the caller, see `/whoami`."),
    ("job_id", "Id of a job."),
    (
        "job_ids",
        "One id, or several with commas between them. With a comma the answer is a list.",
    ),
    ("file_id", "Number of a transfer of the job."),
    (
        "file_ids",
        "One number, or several with commas between them. With a comma the answer is a list.",
    ),
    ("field", "Name of a member of the object."),
    ("vo_name", "Name of a VO."),
    (
        "sym_name",
        "Symbolic name of the link; a slash in it is written `%2F`.",
    ),
    ("service", "Name of the cloud storage."),
    ("storage_name", "Name of the cloud storage."),
    ("id", "DN of a user (slashes as `%2F`) or name of a VO."),
    ("name", "Name of the plugin."),
    (
        "path",
        "Path of the file there; slashes may be written `%2F`.",
    ),
    ("client_id", "Id of the application."),
    (
        "resource",
        "Id of a resource, from the list at `/api-docs`.",
    ),
];

#[cfg(test)]
mod tests {
    use super::super::document::names_in;
    use super::super::groups;
    use super::path_part;

    #[test]
    fn every_part_of_a_path_is_explained() {
        for doc in groups().iter().flat_map(|it| &it.docs) {
            for name in names_in(doc.path) {
                assert_ne!(path_part(name), "", "{}: {{{name}}}", doc.path);
            }
        }
    }
}
