//! A service with everything faked behind it, and requests against it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use causeway_api::{ApiConfig, ApiState, Caller, Operations, Turn};
use causeway_identity::{TrustDirectory, Verifier};
use causeway_model::ports::{JobStore, JobView, StoredCredential, Transaction};
use causeway_model::{AuthMethod, Job, JobId, Level, Principal, Timestamp, Transfer};
use causeway_sdk::Secret;
use causeway_store::{MemoryStore, MemoryTokens, MemoryVault, OAuthRows};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::bearer::TestTokens;
use crate::drive::TestDrive;
use crate::engine::TestEngine;
use crate::fakes::{TestBans, TestClock, TestControl, TestVault, key};
use crate::snapshot::TestLinks;
use crate::storages::FakeStorages;

pub(crate) const DN: &str = "/DC=ch/DC=cern/CN=Test User";
pub(crate) const OTHER_DN: &str = "/DC=ch/DC=cern/CN=Other";
pub(crate) const DLG: &str = "92fbce05ea766c17";
/// 2026-11-22T00:00:00
pub(crate) const NOW: i64 = 1_795_305_600;

/// A certificate user with the level `vo` for transfers.
pub(crate) fn user() -> Principal {
    let level = [("transfer", Level::Vo), ("datamanagement", Level::All)];
    Principal {
        method: AuthMethod::Certificate,
        user_dn: DN.into(),
        dn: vec![DN.into(), format!("{DN}/CN=1234567")],
        vos: vec!["testvo".into()],
        voms_cred: vec!["/testvo/Role=NULL/Capability=NULL".into()],
        roles: vec![],
        level: level.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
        delegation_id: Some(DLG.into()),
        is_root: false,
    }
}

pub(crate) fn caller(principal: Principal) -> Caller {
    Caller {
        principal,
        chain_pem: "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n".into(),
        rsa_bits: Some(2048),
        token: None,
        refusal: None,
    }
}

/// The service and what is behind it.
pub(crate) struct Service {
    pub(crate) router: Router,
    pub(crate) state: ApiState,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) vault: Arc<TestVault>,
    pub(crate) control: Arc<TestControl>,
    pub(crate) bans: Arc<TestBans>,
    pub(crate) engine: Arc<TestEngine>,
    /// The vault behind the operators' routes.
    pub(crate) clouds: Arc<MemoryVault>,
    /// The provider of cloud storage.
    pub(crate) drive: Arc<TestDrive>,
    /// How links are doing.
    pub(crate) links: Arc<TestLinks>,
    pub(crate) transfer_tokens: Arc<MemoryTokens>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) caller: Option<Caller>,
    pub(crate) trust: Arc<TrustDirectory>,
    pub(crate) trust_path: Scratch,
}

/// A directory that goes away.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left-overs in the temporary directory hurt nobody.
        std::fs::remove_dir_all(&self.0).ok();
    }
}

impl Service {
    pub(crate) fn new() -> Self {
        Self::with(ApiConfig::default())
    }

    pub(crate) fn with(config: ApiConfig) -> Self {
        let trust = Scratch(std::env::temp_dir().join(format!("api-{}", JobId::random())));
        std::fs::create_dir_all(&trust.0).unwrap();
        let directory = Arc::new(TrustDirectory::open(&trust.0).unwrap());

        let store = Arc::new(MemoryStore::new());
        let clouds = Arc::new(MemoryVault::new());
        let vault = Arc::new(TestVault {
            clouds: clouds.clone(),
            ..TestVault::default()
        });
        let control = Arc::new(TestControl {
            store: store.clone(),
            submitted: AtomicU64::new(0),
            fails_with: Mutex::new(None),
        });
        let clock = Arc::new(TestClock(AtomicU64::new(NOW as u64)));
        let bans = Arc::new(TestBans::default());
        let engine = Arc::new(TestEngine::new(store.clone()));
        let drive = Arc::new(TestDrive::default());
        let links = Arc::new(TestLinks::default());
        let transfer_tokens = Arc::new(MemoryTokens::default());
        let operations = Operations {
            control: engine.clone(),
            settings: store.clone(),
            history: store.clone(),
            clouds: clouds.clone(),
            providers: drive.clone(),
            links: links.clone(),
            vo_names: store.clone(),
            user_names: clouds.clone(),
            optimizer_enabled: true,
            turn: Turn::default(),
        };
        let state = ApiState::new(
            store.clone(),
            vault.clone(),
            control.clone(),
            Arc::new(FakeStorages::default()),
            Arc::new(Verifier::new(directory.clone())),
            clock.clone(),
            config,
        )
        .with_bans(bans.clone())
        .with_operations(operations)
        .with_header_identity(Arc::new(TestTokens))
        .with_oauth(Arc::new(OAuthRows::in_memory()))
        .with_transfer_tokens(transfer_tokens.clone());
        let it = Self {
            router: causeway_api::router(state.clone()),
            state,
            store,
            vault,
            control,
            bans,
            engine,
            clouds,
            drive,
            links,
            transfer_tokens,
            clock,
            caller: Some(caller(user())),
            trust: directory,
            trust_path: trust,
        };
        it.delegate(12 * 3600);
        it
    }

