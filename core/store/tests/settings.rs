//! Settings, the optimizer's rows, and jobs that are taken out: what a start finds again.

mod rows;

use std::path::Path;
use std::sync::Arc;

use causeway_model::ports::{
    CredentialVault, EvolutionQuery, HistoryStore, JobQuery, JobStore, SettingsStore, StoreError,
    StoredCredential,
};
use causeway_model::settings::{
    AuditRow, Change, LinkRow, ShareRow, StorageRow, UserBanRow, VoRow,
};
use causeway_model::{EvolutionRow, FileState, JobId, OptimizerRow, Timestamp};
use causeway_store::{EmbeddedStore, EncryptedVault, MemoryStore, MemoryVault, StoreOptions};

fn open(dir: &Path) -> EmbeddedStore {
    EmbeddedStore::open(dir, StoreOptions::default()).unwrap()
}

fn id(number: u64) -> JobId {
    JobId::deterministic("test", &number.to_string())
}

fn link(name: &str, max: u32) -> Change {
    Change::PutLink(LinkRow {
        max_active: max,
        ..LinkRow::new(name, "mock://a", "mock://b")
    })
}

fn share(vo: &str) -> Change {
    Change::PutShare(ShareRow {
        source: "mock://a".into(),
        destination: "mock://b".into(),
        vo: vo.into(),
        active: 5,
    })
}

fn audit(number: i64) -> AuditRow {
    AuditRow::new(Timestamp(number), "/CN=admin", "link", &number.to_string())
}

async fn set(store: &dyn SettingsStore, changes: &[Change], number: i64) {
    store
        .change_settings(changes.to_vec(), vec![audit(number)])
        .await
        .unwrap();
}

fn value(active: u32) -> OptimizerRow {
    OptimizerRow {
        source_se: "mock://a".into(),
        dest_se: "mock://b".into(),
        datetime: Timestamp(active.into()),
        ema: 1.5,
        active,
        nostreams: 1,
    }
}

fn decision(time: i64, source: &str) -> EvolutionRow {
    EvolutionRow {
        datetime: Timestamp(time),
        source_se: source.into(),
        dest_se: "mock://b".into(),
        active: 3,
        throughput: 1.0,
        success: 100.0,
        rationale: "Good link efficiency".into(),
        diff: 1,
        actual_active: 2,
        queue_size: 10,
        ema: 1.0,
        filesize_avg: 1.0,
        filesize_stddev: 0.0,
    }
}

#[tokio::test]
async fn settings_are_there_after_every_kind_of_end() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let user = Change::BanUser(UserBanRow {
        dn: "/CN=bad".into(),
        message: "no".into(),
        addition_time: Timestamp(7),
        admin_dn: "/CN=admin".into(),
    });
    set(&store, &[link("l", 5), share("atlas")], 1).await;
    set(&store, std::slice::from_ref(&user), 2).await;
    store.checkpoint().await.unwrap();
    // What comes after the snapshot leans on what is in it.
    set(&store, &[Change::DeleteLink("l".into())], 3).await;
    set(&store, &[link("m", 6), share("cms")], 4).await;
    store.put_optimizer(vec![value(9)], vec![]).await.unwrap();
    let expected = vec![link("m", 6), share("cms"), user];
    for round in 0..4 {
        assert_eq!(store.settings().await.unwrap(), expected, "{round}");
    }
    drop(store);
    let mut store = open(dir.path());
    for round in 0..4 {
        assert_eq!(store.settings().await.unwrap(), expected, "{round}");
        assert_eq!(store.optimizer().await.unwrap(), [value(9)]);
        let times: Vec<_> = store.audit(3).await.unwrap();
        assert_eq!(times, [audit(4), audit(3), audit(2)], "{round}");
        assert_eq!(store.audit(100).await.unwrap().len(), 4);
        if round == 1 {
            store.checkpoint().await.unwrap();
        }
        if round == 2 {
            store.close();
        } else {
            drop(store);
        }
        store = open(dir.path());
    }
}

