//! Who may use which route: every route of the table, asked by everybody there is.
//!
//! What is expected stands in [`authorization_matrix_rows`](crate::authorization_matrix_rows) as
//! data. A route without a row fails, and a row without a route. Each request is
//! sent to a service of its own, so what one caller did never helps or hinders the next.

use axum::body::Body;
use causeway_api::Caller;
use causeway_api::fts::router::ROUTES;
use causeway_model::{AuthMethod, Level, Principal};
use http::Request;
use tower::ServiceExt;

use crate::authorization_matrix_rows::{CALLERS, ROWS, Row};
use crate::oauth2::{application, granted, registered_as};
use crate::support::{DLG, DN, OTHER_DN, Service, caller, one_file, user};

const FULL: [&str; 5] = ["transfer", "datamanagement", "config", "deleg", "admin"];

/// Rights of somebody who may do everything.
fn everything(it: &mut Principal) {
    it.level = FULL.map(|name| (name.to_owned(), Level::All)).into();
}

/// The caller of a column. The owner of the job and of the delegation is the first one.
fn caller_of(column: &str) -> Option<Caller> {
    let with = |change: &dyn Fn(&mut Principal)| {
        let mut principal = user();
        principal.user_dn = OTHER_DN.into();
        principal.dn = vec![OTHER_DN.into()];
        principal.delegation_id = Some("0123456789abcdef".into());
        change(&mut principal);
        Some(caller(principal))
    };
    match column {
        "owner" => Some(caller(user())),
        // Whoever is expired has nothing but a token, see `expired_token`.
        "anonymous" | "expired" => None,
        "other VO" => with(&|it| {
            it.vos = vec!["othervo".into()];
            it.voms_cred = vec!["/othervo/Role=NULL/Capability=NULL".into()];
        }),
        "same VO" => with(&|_| ()),
        "VO admin" => with(&|it| {
            it.roles = vec!["lcgadmin".into()];
            it.level.insert("config".into(), Level::All);
        }),
        "root" => with(&|it| {
            it.is_root = true;
            everything(it);
        }),
        "banned" => with(&everything),
        "token" => with(&|it| {
            it.method = AuthMethod::Oauth2;
            everything(it);
        }),
        "no scope" => with(&|it| {
            it.method = AuthMethod::Oauth2;
            it.level.clear();
        }),
        other => unreachable!("no caller is called {other}"),
    }
}

/// A token of this service with which the owner let an application do everything, some time ago. It
/// was good, and has ended.
///
/// The other way to expire is that of a connection that outlives its certificate: it is nobody's from
/// then on, says the server in `callers.rs`.
async fn expired_token(service: &mut Service) -> String {
    service.acting_as(everything);
    let scope = "transfer,datamanagement,config,deleg";
    let mut mover = application("mover");
    mover["scope"] = scope.into();
    let (id, secret) = registered_as(service, mover).await;
    let granted = granted(service, &id, &secret, scope).await;
    let token = granted["access_token"].as_str().unwrap().to_owned();
    service.caller = None;
    let me = service.with_token("GET", "/whoami", &token, "").await;
    assert_eq!(me.json()["user_dn"], DN);
    service.advance(granted["expires_in"].as_u64().unwrap() + 1);
    token
}

/// A service with one job of the owner, asked as the caller of a column.
async fn ask(row: &Row, column: &str) -> u16 {
    let mut service = Service::new();
    let job = service.submit(one_file()).await;
    let file = service.view(&job).await.files[0].file_id.to_string();
    service.let_use_drive(DN).await;
    let token = match column {
        "expired" => Some(expired_token(&mut service).await),
        _ => None,
    };
    service.caller = caller_of(column);
    if let Some(caller) = &service.caller {
        let who = &caller.principal;
        service.delegate_as(who.delegation_id.as_deref().unwrap(), &who.user_dn);
    }
    if column == "banned" {
        service.bans.users.lock().unwrap().push(OTHER_DN.into());
    }
    let fill = |text: &str| {
        text.replace("{job}", &job)
            .replace("{file}", &file)
            .replace("{dlg}", DLG)
            .replace("{dn}", DN)
    };
    let (kind, body) = match row.body {
        "" => ("", String::new()),
        body if body.starts_with(['{', '[']) => ("application/json", fill(body)),
        body => ("application/x-www-form-urlencoded", fill(body)),
    };
    let mut request = Request::builder()
        .method(row.method)
        .uri(fill(row.request))
        .header("host", "fts.example.org:8446");
    if !kind.is_empty() {
        request = request.header("content-type", kind);
    }
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let mut request = request.body(Body::from(body)).unwrap();
    if let Some(caller) = &service.caller {
        request.extensions_mut().insert(caller.clone());
    }
    // Only the status counts, and some answers never end.
    let answer = service.router.clone().oneshot(request).await.unwrap();
    answer.status().as_u16()
}

/// The names in braces do not matter.
fn shape(path: &str) -> String {
    let parts = path.split('/');
    let parts: Vec<&str> = parts
        .map(|it| if it.starts_with('{') { "{}" } else { it })
        .collect();
    parts.join("/")
}

#[test]
fn every_route_has_one_row() {
    let rows = ROWS
        .iter()
        .map(|it| (it.method.to_owned(), shape(it.route)));
    let routes = ROUTES
        .iter()
        .map(|it| (it.method.to_string(), shape(it.path)));
    let (mut rows, routes): (Vec<_>, Vec<_>) = (rows.collect(), routes.collect());
    rows.sort();
    let missing: Vec<_> = routes.iter().filter(|it| !rows.contains(it)).collect();
    assert!(missing.is_empty(), "routes without a row: {missing:?}");
    let idle: Vec<_> = rows.iter().filter(|it| !routes.contains(it)).collect();
    assert!(idle.is_empty(), "rows without a route: {idle:?}");
    let all = rows.len();
    rows.dedup();
    assert_eq!(rows.len(), all, "a row stands there twice");
}

#[tokio::test]
async fn everybody_may_what_the_table_says() {
    let mut wrong = Vec::new();
    for row in ROWS {
        for (column, expected) in CALLERS.iter().zip(row.statuses) {
            let status = ask(row, column).await;
            if status != expected {
                let Row { method, route, .. } = row;
                wrong.push(format!(
                    "{method} {route} by {column}: {status}, not {expected}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A right that is granted must be seen to be granted: some caller succeeds on every route.
#[test]
fn every_row_succeeds_for_somebody() {
    for row in ROWS {
        let best = row.statuses.iter().min().unwrap();
        assert!(
            (*best < 400) != row.cannot_succeed,
            "{} {}",
            row.method,
            row.route
        );
    }
}
