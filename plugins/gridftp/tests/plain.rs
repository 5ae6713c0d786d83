//! Servers without security, by `ftp` URLs: alone, and in copies with one that has GSI.

mod support;

use causeway_sdk::types::Direction;
use causeway_sdk::{CopyRequest, Credential, Erased, ErrorKind, ProgressSink, Storage, Url};
use causeway_testkit::Suite;
use support::{Server, pattern};

const PLAIN: &str = r#""plain_ftp":true"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shared_suite_passes_without_any_credential() {
    let server = Server::start("gridftp-clear");
    std::fs::create_dir(server.file("suite")).unwrap();
    let base = server.url("/suite/").as_str().to_owned();
    assert!(base.starts_with("ftp://"), "{base}");
    let storage = Erased::shared(server.storage(PLAIN));
    Suite::new(storage, &base).run().await.assert();
}

fn request(source: Url, destination: Url, peer: Credential) -> CopyRequest {
    CopyRequest {
        direction: Direction::Pull,
        source,
        destination,
        peer_credential: peer,
        overwrite: false,
        streams: 4,
        size: None,
        expect: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_with_and_without_security_copy_to_each_other() {
    let (plain, secure) = (Server::start("gridftp-clear"), Server::start("gridftp"));
    let data = pattern(3_000_001);
    std::fs::write(plain.file("a"), &data).unwrap();
    let (cx, ignore) = (secure.cx(), ProgressSink::ignore);
    let storage = secure.storage(PLAIN);
    for (source, destination) in [
        (plain.url("a"), secure.url("b")),
        (secure.url("b"), plain.url("c")),
        (plain.url("c"), plain.url("d")),
    ] {
        let wanted = request(source, destination, secure.voms());
        storage.copy(&cx, wanted, ignore()).await.unwrap();
    }
    assert!(std::fs::read(plain.file("d")).unwrap() == data);
    for server in [&plain, &secure] {
        let log = server.log("TRANSFERS");
        assert!(
            log.contains("TYPE=RETR") && log.contains("TYPE=STOR"),
            "{log}"
        );
    }

    // Half of an authentication is none.
    let strict = secure.storage(r#""plain_ftp":true,"data_authentication":"self""#);
    let wanted = request(secure.url("b"), plain.url("e"), secure.voms());
    let why = strict.copy(&cx, wanted, ignore()).await.unwrap_err();
    assert_eq!(why.kind(), ErrorKind::Unsupported, "{why}");
    assert!(!plain.file("e").exists());
    // And nobody gets there unasked.
    let wanted = request(plain.url("a"), secure.url("f"), secure.voms());
    let why = secure
        .storage("")
        .copy(&cx, wanted, ignore())
        .await
        .unwrap_err();
    assert_eq!(why.kind(), ErrorKind::Unsupported, "{why}");
}
