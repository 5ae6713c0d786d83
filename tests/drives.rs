//! Transfers to and from Dropbox and Google Drive with tokens that users have got over `/cs`: a
//! provider that lets users agree and gives out tokens, and doubles of both services, the same that
//! the plugin's own tests use, which take those tokens and no others.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use causeway_tests::data::{adler32, content, put};
use causeway_tests::drive::{APP, Drive};
use causeway_tests::{Gateway, GatewayOptions, Identity};
use double::{Double, Token};
use serde_json::{Value, json};

#[path = "../plugins/cloud/tests/support/double.rs"]
#[allow(dead_code, reason = "its own tests use all of it")]
mod double;
#[path = "../plugins/cloud/tests/support/dropbox.rs"]
#[allow(dead_code, reason = "its own tests use all of it")]
mod dropbox;
#[path = "../plugins/cloud/tests/support/gdrive.rs"]
#[allow(dead_code, reason = "its own tests use all of it")]
mod gdrive;
#[path = "../plugins/cloud/tests/support/wire.rs"]
#[allow(dead_code, reason = "its own tests use all of it")]
mod wire;

const LIMIT: Duration = Duration::from_secs(120);
/// More than two parts, and no whole number of them.
const SIZE: usize = (9 << 20) + 5;
const PART: usize = 4 << 20;

struct World {
    gateway: Gateway,
    provider: Drive,
    /// Tokens that were good.
    expired: Arc<Mutex<BTreeSet<String>>>,
    dropbox: Double,
    gdrive: Double,
    // Dropped last.
    _state: tempfile::TempDir,
}

/// Good are the tokens that the provider has given out and that have not ended.
fn judge(
    provider: &Drive,
    expired: &Arc<Mutex<BTreeSet<String>>>,
) -> impl Fn(&str) -> Token + use<> {
    let (provider, expired) = (provider.clone(), Arc::clone(expired));
    move |token| {
        if expired.lock().unwrap().contains(token) {
            return Token::Expired;
        }
        match provider.tokens().iter().any(|it| it == token) {
            true => Token::Good,
            false => Token::Unknown,
        }
    }
}

