//! The shared suite against a real server, with a VOMS proxy.

mod support;

use causeway_sdk::Erased;
use causeway_testkit::Suite;
use support::Server;

async fn check(options: &str) {
    let server = Server::start("gridftp");
    let base = server.url("/suite/").as_str().to_owned();
    std::fs::create_dir(server.file("suite")).unwrap();
    let storage = Erased::shared(server.storage(options));
    let suite = Suite::new(storage, &base).credential(server.voms());
    suite.run().await.assert();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_open_data_connections() {
    check("").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_private_data_connections_both_ways() {
    check(
        r#""data_authentication":"self","data_protection":"private","accept_data_connections":true"#,
    )
    .await;
}
