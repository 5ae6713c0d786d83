//! Both stores against a plain model: random jobs, changes, queries, checkpoints and restarts.

mod rows;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use causeway_model::ports::{FileQuery, JobQuery, JobStore, JobView, StoreError, Transaction};
use causeway_model::{
    Deletion, DeletionState, FileId, FileState, Job, JobId, JobState, RetryLog, Timestamp, Transfer,
};
use causeway_store::{EmbeddedStore, MemoryStore, StoreOptions};
use proptest::prelude::*;
use uuid::Uuid;

const VOS: [&str; 3] = ["atlas", "cms", "dteam"];
const STORAGES: [&str; 3] = ["mock://a", "mock://b", "mock://c"];
const END_STATES: [JobState; 4] = [
    JobState::Finished,
    JobState::Failed,
    JobState::Canceled,
    JobState::FinishedDirty,
];

#[derive(Clone, Debug)]
enum Op {
    Insert { job: u8, seed: u32 },
    Change { job: u8, seed: u32 },
    End { job: u8, seed: u32 },
    Retry { job: u8, attempt: u32 },
    ListJobs(JobQuery),
    ListFiles(FileQuery),
    Checkpoint,
    Restart,
}

trait Subject {
    fn store(&self) -> &dyn JobStore;
    async fn checkpoint(&mut self) {}
    async fn restart(&mut self) {}
}

struct InMemory(MemoryStore);

impl Subject for InMemory {
    fn store(&self) -> &dyn JobStore {
        &self.0
    }
}

struct OnDisk {
    dir: PathBuf,
    store: Option<EmbeddedStore>,
    restarts: u32,
}

impl OnDisk {
    fn open(&mut self) {
        let options = StoreOptions {
            segment_bytes: 4 << 10,
            snapshot_bytes: 16 << 10,
            archive_jobs: 3,
            archive_cache_bytes: 1 << 20,
            ..StoreOptions::default()
        };
        self.store = Some(EmbeddedStore::open(&self.dir, options).unwrap());
    }
}

impl Subject for OnDisk {
    fn store(&self) -> &dyn JobStore {
        self.store.as_ref().unwrap()
    }

    async fn checkpoint(&mut self) {
        self.store.as_ref().unwrap().checkpoint().await.unwrap();
    }

    async fn restart(&mut self) {
        self.restarts += 1;
        match self.store.take() {
            Some(store) if self.restarts.is_multiple_of(2) => store.close(),
            store => drop(store),
        }
        self.open();
    }
}

#[derive(Default)]
struct Model {
    jobs: BTreeMap<JobId, ModelJob>,
}

#[derive(Clone)]
struct ModelJob {
    job: Arc<Job>,
    files: BTreeMap<FileId, Arc<Transfer>>,
    deletions: BTreeMap<FileId, Arc<Deletion>>,
    retries: BTreeMap<(FileId, u32), RetryLog>,
}

impl Model {
    fn holds(&self, destination: Uuid, file: FileId) -> bool {
        let files = self.jobs.values().flat_map(|it| it.files.values());
        files
            .filter(|it| it.file_id != file)
            .any(|it| it.dest_surl_uuid == Some(destination) && !it.state.is_terminal())
    }

    fn conflicts(&self, files: &[Arc<Transfer>]) -> bool {
        files
            .iter()
            .enumerate()
            .any(|(at, file)| match file.dest_surl_uuid {
                Some(destination) if !file.state.is_terminal() => {
                    self.holds(destination, file.file_id)
                        || files[..at]
                            .iter()
                            .any(|it| it.dest_surl_uuid == Some(destination))
                }
                _ => false,
            })
    }

    fn apply(&mut self, rows: &Transaction) {
        for job in &rows.jobs {
            self.jobs.get_mut(&job.job_id).unwrap().job = job.clone();
        }
        for file in &rows.files {
            let job = self.jobs.get_mut(&file.job_id).unwrap();
            job.files.insert(file.file_id, file.clone());
        }
        for row in &rows.deletions {
            let job = self.jobs.get_mut(&row.job_id).unwrap();
            job.deletions.insert(row.file_id, row.clone());
        }
        for row in &rows.retries {
            let job = self.jobs.get_mut(&row.job_id).unwrap();
            job.retries.insert((row.file_id, row.attempt), row.clone());
        }
    }

