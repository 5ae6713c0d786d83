//! Which routes have a page, and what stands on it beside the tables.

use serde_json::Value;

use super::config_pages;
use super::draw::{Style, draw as tables};
use super::form::Form;
use crate::error::escape_html;

/// One page.
pub(super) struct Page {
    /// The route it shows.
    pub(super) route: &'static str,
    pub(super) title: &'static str,
    /// What a reader should know.
    pub(super) about: &'static str,
    pub(super) style: Style,
    pub(super) forms: &'static [Form],
}

/// The page of a route.
pub(super) fn of(route: &str) -> Option<&'static Page> {
    all().find(|it| it.route == route)
}

fn all() -> impl Iterator<Item = &'static Page> {
    config_pages::PAGES.iter().chain(OTHERS)
}

/// The page with the answer of its route.
pub(super) fn draw(page: &Page, answer: &Value) -> String {
    let title = escape_html(page.title);
    let mut out = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <link rel=\"stylesheet\" href=\"/css/causeway.css\"><script src=\"/js/forms.js\" defer></script>\
         <nav aria-label=\"Pages\">"
    );
    for other in all().filter(|it| !it.route.contains('{')) {
        let here = if other.route == page.route {
            " aria-current=\"page\""
        } else {
            ""
        };
        let name = escape_html(other.title);
        out.push_str(&format!("<a href=\"{}\"{here}>{name}</a>", other.route));
    }
    out.push_str(&format!(
        "</nav><main><h1>{title}</h1><p>{}</p>",
        escape_html(page.about)
    ));
    out.push_str(&tables(answer, page.style));
    for form in page.forms {
        form.draw(&mut out);
    }
    if !page.forms.is_empty() {
        out.push_str(
            "<noscript><p>Changes need JavaScript, or any client of the REST API.</p></noscript>",
        );
    }
    out.push_str("</main></html>\n");
    out
}

/// Members that are secrets wherever they stand.
const SECRETS: &[&str] = &[
    "access_token",
    "access_token_secret",
    "app_secret",
    "request_token",
    "request_token_secret",
];

pub(super) const fn style(first: &'static [&'static str]) -> Style {
    Style {
        first,
        secret: SECRETS,
    }
}

static OTHERS: &[Page] = &[
    Page {
        route: "/delegation",
        title: "Delegation",
        about: "Your delegation id and the VOs you belong to. To leave a proxy here, use a client that \
                can sign with your key, for instance fts-rest-delegate or causeway delegate: a browser \
                cannot.",
        style: style(&["delegation_id", "vos"]),
        forms: &[],
    },
    Page {
        route: "/oauth2/apps",
        title: "Applications",
        about: "Applications that you registered, and those that may act for you.",
        style: style(&["apps", "authorized", "name", "website", "client_id"]),
        forms: &[],
    },
    Page {
        route: "/oauth2/apps/{client_id}",
        title: "Application",
        about: "One application that you registered.",
        style: style(&["name", "website", "client_id", "client_secret"]),
        forms: &[],
    },
];

#[cfg(test)]
mod tests {
    use http::Method;

    use super::super::form::Place;
    use super::*;
    use crate::fts::router::ROUTES;

    fn is_route(method: &str, path: &str) -> bool {
        ROUTES
            .iter()
            .any(|it| it.method == method && it.path == path)
    }

    #[test]
    fn pages_show_routes() {
        for page in all() {
            assert!(is_route(Method::GET.as_str(), page.route), "{}", page.route);
        }
    }

    #[test]
    fn forms_call_routes() {
        for form in all().flat_map(|it| it.forms) {
            let known = match form.place {
                Place::Path(_) => ROUTES.iter().any(|it| {
                    let below = it.path.strip_prefix(form.action);
                    it.method == form.method && below.is_some_and(|it| it.starts_with("/{"))
                }),
                _ => is_route(form.method, form.action),
            };
            assert!(known, "{} {}", form.method, form.action);
        }
    }

    #[test]
    fn what_a_form_moves_is_one_of_its_fields() {
        for form in all().flat_map(|it| it.forms) {
            let moved = match form.place {
                Place::Plain => continue,
                Place::Path(field) | Place::Under { field, .. } => field,
            };
            let found = form.fields.iter().find(|it| it.name == moved);
            assert!(found.is_some_and(|it| it.required), "{}", form.title);
        }
    }
}
