//! The shared suite, against every service.

mod support;

use causeway_sdk::{Credential, Erased};
use causeway_testkit::Suite;
use support::lab::Server;
use support::{bearer, dropbox, gcs, gdrive, keys, storage};

async fn check(config: &str, base: &str, credential: Credential) {
    let storage = storage(config);
    let suite = Suite::new(Erased::shared(storage), base).credential(credential);
    suite.run().await.assert();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_azurite() {
    let server = Server::start("azurite");
    let config = format!(
        r#"{{{},"azure":{{"endpoint":"{}"}},"part_bytes":4194304,"attempts":2}}"#,
        server.trust(),
        server.key("ENDPOINT")
    );
    let owner = keys(server.key("ACCOUNT"), server.key("KEY"));
    check(&config, &format!("{}/suite/", server.key("URL")), owner).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_an_emulator_of_cloud_storage() {
    let server = Server::start("gcs");
    let config = format!(
        r#"{{{},"gs":{{"endpoint":"{}"}},"part_bytes":4194304,"attempts":2,"shared_links":false}}"#,
        server.trust(),
        server.key("ENDPOINT")
    );
    check(
        &config,
        &format!("{}/suite/", server.key("URL")),
        bearer("any"),
    )
    .await;
}

/// Options for a double, with parts so small that some of the suite's files have several.
fn at(service: &str, endpoint: &str) -> String {
    format!(
        r#"{{"ca_file":"{}","{service}":{{"endpoint":"{endpoint}"}},"part_bytes":4194304,
            "shared_links":{}}}"#,
        support::any_ca(),
        service == "dropbox"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_double_of_cloud_storage() {
    let double = gcs::start().await;
    check(
        &at("gs", &double.endpoint),
        "gs://lab/suite/",
        bearer("good"),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_double_of_dropbox() {
    let double = dropbox::start().await;
    let config = at("dropbox", &double.endpoint);
    check(&config, "dropbox://dropbox.com/suite/", bearer("good")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_double_of_drive() {
    let double = gdrive::start().await;
    let config = at("gdrive", &double.endpoint);
    check(&config, "gdrive://drive.google.com/suite/", bearer("good")).await;
}