    fn list_jobs(&self, q: &JobQuery) -> Vec<Arc<Job>> {
        let is = |wanted: &Option<String>, is: Option<&str>| match wanted {
            Some(wanted) => Some(wanted.as_str()) == is,
            None => true,
        };
        let mut found: Vec<_> = self.jobs.values().map(|it| it.job.clone()).collect();
        found.retain(|it| {
            is(&q.cred_id, Some(&it.cred_id))
                && is(&q.user_dn, Some(&it.user_dn))
                && is(&q.vo_name, Some(&it.vo_name))
                && is(&q.source_se, it.source_se.as_deref())
                && is(&q.dest_se, it.dest_se.as_deref())
                && q.states
                    .as_ref()
                    .is_none_or(|states| states.contains(&it.state))
                && !(q.unfinished_only && it.state.is_terminal())
                && q.finished_since.is_none_or(|t| it.job_finished >= Some(t))
        });
        found.sort_by_key(|it| std::cmp::Reverse((it.submit_time, it.job_id)));
        found.truncate(q.limit.unwrap_or(usize::MAX));
        found
    }

    fn list_files(&self, q: &FileQuery) -> HashMap<FileId, Arc<Transfer>> {
        let mut found = HashMap::new();
        for job in self.jobs.values() {
            for it in job.files.values() {
                let over = it.state.is_terminal()
                    || (it.state == FileState::NotUsed && job.job.state.is_terminal());
                let fits = q.vo_name.as_deref().is_none_or(|vo| vo == &*it.vo_name)
                    && q.source_se.as_deref().is_none_or(|se| se == &*it.source_se)
                    && q.dest_se.as_deref().is_none_or(|se| se == &*it.dest_se)
                    && q.dest_surl
                        .as_deref()
                        .is_none_or(|url| url == it.dest_surl.as_str())
                    && q.states
                        .as_ref()
                        .is_none_or(|states| states.contains(&it.state))
                    && !(q.unfinished_only && over)
                    && q.finished_since.is_none_or(|t| it.finish_time >= Some(t));
                if fits {
                    found.insert(it.file_id, it.clone());
                }
            }
        }
        found
    }
}

fn pick<T: Copy>(from: &[T], seed: u32) -> T {
    from[seed as usize % from.len()]
}

fn job_id(number: u8) -> JobId {
    JobId::deterministic("test", &number.to_string())
}

fn first_file(number: u8) -> u64 {
    u64::from(number) * 1000 + 1
}

/// A job whose rows follow from a seed. Job 7 is large enough for several blocks in the archive.
fn new_view(number: u8, seed: u32) -> JobView {
    let count = if number == 7 { 60 } else { u64::from(seed % 4) };
    let mut job = rows::job(job_id(number), i64::from(seed % 5));
    job.vo_name = pick(&VOS, seed / 5).into();
    job.cred_id = format!("cred{}", seed / 7 % 3).into();
    job.user_dn = format!("/CN=user{}", seed / 7 % 2).into();
    let mixed = seed.is_multiple_of(6);
    job.source_se = (!mixed).then(|| pick(&STORAGES, seed / 11).into());
    job.dest_se = Some(pick(&STORAGES, seed / 13).into());
    let files = (0..count).map(|at| {
        let mut file = rows::file(&job, first_file(number) + at, at as u32);
        let source = if mixed { at as u32 } else { seed / 11 };
        file.source_se = pick(&STORAGES, source).into();
        file.dest_se = pick(&STORAGES, seed / 13).into();
        if seed.is_multiple_of(3) && at == 0 {
            file.dest_surl_uuid = Some(Uuid::from_u128(u128::from(seed % 4)));
        }
        Arc::new(file)
    });
    let files = files.collect();
    let deletions = (0..u64::from(seed.is_multiple_of(7)))
        .map(|at| Arc::new(rows::deletion(&job, first_file(number) + 500 + at)));
    JobView {
        files,
        deletions: deletions.collect(),
        job: Arc::new(job),
    }
}

/// Some transfers of a live job in other states; a job that ended gets a new reason only.
fn change(job: &ModelJob, seed: u32) -> Transaction {
    let mut row = Job::clone(&job.job);
    if row.state.is_terminal() {
        row.reason = Some(format!("reason {seed}"));
        let jobs = vec![Arc::new(row)];
        return Transaction {
            jobs,
            ..Transaction::default()
        };
    }
    row.state = pick(
        &[JobState::Active, JobState::Submitted, JobState::Staging],
        seed,
    );
    let states = [
        FileState::Active,
        FileState::Submitted,
        FileState::NotUsed,
        FileState::Failed,
    ];
    let files = job
        .files
        .values()
        .enumerate()
        .filter(|(at, _)| *at as u32 % 3 != seed % 3);
    let files = files.map(|(at, it)| {
        let mut file = Transfer::clone(it);
        if !file.state.is_terminal() {
            file.state = pick(&states, seed / 3 + at as u32);
            file.finish_time = file
                .state
                .is_terminal()
                .then_some(Timestamp(i64::from(seed % 9)));
        }
        Arc::new(file)
    });
    Transaction {
        files: files.collect(),
        jobs: vec![Arc::new(row)],
        ..Transaction::default()
    }
}

