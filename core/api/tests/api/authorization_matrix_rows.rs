//! The rows of the authorization matrix: a route, a request that would succeed, and the status that
//! each caller gets. The patterns are the kinds of rights there are; a row that follows none of
//! them spells its statuses out.

/// The columns. See `caller_of` for who they are.
pub(crate) const CALLERS: [&str; 10] = [
    "owner",
    "anonymous",
    "other VO",
    "same VO",
    "VO admin",
    "root",
    "banned",
    "expired",
    "token",
    "no scope",
];

type Statuses = [u16; CALLERS.len()];

/// One route.
pub(crate) struct Row {
    pub(crate) method: &'static str,
    pub(crate) route: &'static str,
    pub(crate) request: &'static str,
    pub(crate) body: &'static str,
    pub(crate) statuses: Statuses,
    /// What would be needed for a success is not there in this test.
    pub(crate) cannot_succeed: bool,
}

//                                           owner anon other same admin root banned expired token no-scope
/// Anybody but the banned, and whoever shows what is no good any more.
const fn public(ok: u16) -> Statuses {
    [ok, ok, ok, ok, ok, ok, 403, 403, ok, ok]
}
/// Anybody with a right of that kind.
const fn right(ok: u16) -> Statuses {
    [ok, 403, ok, ok, ok, ok, 403, 403, ok, 403]
}
/// The owner's job, seen by those whose right reaches there.
const fn owned(ok: u16) -> Statuses {
    [ok, 403, 403, ok, ok, ok, 403, 403, ok, 403]
}
/// Proved by a certificate.
const fn certificate(ok: u16) -> Statuses {
    [ok, 403, ok, ok, ok, ok, 403, 403, 403, 403]
}
/// The owner's delegation, which is nobody else's business.
const fn own(ok: u16) -> Statuses {
    [ok, 403, 403, 403, 403, 403, 403, 403, 403, 403]
}
/// Who may configure.
const fn config(ok: u16) -> Statuses {
    [403, 403, 403, 403, ok, ok, 403, 403, ok, 403]
}
/// Who may configure, proved by a certificate.
const fn config_certificate(ok: u16) -> Statuses {
    [403, 403, 403, 403, ok, ok, 403, 403, 403, 403]
}
/// Anybody who is known; nobodies are asked to log in.
const fn known(ok: u16) -> Statuses {
    [ok, 401, ok, ok, ok, ok, 403, 403, ok, ok]
}
/// Who has let the service use their storage; others are known, and have not.
const fn granted(ok: u16, not: u16) -> Statuses {
    [ok, 401, not, not, not, not, 403, 403, not, not]
}
/// Who may administrate, proved by a certificate.
const fn admin_certificate(ok: u16) -> Statuses {
    [403, 403, 403, 403, 403, ok, 403, 403, 403, 403]
}
/// The service itself.
const fn root(ok: u16) -> Statuses {
    [403, 403, 403, 403, 403, ok, 403, 403, 403, 403]
}

const fn row(
    method: &'static str,
    route: &'static str,
    request: &'static str,
    body: &'static str,
    statuses: Statuses,
) -> Row {
    Row {
        method,
        route,
        request,
        body,
        statuses,
        cannot_succeed: false,
    }
}

/// For a route whose success needs more than a request: the status says how far the caller got.
const fn hopeless(row: Row) -> Row {
    Row {
        cannot_succeed: true,
        ..row
    }
}

const JOB: &str = r#"{"files":[{"sources":["mock://a.example.org/f"],"destinations":["mock://b.example.org/g"]}]}"#;
const PRIORITY: &str = r#"{"params":{"priority":2}}"#;
const LINK: &str = r#"{"symbolicname":"l","source":"mock://a","destination":"mock://b","min_active":1,"max_active":2}"#;
const SHARE: &str = r#"{"source":"mock://a","destination":"mock://b","vo":"dteam","share":80}"#;
const ACTIVITIES: &str = r#"{"vo":"dteam","active":true,"share":{"default":1}}"#;
const APPLICATION: &str =
    r#"{"name":"n","website":"https://w","redirect_to":"https://w/r","scope":"transfer"}"#;
