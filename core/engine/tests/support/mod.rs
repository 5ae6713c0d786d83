//! An engine on a store in memory, with storages of the test's choice.
#![allow(dead_code, unreachable_pub)]

pub mod probe;
pub mod rows;
pub mod tape;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use causeway_engine::{Engine, EngineConfig, Parts, TestClock};
use causeway_model::ports::{Clock, JobControl, JobStore, JobView};
use causeway_model::{ChecksumMode, FileState, Job, JobId, JobType, RetryLog, Transfer};
use causeway_plugin_mock::MockStorage;
use causeway_sdk::{DynStorage, Erased, Error, ErrorKind, Host, Result, Storage, Storages, Url};
use causeway_store::MemoryStore;
#[allow(unused_imports)]
pub use rows::{deletion_job, job, url};

/// Storages by scheme.
#[derive(Clone, Default)]
pub struct Shelf(HashMap<String, Arc<dyn DynStorage>>);

impl Shelf {
    /// The mock alone.
    pub fn mock() -> Self {
        let mock = MockStorage::create("", Host::silent()).unwrap();
        Self::default().with("mock", Erased::shared(mock))
    }

    pub fn with(mut self, scheme: &str, storage: Arc<dyn DynStorage>) -> Self {
        self.0.insert(scheme.to_owned(), storage);
        self
    }
}

impl Storages for Shelf {
    fn storage_for(&self, url: &Url) -> Result<Arc<dyn DynStorage>> {
        self.0.get(url.scheme()).cloned().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "no plugin serves this scheme").with_errno(93)
        })
    }
}

/// An engine under test.
pub struct Bench {
    pub engine: Engine,
    pub store: Arc<MemoryStore>,
    pub clock: Arc<TestClock>,
    pub shelf: Shelf,
    pub config: EngineConfig,
}

impl Bench {
    pub async fn mock() -> Self {
        Self::with(EngineConfig::default(), Shelf::mock()).await
    }

    pub async fn with(config: EngineConfig, shelf: Shelf) -> Self {
        let clock = Arc::new(TestClock::default());
        Self::on(Arc::new(MemoryStore::new()), config, shelf, clock).await
    }

    /// On a store that holds something already.
    pub async fn on(
        store: Arc<MemoryStore>,
        config: EngineConfig,
        shelf: Shelf,
        clock: Arc<TestClock>,
    ) -> Self {
        let parts = Parts {
            store: store.clone(),
            vault: None,
            clock: clock.clone(),
            storages: Arc::new(shelf.clone()),
            host: "node1".into(),
            observer: causeway_model::observe::Watched::default(),
            settings: Some(store.clone()),
            history: Some(store.clone()),
            tokens: None,
        };
        Self {
            engine: Engine::start(config.clone(), parts).await.unwrap(),
            store,
            clock,
            shelf,
            config,
        }
    }

    /// A job of independent transfers.
    pub fn job(&self, pairs: &[(&str, &str)]) -> JobView {
        job(&*self.store, self.clock.now(), pairs)
    }

    pub async fn submit(&self, view: JobView) -> JobId {
        let id = view.job.job_id;
        self.engine.submit(view).await.unwrap();
        id
    }

    pub async fn view(&self, id: JobId) -> JobView {
        self.store.view(id).await.unwrap().unwrap()
    }

    pub async fn file(&self, id: JobId, index: usize) -> Arc<Transfer> {
        self.view(id).await.files[index].clone()
    }

    pub async fn retries(&self, id: JobId, index: usize) -> Vec<RetryLog> {
        let file = self.file(id, index).await.file_id;
        self.store.retries(id, file).await.unwrap()
    }

    /// Lets time pass.
    pub async fn rest(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Waits until a job has ended.
    pub async fn end(&self, id: JobId) -> JobView {
        self.until(id, |view| view.job.state.is_terminal()).await
    }

    /// Waits until something holds of a job.
    pub async fn until(&self, id: JobId, holds: impl Fn(&JobView) -> bool) -> JobView {
        // With time paused this takes no time; without, at most a minute.
        for _ in 0..60_000 {
            let view = self.view(id).await;
            if holds(&view) {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("it never came: {:#?}", self.view(id).await);
    }

    /// The same for waits of hours on a paused clock.
    pub async fn until_late(&self, id: JobId, holds: impl Fn(&JobView) -> bool) -> JobView {
        for _ in 0..20_000 {
            let view = self.view(id).await;
            if holds(&view) {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        panic!("it never came: {:#?}", self.view(id).await);
    }

    /// Waits until a job has ended that takes days on a paused clock.
    pub async fn end_late(&self, id: JobId) -> JobView {
        for _ in 0..100_000 {
            let view = self.view(id).await;
            if view.job.state.is_terminal() {
                return view;
            }
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        panic!("it never ended: {:#?}", self.view(id).await);
    }

    /// Submits one transfer and waits for its end.
    pub async fn run(&self, source: &str, destination: &str) -> Arc<Transfer> {
        self.run_with(source, destination, |_, _| {}).await
    }

    /// The same with changed rows.
    pub async fn run_with(
        &self,
        source: &str,
        destination: &str,
        change: impl Fn(&mut Job, &mut Transfer),
    ) -> Arc<Transfer> {
        let mut view = self.job(&[(source, destination)]);
        change_rows(&mut view, change);
        let id = self.submit(view).await;
        self.until_late(id, |view| view.job.state.is_terminal())
            .await
            .files[0]
            .clone()
    }
}

/// Changes the job once for each of its transfers.
pub fn change_rows(view: &mut JobView, change: impl Fn(&mut Job, &mut Transfer)) {
    for file in &mut view.files {
        change(Arc::make_mut(&mut view.job), Arc::make_mut(file));
    }
}

pub fn set_type(view: &mut JobView, job_type: JobType) {
    Arc::make_mut(&mut view.job).job_type = Some(job_type);
}

pub fn states(view: &JobView) -> Vec<FileState> {
    view.files.iter().map(|it| it.state).collect()
}

pub fn checksum(mode: ChecksumMode, value: &str) -> impl Fn(&mut Job, &mut Transfer) + use<> {
    let value = value.to_owned();
    move |job, file| {
        job.verify_checksum = mode;
        file.checksum = (!value.is_empty()).then(|| value.clone());
    }
}