fn end(job: &ModelJob, seed: u32) -> Transaction {
    let mut row = Job::clone(&job.job);
    row.state = pick(&END_STATES, seed);
    row.job_finished = Some(Timestamp(i64::from(seed % 10)));
    let states = [FileState::Finished, FileState::Canceled, FileState::Failed];
    let files = job.files.values().enumerate().map(|(at, it)| {
        let mut file = Transfer::clone(it);
        if file.state.is_cancelable() {
            file.state = pick(&states, seed / 3 + at as u32 * (seed % 2));
            file.finish_time = Some(Timestamp(i64::from(seed % 10)));
            file.dest_surl_uuid = None;
        }
        Arc::new(file)
    });
    let deletions = job.deletions.values().map(|it| {
        let mut row = Deletion::clone(it);
        row.state = DeletionState::Finished;
        Arc::new(row)
    });
    Transaction {
        files: files.collect(),
        deletions: deletions.collect(),
        jobs: vec![Arc::new(row)],
        ..Transaction::default()
    }
}

async fn run(subject: &mut impl Subject, ops: &[Op]) {
    let mut model = Model::default();
    for op in ops {
        step(subject, &mut model, op).await;
        check_all(subject, &model).await;
    }
    subject.restart().await;
    check_all(subject, &model).await;
}

async fn step(subject: &mut impl Subject, model: &mut Model, op: &Op) {
    match op {
        Op::Insert { job, seed } => insert(subject, model, new_view(*job, *seed)).await,
        Op::Change { job, seed } => {
            if let Some(job) = model.jobs.get(&job_id(*job)) {
                let rows = change(job, *seed);
                apply(subject, model, rows).await;
            }
        }
        Op::End { job, seed } => {
            if let Some(job) = model
                .jobs
                .get(&job_id(*job))
                .filter(|it| !it.job.state.is_terminal())
            {
                let rows = end(job, *seed);
                apply(subject, model, rows).await;
            }
        }
        Op::Retry { job, attempt } => {
            let known = model.jobs.get(&job_id(*job));
            if let Some(file) = known.and_then(|it| it.files.values().next()) {
                let view = JobView {
                    job: known.unwrap().job.clone(),
                    files: vec![file.clone()],
                    deletions: Vec::new(),
                };
                let rows = Transaction {
                    retries: vec![rows::retry(&view, *attempt)],
                    ..Transaction::default()
                };
                apply(subject, model, rows).await;
            }
        }
        Op::ListJobs(query) => {
            let found = subject.store().list_jobs(query).await.unwrap();
            assert_eq!(found, model.list_jobs(query), "{query:?}");
        }
        Op::ListFiles(query) => {
            let found = subject.store().list_files(query).await.unwrap();
            let wanted = model.list_files(query);
            assert_eq!(found.len(), wanted.len().min(query.limit), "{query:?}");
            let count = found.len();
            let distinct: HashMap<_, _> = found.into_iter().map(|it| (it.file_id, it)).collect();
            assert_eq!(distinct.len(), count, "met twice: {query:?}");
            for (id, row) in distinct {
                assert_eq!(Some(&row), wanted.get(&id), "{query:?}");
            }
        }
        Op::Checkpoint => subject.checkpoint().await,
        Op::Restart => subject.restart().await,
    }
}

async fn insert(subject: &impl Subject, model: &mut Model, view: JobView) {
    let result = subject.store().insert(view.clone()).await;
    if model.jobs.contains_key(&view.job.job_id) {
        assert!(
            matches!(result, Err(StoreError::DuplicateJob)),
            "{result:?}"
        );
    } else if model.conflicts(&view.files) {
        let refused = matches!(result, Err(StoreError::DuplicateDestination(_)));
        assert!(refused, "{result:?}");
    } else {
        result.unwrap();
        let job = ModelJob {
            files: view
                .files
                .iter()
                .map(|it| (it.file_id, it.clone()))
                .collect(),
            deletions: view
                .deletions
                .iter()
                .map(|it| (it.file_id, it.clone()))
                .collect(),
            retries: BTreeMap::new(),
            job: view.job.clone(),
        };
        model.jobs.insert(view.job.job_id, job);
    }
}

async fn apply(subject: &impl Subject, model: &mut Model, rows: Transaction) {
    subject.store().apply(rows.clone()).await.unwrap();
    model.apply(&rows);
}

