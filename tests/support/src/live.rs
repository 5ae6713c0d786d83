//! Plugins that change while a gateway runs: versions of the mock plugin, what operators ask, and what they
//! are shown.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::place::{LIMIT, Place, mock, tried_again};
use crate::programs::{built, install};
use crate::{Gateway, GatewayOptions};

/// Installs a copy of the mock library with other bytes, which the loader does not look at; gives the
/// plugin's folder.
pub fn install_mock(dir: &Path, mark: u8) -> PathBuf {
    let mut bytes = std::fs::read(built().join("libcauseway_plugin_mock.so"))
        .expect("the mock plugin is built");
    bytes.push(mark);
    let path = dir.join("libcauseway_plugin_mock.so");
    std::fs::write(&path, bytes).expect("the directory is writable");
    install(&path, &dir.join("plugins"))
}

/// A gateway whose mock plugin lies in `dir/plugins`.
pub fn start(dir: &Path, options: GatewayOptions) -> Place {
    install_mock(dir, 1);
    Place::with(&options.plugin_dir(dir.join("plugins")))
}

/// Every plugin as `GET /config/plugins` shows it.
pub async fn rows(gateway: &Gateway) -> Value {
    let (status, rows) = gateway
        .ask("GET", "/config/plugins", &Value::Null, LIMIT)
        .await;
    assert_eq!(status, 200, "{rows}");
    rows
}

/// One of them; null when there is none of that name.
pub fn row_of(rows: &Value, name: &str) -> Value {
    let mut rows = rows.as_array().expect("a list of plugins").iter();
    rows.find(|it| it["name"] == name)
        .cloned()
        .unwrap_or_default()
}

/// A plugin as it is now.
pub async fn row(gateway: &Gateway, name: &str) -> Value {
    row_of(&rows(gateway).await, name)
}

/// An answer that is no JSON.
pub async fn text(gateway: &Gateway, path: &str) -> String {
    let client = reqwest::Client::builder().no_proxy().build();
    let client = client.expect("a client without settings");
    let answer = client
        .get(format!("{}{path}", gateway.plain()))
        .send()
        .await;
    let answer = answer.unwrap_or_else(|error| panic!("GET {path}: {error}\n{}", gateway.log()));
    answer.text().await.expect("the answer is text")
}

/// Waits until a plugin is shown so.
pub async fn shown(gateway: &Gateway, name: &str, is: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let row = row(gateway, name).await;
        if is(&row) {
            return row;
        }
        assert!(start.elapsed() < LIMIT, "{row}\n{}", gateway.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// `POST /config/plugins`, whatever comes of it.
pub async fn ask(gateway: &Gateway, body: Value) -> (u16, Value) {
    gateway.ask("POST", "/config/plugins", &body, LIMIT).await
}

/// Does it, and gives the plugin as it is then.
pub async fn change(gateway: &Gateway, action: &str, name: &str) -> Value {
    let body = match action {
        "reload" => json!({ "action": action }),
        _ => json!({ "action": action, "name": name }),
    };
    let (status, rows) = ask(gateway, body).await;
    assert_eq!(status, 200, "{rows}\n{}", gateway.log());
    row_of(&rows, name)
}

/// Waits for the end of a job that must finish.
pub async fn finishes(place: &Place, id: &str) {
    let job = place.gateway.wait(id, LIMIT).await;
    assert_eq!(job["job_state"], "FINISHED", "{}", place.gateway.log());
}

/// The mock plugin moves a few files.
pub async fn works(place: &Place) {
    let id = place.gateway.submit(&mock(3, 0.0, tried_again())).await;
    finishes(place, &id).await;
}

/// Copies that are kept are made when the gateway has started. One that is not whole has a name with a dot
/// before it: who changed the plugin by then would spoil it.
pub async fn settled(place: &Place, name: &str) {
    let kept = place.dir.path().join("db/plugins").join(name);
    let is_whole = |it: std::fs::DirEntry| !it.file_name().to_string_lossy().starts_with('.');
    let start = Instant::now();
    while !std::fs::read_dir(&kept).is_ok_and(|mut all| all.any(|it| it.is_ok_and(is_whole))) {
        assert!(start.elapsed() < LIMIT, "{}", place.gateway.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
