//! An engine, a storage that writes down with what it is approached, and a desk that hands out tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use causeway_engine::crew::{Crew, Inside};
use causeway_engine::messages::{AttemptId, Order, Report};
use causeway_engine::{Engine, EngineConfig, Parts, TestClock};
use causeway_model::oauth::{Bearer, TokenId, TokenSource, TokenTrouble};
use causeway_model::ports::{
    Clock, CredentialVault, JobControl, JobStore, JobView, StoredCredential,
};
use causeway_model::{FileState, JobId, Timestamp, Transfer};
use causeway_sdk::capability::CredentialKind;
use causeway_sdk::{
    BoxFuture, Bytes, Capabilities, Copied, CopyRequest, Credential, Ctx, DynStorage, Erased, Host,
    ProgressSink, Result, Secret, Stat, Storage, Url, WriteOptions,
};
use causeway_store::{MemoryStore, MemoryVault};
use causeway_testkit::{Layer, Layered, MemoryStorage};
use tokio::sync::mpsc;

use crate::support::{Shelf, job};

/// A storage that writes down with what it is approached.
#[derive(Clone)]
pub(crate) struct Witness {
    pub(crate) inner: Arc<dyn DynStorage>,
    pub(crate) seen: Arc<Mutex<Vec<String>>>,
    /// Kinds of credentials it says that it understands.
    kinds: Vec<CredentialKind>,
}

impl Witness {
    pub(crate) async fn with_source(kinds: &[CredentialKind]) -> Self {
        let memory = MemoryStorage::create("", Host::silent()).unwrap();
        let inner = Erased::shared(memory);
        let (cx, at) = (Ctx::new("test"), "probe://a/f".parse().unwrap());
        let options = WriteOptions::default();
        let mut sink = inner.open_write(&cx, &at, options).await.unwrap();
        sink.write(0, Bytes::from_static(b"content")).await.unwrap();
        sink.commit().await.unwrap();
        Self {
            inner,
            seen: Arc::default(),
            kinds: kinds.to_vec(),
        }
    }

    fn note(&self, text: String) {
        let mut seen = self.seen.lock().unwrap();
        if !seen.contains(&text) {
            seen.push(text);
        }
    }

    /// What was seen, each once, sorted.
    pub(crate) fn seen(&self) -> Vec<String> {
        let mut seen = self.seen.lock().unwrap().clone();
        seen.sort();
        seen
    }
}

fn shown(credential: &Credential) -> String {
    match credential {
        Credential::Bearer(token) => format!("token {}", token.expose()),
        Credential::X509(pem) => pem.expose().to_owned(),
        Credential::Keys { access, secret, .. } => format!("keys {access} {}", secret.expose()),
        other => format!("{:?}", other.kind()),
    }
}

impl Layer for Witness {
    fn inner(&self) -> &dyn DynStorage {
        &*self.inner
    }

    fn describe(&self) -> Capabilities {
        let mut able = self.inner.describe();
        able.copy.pull_from = vec!["probe".into()];
        able.credentials.clone_from(&self.kinds);
        able
    }

    fn stat<'a>(&'a self, cx: &'a Ctx, at: &'a Url) -> BoxFuture<'a, Result<Stat>> {
        self.note(format!("{}: {}", at.host(), shown(cx.credential())));
        self.inner.stat(cx, at)
    }

    fn copy<'a>(
        &'a self,
        cx: &'a Ctx,
        request: CopyRequest,
        progress: ProgressSink,
    ) -> BoxFuture<'a, Result<Copied>> {
        let (own, peer) = (shown(cx.credential()), shown(&request.peer_credential));
        self.note(format!("copy: {own}, with {peer}"));
        self.inner.copy(cx, request, progress)
    }
}

/// Answers as a test tells it to.
#[derive(Default)]
pub(crate) struct Desk {
    /// Answers to the questions for a token, the last one for ever.
    pub(crate) answers: Mutex<HashMap<TokenId, Vec<Result<(), TokenTrouble>>>>,
    pub(crate) prepared: Mutex<Vec<TokenId>>,
    pub(crate) bearers: Mutex<HashMap<TokenId, Result<String, TokenTrouble>>>,
}

impl Desk {
    pub(crate) fn prepares(&self, id: u64, answers: Vec<Result<(), TokenTrouble>>) {
        self.answers.lock().unwrap().insert(TokenId(id), answers);
    }

    pub(crate) fn has(&self, id: u64, bearer: Result<&str, TokenTrouble>) {
        let bearer = bearer.map(str::to_owned);
        self.bearers.lock().unwrap().insert(TokenId(id), bearer);
    }