const SURL: &str = r#"{"surl":"mock://h/d"}"#;

#[rustfmt::skip]
pub(crate) static ROWS: &[Row] = &[
    row("GET", "/", "/", "", public(200)),
    row("GET", "/healthz", "/healthz", "", public(200)),
    row("GET", "/readyz", "/readyz", "", public(200)),
    row("GET", "/whoami", "/whoami", "", public(200)),
    row("GET", "/whoami/certificate", "/whoami/certificate", "", certificate(200)),
    row("GET", "/css/causeway.css", "/css/causeway.css", "", public(200)),
    row("GET", "/js/forms.js", "/js/forms.js", "", public(200)),

    row("GET", "/delegation", "/delegation", "", certificate(200)),
    row("GET", "/delegation/{}", "/delegation/{dlg}", "", own(200)),
    row("DELETE", "/delegation/{}", "/delegation/{dlg}", "", own(204)),
    row("GET", "/delegation/{}/request", "/delegation/{dlg}/request", "", own(200)),
    hopeless(row("PUT", "/delegation/{}/credential", "/delegation/{dlg}/credential", "no proxy", own(400))),
    hopeless(row("POST", "/delegation/{}/credential", "/delegation/{dlg}/credential", "no proxy", own(400))),
    hopeless(row("POST", "/delegation/{}/voms", "/delegation/{dlg}/voms", r#"["novo"]"#, own(424))),

    row("GET", "/jobs", "/jobs", "", right(200)),
    row("POST", "/jobs", "/jobs", JOB, right(200)),
    row("PUT", "/jobs", "/jobs", JOB, right(200)),
    row("DELETE", "/jobs/all", "/jobs/all", "", root(200)),
    row("DELETE", "/jobs/vo/{}", "/jobs/vo/testvo", "", root(200)),
    row("GET", "/jobs/{}", "/jobs/{job}", "", owned(200)),
    row("DELETE", "/jobs/{}", "/jobs/{job}", "", owned(200)),
    row("POST", "/jobs/{}", "/jobs/{job}", PRIORITY, owned(200)),
    row("GET", "/jobs/{}/files", "/jobs/{job}/files", "", owned(200)),
    row("GET", "/jobs/{}/dm", "/jobs/{job}/dm", "", owned(200)),
    row("GET", "/jobs/{}/{}", "/jobs/{job}/job_state", "", owned(200)),
    row("DELETE", "/jobs/{}/files/{}", "/jobs/{job}/files/{file}", "", owned(200)),
    row("GET", "/jobs/{}/files/{}/retries", "/jobs/{job}/files/{file}/retries", "", owned(200)),
    row("GET", "/files", "/files", "", right(200)),

    // No engine stands behind these here, so whoever may ask learns that nobody answers.
    hopeless(row("GET", "/jobs/{}/files/{}/explain", "/jobs/{job}/files/{file}/explain", "", owned(503))),
    hopeless(row("GET", "/events", "/events", "", right(503))),
    hopeless(row("GET", "/jobs/{}/files/{}/log", "/jobs/{job}/files/{file}/log", "", owned(404))),
    row("GET", "/fts3/ftsmon", "/fts3/ftsmon/", "", public(200)),
    row("GET", "/fts3/ftsmon/job/{}", "/fts3/ftsmon/job/00000000-0000-4000-8000-000000000000", "", public(302)),
    row("GET", "/js/ftsmon.js", "/js/ftsmon.js", "", public(200)),
    hopeless(row("POST", "/plan", "/plan", JOB, right(503))),
    hopeless(row("GET", "/engine/conditions", "/engine/conditions", "", config(503))),
    hopeless(row("DELETE", "/engine/breakers", "/engine/breakers?storage=mock://h", "", config(503))),
    hopeless(row("DELETE", "/engine/ways", "/engine/ways?source=mock://a&destination=mock://b", "", config(503))),
    hopeless(row("GET", "/engine/workers", "/engine/workers", "", config(503))),
    hopeless(row("GET", "/engine/plugins", "/engine/plugins", "", config(503))),
    hopeless(row("GET", "/config/plugins", "/config/plugins", "", config(503))),
    hopeless(row("POST", "/config/plugins", "/config/plugins", r#"{"action":"reload"}"#, config(503))),
    hopeless(row("POST", "/engine/plugins/{}/put-back", "/engine/plugins/mock/put-back", "", config(503))),

    row("GET", "/dm/list", "/dm/list?surl=mock://h/d", "", right(200)),
    row("GET", "/dm/stat", "/dm/stat?surl=mock://h/f", "", right(200)),
    row("POST", "/dm/mkdir", "/dm/mkdir", SURL, right(200)),
    row("POST", "/dm/unlink", "/dm/unlink", SURL, right(200)),
    row("POST", "/dm/rmdir", "/dm/rmdir", SURL, right(200)),
    row("POST", "/dm/rename", "/dm/rename", r#"{"old":"mock://h/a","new":"mock://h/b"}"#, right(200)),

    row("GET", "/archive", "/archive", "", public(200)),
    hopeless(row("GET", "/archive/{}", "/archive/{job}", "", right(404))),
    hopeless(row("GET", "/archive/{}/{}", "/archive/{job}/job_state", "", right(404))),
    row("GET", "/snapshot", "/snapshot", "", right(200)),

    row("POST", "/ban/se", "/ban/se", r#"{"storage":"mock://x.example.org"}"#, config(200)),
    row("GET", "/ban/se", "/ban/se", "", config(200)),
    row("DELETE", "/ban/se", "/ban/se?storage=mock://x.example.org", "", config(204)),
    row("POST", "/ban/dn", "/ban/dn", r#"{"user_dn":"/CN=Somebody"}"#, config(200)),
    row("GET", "/ban/dn", "/ban/dn", "", config(200)),
    row("DELETE", "/ban/dn", "/ban/dn?user_dn=/CN=Somebody", "", config(204)),

    row("GET", "/config", "/config", "", config(200)),
    row("GET", "/config/audit", "/config/audit", "", config(200)),
    row("POST", "/config/drain", "/config/drain", r#"{"hostname":"localhost","drain":false}"#, config(200)),
    row("POST", "/config/global", "/config/global", r#"{"retry":1}"#, config(200)),
    row("GET", "/config/global", "/config/global", "", config(200)),
    row("DELETE", "/config/global", "/config/global?vo_name=atlas", "", config(204)),
    row("POST", "/config/links", "/config/links", LINK, config(200)),
    row("GET", "/config/links", "/config/links", "", config(200)),
    hopeless(row("GET", "/config/links/{}", "/config/links/none", "", config(404))),
    row("DELETE", "/config/links/{}", "/config/links/none", "", config(204)),
    row("POST", "/config/se", "/config/se", r#"{"mock://h":{"se_info":{"inbound_max_active":5}}}"#, config(200)),
    row("GET", "/config/se", "/config/se", "", config(200)),
    row("DELETE", "/config/se", "/config/se?se=mock://h", "", config(204)),
    row("POST", "/config/shares", "/config/shares", SHARE, config(200)),
    row("GET", "/config/shares", "/config/shares", "", config(200)),
    row("DELETE", "/config/shares", "/config/shares?source=mock://a&destination=mock://b&vo=dteam", "", config(204)),
    row("POST", "/config/authorize", "/config/authorize", r#"{"dn":"/CN=a","operation":"config"}"#, config_certificate(200)),
    row("GET", "/config/authorize", "/config/authorize", "", config_certificate(200)),
    row("DELETE", "/config/authorize", "/config/authorize?dn=/CN=a", "", config_certificate(204)),
    row("POST", "/config/activity_shares", "/config/activity_shares", ACTIVITIES, config_certificate(200)),
    row("GET", "/config/activity_shares", "/config/activity_shares", "", config_certificate(200)),
    hopeless(row("GET", "/config/activity_shares/{}", "/config/activity_shares/none", "", config_certificate(404))),
    hopeless(row("DELETE", "/config/activity_shares/{}", "/config/activity_shares/none", "", config_certificate(404))),
    row("POST", "/config/cloud_storage", "/config/cloud_storage", r#"{"storage_name":"S3:h"}"#, config_certificate(201)),
    row("GET", "/config/cloud_storage", "/config/cloud_storage", "", config_certificate(200)),
    hopeless(row("GET", "/config/cloud_storage/{}", "/config/cloud_storage/none", "", config_certificate(404))),
    hopeless(row("POST", "/config/cloud_storage/{}", "/config/cloud_storage/none", r#"{"vo_name":"a"}"#, config_certificate(404))),
    hopeless(row("DELETE", "/config/cloud_storage/{}", "/config/cloud_storage/none", "", config_certificate(404))),
    hopeless(row("DELETE", "/config/cloud_storage/{}/{}", "/config/cloud_storage/none/a", "", config_certificate(404))),

    row("GET", "/optimizer", "/optimizer", "", public(200)),
    row("GET", "/optimizer/evolution", "/optimizer/evolution", "", public(200)),
    row("GET", "/optimizer/current", "/optimizer/current", "", public(200)),
    hopeless(row("POST", "/optimizer/current", "/optimizer/current", r#"{"source_se":"mock://a","dest_se":"mock://b"}"#, config(503))),
    row("GET", "/autocomplete/dn", "/autocomplete/dn", "", config(200)),
    row("GET", "/autocomplete/source", "/autocomplete/source", "", config(200)),
    row("GET", "/autocomplete/destination", "/autocomplete/destination", "", config(200)),
    row("GET", "/autocomplete/storage", "/autocomplete/storage", "", config(200)),
    row("GET", "/autocomplete/vo", "/autocomplete/vo", "", config(200)),
    row("GET", "/status/hosts", "/status/hosts", "", config_certificate(200)),
    row("POST", "/admin/force-start", "/admin/force-start", "[1]", admin_certificate(200)),

    // The owner has a grant and has asked for another one; everybody may, for themselves.
    row("GET", "/cs/registered/{}", "/cs/registered/drive", "", known(200)),
    row("GET", "/cs/access_request/{}", "/cs/access_request/drive", "", granted(200, 404)),
    row("GET", "/cs/access_request/{}/request", "/cs/access_request/drive/request", "", known(200)),
    row("GET", "/cs/access_grant/{}", "/cs/access_grant/drive", "", granted(200, 400)),
    row("DELETE", "/cs/access_grant/{}", "/cs/access_grant/drive", "", granted(204, 404)),
    row("GET", "/cs/remote_content/{}", "/cs/remote_content/drive?surl=/d", "", granted(200, 403)),
    row("GET", "/cs/file_urllink/{}/{}", "/cs/file_urllink/drive/d/f", "", granted(200, 403)),

    row("GET", "/oauth2", "/oauth2", "", certificate(302)),
    row("GET", "/oauth2/apps", "/oauth2/apps", "", certificate(200)),
    row("GET", "/oauth2/register", "/oauth2/register", "", certificate(200)),
    row("POST", "/oauth2/register", "/oauth2/register", APPLICATION, certificate(201)),
    hopeless(row("GET", "/oauth2/apps/{}", "/oauth2/apps/none", "", certificate(404))),
    hopeless(row("POST", "/oauth2/apps/{}", "/oauth2/apps/none", APPLICATION, certificate(404))),
    hopeless(row("DELETE", "/oauth2/apps/{}", "/oauth2/apps/none", "", certificate(404))),
    hopeless(row("GET", "/oauth2/authorize", "/oauth2/authorize", "", certificate(400))),
    hopeless(row("POST", "/oauth2/authorize", "/oauth2/authorize", "accept=1", certificate(403))),
    hopeless(row("GET", "/oauth2/token", "/oauth2/token", "", public(400))),
    hopeless(row("POST", "/oauth2/token", "/oauth2/token", "grant_type=x", public(400))),
    row("GET", "/oauth2/revoke/{}", "/oauth2/revoke/none", "", certificate(303)),

    row("GET", "/api-docs", "/api-docs", "", public(200)),
    row("GET", "/api-docs/{}", "/api-docs/jobs", "", public(200)),
    row("GET", "/api-docs/schema/submit", "/api-docs/schema/submit", "", public(200)),
    row("GET", "/api-docs/config/{}", "/api-docs/config/se", "", public(200)),
    row("GET", "/openapi.json", "/openapi.json", "", public(200)),
];
