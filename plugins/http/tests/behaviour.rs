//! The shared suite, against two real servers of different habits.

mod support;

use causeway_plugin_http::HttpStorage;
use causeway_sdk::{Credential, Erased, Host, Secret, Storage};
use causeway_testkit::Suite;
use support::lab::Server;

async fn check(server: &Server, extra: &str, credential: Credential) {
    let config = server.config().replace('}', &format!("{extra}}}"));
    let storage = HttpStorage::create(&config, Host::silent()).unwrap();
    let base = server.url("/suite/").as_str().to_owned();
    let suite = Suite::new(Erased::shared(storage), &base).credential(credential);
    suite.run().await.assert();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_xrdhttp() {
    let server = Server::start("xrdhttp");
    let proxy = Secret::new(server.pki("alice.proxy"));
    let offers = r#","checksums":["adler32","md5","crc32c"],"space":false"#;
    check(&server, offers, Credential::X509(proxy)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_nginx() {
    let server = Server::start("nginx-dav");
    let offers = r#","checksums":[],"space":false,"third_party_copy":false"#;
    check(&server, offers, Credential::None).await;
    let offers = r#","checksums":[],"space":false,"third_party_copy":false,"upload":"temporary""#;
    check(&server, offers, Credential::None).await;
}
