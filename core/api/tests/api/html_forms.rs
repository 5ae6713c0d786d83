//! The forms of the configuration pages, filled in and sent as the script of the pages does it. A
//! form whose route refuses what it sends is no form.

use axum::body::Body;
use http::Request;
use serde_json::{Map, Value, json};

use crate::support::{Answer, Service};

const PAGES: [&str; 7] = [
    "/config",
    "/config/global",
    "/config/links",
    "/config/se",
    "/config/activity_shares",
    "/config/authorize",
    "/config/cloud_storage",
];

/// What people write into a field.
fn written(name: &str) -> &'static str {
    match name {
        "hostname" => "localhost",
        "source" => "mock://a.example",
        "destination" => "mock://b.example",
        "se" => "mock://c.example",
        "share" => "30",
        "vo" | "vo_name" => "atlas",
        "dn" => "/DC=org/CN=Somebody & Co",
        "operation" => "config",
        "symbolicname" => "a/b link",
        "storage_name" => "S3:c.example",
        "service_api_url" => "https://c.example",
        "inbound_max_throughput" | "outbound_max_throughput" => "12.5",
        _ => "1",
    }
}

struct Form {
    action: String,
    attributes: String,
    /// Name and kind.
    fields: Vec<(String, String)>,
}

fn attribute<'a>(markup: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = markup.split_once(&format!("{name}=\""))?;
    rest.split('"').next()
}

fn forms(page: &str) -> Vec<Form> {
    let parts = page.split("<form ").skip(1);
    let form = |part: &str| {
        let (head, rest) = part.split_once('>').unwrap();
        let (body, _) = rest.split_once("</form>").unwrap();
        let fields = body.split(" name=\"").skip(1).map(|field| {
            let (name, rest) = field.split_once('"').unwrap();
            let kind = attribute(rest, "data-kind").unwrap();
            (name.to_owned(), kind.to_owned())
        });
        Form {
            action: attribute(head, "action").unwrap().to_owned(),
            attributes: head.to_owned(),
            fields: fields.collect(),
        }
    };
    parts.map(form).collect()
}

impl Form {
    fn says(&self, name: &str) -> Option<&str> {
        attribute(&self.attributes, name)
    }

    fn value(&self, name: &str, kind: &str) -> Value {
        let text = written(name);
        match kind {
            "text" => json!(text),
            "integer" | "number" => text.parse().unwrap(),
            "flag" => json!(true),
            "json" => json!({"production": 0.6, "default": 0.4}),
            other => unreachable!("no kind is called {other}"),
        }
    }

    /// Sends it with every field filled in, as `forms.js` does.
    async fn send(&self, service: &Service) -> Answer {
        let mut values: Map<String, Value> = self
            .fields
            .iter()
            .map(|(name, kind)| (name.clone(), self.value(name, kind)))
            .collect();
        let mut target = self.action.clone();
        if let Some(part) = self.says("data-part") {
            let value = values.remove(part).unwrap();
            target = format!("{target}/{}", encoded(value.as_str().unwrap()));
        }
        let method = self.says("data-method").unwrap();
        if method == "DELETE" {
            let pairs = values.iter().map(|(name, value)| {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                format!("{name}={}", encoded(&text))
            });
            let query: Vec<String> = pairs.collect();
            return service
                .delete(&format!("{target}?{}", query.join("&")))
                .await;
        }
        let body = match self.says("data-under") {
            None => Value::Object(values),
            Some(under) => {
                let key = values.remove(under).unwrap();
                let heading = self.says("data-heading").unwrap();
                json!({ key.as_str().unwrap(): { heading: values } })
            }
        };
        service.post(&target, body).await
    }
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|it| match it {
            b'-' | b'_' | b'.' => char::from(it).to_string(),
            it if it.is_ascii_alphanumeric() => char::from(it).to_string(),
            it => format!("%{it:02X}"),
        })
        .collect()
}

async fn page(service: &Service, path: &str) -> String {
    let request = Request::get(path).header("accept", "text/html");
    let answer = service.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
    answer.text().to_owned()
}

#[tokio::test]
async fn every_form_is_accepted_by_its_route() {
    let service = Service::of_operator();
    let mut sent = 0;
    for path in PAGES {
        for form in forms(&page(&service, path).await) {
            let answer = form.send(&service).await;
            assert!(
                answer.status.is_success(),
                "{path}: {} {}: {}",
                form.attributes,
                answer.status,
                answer.text()
            );
            sent += 1;
        }
    }
    assert_eq!(sent, 15, "forms of all pages");
}

#[tokio::test]
async fn what_was_set_is_shown() {
    let service = Service::of_operator();
    for path in ["/config/links", "/config/se", "/config/global"] {
        let forms = forms(&page(&service, path).await);
        forms[0].send(&service).await;
    }
    for (path, shown) in [
        ("/config/links", "a/b link"),
        ("/config/se", "mock://c.example"),
        ("/config/se", "12.5"),
        ("/config/global", "atlas"),
        ("/config/audit", "set-globals"),
        ("/config", "localhost"),
    ] {
        let markup = page(&service, path).await;
        let (_, tables) = markup.split_once("<table>").expect(path);
        assert!(tables.contains(shown), "{path}: {tables}");
    }
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let service = Service::of_operator();
    let storage =
        json!({"storage_name": "S3:c.example", "app_key": "key-1", "app_secret": "hush-hush"});
    assert_eq!(
        service.post("/config/cloud_storage", storage).await.status,
        201
    );
    let markup = page(&service, "/config/cloud_storage").await;
    assert!(markup.contains("key-1") && !markup.contains("hush-hush"));
}
