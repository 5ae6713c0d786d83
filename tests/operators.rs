//! What operators do to a running gateway: bans with the published client, limits, shares, drain,
//! and that all of it is still there after a kill.

use std::path::Path;
use std::time::{Duration, Instant};

use causeway_tests::programs::{clean, python, run, text};
use causeway_tests::rest::encode;
use causeway_tests::{Answer, Gateway, GatewayOptions, Identity};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);
const DN: &str = "/DC=org/DC=causeway/CN=Dev User";
const DESTINATION: &str = "mock://destination.example";

/// A gateway that leaves links as operators set them, one transfer at a time from the start.
fn start(state: &Path) -> Gateway {
    let options = GatewayOptions::default()
        .env("CAUSEWAY__ENGINE__LINK_MAX_ACTIVE", "1")
        .env("CAUSEWAY__OPTIMIZER__ENABLED", "false");
    Gateway::start(state, &options)
}

/// A command of the published client: its exit code and what it printed.
fn command(gateway: &Gateway, name: &str, args: &[&str]) -> (i32, String) {
    let program = python().with_file_name(format!("fts-rest-{name}"));
    let mut command = clean(program);
    command
        .args(["-s", gateway.endpoint()])
        .args(args)
        .envs(gateway.client_env())
        .env("HOME", gateway.state())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let output = run(&mut command, LIMIT);
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    (output.status.code().expect("ended by itself"), said)
}

fn ban(gateway: &Gateway, args: &[&str]) -> String {
    let (code, said) = command(gateway, "ban", args);
    assert_eq!(code, 0, "{args:?}: {said}\n{}", gateway.log());
    said
}

fn admin(gateway: &Gateway) -> Identity {
    Identity::file(gateway.pki("userproxy.pem"))
}

fn ask(gateway: &Gateway, method: &str, path: &str, body: Option<Value>) -> Answer {
    gateway.rest(Some(&admin(gateway)), method, path, body.as_ref())
}

fn post(gateway: &Gateway, path: &str, body: Value) -> Value {
    ask(gateway, "POST", path, Some(body)).expect(200)
}

fn job(source: &str, names: &[&str]) -> Value {
    let file = |name: &&str| {
        json!({"sources": [format!("mock://{source}/{name}?size=10")],
               "destinations": [format!("{DESTINATION}/{name}?size_post=10&time=600")]})
    };
    json!({"files": names.iter().map(file).collect::<Vec<_>>()})
}

async fn states(gateway: &Gateway, id: &str) -> Vec<String> {
    let files = gateway.get(&format!("/jobs/{id}/files")).await;
    let files = files.as_array().expect("a list of files");
    let states = files.iter().map(|it| it["file_state"].as_str());
    states.map(|it| it.unwrap_or("").to_owned()).collect()
}

