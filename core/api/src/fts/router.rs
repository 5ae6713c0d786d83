//! Every route of the FTS3-compatible surface on one page, as data: OPTIONS, 405 and the tests of
//! authorization read the same table. Of routes that fit, the first one counts; literal paths
//! therefore stand before those with names.

use std::sync::LazyLock;

use axum::response::Response;
use causeway_sdk::BoxFuture;
use http::Method;

use super::path::{Params, Pattern, segments};
use super::routes::{delegation, dm, docs, files, health, jobs, root, whoami};
use crate::error::{ApiError, Outcome};
use crate::extract::{Call, Caller};
use crate::own::{conditions, explain, plan};

/// What a caller must be to reach a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Anybody.
    Public,
    /// Proved by a certificate.
    Certificate,
    /// The path's delegation id is the caller's.
    OwnDelegation,
    /// Both of the above.
    CertificateAndOwnDelegation,
    /// Has some level of an operation; the handler looks at the resource.
    Operation(&'static str),
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

    POST   "/plan"                             TRANSFER            => plan::plan;
    GET    "/engine/conditions"                CONFIG              => conditions::show;
    DELETE "/engine/breakers"                  CONFIG              => conditions::reset_breaker;
    DELETE "/engine/ways"                      CONFIG              => conditions::forget_ways;

    GET    "/files"                            TRANSFER            => files::list;

    GET    "/dm/list"                          DM                  => dm::list;
    GET    "/dm/stat"                          DM                  => dm::stat;
    POST   "/dm/mkdir"                         DM                  => dm::mkdir;
    POST   "/dm/unlink"                        DM                  => dm::unlink;
    POST   "/dm/rmdir"                         DM                  => dm::rmdir;
    POST   "/dm/rename"                        DM                  => dm::rename;

    GET    "/api-docs/schema/submit"           Auth::Public        => docs::submit_schema;
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
            Self::Certificate => certificate(),
            Self::OwnDelegation => own(),
            Self::CertificateAndOwnDelegation => certificate().and_then(|()| own()),
            Self::Operation(name) => match caller.principal.level(name) {
                Some(_) => Ok(()),
                None => Err(ApiError::not_enough_permissions()),
            },
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
