//! Real bytes through plugins that are components, through REST: from a real HTTPS server into a storage
//! that a component serves, and back. What arrived is summed up by code that is not the product's.

use std::path::{Path, PathBuf};

use causeway_tests::attack::{assert_presentable, dm};
use causeway_tests::data::{adler32, content, md5, put};
use causeway_tests::guests::guest;
use causeway_tests::issuer::Issuer;
use causeway_tests::programs::repository;
use causeway_tests::repository::Repository;
use causeway_tests::{Done, GatewayOptions, Grid, Server};
use serde_json::{Value, json};

const SIZES: [usize; 4] = [0, 1, (1 << 20) + 3, 24 << 20];
const AUDIENCE: &str = "https://wlcg.cern.ch/jwt/v1/any";

/// A plugin directory with one component.
struct Installed {
    dir: tempfile::TempDir,
    folder: PathBuf,
}

impl Installed {
    /// Compiled once for all tests and gateways: that takes a minute for a language's runtime.
    fn new(component: &str) -> Self {
        causeway_host::keep_compiled_in(Some(Self::compiled()));
        let dir = tempfile::tempdir().unwrap();
        let folder = causeway_host::write_manifest(&guest(component), dir.path(), &json!({}));
        let folder = folder.unwrap_or_else(|refusal| panic!("failed to {refusal}"));
        Self { dir, folder }
    }

    fn compiled() -> PathBuf {
        repository().join("target/guests/compiled")
    }

    /// Raises what an instance may take: files lie in its memory.
    fn with_memory(self, size: &str) -> Self {
        let path = self.folder.join("plugin.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let text = format!("{text}\n[limits]\nmemory = \"{size}\"\n");
        std::fs::write(&path, text).unwrap();
        self
    }

    /// One worker: a component that keeps files in its memory has them in one process only.
    fn options(&self) -> GatewayOptions {
        GatewayOptions::default()
            .plugin_dir(self.dir.path())
            .env("CAUSEWAY__ENGINE__WORKERS", "1")
            .env(
                "CAUSEWAY__PLUGINS__CACHE_DIR",
                format!("{:?}", Self::compiled()),
            )
    }
}

fn arrived(done: &Done, file: &Path, bytes: &[u8]) {
    done.finished();
    assert_eq!(done.file["filesize"], bytes.len(), "{done:#?}");
    assert_eq!(done.mode(), "streamed");
    let there = std::fs::read(file).unwrap();
    let sums = (adler32(&there), there.len());
    assert_eq!(sums, (adler32(bytes), bytes.len()), "{}", file.display());
    assert!(there == bytes, "{} differs", file.display());
}

/// From one server into the component and out to another one.
async fn there_and_back(component: Installed, sizes: &[usize]) {
    let grid = Grid::start(component.options());
    let (a, b) = (grid.server("xrdhttp"), grid.server("xrdhttp"));
    for size in sizes {
        let (name, bytes) = (format!("file-{size}"), content(*size));
        put(&a.data(&name), &bytes);
        let (from, to) = (a.url(&name), b.url(&name));
        let inside = format!("memory://box/dir/{name}");
        let sum = json!(format!("ADLER32:{}", adler32(&bytes)));
        let both = json!({ "verify_checksum": "both" });
        let into = grid
            .transfer_as("alice.proxy", &from, &inside, sum, both.clone())
            .await;
        into.finished();
        assert_eq!(into.file["filesize"], *size, "{into:#?}");
        assert_eq!(into.mode(), "streamed");
        let stat = grid.gateway.get(&dm("stat", &inside)).await;
        assert_eq!(stat["size"], *size, "{stat}");
        let back = grid.transfer(&inside, &to, both).await;
        arrived(&back, &b.data(&name), &bytes);
    }
    wrong_checksums_are_noticed(&grid, &a, &b).await;
}

/// The bytes of a component are looked at like those of anybody.
async fn wrong_checksums_are_noticed(grid: &Grid, a: &Server, b: &Server) {
    let bytes = content(100_000);
    put(&a.data("seed"), &bytes);
    let (from, inside, to) = (a.url("seed"), "memory://box/wrong", b.url("wrong"));
    let wrong = json!("ADLER32:12345678");
    let target = json!({ "verify_checksum": "target" });
    let into = grid
        .transfer_as("alice.proxy", &from, inside, wrong.clone(), target)
        .await;
    let sum = adler32(&bytes);
    let words = format!("ADLER32 checksum do not match (12345678 != {sum})");
    assert_eq!(
        into.failed(),
        format!("DESTINATION [5] User-defined and destination {words}")
    );
    let inside = "memory://box/right";
    grid.transfer(&from, inside, json!({})).await.finished();
    let both = json!({ "verify_checksum": "both" });
    let out = grid
        .transfer_as("alice.proxy", inside, &to, wrong, both)
        .await;
    assert!(out.failed().contains("12345678"), "{out:#?}");
}

#[tokio::test]
async fn a_component_in_rust_takes_files_of_every_size_and_gives_them_back() {
    let component = Installed::new("memory-rust").with_memory("256MiB");
    there_and_back(component, &SIZES).await;
}

#[tokio::test]
async fn a_component_in_python_takes_files_and_gives_them_back() {
    there_and_back(Installed::new("memory-python"), &SIZES[..3]).await;
}

/// A repository behind a component, a web server, and a user who comes with tokens.
struct Deposit {
    grid: Grid,
    web: Server,
    repository: Repository,
    /// Of the user, for the gateway.
    user: String,
    /// Of the user, for the repository.
    key: String,
    http: reqwest::Client,
    _component: Installed,
}

