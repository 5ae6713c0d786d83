//! Bearer tokens, with the whole program: those of an issuer, and those that transfers bring.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use causeway_tests::data::{contains, files};
use causeway_tests::issuer::{Issuer, now};
use causeway_tests::programs::{clean, expect, python, repository};
use causeway_tests::{Gateway, GatewayOptions};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);
const AUDIENCE: &str = "https://wlcg.cern.ch/jwt/v1/any";

/// A gateway that believes an issuer on this machine.
struct World {
    issuer: Issuer,
    gateway: Gateway,
    http: reqwest::Client,
    _state: tempfile::TempDir,
}

impl World {
    /// `more` are further keys of the issuer in the configuration.
    fn start(more: &str) -> Self {
        let issuer = Issuer::start();
        let state = tempfile::tempdir().unwrap();
        std::fs::write(state.path().join("client.secret"), "hunter2secret\n").unwrap();
        let more = more.replace("STATE", state.path().to_str().unwrap());
        let config = state.path().join("causeway.toml");
        let known = format!("{{issuer = \"{}\"{more}}}", issuer.url());
        std::fs::write(&config, issuers(&known)).unwrap();
        let options = GatewayOptions::default()
            .config(config)
            .env("CAUSEWAY__AUTH__TOKEN_LOOPBACK_HTTP", "true")
            .env("CAUSEWAY__LOG__LEVEL", "debug");
        let gateway = Gateway::start(state.path(), &options);
        Self {
            issuer,
            gateway,
            http: client(),
            _state: state,
        }
    }

    fn token(&self, subject: &str, scope: &str) -> String {
        self.issuer
            .sign(&self.issuer.claims(subject, AUDIENCE, scope))
    }

    async fn ask(&self, method: &str, path: &str, token: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.gateway.plain());
        let request = self
            .http
            .request(method.parse().unwrap(), url)
            .bearer_auth(token);
        let request = match body {
            Value::Null => request,
            body => request.json(body),
        };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    async fn get(&self, path: &str, token: &str) -> (u16, Value) {
        self.ask("GET", path, token, &Value::Null).await
    }