    /// A proxy of the caller that lasts so many seconds from now.
    pub(crate) fn delegate(&self, seconds: i64) {
        self.keep_proxy(DLG, DN, seconds);
    }

    /// A proxy of somebody else, good for some hours.
    pub(crate) fn delegate_as(&self, id: &str, dn: &str) {
        self.keep_proxy(id, dn, 12 * 3600);
    }

    fn keep_proxy(&self, id: &str, dn: &str, seconds: i64) {
        let credential = StoredCredential {
            proxy_pem: Secret::new("proxy"),
            voms_attrs: "/testvo/Role=NULL/Capability=NULL".into(),
            termination_time: Timestamp::from_seconds(NOW + seconds),
        };
        let mut stored = self.vault.stored.lock().unwrap();
        stored.insert(key(id, dn), credential);
    }

    /// Lets so many seconds pass.
    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    /// A request with a bearer token.
    pub(crate) async fn with_token(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: impl ToString,
    ) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "fts.example.org:8446")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"));
        self.send(request.body(body.to_string().into()).unwrap())
            .await
    }

    pub(crate) fn forget_delegation(&self) {
        self.vault.stored.lock().unwrap().clear();
    }

    /// The same service for somebody else.
    pub(crate) fn acting_as(&mut self, change: impl FnOnce(&mut Principal)) {
        let mut principal = user();
        change(&mut principal);
        self.caller = Some(caller(principal));
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let mut request = request;
        if let Some(caller) = &self.caller {
            request.extensions_mut().insert(caller.clone());
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        assert_eq!(parts.headers["x-frame-options"], "DENY");
        let body = axum::body::to_bytes(body, usize::MAX).await;
        Answer {
            status: parts.status,
            headers: parts.headers,
            broke_off: body.is_err(),
            body: body.unwrap_or_default().to_vec(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", "").await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.ask("DELETE", path, "", "").await
    }

    pub(crate) async fn post(&self, path: &str, body: impl ToString) -> Answer {
        self.ask("POST", path, "application/json", body.to_string())
            .await
    }

    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: impl Into<Body>,
    ) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "fts.example.org:8446");
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    /// Submits and gives the id.
    pub(crate) async fn submit(&self, body: Value) -> String {
        let answer = self.post("/jobs", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["job_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn view(&self, id: &str) -> JobView {
        self.store.view(id.parse().unwrap()).await.unwrap().unwrap()
    }

    /// Changes rows of a job as an engine would.
    pub(crate) async fn change(
        &self,
        id: &str,
        job: impl Fn(&mut Job),
        file: impl Fn(&mut Transfer),
    ) {
        let view = self.view(id).await;
        let mut changed = (*view.job).clone();
        job(&mut changed);
        let files = view.files.iter().map(|it| {
            let mut row = (**it).clone();
            file(&mut row);
            Arc::new(row)
        });
        let change = Transaction {
            jobs: vec![Arc::new(changed)],
            files: files.collect(),
            ..Transaction::default()
        };
        self.store.apply(change).await.unwrap();
    }

    pub(crate) fn stored_jobs(&self) -> u64 {
        self.control.submitted.load(Ordering::SeqCst)
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) broke_off: bool,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/json");
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap().to_owned()
    }

    /// Checks status and the body every error has.
    #[track_caller]
    pub(crate) fn is_error(&self, status: u16, message: &str) {
        assert_eq!(self.status, status, "{}", self.text());
        let json = self.json();
        assert_eq!(json["message"], message);
        let line = json["status"].as_str().unwrap();
        assert!(line.starts_with(&format!("{status} ")), "{line}");
    }
}

/// A job with one transfer.
pub(crate) fn one_file() -> Value {
    serde_json::json!({"files": [{
        "sources": ["mock://a.example.org/file"],
        "destinations": ["mock://b.example.org/file"],
    }]})
}

pub(crate) fn entry(sources: &[&str], destinations: &[&str]) -> Value {
    json!({"sources": sources, "destinations": destinations})
}

pub(crate) fn with_params(params: Value) -> Value {
    let mut body = one_file();
    body["params"] = params;
    body
}

pub(crate) async fn rows(service: &Service, body: Value) -> (Job, Vec<Transfer>) {
    let id = service.submit(body).await;
    let view = service.view(&id).await;
    let files = view.files.iter().map(|it| (**it).clone()).collect();
    ((*view.job).clone(), files)
}

pub(crate) fn states(files: &[Transfer]) -> Vec<&str> {
    files.iter().map(|it| it.state.name()).collect()
}
