//! The shared suite on a scratch directory.

use causeway_plugin_file::FileStorage;
use causeway_sdk::{Erased, Host, Storage as _};
use causeway_testkit::Suite;

#[tokio::test(flavor = "multi_thread")]
async fn keeps_every_promise() {
    let scratch = tempfile::tempdir().unwrap();
    let options = format!(r#"{{"roots":[{:?}]}}"#, scratch.path());
    let storage = FileStorage::create(&options, Host::silent()).unwrap();
    let base = format!("file://{}/", scratch.path().display());
    let report = Suite::new(Erased::shared(storage), &base).run().await;
    report.assert();
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
}
