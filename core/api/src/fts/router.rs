//! Every route of the FTS3-compatible surface on one page, as data: OPTIONS, 405 and the tests of
//! authorization read the same table. Of routes that fit, the first one counts; literal paths
//! therefore stand before those with names.

use std::sync::LazyLock;

use axum::response::Response;
use causeway_model::AuthMethod;
use causeway_sdk::BoxFuture;
use http::Method;

use super::path::{Params, Pattern, segments};
use super::routes::config::{
    activity_shares, authorize, cloud_grants, cloud_storage, drain, global, links, se, shares,
};
use super::routes::{
    admin, archive, autocomplete, ban, config, cs, delegation, dm, docs, files, health, jobs,
    oauth2, optimizer, root, snapshot, status, whoami,
};
use crate::error::{ApiError, Outcome};
use crate::extract::{Call, Caller};
use crate::html;
use crate::own::{
    conditions, events, explain, log_file, monitor, plan, plugin_changes, plugins, workers,
};

/// What a caller must be to reach a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Anybody.
    Public,
    /// Anybody who has said who they are.
    Known,
    /// Proved by a certificate.
    Certificate,
    /// The path's delegation id is the caller's.
    OwnDelegation,
    /// Both of the above.
    CertificateAndOwnDelegation,
    /// Has some level of an operation; the handler looks at the resource.
    Operation(&'static str),
    /// Proved by a certificate, and has some level of an operation.
    CertificateAndOperation(&'static str),
    /// Is the service itself.
    Root,
}

type Handler = fn(Call) -> BoxFuture<'static, Outcome>;

/// One route.
pub struct Route {
    /// Method.
    pub method: Method,
    /// Path with names in braces.
    pub path: &'static str,
    /// Who may.
    pub auth: Auth,
    handler: Handler,
}

macro_rules! routes {
    ($($method:ident $path:literal $auth:expr => $($handler:ident)::+;)*) => {
        &[$(Route {
            method: Method::$method,
            path: $path,
            auth: $auth,
            handler: |call| Box::pin($($handler)::+(call)),
        }),*]
    };
}

const TRANSFER: Auth = Auth::Operation("transfer");
const DM: Auth = Auth::Operation("datamanagement");
const CONFIG: Auth = Auth::Operation("config");
const CONFIG_CERT: Auth = Auth::CertificateAndOperation("config");
const ADMIN_CERT: Auth = Auth::CertificateAndOperation("admin");
const CERT: Auth = Auth::Certificate;
const OWN: Auth = Auth::CertificateAndOwnDelegation;

/// The table.
pub static ROUTES: &[Route] = routes! {
    GET    "/"                                 Auth::Public        => root::index;
    GET    "/healthz"                          Auth::Public        => health::live;
    GET    "/readyz"                           Auth::Public        => health::ready;
    GET    "/whoami"                           Auth::Public        => whoami::whoami;
    GET    "/whoami/certificate"               CERT                => whoami::certificate;

    GET    "/delegation"                       CERT                => delegation::index;
    GET    "/delegation/{dlg_id}"              Auth::OwnDelegation => delegation::info;
    DELETE "/delegation/{dlg_id}"              OWN                 => delegation::remove;
    GET    "/delegation/{dlg_id}/request"      OWN                 => delegation::request;
    PUT    "/delegation/{dlg_id}/credential"   OWN                 => delegation::credential;
    POST   "/delegation/{dlg_id}/credential"   OWN                 => delegation::credential;
    POST   "/delegation/{dlg_id}/voms"         OWN                 => delegation::voms;

    GET    "/jobs"                             TRANSFER            => jobs::query::list;
    POST   "/jobs"                             TRANSFER            => jobs::submit::submit;
    PUT    "/jobs"                             TRANSFER            => jobs::submit::submit;
    DELETE "/jobs/all"                         Auth::Root          => jobs::cancel::all;
    DELETE "/jobs/vo/{vo_name}"                Auth::Root          => jobs::cancel::all_of_vo;
    GET    "/jobs/{job_ids}"                   TRANSFER            => jobs::query::get;
    DELETE "/jobs/{job_ids}"                   TRANSFER            => jobs::cancel::jobs;
    POST   "/jobs/{job_ids}"                   TRANSFER            => jobs::modify::modify;
    GET    "/jobs/{job_id}/files"              TRANSFER            => jobs::query::files;
    GET    "/jobs/{job_id}/dm"                 TRANSFER            => jobs::query::deletions;
    GET    "/jobs/{job_id}/{field}"            TRANSFER            => jobs::query::field;
    DELETE "/jobs/{job_id}/files/{file_ids}"   TRANSFER            => jobs::cancel::files;
    GET    "/jobs/{job_id}/files/{file_id}/retries" TRANSFER       => jobs::query::retries;

    GET    "/jobs/{job_id}/files/{file_id}/explain" TRANSFER       => explain::file;
    GET    "/jobs/{job_id}/files/{file_id}/log" TRANSFER           => log_file::download;

    GET    "/archive"                          Auth::Public        => archive::index;
    GET    "/archive/{job_id}"                 TRANSFER            => archive::get;
    GET    "/archive/{job_id}/{field}"         TRANSFER            => archive::field;

    POST   "/ban/se"                           CONFIG              => ban::storage::ban;
    GET    "/ban/se"                           CONFIG              => ban::storage::list;
    DELETE "/ban/se"                           CONFIG              => ban::storage::unban;
    POST   "/ban/dn"                           CONFIG              => ban::user::ban;
    GET    "/ban/dn"                           CONFIG              => ban::user::list;
    DELETE "/ban/dn"                           CONFIG              => ban::user::unban;

    GET    "/config"                           CONFIG              => config::index;
    GET    "/config/audit"                     CONFIG              => config::audit;
    POST   "/config/drain"                     CONFIG              => drain::set;
    POST   "/config/global"                    CONFIG              => global::set;
    GET    "/config/global"                    CONFIG              => global::list;
    DELETE "/config/global"                    CONFIG              => global::remove;
    POST   "/config/links"                     CONFIG              => links::set;
    GET    "/config/links"                     CONFIG              => links::list;
    GET    "/config/plugins"                   CONFIG              => plugins::list;
    POST   "/config/plugins"                   CONFIG              => plugin_changes::change;
    GET    "/config/links/{sym_name}"          CONFIG              => links::get;
    DELETE "/config/links/{sym_name}"          CONFIG              => links::remove;
    POST   "/config/se"                        CONFIG              => se::set;
    GET    "/config/se"                        CONFIG              => se::list;
    DELETE "/config/se"                        CONFIG              => se::remove;
    POST   "/config/shares"                    CONFIG              => shares::set;
    GET    "/config/shares"                    CONFIG              => shares::list;
    DELETE "/config/shares"                    CONFIG              => shares::remove;
    POST   "/config/authorize"                 CONFIG_CERT         => authorize::give;
    GET    "/config/authorize"                 CONFIG_CERT         => authorize::list;
    DELETE "/config/authorize"                 CONFIG_CERT         => authorize::revoke;
    POST   "/config/activity_shares"           CONFIG_CERT         => activity_shares::set;
    GET    "/config/activity_shares"           CONFIG_CERT         => activity_shares::list;
    GET    "/config/activity_shares/{vo_name}" CONFIG_CERT         => activity_shares::get;
    DELETE "/config/activity_shares/{vo_name}" CONFIG_CERT         => activity_shares::remove;
    POST   "/config/cloud_storage"             CONFIG_CERT         => cloud_storage::set;
    GET    "/config/cloud_storage"             CONFIG_CERT         => cloud_storage::list;
    GET    "/config/cloud_storage/{storage_name}" CONFIG_CERT      => cloud_grants::list;
    POST   "/config/cloud_storage/{storage_name}" CONFIG_CERT      => cloud_grants::set;
    DELETE "/config/cloud_storage/{storage_name}" CONFIG_CERT      => cloud_storage::remove;
    DELETE "/config/cloud_storage/{storage_name}/{id}" CONFIG_CERT => cloud_grants::remove;

    GET    "/optimizer"                        Auth::Public        => optimizer::enabled;
    GET    "/optimizer/evolution"              Auth::Public        => optimizer::evolution;
    GET    "/optimizer/current"                Auth::Public        => optimizer::current;
    POST   "/optimizer/current"                CONFIG              => optimizer::set;

    GET    "/autocomplete/dn"                  CONFIG              => autocomplete::dn;
    GET    "/autocomplete/source"              CONFIG              => autocomplete::source;
    GET    "/autocomplete/destination"         CONFIG              => autocomplete::destination;
    GET    "/autocomplete/storage"             CONFIG              => autocomplete::storage;
    GET    "/autocomplete/vo"                  CONFIG              => autocomplete::vo;

    GET    "/status/hosts"                     CONFIG_CERT         => status::hosts;
    GET    "/snapshot"                         TRANSFER            => snapshot::links;
    POST   "/admin/force-start"                ADMIN_CERT          => admin::force_start;

    GET    "/cs/registered/{service}"          Auth::Known         => cs::registered;
    GET    "/cs/access_request/{service}"      Auth::Known         => cs::requested;
    GET    "/cs/access_request/{service}/request" Auth::Known      => cs::request;
    GET    "/cs/access_grant/{service}"        Auth::Known         => cs::grant;
    DELETE "/cs/access_grant/{service}"        Auth::Known         => cs::forget;
    GET    "/cs/remote_content/{service}"      Auth::Known         => cs::content::list;
    GET    "/cs/file_urllink/{service}/{path}" Auth::Known         => cs::content::link;

    GET    "/oauth2"                           CERT                => oauth2::index;
    GET    "/oauth2/apps"                      CERT                => oauth2::list;
    GET    "/oauth2/register"                  CERT                => oauth2::form;
    POST   "/oauth2/register"                  CERT                => oauth2::register;
    GET    "/oauth2/apps/{client_id}"          CERT                => oauth2::show;
    POST   "/oauth2/apps/{client_id}"          CERT                => oauth2::change;
    DELETE "/oauth2/apps/{client_id}"          CERT                => oauth2::remove;
    GET    "/oauth2/authorize"                 CERT                => oauth2::ask;
    POST   "/oauth2/authorize"                 CERT                => oauth2::answer;
    GET    "/oauth2/token"                     Auth::Public        => oauth2::grant;
    POST   "/oauth2/token"                     Auth::Public        => oauth2::grant;
    GET    "/oauth2/revoke/{client_id}"        CERT                => oauth2::revoke;

    POST   "/plan"                             TRANSFER            => plan::plan;
    GET    "/engine/conditions"                CONFIG              => conditions::show;
    DELETE "/engine/breakers"                  CONFIG              => conditions::reset_breaker;
    DELETE "/engine/ways"                      CONFIG              => conditions::forget_ways;
    GET    "/engine/workers"                   CONFIG              => workers::list;
    GET    "/engine/plugins"                   CONFIG              => plugins::list;
    POST   "/engine/plugins/{name}/put-back"   CONFIG              => plugins::put_back;

    GET    "/events"                           TRANSFER            => events::listen;

    GET    "/fts3/ftsmon"                      Auth::Public        => monitor::page;
    GET    "/fts3/ftsmon/job/{job_id}"         Auth::Public        => monitor::job;
    GET    "/js/ftsmon.js"                     Auth::Public        => monitor::script;

    GET    "/files"                            TRANSFER            => files::list;

    GET    "/dm/list"                          DM                  => dm::list;
    GET    "/dm/stat"                          DM                  => dm::stat;
    POST   "/dm/mkdir"                         DM                  => dm::mkdir;
    POST   "/dm/unlink"                        DM                  => dm::unlink;
    POST   "/dm/rmdir"                         DM                  => dm::rmdir;
    POST   "/dm/rename"                        DM                  => dm::rename;

    GET    "/openapi.json"                     Auth::Public        => docs::document;
    GET    "/api-docs"                         Auth::Public        => docs::resources;
    GET    "/api-docs/{resource}"              Auth::Public        => docs::resource;
    GET    "/api-docs/schema/submit"           Auth::Public        => docs::submit_schema;
    GET    "/api-docs/config/{resource}"       Auth::Public        => docs::config_resource;

    GET    "/css/causeway.css"                 Auth::Public        => html::style;
    GET    "/js/forms.js"                      Auth::Public        => html::script;
};

static PATTERNS: LazyLock<Vec<Pattern>> =
    LazyLock::new(|| ROUTES.iter().map(|it| Pattern::new(it.path)).collect());

/// What a path and a method lead to.
pub(crate) enum Found {
    /// A handler.
    Route(&'static Route, Params),
    /// The path is known, this method is not; or the methods were asked for.
    Methods(String),
}

/// Looks a raw path up.
pub(crate) fn find(method: &Method, raw_path: &str) -> Option<Found> {
    let segments = segments(raw_path)?;
    let wanted = if method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let mut allow = Vec::new();
    for (route, pattern) in ROUTES.iter().zip(PATTERNS.iter()) {
        let Some(params) = pattern.matches(&segments) else {
            continue;
        };
        if route.method == *wanted {
            return Some(Found::Route(route, params));
        }
        if !allow.contains(&route.method.as_str()) {
            allow.push(route.method.as_str());
        }
    }
    if allow.is_empty() {
        return None;
    }
    allow.push("OPTIONS");
    Some(Found::Methods(allow.join(", ")))
}

impl Route {
    /// Checks the caller, then calls the handler.
    ///
    /// # Errors
    /// 403, and whatever the handler fails with.
    pub async fn call(&self, call: Call) -> Result<Response, ApiError> {
        self.auth.check(&call.caller, call.param("dlg_id"))?;
        (self.handler)(call).await
    }
}

impl Auth {
    fn check(self, caller: &Caller, dlg_id: &str) -> Result<(), ApiError> {
        let certificate = || match caller.has_certificate() {
            true => Ok(()),
            false => Err(ApiError::forbidden("Certificate required")),
        };
        let own = || match caller.principal.delegation_id.as_deref() == Some(dlg_id) {
            true => Ok(()),
            false => Err(ApiError::forbidden(
                "The requested ID and the credentials ID do not match",
            )),
        };
        match self {
            Self::Public => Ok(()),
            Self::Known => match caller.principal.method {
                AuthMethod::Unauthenticated => Err(ApiError::unauthenticated()),
                AuthMethod::Certificate | AuthMethod::Oauth2 => Ok(()),
            },
            Self::Certificate => certificate(),
            Self::OwnDelegation => own(),
            Self::CertificateAndOwnDelegation => certificate().and_then(|()| own()),
            Self::Operation(name) => match caller.principal.level(name) {
                Some(_) => Ok(()),
                None => Err(ApiError::not_enough_permissions()),
            },
            Self::CertificateAndOperation(name) => {
                certificate().and_then(|()| Self::Operation(name).check(caller, dlg_id))
            }
            Self::Root if caller.principal.is_root => Ok(()),
            Self::Root => Err(ApiError::forbidden("User does not have root privileges")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: Method, path: &str) -> String {
        match find(&method, path) {
            Some(Found::Route(route, _)) => route.path.to_owned(),
            Some(Found::Methods(allow)) => allow,
            None => "none".to_owned(),
        }
    }

    #[test]
    fn literal_paths_win() {
        assert_eq!(found(Method::DELETE, "/jobs/all"), "/jobs/all");
        assert_eq!(found(Method::DELETE, "/jobs/x"), "/jobs/{job_ids}");
        assert_eq!(found(Method::GET, "/jobs/x/files"), "/jobs/{job_id}/files");
        assert_eq!(found(Method::GET, "/jobs/x/dm/"), "/jobs/{job_id}/dm");
        let request = "/cs/access_request/{service}/request";
        assert_eq!(found(Method::GET, "/cs/access_request/s/request"), request);
        let link = "/cs/file_urllink/{service}/{path}";
        assert_eq!(found(Method::GET, "/cs/file_urllink/s/a/b%2Fc"), link);
        assert_eq!(
            found(Method::GET, "//jobs/x/state"),
            "/jobs/{job_id}/{field}"
        );
    }

    #[test]
    fn every_route_can_be_reached() {
        for route in ROUTES {
            let path = route.path.replace(['{', '}'], "");
            assert_eq!(found(route.method.clone(), &path), route.path);
        }
    }

    #[test]
    fn methods_are_the_union_over_all_routes_of_a_path() {
        let allow = |path| found(Method::PATCH, path);
        assert_eq!(allow("/jobs"), "GET, POST, PUT, OPTIONS");
        assert_eq!(allow("/jobs/1234"), "GET, DELETE, POST, OPTIONS");
        assert_eq!(allow("/delegation/1234"), "GET, DELETE, OPTIONS");
        assert_eq!(allow("/delegation/1234/credential"), "PUT, POST, OPTIONS");
        assert_eq!(allow("/dm/unlink"), "POST, OPTIONS");
        assert_eq!(allow("/nothing/here"), "none");
    }
}
