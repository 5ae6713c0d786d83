//! The shared suite, against two real servers of different habits, by every door they have.

mod support;

use causeway_plugin_ftp::FtpStorage;
use causeway_sdk::{Credential, Erased, Host, Storage};
use causeway_testkit::Suite;
use support::keys;
use support::lab::Server;

async fn check(server: &Server, door: &str, options: &str, credential: Credential) {
    let host = Host::new(|_, text| eprintln!("{text}"));
    let storage = FtpStorage::create(&server.config(options), host).unwrap();
    let base = server.at(door, "/suite/").as_str().to_owned();
    let suite = Suite::new(Erased::shared(storage), &base).credential(credential);
    suite.run().await.assert();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_mlsd_plain() {
    let server = Server::start("pyftpdlib");
    check(&server, "URL", "", Credential::None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_mlsd_under_explicit_tls() {
    let server = Server::start("pyftpdlib");
    check(&server, "URL", "", keys("alice", "wonderland")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_mlsd_under_implicit_tls() {
    let server = Server::start("pyftpdlib");
    check(&server, "FTPS", "", keys("alice", "wonderland")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_old_habits() {
    let server = Server::start("pyftpdlib");
    check(&server, "OLD", "", Credential::None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_the_final_name() {
    let server = Server::start("pyftpdlib");
    check(&server, "URL", r#""upload":"direct""#, Credential::None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_vsftpd_plain() {
    let server = Server::start("vsftpd");
    check(&server, "URL", "", Credential::None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_vsftpd_under_explicit_tls() {
    let server = Server::start("vsftpd");
    check(&server, "URL", r#""tls":"required""#, Credential::None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_vsftpd_under_implicit_tls() {
    let server = Server::start("vsftpd");
    check(&server, "FTPS", "", Credential::None).await;
}
