//! What goes wrong around an attempt: panics, a broken store, credentials that end.

mod support;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use causeway_engine::{Engine, EngineConfig, Parts, TestClock};
use causeway_model::ports::{
    Clock, CredentialVault, FileQuery, JobControl, JobQuery, JobStore, JobView, StoreError,
    StoredCredential, Transaction,
};
use causeway_model::{FileId, FileState, Job, JobId, RetryLog, Transfer};
use causeway_sdk::capability::CredentialKind;
use causeway_sdk::{
    BoxFuture, Capabilities, Copied, CopyRequest, Ctx, DynStorage, Erased, Host, ProgressSink,
    Result, Secret, Storage,
};
use causeway_store::{MemoryStore, MemoryVault};
use causeway_testkit::{Layer, Layered, MemoryStorage};
use parking_lot::Mutex;
use support::{Bench, Shelf};

/// Panics in its copies, or notes their credential.
struct Odd {
    inner: Arc<dyn DynStorage>,
    panics: bool,
    credentials: Arc<Mutex<Vec<String>>>,
}

impl Layer for Odd {
    fn inner(&self) -> &dyn DynStorage {
        &*self.inner
    }

    fn describe(&self) -> Capabilities {
        Capabilities {
            credentials: vec![CredentialKind::X509],
            ..self.inner.describe()
        }
    }

    fn copy<'a>(
        &'a self,
        cx: &'a Ctx,
        request: CopyRequest,
        progress: ProgressSink,
    ) -> BoxFuture<'a, Result<Copied>> {
        Box::pin(async move {
            assert!(!self.panics, "out of cheese");
            let own = format!("{:?}", cx.credential().kind());
            let peer = format!("{:?}", request.peer_credential.kind());
            self.credentials.lock().push(own + "/" + &peer);
            self.inner.copy(cx, request, progress).await
        })
    }
}

fn odd(panics: bool) -> (Arc<dyn DynStorage>, Arc<Mutex<Vec<String>>>) {
    let memory = MemoryStorage::create("", Host::silent()).unwrap();
    let credentials = Arc::new(Mutex::new(Vec::new()));
    let odd = Odd {
        inner: Erased::shared(memory),
        panics,
        credentials: credentials.clone(),
    };
    (Arc::new(Layered(odd)), credentials)
}

