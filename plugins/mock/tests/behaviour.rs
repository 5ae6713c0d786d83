//! The shared suite on a mock, which keeps nothing of what is written.

use causeway_plugin_mock::MockStorage;
use causeway_sdk::{Erased, Host, Storage as _};
use causeway_testkit::Suite;

#[tokio::test(flavor = "multi_thread")]
async fn keeps_every_promise() {
    let storage = MockStorage::create("", Host::silent()).unwrap();
    let report = Suite::new(Erased::shared(storage), "mock://host/dir?time=0")
        .seed("mock://host/seed?size=2621443&exists=1", 2_621_443)
        .missing("mock://host/none?errno=2")
        .discards_writes()
        .run()
        .await;
    report.assert();
}