impl World {
    async fn start() -> Self {
        let state = tempfile::tempdir().unwrap();
        let (provider, expired) = (Drive::start(&[]), Arc::default());
        let dropbox = dropbox::start_for(judge(&provider, &expired)).await;
        let gdrive = gdrive::start_for(judge(&provider, &expired)).await;
        let config = state.path().join("clouds.toml");
        let text = format!(
            "[plugins.cloud]\npart_bytes = {PART}\n\
             [plugins.cloud.dropbox]\nendpoint = \"{}\"\n\
             [plugins.cloud.gdrive]\nendpoint = \"{}\"\n",
            dropbox.endpoint, gdrive.endpoint
        );
        std::fs::write(&config, text).unwrap();
        let options = GatewayOptions::default().config(config);
        let gateway = Gateway::start(state.path(), &options);
        let world = Self {
            gateway,
            provider,
            expired,
            dropbox,
            gdrive,
            _state: state,
        };
        for name in ["DROPBOX", "GDRIVE"] {
            let row = json!({"storage_name": name, "app_key": APP.0, "app_secret": APP.1,
                             "service_api_url": world.provider.url()});
            world.ask("POST", "/config/cloud_storage", Some(&row));
        }
        world
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> String {
        let user = Identity::file(self.gateway.pki("userproxy.pem"));
        let answer = self.gateway.rest(Some(&user), method, path, body);
        assert!(answer.status < 300, "{method} {path}: {answer:?}");
        answer.text
    }

    /// The three steps of a user: to ask, to agree on the provider's page, to have it granted.
    async fn agree(&self, service: &str) -> String {
        let form = self.ask(
            "GET",
            &format!("/cs/access_request/{service}/request"),
            None,
        );
        let token = form.split_once("oauth_token=").unwrap().1;
        let token = token.replace("%2F", "/").replace("%2B", "+");
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let page = http.get(self.provider.page(&token)).send().await.unwrap();
        assert_eq!(page.status(), 200);
        self.ask("GET", &format!("/cs/access_grant/{service}"), None)
    }

    fn local(&self, name: &str) -> std::path::PathBuf {
        self.gateway
            .state()
            .canonicalize()
            .unwrap()
            .join("data/in")
            .join(name)
    }

    /// A transfer of these bytes that compares checksums at both ends; its only file at the end.
    async fn transfer(&self, from: &str, to: &str, bytes: &[u8]) -> Value {
        let checksum = format!("ADLER32:{}", adler32(bytes));
        let file = json!({"sources": [from], "destinations": [to], "checksum": checksum});
        let params = json!({"verify_checksum": "both", "overwrite": true});
        let job = json!({"files": [file], "params": params});
        let id = self.gateway.submit(&job).await;
        self.gateway.wait(&id, LIMIT).await;
        self.gateway.get(&format!("/jobs/{id}/files")).await[0].take()
    }
}

/// There and back; the file comes out as it went in.
async fn round_trip(world: &World, url: &str, name: &str) {
    let bytes = content(SIZE);
    let (from, back) = (world.local("large"), world.local(name));
    put(&from, &bytes);
    let local = |path: &std::path::Path| format!("file://{}", path.display());
    for (from, to) in [
        (local(&from), url.to_owned()),
        (url.to_owned(), local(&back)),
    ] {
        let file = world.transfer(&from, &to, &bytes).await;
        assert_eq!(file["file_state"], "FINISHED", "{from} to {to}: {file}");
        assert_eq!(file["filesize"], SIZE, "{file}");
    }
    assert!(std::fs::read(&back).unwrap() == bytes, "{url}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_users_own_drives_take_part_in_transfers() {
    let world = World::start().await;
    let places = [
        ("dropbox", "dropbox://dropbox.com/dir/a%20b"),
        ("gdrive", "gdrive://drive.google.com/dir/a%20b"),
    ];
    put(&world.local("seed"), b"bytes");
    let seed = format!("file://{}", world.local("seed").display());
    for (service, url) in places {
        // Without a grant nobody may.
        let file = world.transfer(&seed, url, b"bytes").await;
        assert_eq!(file["file_state"], "FAILED", "{file}");
        world.agree(service).await;
    }
    // What was seen without a grant is forgotten in time.
    for (service, url) in places {
        wait_for_keys(&world, &seed, url).await;
        round_trip(&world, url, &format!("from-{service}")).await;
    }
    assert!(
        world
            .dropbox
            .count(|it| it.path.ends_with("upload_session/start"))
            > 0
    );
    assert!(
        world
            .gdrive
            .count(|it| it.asked("uploadType") == "resumable")
            > 0
    );
}

/// Waits until the gateway goes on with the newest grant.
async fn wait_for_keys(world: &World, seed: &str, url: &str) {
    let start = Instant::now();
    loop {
        let file = world.transfer(seed, url, b"bytes").await;
        if file["file_state"] == "FINISHED" {
            return;
        }
        assert!(start.elapsed() < LIMIT, "{file}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_ends_is_told_and_a_new_one_goes_on() {
    let world = World::start().await;
    put(&world.local("seed"), b"bytes");
    let seed = format!("file://{}", world.local("seed").display());
    let places = [
        ("dropbox", "dropbox://dropbox.com/file"),
        ("gdrive", "gdrive://drive.google.com/file"),
    ];
    for (service, url) in places {
        let first = world.agree(service).await;
        wait_for_keys(&world, &seed, url).await;
        world.expired.lock().unwrap().insert(first.clone());
        let file = world.transfer(&seed, url, b"bytes").await;
        assert_eq!(file["file_state"], "FAILED", "{file}");
        let reason = file["reason"].as_str().unwrap();
        // EKEYEXPIRED; in words only Dropbox says so.
        assert!(reason.contains("[127]"), "{reason}");
        assert!(!reason.contains(&first), "{reason}");
        // The user lets the gateway in once more.
        world.ask("DELETE", &format!("/cs/access_grant/{service}"), None);
        assert_ne!(first, world.agree(service).await);
    }
    for (service, url) in places {
        wait_for_keys(&world, &seed, url).await;
        round_trip(&world, url, &format!("again-{service}")).await;
    }
    let log = world.gateway.log();
    for secret in world
        .provider
        .tokens()
        .iter()
        .chain(&world.provider.secrets())
    {
        assert!(!log.contains(secret), "{secret}");
    }
}