    /// Waits until a job has ended, by token.
    async fn end(&self, id: &str, token: &str) -> Value {
        let begin = std::time::Instant::now();
        loop {
            let (status, job) = self.get(&format!("/jobs/{id}"), token).await;
            assert_eq!(status, 200, "{job}");
            let state = job["job_state"].as_str().unwrap();
            if ["FINISHED", "FAILED", "CANCELED", "FINISHEDDIRTY"].contains(&state) {
                return job;
            }
            assert!(begin.elapsed() < LIMIT, "{job}\n{}", self.gateway.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// None of these is in a log, nor anywhere else on disk.
    fn written_nowhere(&self, secrets: &[&str]) {
        for file in files(self.gateway.state()) {
            let bytes = std::fs::read(&file).unwrap_or_default();
            for secret in secrets {
                let found = contains(&bytes, secret.as_bytes());
                let is_own = file.ends_with("client.secret");
                assert!(is_own || !found, "{secret} is in {}", file.display());
            }
        }
    }
}

/// A configuration that believes these.
fn issuers(known: &str) -> String {
    format!("[auth]\ntoken_issuers = [{known}]\n")
}

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
async fn a_job_is_submitted_and_read_back_by_token() {
    let it = World::start("");
    let token = it.token("sub-1", "openid fts");
    let (status, me) = it.get("/whoami", &token).await;
    assert_eq!(status, 200, "{me}");
    assert_eq!(
        (&me["method"], &me["user_dn"]),
        (&json!("oauth2"), &json!("sub-1"))
    );
    assert_eq!(
        (&me["vos"], &me["voms_cred"]),
        (&json!(["dteam"]), &json!(["/dteam"]))
    );
    assert_eq!(
        (&me["wlcg_profile"], &me["is_root"]),
        (&json!(true), &json!(false))
    );
    let (status, answer) = it.ask("POST", "/jobs", &token, &mock_job()).await;
    assert_eq!(status, 200, "{answer}");
    let id = answer["job_id"].as_str().unwrap().to_owned();
    let job = it.end(&id, &token).await;
    assert_eq!(job["job_state"], "FINISHED", "{job}");
    assert_eq!(
        (&job["user_dn"], &job["vo_name"]),
        (&json!("sub-1"), &json!("dteam"))
    );
    assert_eq!(job["cred_id"], me["delegation_id"]);

    // Others of the VO see it, others do not, as with certificates.
    let colleague = it.token("sub-2", "fts:submit-transfer");
    assert_eq!(it.get(&format!("/jobs/{id}"), &colleague).await.0, 200);
    let mut claims = it.issuer.claims("sub-3", AUDIENCE, "fts");
    claims["wlcg.groups"] = json!(["/atlas"]);
    let stranger = it.issuer.sign(&claims);
    assert_eq!(it.get(&format!("/jobs/{id}"), &stranger).await.0, 403);
    let listed = it
        .get("/jobs?state_in=FINISHED&vo_name=dteam&limit=5", &colleague)
        .await
        .1;
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");

    // A token for storages is no token for this service.
    let storage = it.token("sub-1", "storage.read:/ storage.modify:/");
    let (status, answer) = it.ask("POST", "/jobs", &storage, &mock_job()).await;
    assert_eq!(
        (status, &answer["message"]),
        (403, &json!("Not enough permissions"))
    );
    assert_eq!(it.get(&format!("/jobs/{id}"), &storage).await.0, 403);
    assert_eq!(it.get("/whoami/certificate", &token).await.0, 403);
    it.written_nowhere(&[&token, &colleague, &stranger, &storage]);
}

#[tokio::test]
async fn tokens_that_are_no_good_are_refused_whoever_the_connection_belongs_to() {
    let it = World::start("");
    let claims = it.issuer.claims("sub-1", AUDIENCE, "fts");
    let with = |name: &str, value: Value| {
        let mut all = claims.clone();
        all[name] = value;
        it.issuer.sign(&all)
    };
    let honest = it.issuer.sign(&claims);
    let (message, _) = honest.rsplit_once('.').unwrap();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let payload = honest.split('.').nth(1).unwrap();
    let forged = Issuer::start().sign(&claims);
    let bad = [
        format!("{message}."),
        format!("{none}.{payload}."),
        forged.clone(),
        with("exp", json!(now() - 3600)),
        with("nbf", json!(now() + 3600)),
        with("aud", json!("https://other.example")),
        with("iss", json!("http://127.0.0.1:1/")),
        with("sub", json!("/CN=somebody")),
        with("x", json!("y".repeat(20_000))),
        "abc.def.ghi".to_owned(),
        "letters".to_owned(),
    ];
    for token in &bad {
        let (status, answer) = it.get("/whoami", token).await;
        assert_eq!(status, 403, "{answer}");
        let text = answer["message"].as_str().unwrap();
        assert!(text.starts_with("Invalid credentials ("), "{text}");
    }
    assert_eq!(it.get("/whoami", &honest).await.0, 200);
    it.written_nowhere(&[&honest, &forged, payload]);
}

#[tokio::test]
async fn an_issuer_changes_its_keys() {
    let it = World::start("");
    let old = it.token("sub-1", "fts");
    assert_eq!(it.get("/whoami", &old).await.0, 200);
    it.issuer.rotate("second");
    let new = it.token("sub-1", "fts");
    // The issuer is not asked at once again, but soon.
    let begin = std::time::Instant::now();
    while it.get("/whoami", &new).await.0 != 200 {
        assert!(begin.elapsed() < LIMIT, "{}", it.gateway.log());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(it.get("/whoami", &old).await.0, 403);
}

#[tokio::test]
async fn an_operator_changes_the_issuers() {
    let it = World::start("");
    let (mine, second) = (it.token("sub-1", "fts"), Issuer::start());
    let other = second.sign(&second.claims("sub-2", AUDIENCE, "fts"));
    assert_eq!(it.get("/whoami", &mine).await.0, 200);
    assert_eq!(it.get("/whoami", &other).await.0, 403);
    let configure = |known: &str| {
        let file = it.gateway.state().join("causeway.toml");
        std::fs::write(file, issuers(known)).unwrap();
        it.gateway.signal("HUP");
    };
    configure(&format!("{{issuer = \"{}\"}}", second.url()));
    let begin = std::time::Instant::now();
    while it.get("/whoami", &other).await.0 != 200 {
        assert!(begin.elapsed() < LIMIT, "{}", it.gateway.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(it.get("/whoami", &mine).await.0, 403);
    // One that cannot be trusted is not, and the others stay.
    configure("{issuer = \"http://far.example/\"}");
    while !it.gateway.log().contains("the old issuers of tokens stay") {
        assert!(begin.elapsed() < LIMIT, "{}", it.gateway.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(it.get("/whoami", &other).await.0, 200);
}

#[tokio::test]
async fn tokens_for_storages_are_renewed_and_shown_nowhere() {
    let it =
        World::start(", client_id = \"causeway\", client_secret_file = \"STATE/client.secret\"");
    let token = it.token("sub-1", "fts");
    let storage = |subject: &str| {
        let audience = "https://se.example";
        let mut claims = it.issuer.claims(subject, audience, "storage.read:/");
        // So little is left that it is renewed before it is used.
        claims["exp"] = json!(now() + 120);
        it.issuer.sign(&claims)
    };
    let (source, destination) = (storage("a"), storage("b"));
    let renewed = it.issuer.sign(
        &it.issuer
            .claims("c", "https://se.example", "storage.read:/"),
    );
    it.issuer.answer_forms(vec![
        (
            200,
            json!({"access_token": "x", "refresh_token": "refreshsecret"}),
        ),
        (
            200,
            json!({"access_token": "x", "refresh_token": "refreshsecret"}),
        ),
        (200, json!({"access_token": renewed, "expires_in": 3600})),
    ]);
    let mut job = mock_job();
    job["files"][0]["source_tokens"] = json!([source]);
    job["files"][0]["destination_tokens"] = json!([destination]);
    let (status, answer) = it.ask("POST", "/jobs", &token, &job).await;
    assert_eq!(status, 200, "{answer}");
    let id = answer["job_id"].as_str().unwrap().to_owned();
    let files = it.get(&format!("/jobs/{id}/files"), &token).await.1;
    assert_eq!(files[0]["file_state"], "TOKEN_PREP", "{files}");
    let ended = it.end(&id, &token).await;
    assert_eq!(
        ended["job_state"],
        "FINISHED",
        "{ended}\n{}",
        it.gateway.log()
    );
    let files = it.get(&format!("/jobs/{id}/files"), &token).await.1;
    let log = files[0]["log_file"].as_str().map(std::fs::read_to_string);
    if let Some(Ok(log)) = log {
        assert!(log.contains("Credential: Bearer"), "{log}");
        assert!(
            log.contains("Credential at the destination: Bearer"),
            "{log}"
        );
    }
    let forms = it.issuer.forms();
    let kinds = |kind: &str| forms.iter().filter(|it| it.contains(kind)).count();
    assert_eq!(
        (kinds("token-exchange"), kinds("grant_type=refresh_token")),
        (2, 2),
        "{forms:?}"
    );
    let all = it
        .get(&format!("/jobs/{id}?files=file_state,source_surl"), &token)
        .await
        .1;
    assert!(!format!("{files}{all}").contains(&source));
    it.written_nowhere(&[
        &source,
        &destination,
        &renewed,
        "refreshsecret",
        "hunter2secret",
    ]);
}

/// The `fts3` package of PyPI, unchanged, in a script that knows the user by a token alone.
fn script(it: &World, name: &str, more: &[(&str, String)]) {
    let mut command = clean(python());
    command
        .arg(repository().join("tests/clients").join(name))
        .envs(it.gateway.client_env())
        .env("HOME", it.gateway.state())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("TOKEN", it.token("sub-1", "openid fts"))
        .envs(more.iter().map(|(name, value)| (name, value)));
    // Many programs, one after the other.
    expect(&mut command, 3 * LIMIT);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bindings_come_with_a_token() {
    script(&World::start(""), "bearer.py", &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_come_with_a_token() {
    let it = World::start("");
    let storage = |subject: &str| {
        let scope = "storage.read:/ storage.modify:/";
        let claims = it.issuer.claims(subject, "https://se.example", scope);
        it.issuer.sign(&claims)
    };
    let (from, to) = (storage("a"), storage("b"));
    let more = [
        ("SOURCE_TOKEN", from.clone()),
        ("DESTINATION_TOKEN", to.clone()),
    ];
    script(&it, "commands_token.py", &more);
    it.written_nowhere(&[&from, &to]);
}