/// Waits until the files of a job are in these states.
async fn until(gateway: &Gateway, id: &str, wanted: &[&str]) {
    let began = Instant::now();
    loop {
        let states = states(gateway, id).await;
        if states == wanted {
            return;
        }
        assert!(
            began.elapsed() < LIMIT,
            "{id}: {states:?} instead of {wanted:?}\n{}",
            gateway.log()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_storage_out_of_service() {
    let state = tempfile::tempdir().unwrap();
    let gateway = start(state.path());
    let id = gateway.submit(&job("a.example", &["1", "2", "3"])).await;
    until(&gateway, &id, &["ACTIVE", "SUBMITTED", "SUBMITTED"]).await;
    let storage = ["--storage", DESTINATION];
    let wait = [&storage[..], &["--status", "wait", "--allow-submit"]].concat();
    let said = ban(&gateway, &wait);
    assert!(said.contains(&id), "{said}");
    // All of it is done when the command returns.
    let held = states(&gateway, &id).await;
    assert_eq!(held, ["ACTIVE", "ON_HOLD", "ON_HOLD"]);
    let late = gateway.submit(&job("b.example", &["4"])).await;
    until(&gateway, &late, &["ON_HOLD"]).await;
    let bans = ask(&gateway, "GET", "/ban/se", None).expect(200);
    assert_eq!(
        (&bans[0]["se"], &bans[0]["status"]),
        (&json!(DESTINATION), &json!("WAIT_AS"))
    );
    assert_eq!(bans[0]["admin_dn"], DN);
    ban(&gateway, &[&storage[..], &["--unban"]].concat());
    until(&gateway, &id, &["ACTIVE", "SUBMITTED", "SUBMITTED"]).await;
    until(&gateway, &late, &["ACTIVE"]).await;
    let said = ban(&gateway, &storage);
    assert!(said.contains(&id) && said.contains(&late), "{said}");
    assert_eq!(states(&gateway, &id).await, ["CANCELED"; 3]);
    let ended = gateway.get(&format!("/jobs/{late}")).await;
    assert_eq!(ended["reason"], "Storage banned");
    let answer = gateway
        .ask("POST", "/jobs", &job("a.example", &["5"]), LIMIT)
        .await;
    let refused = format!("{DESTINATION} is banned");
    assert_eq!((answer.0, &answer.1["message"]), (403, &json!(refused)));
    // A kill does not lift it.
    gateway.kill();
    let gateway = start(state.path());
    let answer = gateway
        .ask("POST", "/jobs", &job("a.example", &["5"]), LIMIT)
        .await;
    assert_eq!((answer.0, &answer.1["message"]), (403, &json!(refused)));
    assert!(ban(&gateway, &["--storage", "mock://nobody.example"]).contains("No jobs affected"));
    ban(&gateway, &[&storage[..], &["--unban"]].concat());
    let id = gateway.submit(&job("a.example", &["6"])).await;
    until(&gateway, &id, &["ACTIVE"]).await;
    let audit = ask(&gateway, "GET", "/config/audit", None).expect(200);
    let actions = audit.as_array().unwrap().iter();
    let actions: Vec<_> = actions.map(|it| it["action"].as_str().unwrap()).collect();
    let expected = ["unban-se", "ban-se", "ban-se", "unban-se", "ban-se"];
    assert_eq!(actions, expected);
    assert_eq!(audit[0]["dn"], DN);
}

#[tokio::test]
async fn a_ban_of_one_vo_leaves_the_others() {
    let state = tempfile::tempdir().unwrap();
    let gateway = start(state.path());
    let body = json!({"storage": DESTINATION, "status": "wait", "vo_name": "another"});
    assert_eq!(post(&gateway, "/ban/se", body), json!([]));
    let id = gateway.submit(&job("a.example", &["1"])).await;
    until(&gateway, &id, &["ACTIVE"]).await;
    let body = json!({"storage": DESTINATION, "vo_name": "DevUser@causeway.org"});
    assert_eq!(post(&gateway, "/ban/se", body), json!([id]));
    until(&gateway, &id, &["CANCELED"]).await;
}

#[tokio::test]
async fn a_user_shut_out() {
    let state = tempfile::tempdir().unwrap();
    let gateway = start(state.path());
    let other = gateway.user("Other");
    let dn = "/DC=org/DC=causeway/CN=Other";
    let whoami = || gateway.rest(Some(&other), "GET", "/whoami", None);
    assert_eq!(whoami().expect(200)["user_dn"], dn);
    assert!(ban(&gateway, &["--user", dn]).contains("No jobs affected"));
    assert_eq!(whoami().refused(403), "The user has been banned");
    ban(&gateway, &["--user", dn, "--unban"]);
    whoami().expect(200);
    let (code, said) = command(&gateway, "ban", &["--user", DN]);
    assert_ne!(code, 0, "{said}");
    // A right given to one user, and taken.
    let list = || gateway.rest(Some(&other), "GET", "/ban/dn", None);
    assert_eq!(list().refused(403), "Not enough permissions");
    let right = json!({"dn": dn, "operation": "config"});
    assert_eq!(post(&gateway, "/config/authorize", right.clone()), right);
    assert_eq!(list().expect(200), json!([]));
    let path = format!("/config/authorize?dn={}", encode(dn));
    ask(&gateway, "DELETE", &path, None).expect(204);
    assert_eq!(list().refused(403), "Not enough permissions");
}

#[tokio::test]
async fn limits_and_shares() {
    let state = tempfile::tempdir().unwrap();
    let gateway = start(state.path());
    let id = gateway.submit(&job("a.example", &["1", "2", "3"])).await;
    until(&gateway, &id, &["ACTIVE", "SUBMITTED", "SUBMITTED"]).await;
    let link = json!({"symbolicname": "mine", "source": "mock://a.example", "max_active": 2,
                      "destination": DESTINATION});
    post(&gateway, "/config/links", link);
    until(&gateway, &id, &["ACTIVE", "ACTIVE", "SUBMITTED"]).await;
    // The storage is full now, whatever the link allows.
    let se = json!({DESTINATION: {"se_info": {"inbound_max_active": 2}}});
    post(&gateway, "/config/se", se);
    post(
        &gateway,
        "/config/links",
        json!({"symbolicname": "mine", "max_active": 9}),
    );
    let other = gateway.submit(&job("b.example", &["4"])).await;
    let explain = async |id: &str, index: usize| {
        let files = gateway.get(&format!("/jobs/{id}/files")).await;
        let file = &files[index]["file_id"];
        let path = format!("/jobs/{id}/files/{file}/explain");
        gateway.get(&path).await["waits"][0]["kind"].clone()
    };
    assert_eq!(explain(&other, 0).await, "storage_limit");
    assert_eq!(explain(&id, 2).await, "storage_limit");
    let se = json!({DESTINATION: {"se_info": {"inbound_max_active": 9}}});
    post(&gateway, "/config/se", se);
    until(&gateway, &id, &["ACTIVE"; 3]).await;
    until(&gateway, &other, &["ACTIVE"]).await;
    // A link that is for another VO only.
    let share = json!({"source": "mock://c.example", "destination": DESTINATION,
                       "vo": "another", "share": 80});
    assert_eq!(post(&gateway, "/config/shares", share), json!(80));
    let id = gateway.submit(&job("c.example", &["5"])).await;
    until(&gateway, &id, &["FAILED"]).await;
    let files = gateway.get(&format!("/jobs/{id}/files")).await;
    let reason = files[0]["reason"].as_str().unwrap();
    assert!(
        reason.contains("No share configured for this VO"),
        "{reason}"
    );
    // All of it is there after a kill.
    let shown = |gateway: &Gateway| {
        let paths = ["/config/links", "/config/se", "/config/shares"];
        paths.map(|it| ask(gateway, "GET", it, None).expect(200))
    };
    let before = shown(&gateway);
    gateway.kill();
    assert_eq!(shown(&start(state.path())), before);
}

#[tokio::test]
async fn a_node_in_drain() {
    let state = tempfile::tempdir().unwrap();
    let gateway = start(state.path());
    let nodes = ask(&gateway, "GET", "/config", None).expect(200);
    let host = nodes[0]["hostname"].as_str().unwrap();
    assert!(
        nodes[0]["beat"].is_string() && nodes[0]["drain"] == false,
        "{nodes}"
    );
    let drain = |drain: bool| {
        let body = json!({"hostname": host, "drain": drain});
        assert_eq!(post(&gateway, "/config/drain", body), Value::Null);
    };
    let running = gateway.submit(&job("a.example", &["1"])).await;
    until(&gateway, &running, &["ACTIVE"]).await;
    drain(true);
    let id = gateway.submit(&job("b.example", &["2"])).await;
    let file = gateway.get(&format!("/jobs/{id}/files")).await[0]["file_id"].to_string();
    let waits = gateway
        .get(&format!("/jobs/{id}/files/{file}/explain"))
        .await;
    assert_eq!(waits["waits"][0]["why"], "drained", "{waits}");
    assert_eq!(states(&gateway, &running).await, ["ACTIVE"]);
    let (code, said) = command(&gateway, "server-status", &["-H", host, "--is-active"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(host) && said.contains("active: 1"), "{said}");
    drain(false);
    until(&gateway, &id, &["ACTIVE"]).await;
}

#[tokio::test]
async fn what_operators_look_up() {
    let state = tempfile::tempdir().unwrap();
    let gateway = start(state.path());
    let get = |path: &str| ask(&gateway, "GET", path, None).expect(200);
    assert_eq!(get("/optimizer"), json!(false));
    let value = json!({"source_se": "mock://a", "dest_se": "mock://b", "active": 4});
    let rows = post(&gateway, "/optimizer/current", value);
    assert_eq!(
        get("/optimizer/current?source_se=mock://a"),
        json!([rows[1]])
    );
    assert_eq!(get("/optimizer/evolution"), json!([rows[0]]));
    gateway.submit(&job("a.example", &["1"])).await;
    assert_eq!(
        get("/autocomplete/vo?term=Dev"),
        json!(["DevUser@causeway.org"])
    );
    assert_eq!(get("/autocomplete/dn?term=/DC=org"), json!([DN]));
    let link = json!({"symbolicname": "mine", "source": "mock://a.example"});
    post(&gateway, "/config/links", link);
    assert_eq!(
        get("/autocomplete/storage?term=mock"),
        json!(["mock://a.example"])
    );
    let unknown = "00000000-0000-4000-8000-000000000000";
    let missing = ask(&gateway, "GET", &format!("/archive/{unknown}"), None);
    let text = format!("No job with the id \"{unknown}\" has been found in the archive");
    assert_eq!(missing.refused(404), text);
    // Keys of a provider, of which the secret half is nowhere to be read.
    let cloud = json!({"storage_name": "S3:host", "app_key": "k", "app_secret": "hush-hush"});
    ask(&gateway, "POST", "/config/cloud_storage", Some(cloud)).expect(201);
    let user = json!({"user_dn": DN, "access_token": "id", "access_token_secret": "hush-hush"});
    ask(
        &gateway,
        "POST",
        "/config/cloud_storage/S3%3Ahost",
        Some(user),
    )
    .expect(201);
    gateway.kill();
    let gateway = start(state.path());
    let all = ask(&gateway, "GET", "/config/cloud_storage", None);
    assert!(!all.text.contains("hush"), "{}", all.text);
    assert_eq!(all.expect(200)[0]["users"][0]["user_dn"], DN);
    for path in causeway_tests::data::files(&state.path().join("db")) {
        let bytes = std::fs::read(&path).unwrap();
        let found = causeway_tests::data::contains(&bytes, b"hush-hush");
        assert!(!found, "{}", path.display());
    }
    assert!(!gateway.log().contains("hush-hush"));
}
