//! Every route of the reference with the statuses it documents: each is served here, and documented
//! here with those statuses.

use std::collections::BTreeSet;

use causeway_api::MatchedRoute;
use causeway_api::fts::router::ROUTES;
use causeway_api::openapi::openapi;
use causeway_model::Level;
use http::{Method, Request};
use tower::ServiceExt;

use crate::seed_routes_table::SEED;
use crate::support::{DLG, Service};

/// A path with its names blanked out: they are spelt in several ways.
fn shape(path: &str) -> String {
    let parts = path
        .split('/')
        .map(|it| if it.starts_with('{') { "{}" } else { it });
    parts.collect::<Vec<_>>().join("/")
}

/// Our own spelling of a route of the reference.
fn ours(method: &str, path: &str) -> Option<&'static str> {
    let wanted = shape(path);
    let mut routes = ROUTES.iter();
    let found = routes.find(|it| it.method.as_str() == method && shape(it.path) == wanted);
    found.map(|it| it.path)
}

#[test]
fn the_table_is_whole() {
    let routes: BTreeSet<(&str, &str)> = SEED.iter().map(|it| (it.0, it.1)).collect();
    assert_eq!((routes.len(), SEED.len()), (97, 97));
}

#[tokio::test]
async fn every_route_of_the_reference_is_served() {
    let mut lost = Vec::new();
    for (method, path, _) in SEED {
        let mut service = Service::new();
        service.acting_as(|it| {
            it.is_root = true;
            for right in ["transfer", "datamanagement", "config", "admin", "deleg"] {
                it.level.insert(right.into(), Level::All);
            }
        });
        let asked = path.replace("{dlg_id}", DLG).replace(['{', '}'], "");
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(asked)
            .header("host", "fts.example.org:8446")
            .body(axum::body::Body::empty())
            .unwrap();
        request
            .extensions_mut()
            .insert(service.caller.clone().unwrap());
        let response = service.router.clone().oneshot(request).await.unwrap();
        let matched = response.extensions().get::<MatchedRoute>().map(|it| it.0);
        let status = response.status().as_u16();
        let reached = matched.is_some() && matched == ours(method, path);
        // 405 and 501 are routes without anything behind them, 503 is one that lacks a part.
        if !reached || [405, 501, 503].contains(&status) {
            lost.push(format!("{method} {path}: {status} by {matched:?}"));
        }
    }
    assert!(lost.is_empty(), "{lost:#?}");
}

#[test]
fn every_route_of_the_reference_is_documented_with_its_statuses() {
    let mut missing = Vec::new();
    for (method, path, statuses) in SEED {
        let operation = ours(method, path)
            .and_then(|it| openapi()["paths"].get(it)?.get(method.to_lowercase()));
        let Some(operation) = operation else {
            missing.push(format!("{method} {path}"));
            continue;
        };
        for status in *statuses {
            if operation["responses"].get(status.to_string()).is_none() {
                missing.push(format!("{method} {path} {status}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
