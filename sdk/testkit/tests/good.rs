//! The suite on storages that keep their promises.

use causeway_sdk::{Erased, Host, Operation, Storage};
use causeway_testkit::{FaultStorage, MemoryStorage, Outcome, Suite};

fn memory() -> MemoryStorage {
    MemoryStorage::create("", Host::silent()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_passes_and_skips_almost_nothing() {
    let storage = Erased::shared(memory());
    let report = Suite::new(storage, "memory://test/").run().await;
    report.assert();
    let skipped: Vec<&str> = report
        .cases
        .iter()
        // Who has no network cannot let it fail; the cases are tried in `tests/network.rs`.
        .filter(|it| it.outcome == Outcome::Skipped && !it.name.starts_with("faults/"))
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(skipped, ["errors/unclaimed-operations"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrapper_without_faults_changes_nothing() {
    let storage = FaultStorage::new(Erased::shared(memory())).shared();
    Suite::new(storage, "memory://test/sub/dir?keep=1")
        .run()
        .await
        .assert();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_leaves_nothing_behind() {
    let storage = memory();
    let suite = Suite::new(Erased::shared(storage.clone()), "memory://test/");
    suite.run().await.assert();
    let cx = causeway_sdk::Ctx::new("test");
    let top = "memory://test/".parse().unwrap();
    let page = Storage::list(&storage, &cx, &top, Default::default()).await;
    assert!(page.unwrap().entries.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_asked_for_runs() {
    let suite = Suite::new(Erased::shared(memory()), "memory://test/").only("stat/");
    let report = suite.run().await;
    report.assert();
    assert!(report.cases.iter().all(|it| it.name.contains("stat/")));
    assert!(memory().describe().can(Operation::Stat));
}
