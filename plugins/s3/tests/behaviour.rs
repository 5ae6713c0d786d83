//! The shared suite, against a real server in every way of naming a bucket.

mod support;

use causeway_sdk::Erased;
use causeway_testkit::Suite;
use support::lab::Server;

async fn check(server: &Server, more: &str, base: &str) {
    let storage = support::storage(&server.config(more));
    let suite = Suite::new(Erased::shared(storage), base).credential(server.credential());
    let report = suite.run().await;
    println!("{base} {more}\n{report}");
    report.assert();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_radosgw() {
    let server = Server::start("radosgw");
    let (port, bucket) = (server.key("PORT"), server.key("BUCKET"));
    let base = server.url("/suite/");
    check(&server, "", base.as_str()).await;
    let tls = format!("{}/suite/", server.key("TLS_URL"));
    check(&server, r#","upload_checksum":"md5""#, &tls).await;
    let configured = format!(
        r#","endpoint":"{}","addressing":"virtual","directories":false,"checksums":["md5"]"#,
        server.key("ENDPOINT")
    );
    check(&server, &configured, &format!("s3://{bucket}/suite/")).await;
    let host = format!(r#","hosts":{{"localhost:{port}":{{}}}}"#);
    let in_host = format!("s3://{bucket}.localhost:{port}/suite/");
    check(&server, &host, &in_host).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_moto() {
    let server = Server::start("moto");
    check(&server, "", server.url("/suite/").as_str()).await;
}