#[tokio::test]
async fn a_settled_table_does_not_come_back_from_an_older_segment() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    // The link is gone when the snapshot is made, and its share must not outlive it.
    set(&store, &[link("l", 5)], 1).await;
    set(&store, &[share("atlas")], 2).await;
    set(&store, &[Change::DeleteLink("l".into())], 3).await;
    store.checkpoint().await.unwrap();
    drop(store);
    assert!(open(dir.path()).settings().await.unwrap().is_empty());
}

async fn both_answer_alike(store: &dyn SettingsStore) {
    set(store, &[link("l", 5)], 1).await;
    set(store, &[link("l", 6)], 2).await;
    let storage = Change::PutStorage(StorageRow::new("mock://a"));
    let vo = Change::PutVo(VoRow::new("atlas"));
    set(store, &[vo.clone(), storage.clone()], 3).await;
    assert_eq!(store.settings().await.unwrap(), [link("l", 6), storage, vo]);
    for number in 0..1100 {
        store
            .change_settings(vec![], vec![audit(number)])
            .await
            .unwrap();
    }
    let kept = store.audit(5000).await.unwrap();
    assert_eq!((kept.len(), &kept[0]), (1000, &audit(1099)));

    store
        .put_optimizer(vec![value(3)], vec![decision(1, "x"), decision(2, "y")])
        .await
        .unwrap();
    store
        .put_optimizer(vec![value(4)], vec![decision(3, "x")])
        .await
        .unwrap();
    assert_eq!(store.optimizer().await.unwrap(), [value(4)]);
    let query = |source: Option<&str>, limit| EvolutionQuery {
        source_se: source.map(str::to_owned),
        dest_se: Some("mock://b".into()),
        limit,
    };
    let of_x = store.evolution(&query(Some("x"), 9)).await.unwrap();
    assert_eq!(of_x, [decision(3, "x"), decision(1, "x")]);
    let newest = store.evolution(&query(None, 2)).await.unwrap();
    assert_eq!(newest, [decision(3, "x"), decision(2, "y")]);
    assert_eq!(store.forget_evolution(Timestamp(3), 1).await.unwrap(), 1);
    assert_eq!(store.forget_evolution(Timestamp(3), 9).await.unwrap(), 1);
    assert_eq!(store.forget_evolution(Timestamp(3), 9).await.unwrap(), 0);
    assert_eq!(store.evolution(&query(None, 9)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn in_memory() {
    both_answer_alike(&MemoryStore::new()).await;
}

#[tokio::test]
async fn on_disk() {
    let dir = tempfile::tempdir().unwrap();
    both_answer_alike(&open(dir.path())).await;
}

/// Jobs 1 to 30; the first twenty ended, at 1000 each plus their number.
async fn with_jobs<T: JobStore>(store: &T) {
    for number in 1..=30 {
        // Number 7 has rows in several records.
        let files = if number == 7 { 200 } else { 3 };
        let first = number * 1000;
        let view = rows::view(id(number), number as i64, first..first + files);
        store.insert(view.clone()).await.unwrap();
        if number <= 20 {
            let mut end = rows::finished(&view, 1);
            end.retries.push(rows::retry(&view, 1));
            for job in &mut end.jobs {
                Arc::make_mut(job).job_finished = Some(Timestamp(1000 + number as i64));
            }
            for file in &mut end.files {
                Arc::make_mut(file).finish_time = Some(Timestamp(1000 + number as i64));
            }
            store.apply(end).await.unwrap();
        }
    }
}

async fn old_jobs_leave<T: JobStore + HistoryStore>(store: &T) {
    let finished = |counts: Vec<(FileState, u64)>| {
        let of = counts.iter().find(|it| it.0 == FileState::Finished);
        of.unwrap().1
    };
    assert_eq!(finished(store.file_counts()), 200 + 19 * 3);
    // Ten of them are old enough.
    let before = Timestamp(1011);
    assert_eq!(store.retire(before, 4, true).await.unwrap(), 4);
    assert_eq!(store.retire(before, 100, true).await.unwrap(), 6);
    assert_eq!(store.retire(before, 100, true).await.unwrap(), 0);
    assert_eq!(finished(store.file_counts()), 30);
    for number in 1..=30 {
        let old = number <= 10;
        let view = store.view(id(number)).await.unwrap();
        assert_eq!(view.is_none(), old, "{number}");
        let archived = store.archived(id(number)).await.unwrap();
        assert_eq!(archived.is_some(), old, "{number}");
        if let Some(view) = archived {
            let files = if number == 7 { 200 } else { 3 };
            assert_eq!(view.files.len(), files);
            assert_eq!(view.files[0].file_id.0, number * 1000);
        }
    }
    assert_eq!(
        store.list_jobs(&JobQuery::default()).await.unwrap().len(),
        20
    );
    // Without a copy nothing stays.
    assert_eq!(store.retire(Timestamp(1012), 9, false).await.unwrap(), 1);
    assert!(store.archived(id(11)).await.unwrap().is_none());
    assert!(store.view(id(11)).await.unwrap().is_none());
    // Then its id is free again; that of a job of which there is a copy is not.
    let again = rows::view(id(11), 1, 90_000..90_001);
    store.insert(again).await.unwrap();
    assert_eq!(store.view(id(11)).await.unwrap().unwrap().files.len(), 1);
    let taken = store.insert(rows::view(id(7), 1, 90_001..90_002)).await;
    assert!(matches!(taken, Err(StoreError::DuplicateJob)), "{taken:?}");
}

#[tokio::test]
async fn old_jobs_leave_memory() {
    let store = MemoryStore::new();
    with_jobs(&store).await;
    old_jobs_leave(&store).await;
}

#[tokio::test]
async fn old_jobs_leave_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    with_jobs(&store).await;
    store.checkpoint().await.unwrap();
    old_jobs_leave(&store).await;
    // The second life of job 11 ends, and it is taken out and kept this time.
    let view = store.view(id(11)).await.unwrap().unwrap();
    let mut end = rows::finished(&view, 1);
    Arc::make_mut(&mut end.jobs[0]).job_finished = Some(Timestamp(1));
    Arc::make_mut(&mut end.files[0]).finish_time = Some(Timestamp(1));
    store.apply(end).await.unwrap();
    store.checkpoint().await.unwrap();
    assert_eq!(store.retire(Timestamp(2), 9, true).await.unwrap(), 1);
    drop(store);
    let store = open(dir.path());
    let view = store.archived(id(11)).await.unwrap().unwrap();
    assert_eq!(view.files.len(), 1);
    assert!(store.view(id(11)).await.unwrap().is_none());
    assert!(store.view(id(12)).await.unwrap().is_some());
    assert_eq!(store.unfinished().await.unwrap().len(), 10);
}

async fn expired_ones_go(vault: &dyn CredentialVault) {
    let credential = |end| StoredCredential {
        proxy_pem: causeway_sdk::Secret::new("pem"),
        voms_attrs: String::new(),
        termination_time: Timestamp(end),
    };
    for (owner, end) in [("a", 10), ("b", 20), ("c", 30)] {
        vault
            .put_credential(owner, "/CN=u", &credential(end))
            .await
            .unwrap();
    }
    // Renewed: the later end counts.
    vault
        .put_credential("a", "/CN=u", &credential(40))
        .await
        .unwrap();
    assert_eq!(vault.delete_expired(Timestamp(25)).await.unwrap(), 1);
    for (owner, there) in [("a", true), ("b", false), ("c", true)] {
        let found = vault.credential(owner, "/CN=u").await.unwrap();
        assert_eq!(found.is_some(), there, "{owner}");
    }
    assert!(vault.delete_credential("c", "/CN=u").await.unwrap());
    assert_eq!(vault.delete_expired(Timestamp(99)).await.unwrap(), 1);
}

#[tokio::test]
async fn expired_credentials_go() {
    expired_ones_go(&MemoryVault::new()).await;
    let dir = tempfile::tempdir().unwrap();
    let vault = EncryptedVault::open(&dir.path().join("v"), &dir.path().join("key")).unwrap();
    expired_ones_go(&vault).await;
}