impl Deposit {
    /// `granted` makes the operator's grants of the repository's host and port.
    async fn start(granted: impl Fn(&str) -> String) -> Self {
        let component = Installed::new("zenodo");
        let issuer = Issuer::start();
        let sign = |audience, scope| issuer.sign(&issuer.claims("sub-1", audience, scope));
        let user = sign(AUDIENCE, "fts");
        let key = sign("https://repository.example", "storage.modify:/");
        let repository = Repository::start(&key).await;
        let issuers = format!("[{{issuer = \"{}\"}}]", issuer.url());
        let grants = granted(&repository.authority());
        let options = component
            .options()
            .env("CAUSEWAY__AUTH__TOKEN_ISSUERS", issuers)
            .env("CAUSEWAY__AUTH__TOKEN_LOOPBACK_HTTP", "true")
            .env("CAUSEWAY__PLUGINS__ZENODO__TLS", "false")
            .env("CAUSEWAY__PLUGINS__ZENODO__GRANTS", grants);
        let grid = Grid::start(options);
        let web = grid.server("nginx-dav");
        Self {
            grid,
            web,
            repository,
            user,
            key,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            _component: component,
        }
    }

    fn draft(&self, name: &str) -> String {
        format!("zenodo://{}/drafts/17/{name}", self.repository.authority())
    }

    /// A transfer of the user's; the side of the repository has a token of its own.
    async fn transfer(&self, from: &str, to: &str, checksum: Value, params: Value) -> Done {
        let mut job = causeway_tests::grid::job(from, to, checksum, params);
        let side = match from.starts_with("zenodo:") {
            true => "source_tokens",
            false => "destination_tokens",
        };
        job["files"][0][side] = json!([self.key]);
        let url = format!("{}/jobs", self.grid.gateway.plain());
        let asked = self.http.post(url).bearer_auth(&self.user).json(&job);
        let answer: Value = asked.send().await.unwrap().json().await.unwrap();
        let id = answer["job_id"].as_str();
        let id = id.unwrap_or_else(|| panic!("no job: {answer}"));
        let limit = std::time::Duration::from_secs(120);
        self.grid.gateway.wait(id, limit).await;
        self.grid.done(id).await
    }

    /// The repository's token is in no text that anybody reads.
    fn told_nowhere(&self, done: &Done) {
        let texts = format!("{done:?}{}", self.grid.gateway.log());
        assert!(!texts.contains(&self.key), "{texts}");
    }
}

fn plain(authority: &str) -> String {
    format!("{{http = [\"http://{authority}\"]}}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_behind_a_component_takes_files_and_gives_them_back() {
    let it = Deposit::start(plain).await;
    for size in SIZES {
        let (name, bytes) = (format!("set-{size}"), content(size));
        put(&it.web.data(&name), &bytes);
        // The repository keeps MD5, the web server keeps nothing.
        let sum = json!(format!("MD5:{}", md5(&it.web.data(&name))));
        let (from, inside) = (it.web.url(&name), it.draft(&name));
        let target = json!({ "verify_checksum": "target" });
        let into = it.transfer(&from, &inside, sum.clone(), target).await;
        into.finished();
        assert_eq!(into.mode(), "streamed");
        assert_eq!(into.file["filesize"], size, "{into:#?}");
        let to = it.web.url(&format!("back/{name}"));
        let source = json!({ "verify_checksum": "source" });
        let back = it.transfer(&inside, &to, sum, source).await;
        arrived(&back, &it.web.data(&format!("back/{name}")), &bytes);
        it.told_nowhere(&into);
        it.told_nowhere(&back);
    }
    let wrong = json!("MD5:00000000000000000000000000000000");
    let target = json!({ "verify_checksum": "target" });
    let (from, to) = (it.web.url("set-1"), it.draft("wrong"));
    let done = it.transfer(&from, &to, wrong, target).await;
    assert!(done.failed().contains("checksum"), "{done:#?}");
}

/// What was not granted fails the transfer, once, and the reason says what is missing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_without_the_grant_it_needs_says_which() {
    let elsewhere = |_: &str| plain("elsewhere.example.org");
    let tokenless = |at: &str| format!("{{http = [\"http://{at}\"], credentials = [\"x509\"]}}");
    let encrypted = |at: &str| format!("{{http = [\"{at}\"]}}");
    let readonly = |at: &str| format!("{{http = [\"http://{at}\"], methods = [\"GET\"]}}");
    type Granted = fn(&str) -> String;
    let cases: [(Granted, &str, &str); 4] = [
        (
            elsewhere,
            "DESTINATION",
            "plugin zenodo was not granted the host 127.0.0.1:",
        ),
        (
            tokenless,
            "DESTINATION",
            "plugin zenodo was not granted to use a user's token",
        ),
        (encrypted, "DESTINATION", "without encryption"),
        (
            readonly,
            "TRANSFER",
            "plugin zenodo was not granted the method POST",
        ),
    ];
    for (granted, scope, why) in cases {
        let it = Deposit::start(granted).await;
        put(&it.web.data("seed"), &content(1000));
        let (from, to) = (it.web.url("seed"), it.draft("seed"));
        let done = it
            .transfer(&from, &to, Value::Null, json!({ "retry": 3 }))
            .await;
        let reason = done.failed();
        let begins = format!("{scope} [13] ");
        assert!(
            reason.starts_with(&begins) && reason.contains(why),
            "{reason}"
        );
        assert_presentable(reason);
        // It would be the same the next time.
        assert_eq!(done.retries, json!([]), "{done:#?}");
        it.told_nowhere(&done);
    }
}
