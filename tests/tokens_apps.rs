//! Tokens that this service gives to applications, with the whole program.

use causeway_tests::data::{contains, files};
use causeway_tests::{Gateway, GatewayOptions};
use serde_json::{Value, json};

fn client() -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy();
    let builder = builder.redirect(reqwest::redirect::Policy::none());
    builder.build().unwrap()
}

fn mock_job() -> Value {
    json!({ "files": [{
        "sources": ["mock://source.example/f?size=10"],
        "destinations": ["mock://destination.example/f?size_post=10&time=0"],
    }] })
}

#[tokio::test]
async fn an_application_acts_for_a_user_and_goes_on_after_a_restart() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(state.path(), &GatewayOptions::default());
    let http = client();
    let at = |gateway: &Gateway, path: &str| format!("{}{path}", gateway.plain());
    let app = json!({
        "name": "mover", "website": "https://app.example",
        "redirect_to": "https://app.example/back", "scope": "transfer",
    });
    let answer = http
        .post(at(&gateway, "/oauth2/register"))
        .json(&app)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 201);
    let id: String = answer.json().await.unwrap();
    let app: Value = gateway_json(&http, &at(&gateway, &format!("/oauth2/apps/{id}"))).await;
    let secret = app["client_secret"].as_str().unwrap();

    let query = format!(
        "client_id={id}&redirect_uri=https://app.example/back&scope=transfer&response_type=code&state=s"
    );
    let page = http
        .get(at(&gateway, &format!("/oauth2/authorize?{query}")))
        .send()
        .await
        .unwrap();
    let cookie = page.headers()["set-cookie"].to_str().unwrap().to_owned();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let page: Value = page.json().await.unwrap();
    let csrf = page["CSRFToken"].as_str().unwrap();
    let answer = http
        .post(at(&gateway, "/oauth2/authorize"))
        .header("cookie", cookie)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("{query}&accept=yes&CSRFToken={csrf}"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 303);
    let place = answer.headers()["location"].to_str().unwrap().to_owned();
    let code = place
        .strip_prefix("https://app.example/back?code=")
        .unwrap();
    let code = code.strip_suffix("&state=s").unwrap();
    let form = format!(
        "grant_type=authorization_code&client_id={id}&client_secret={secret}&code={code}\
         &redirect_uri=https://app.example/back"
    );
    let answer = http
        .post(at(&gateway, "/oauth2/token"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .unwrap();
    let granted: Value = answer.json().await.unwrap();
    let token = granted["access_token"].as_str().unwrap().to_owned();

    gateway.kill();
    let gateway = Gateway::start(state.path(), &GatewayOptions::default());
    let mine: Value = gateway_json(&http, &at(&gateway, "/whoami")).await;
    let answer = http
        .get(at(&gateway, "/whoami"))
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let me: Value = answer.json().await.unwrap();
    assert_eq!(
        (&me["method"], &me["user_dn"]),
        (&json!("oauth2"), &mine["user_dn"])
    );
    assert_eq!(me["delegation_id"], mine["delegation_id"]);
    assert_eq!(
        me["level"].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["transfer"]
    );
    let answer = http
        .post(at(&gateway, "/jobs"))
        .bearer_auth(&token)
        .json(&mock_job());
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let refresh = granted["refresh_token"].as_str().unwrap();
    for file in files(gateway.state()) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        for it in [token.as_str(), refresh, secret, code] {
            assert!(
                !contains(&bytes, it.as_bytes()),
                "{it} is in {}",
                file.display()
            );
        }
    }
}

async fn gateway_json(http: &reqwest::Client, url: &str) -> Value {
    let answer = http.get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{url}");
    answer.json().await.unwrap()
}