async fn fill(storage: &Arc<dyn DynStorage>) {
    let (cx, at) = (Ctx::new("test"), "memory://a/f".parse().unwrap());
    let mut sink = storage
        .open_write(&cx, &at, Default::default())
        .await
        .unwrap();
    sink.write(0, "abc".into()).await.unwrap();
    sink.commit().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_one_attempt_and_may_be_retried() {
    let (storage, _) = odd(true);
    fill(&storage).await;
    let bench = Bench::with(
        EngineConfig::default(),
        Shelf::mock().with("memory", storage),
    )
    .await;
    let file = bench
        .run_with("memory://a/f", "memory://b/f", |job, _| job.retry = 1)
        .await;
    assert_eq!(file.state, FileState::Failed);
    assert_eq!(
        file.reason.as_deref(),
        Some("GENERAL_FAILURE [4] Transfer process died with: out of cheese")
    );
    assert_eq!((file.retry, file.recoverable), (1, Some(true)));
    let other = bench
        .run("mock://a/1?size=10", "mock://b/1?size_post=10&time=1")
        .await;
    assert_eq!(other.state, FileState::Finished);
}

#[tokio::test(start_paused = true)]
async fn credentials_are_used_while_they_are_valid() {
    let (storage, seen) = odd(false);
    fill(&storage).await;
    let (vault, clock) = (Arc::new(MemoryVault::new()), Arc::new(TestClock::default()));
    let store = Arc::new(MemoryStore::new());
    let parts = Parts {
        store: store.clone(),
        vault: Some(vault.clone()),
        clock: clock.clone(),
        storages: Arc::new(Shelf::mock().with("memory", storage)),
        host: "node1".into(),
        observer: causeway_model::observe::Watched::default(),
        settings: None,
        history: None,
        tokens: None,
    };
    let engine = Engine::start(EngineConfig::default(), parts).await.unwrap();
    let run = async |destination: &str| {
        let view = support::job(&*store, clock.now(), &[("memory://a/f", destination)]);
        let id = view.job.job_id;
        engine.submit(view).await.unwrap();
        for _ in 0..10_000 {
            if store.job(id).await.unwrap().unwrap().state.is_terminal() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it never ended");
    };
    run("memory://b/1").await;
    let credential = StoredCredential {
        proxy_pem: Secret::new("pem"),
        voms_attrs: String::new(),
        termination_time: clock.now().plus_millis(100_000),
    };
    let owner = ("0123456789abcdef", "/CN=tester");
    vault
        .put_credential(owner.0, owner.1, &credential)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    run("memory://b/2").await;
    tokio::time::sleep(Duration::from_secs(200)).await;
    run("memory://b/3").await;
    assert_eq!(*seen.lock(), ["None/None", "X509/X509", "None/None"]);
}

/// A store whose writes fail from some moment on.
struct Breaking {
    inner: MemoryStore,
    broken: AtomicBool,
}

#[async_trait]
impl JobStore for Breaking {
    fn reserve_file_ids(&self, count: u64) -> Range<u64> {
        self.inner.reserve_file_ids(count)
    }
    async fn insert(&self, view: JobView) -> std::result::Result<(), StoreError> {
        self.inner.insert(view).await
    }
    async fn apply(&self, transaction: Transaction) -> std::result::Result<(), StoreError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(StoreError::Failed("disk is gone".into()));
        }
        self.inner.apply(transaction).await
    }
    async fn job(&self, id: JobId) -> std::result::Result<Option<Arc<Job>>, StoreError> {
        self.inner.job(id).await
    }
    async fn view(&self, id: JobId) -> std::result::Result<Option<JobView>, StoreError> {
        self.inner.view(id).await
    }
    async fn retries(
        &self,
        id: JobId,
        file: FileId,
    ) -> std::result::Result<Vec<RetryLog>, StoreError> {
        self.inner.retries(id, file).await
    }
    async fn list_jobs(&self, query: &JobQuery) -> std::result::Result<Vec<Arc<Job>>, StoreError> {
        self.inner.list_jobs(query).await
    }
    async fn list_files(
        &self,
        query: &FileQuery,
    ) -> std::result::Result<Vec<Arc<Transfer>>, StoreError> {
        self.inner.list_files(query).await
    }
    async fn unfinished(&self) -> std::result::Result<Vec<JobId>, StoreError> {
        self.inner.unfinished().await
    }
    fn file_counts(&self) -> Vec<(FileState, u64)> {
        self.inner.file_counts()
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_promised_on_a_broken_store() {
    let store = Arc::new(Breaking {
        inner: MemoryStore::new(),
        broken: AtomicBool::new(false),
    });
    let clock = Arc::new(TestClock::default());
    let parts = Parts {
        store: store.clone(),
        vault: None,
        clock: clock.clone(),
        storages: Arc::new(Shelf::mock()),
        host: "node1".into(),
        observer: causeway_model::observe::Watched::default(),
        settings: None,
        history: None,
        tokens: None,
    };
    let engine = Engine::start(EngineConfig::default(), parts).await.unwrap();
    let pair = ("mock://a/1?size=10", "mock://b/1?size_post=10&time=600");
    let view = support::job(&*store, clock.now(), &[pair]);
    let id = view.job.job_id;
    engine.submit(view).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    store.broken.store(true, Ordering::SeqCst);
    let answer = engine.cancel_job(id).await;
    assert!(matches!(answer, Err(StoreError::Failed(_))), "{answer:?}");
    let late = engine.cancel_job(id).await;
    assert!(matches!(late, Err(StoreError::Failed(_))), "{late:?}");
    let state = store.view(id).await.unwrap().unwrap().files[0].state;
    assert_eq!(
        state,
        FileState::Active,
        "what was not written was not seen"
    );
    engine.shutdown(Duration::ZERO).await;
}
