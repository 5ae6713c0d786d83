//! A user lets the gateway use their storage at a provider, with the whole program: a real provider
//! that checks every signature, a kill in between, and no secret anywhere but in the vault.

use std::path::Path;

use causeway_tests::drive::{APP, Drive};
use causeway_tests::{Answer, Gateway, GatewayOptions, Identity};
use serde_json::{Value, json};

const FILES: [(&str, &str); 3] = [
    ("readme", "hello"),
    ("data/a b", "some bytes"),
    ("data/ü%/c", "more"),
];

fn start(state: &Path) -> Gateway {
    Gateway::start(state, &GatewayOptions::default())
}

fn ask(gateway: &Gateway, method: &str, path: &str, body: Option<Value>) -> Answer {
    let user = Identity::file(gateway.pki("userproxy.pem"));
    gateway.rest(Some(&user), method, path, body.as_ref())
}

fn get(gateway: &Gateway, path: &str) -> Answer {
    ask(gateway, "GET", path, None)
}

/// Writes the provider into the configuration, with this secret of the application.
fn configure(gateway: &Gateway, drive: &Drive, secret: &str) {
    let row = json!({"storage_name": "DRIVE", "app_key": APP.0, "app_secret": secret,
                     "service_api_url": drive.url()});
    ask(gateway, "POST", "/config/cloud_storage", Some(row)).expect(201);
}

async fn page(url: &str) -> (u16, String) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// The first two steps.
async fn agree(gateway: &Gateway, drive: &Drive) {
    let form = get(gateway, "/cs/access_request/drive/request");
    assert_eq!(form.status, 200, "{form:?}");
    let token = form
        .text
        .split('&')
        .nth(1)
        .unwrap()
        .split('=')
        .nth(1)
        .unwrap();
    let token = token.replace("%2F", "/").replace("%2B", "+");
    assert_eq!(page(&drive.page(&token)).await.0, 200);
}

/// No secret in the log, nor on disk in the clear.
fn nothing_is_told(gateway: &Gateway, drive: &Drive) {
    let log = gateway.log();
    for secret in drive.secrets().into_iter().chain(drive.tokens()) {
        assert!(!log.contains(&secret), "{secret}: {log}");
        for path in causeway_tests::data::files(&gateway.state().join("db")) {
            let bytes = std::fs::read(&path).unwrap();
            let found = causeway_tests::data::contains(&bytes, secret.as_bytes());
            assert!(!found, "{secret} is in {}", path.display());
        }
    }
}

#[tokio::test]
async fn a_user_lets_the_gateway_in_and_out() {
    let state = tempfile::tempdir().unwrap();
    let gateway = start(state.path());
    let drive = Drive::start(&FILES);
    let unknown = get(&gateway, "/cs/access_request/drive/request");
    let text = "The storage has not been properly configured";
    assert_eq!(unknown.refused(403), text);
    configure(&gateway, &drive, APP.1);
    assert_eq!(get(&gateway, "/cs/registered/drive").expect(200), false);
    agree(&gateway, &drive).await;
    // What was asked for is still there after a kill, and so is what was granted.
    gateway.kill();
    let gateway = start(state.path());
    assert_eq!(
        get(&gateway, "/cs/access_request/drive").expect(200),
        "DRIVE"
    );
    let granted = get(&gateway, "/cs/access_grant/drive");
    assert_eq!((granted.status, &granted.text), (200, &drive.tokens()[0]));
    gateway.kill();
    let gateway = start(state.path());
    assert_eq!(get(&gateway, "/cs/registered/drive").expect(200), true);
    let root = get(&gateway, "/cs/remote_content/drive").expect(200);
    assert_eq!(root["contents"].as_array().unwrap().len(), 3);
    let data = get(&gateway, "/cs/remote_content/drive?surl=/data").expect(200);
    assert_eq!(data["path"], "/data");
    assert_eq!(
        data["contents"][0],
        json!({"path": "/data/a b", "bytes": 10})
    );
    let missing = get(&gateway, "/cs/remote_content/drive?surl=/none");
    assert_eq!(missing.refused(404), "There is nothing of that name");
    for (path, content) in [
        ("data/a%20b", "some bytes"),
        ("data%2F%C3%BC%25%2Fc", "more"),
    ] {
        let link = get(&gateway, &format!("/cs/file_urllink/drive/{path}")).expect(200);
        let read = page(link["url"].as_str().unwrap()).await;
        assert_eq!(read, (200, content.to_owned()));
    }
    // Nobody else may use it.
    let other = gateway.user("Other");
    let foreign = gateway.rest(Some(&other), "GET", "/cs/remote_content/drive", None);
    assert_eq!(foreign.refused(403), "No token for the given storage");
    let nobody = gateway.rest(None, "GET", "/cs/registered/drive", None);
    assert_eq!(nobody.refused(401), "Authentication required");
    ask(&gateway, "DELETE", "/cs/access_grant/drive", None).expect(204);
    assert_eq!(get(&gateway, "/cs/registered/drive").expect(200), false);
    nothing_is_told(&gateway, &drive);
}

#[tokio::test]
async fn a_provider_that_says_no_or_nothing() {
    let state = tempfile::tempdir().unwrap();
    let gateway = start(state.path());
    let drive = Drive::start(&FILES);
    configure(&gateway, &drive, "another secret");
    let keys = "The provider does not accept the keys of this service";
    let refused = get(&gateway, "/cs/access_request/drive/request");
    assert_eq!(refused.refused(403), keys);
    configure(&gateway, &drive, APP.1);
    // The user has not agreed: the request is worth nothing any more.
    assert_eq!(
        get(&gateway, "/cs/access_request/drive/request").status,
        200
    );
    let refused = get(&gateway, "/cs/access_grant/drive");
    let again = "The provider does not grant access: request it again, and agree";
    assert_eq!(refused.refused(400), again);
    assert_eq!(get(&gateway, "/cs/access_request/drive").status, 404);
    // It is away for a while.
    agree(&gateway, &drive).await;
    drive.go_away(true);
    let away = "The provider cannot be asked now";
    assert_eq!(get(&gateway, "/cs/access_grant/drive").refused(503), away);
    drive.go_away(false);
    assert_eq!(get(&gateway, "/cs/access_grant/drive").status, 200);
    // A token is worth nothing without the secret of the application.
    configure(&gateway, &drive, "another secret");
    let refused = get(&gateway, "/cs/remote_content/drive");
    assert_eq!(
        refused.refused(403),
        "The provider does not accept the token"
    );
    assert!(gateway.log().contains("a cloud storage does not serve"));
    nothing_is_told(&gateway, &drive);
}