async fn check_all(subject: &impl Subject, model: &Model) {
    let store = subject.store();
    for (id, job) in &model.jobs {
        assert_eq!(store.job(*id).await.unwrap().as_ref(), Some(&job.job));
        let view = store.view(*id).await.unwrap().unwrap();
        assert_eq!(view.job, job.job);
        assert!(view.files.iter().eq(job.files.values()), "{id}");
        assert!(view.deletions.iter().eq(job.deletions.values()), "{id}");
        for file in job.files.keys() {
            let retries = store.retries(*id, *file).await.unwrap();
            let wanted = job.retries.values().filter(|it| it.file_id == *file);
            assert!(retries.iter().eq(wanted), "{id} {file}");
        }
    }
    let mut counts: BTreeMap<FileState, u64> = FileState::ALL.iter().map(|it| (*it, 0)).collect();
    for file in model.jobs.values().flat_map(|it| it.files.values()) {
        *counts.get_mut(&file.state).unwrap() += 1;
    }
    let found: BTreeMap<_, _> = store.file_counts().into_iter().collect();
    assert_eq!(found, counts);
    let live = model.jobs.values().filter(|it| {
        !it.job.state.is_terminal()
            || it.files.values().any(|it| it.state.is_cancelable())
            || it.deletions.values().any(|it| !it.state.is_terminal())
    });
    let mut live: Vec<_> = live.map(|it| (it.job.submit_time, it.job.job_id)).collect();
    live.sort();
    let live: Vec<_> = live.into_iter().map(|(_, id)| id).collect();
    assert_eq!(store.unfinished().await.unwrap(), live);
}

fn maybe<T: Clone + std::fmt::Debug + 'static>(values: Vec<T>) -> BoxedStrategy<Option<T>> {
    prop::option::weighted(0.3, prop::sample::select(values)).boxed()
}

fn texts(values: &[&str]) -> BoxedStrategy<Option<String>> {
    maybe(values.iter().map(|it| (*it).to_owned()).collect())
}

fn job_queries() -> impl Strategy<Value = Op> {
    let states = prop::sample::subsequence(JobState::ALL.to_vec(), 0..=12);
    (
        (
            texts(&["cred0", "cred1", "none"]),
            texts(&["/CN=user0", "/CN=user1"]),
            texts(&VOS),
        ),
        (texts(&STORAGES), texts(&STORAGES)),
        prop::option::of(states),
        any::<bool>(),
        maybe((0..10).map(Timestamp).collect()),
        prop::option::of(0..6_usize),
    )
        .prop_map(
            |((cred_id, user_dn, vo_name), (source_se, dest_se), states, live, since, limit)| {
                Op::ListJobs(JobQuery {
                    cred_id,
                    user_dn,
                    vo_name,
                    states,
                    source_se,
                    dest_se,
                    unfinished_only: live && since.is_none(),
                    finished_since: since,
                    limit,
                })
            },
        )
}

fn file_queries() -> impl Strategy<Value = Op> {
    let states = prop::sample::subsequence(FileState::ALL.to_vec(), 0..=16);
    let url = "mock://dest.example.org/atlas/rucio/data/000000007001?size=1";
    (
        (
            texts(&VOS),
            texts(&STORAGES),
            texts(&STORAGES),
            texts(&[url]),
        ),
        prop::option::of(states),
        any::<bool>(),
        maybe((0..10).map(Timestamp).collect()),
        prop::sample::select(vec![0_usize, 1, 5, 1000]),
    )
        .prop_map(
            |((vo_name, source_se, dest_se, dest_surl), states, live, since, limit)| {
                Op::ListFiles(FileQuery {
                    vo_name,
                    states,
                    source_se,
                    dest_se,
                    dest_surl,
                    unfinished_only: live && since.is_none(),
                    finished_since: since,
                    limit,
                })
            },
        )
}

fn ops(count: usize) -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        6 => (0..10_u8, any::<u32>()).prop_map(|(job, seed)| Op::Insert { job, seed }),
        5 => (0..10_u8, any::<u32>()).prop_map(|(job, seed)| Op::Change { job, seed }),
        5 => (0..10_u8, any::<u32>()).prop_map(|(job, seed)| Op::End { job, seed }),
        2 => (0..10_u8, 1..4_u32).prop_map(|(job, attempt)| Op::Retry { job, attempt }),
        8 => job_queries(),
        8 => file_queries(),
        2 => Just(Op::Checkpoint),
        1 => Just(Op::Restart),
    ];
    prop::collection::vec(op, 1..count)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn the_memory_store_is_the_model(ops in ops(80)) {
        // It cannot be restarted, so the restart at the end changes nothing.
        runtime().block_on(run(&mut InMemory(MemoryStore::new()), &ops));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_embedded_store_is_the_model(ops in ops(80)) {
        let dir = tempfile::tempdir().unwrap();
        let mut subject = OnDisk { dir: dir.path().join("db"), store: None, restarts: 0 };
        subject.open();
        runtime().block_on(run(&mut subject, &ops));
    }
}