    pub(crate) fn prepared(&self) -> usize {
        self.prepared.lock().unwrap().len()
    }
}

#[async_trait]
impl TokenSource for Desk {
    async fn prepare(&self, id: TokenId) -> Result<(), TokenTrouble> {
        self.prepared.lock().unwrap().push(id);
        let mut answers = self.answers.lock().unwrap();
        match answers.get_mut(&id) {
            Some(list) if list.len() > 1 => list.remove(0),
            Some(list) => list[0].clone(),
            None => Ok(()),
        }
    }

    async fn bearer(&self, id: TokenId) -> Result<Bearer, TokenTrouble> {
        let bearers = self.bearers.lock().unwrap();
        let found = bearers.get(&id).cloned();
        let never = || Err(TokenTrouble::Never("it is not known".into()));
        let text = found.unwrap_or_else(never)?;
        Ok(Bearer {
            token: Secret::new(text),
            until: Timestamp(i64::MAX / 2),
        })
    }
}

/// A worker in this process, and the attempts that it was told to begin.
struct Ordered {
    worker: Inside,
    begun: Arc<Mutex<Vec<AttemptId>>>,
}

impl Crew for Ordered {
    fn report_to(&self, reports: mpsc::Sender<Report>) {
        self.worker.report_to(reports);
    }

    fn order(&self, order: Order) {
        if let Order::Start(spec) = &order {
            self.begun.lock().unwrap().push(spec.attempt);
        }
        self.worker.order(order);
    }
}

pub(crate) struct World {
    pub(crate) engine: Engine,
    /// Attempts that the worker was told to begin.
    pub(crate) begun: Arc<Mutex<Vec<AttemptId>>>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) witness: Witness,
    pub(crate) vault: Arc<MemoryVault>,
}

pub(crate) async fn world() -> World {
    world_with(&[CredentialKind::X509, CredentialKind::Bearer]).await
}

/// The same with a storage that understands these kinds of credentials.
pub(crate) async fn world_with(kinds: &[CredentialKind]) -> World {
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(TestClock::default()));
    let desk = Arc::new(Desk::default());
    let witness = Witness::with_source(kinds).await;
    let vault = Arc::new(MemoryVault::new());
    let proxy = StoredCredential {
        proxy_pem: Secret::new("proxy"),
        voms_attrs: String::new(),
        termination_time: Timestamp(i64::MAX / 2),
    };
    let sample = job(&*store, clock.now(), &[("probe://a/f", "probe://b/f")]);
    let (id, dn) = (&sample.job.cred_id, &sample.job.user_dn);
    vault.put_credential(id, dn, &proxy).await.unwrap();
    let parts = Parts {
        store: store.clone(),
        vault: Some(vault.clone()),
        clock: clock.clone(),
        storages: Arc::new(Shelf::default().with("probe", Arc::new(Layered(witness.clone())))),
        host: "node1".into(),
        observer: causeway_model::observe::Watched::default(),
        settings: Some(store.clone()),
        history: Some(store.clone()),
        tokens: Some(desk.clone()),
    };
    let begun = Arc::default();
    let crew = Arc::new(Ordered {
        worker: Inside::new(Arc::clone(&parts.storages), clock.clone()),
        begun: Arc::clone(&begun),
    });
    let engine = Engine::start_with(EngineConfig::default(), parts, crew);
    World {
        engine: engine.await.unwrap(),
        begun,
        store,
        clock,
        desk,
        witness,
        vault,
    }
}

impl World {
    pub(crate) async fn submit(&self, change: impl Fn(&mut Transfer)) -> JobId {
        let pairs = [("probe://a/f", "probe://b/f")];
        let mut view = job(&*self.store, self.clock.now(), &pairs);
        for file in &mut view.files {
            change(Arc::make_mut(file));
        }
        let id = view.job.job_id;
        self.engine.submit(view).await.unwrap();
        id
    }

    pub(crate) async fn view(&self, id: JobId) -> JobView {
        self.store.view(id).await.unwrap().unwrap()
    }

    pub(crate) async fn end(&self, id: JobId) -> JobView {
        for _ in 0..10_000 {
            let view = self.view(id).await;
            if view.job.state.is_terminal() {
                return view;
            }
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        }
        panic!("it never ended: {:#?}", self.view(id).await);
    }
}

pub(crate) fn waiting(file: &mut Transfer) {
    file.state = FileState::TokenPrep;
    file.file_state_initial = Some(FileState::Submitted);
    file.src_token_id = Some(TokenId(1));
    file.dst_token_id = Some(TokenId(2));
}
