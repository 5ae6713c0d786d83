//! Options that only a real server can show.

mod support;

use causeway_sdk::{ErrorKind, ProgressSink, Retry, Storage as _};
use support::{Server, pattern, read, request, write};

const HOST: &str = "/DC=test/DC=lab/CN=localhost";
const OTHER: &str = "/DC=test/DC=lab/CN=other";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_must_have_the_subject_that_was_configured() {
    let (one, other) = (Server::start("gridftp"), Server::start("gridftp"));
    let data = pattern(100_000);
    std::fs::write(one.file("a"), &data).unwrap();
    let (cx, port) = (other.cx(), other.key("PORT"));
    // By host alone, another subject than the server's: for any port, both servers.
    let wrong = other.storage(&format!(r#""subjects":{{"localhost":"{OTHER}"}}"#));
    // The same for one port alone.
    let its_port = other.storage(&format!(r#""subjects":{{"localhost:{port}":"{OTHER}"}}"#));
    let stranger = its_port.stat(&cx, &one.url("a")).await;
    assert_eq!(stranger.unwrap().size, Some(100_000));
    for storage in [&wrong, &its_port] {
        let refused = storage.stat(&cx, &other.url("file")).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Network, "{refused}");
        assert_eq!(refused.retry(), Retry::Never, "{refused}");
        assert!(refused.message().contains(OTHER), "{refused}");
        let copied = storage.copy(
            &cx,
            request(&one, one.url("a"), other.url("b")),
            ProgressSink::ignore(),
        );
        assert_eq!(copied.await.unwrap_err().kind(), ErrorKind::Network);
        assert!(!other.file("b").exists());
    }
    // That of a port wins over that of a host.
    let options = format!(
        r#""subjects":{{"localhost":"{OTHER}","localhost:{port}":"{HOST}","localhost:{}":"{HOST}"}}"#,
        one.key("PORT")
    );
    let right = other.storage(&options);
    let copied = right.copy(
        &cx,
        request(&one, one.url("a"), other.url("b")),
        ProgressSink::ignore(),
    );
    copied.await.unwrap();
    assert!(std::fs::read(other.file("b")).unwrap() == data);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_stripes_take_part_when_they_are_asked_for() {
    let (one, other) = (
        Server::start("gridftp-striped"),
        Server::start("gridftp-striped"),
    );
    let data = pattern(3_000_001);
    std::fs::write(one.file("a"), &data).unwrap();
    for (options, stripes) in [(r#""delegation":"always""#, 1), (r#""striped":true"#, 2)] {
        let storage = other.storage(options);
        let cx = other.cx();
        let copied = storage.copy(
            &cx,
            request(&one, one.url("a"), other.url("b")),
            ProgressSink::ignore(),
        );
        copied
            .await
            .unwrap_or_else(|why| panic!("{options}: {why}"));
        assert!(std::fs::read(other.file("b")).unwrap() == data, "{options}");
        std::fs::remove_file(other.file("b")).unwrap();
        // The nodes write lines of their own, of one stripe each.
        let said = format!("STRIPES={stripes} ");
        for server in [&one, &other] {
            let log = server.log_with("TRANSFERS", &said).await;
            assert!(log.contains(&said), "{options}");
            assert_eq!(log.contains("STRIPES=2 "), stripes == 2, "{options}");
        }
    }
    // Its machines trust each other by the user's proxy alone.
    let alone = other.storage("");
    let refused = alone.stat(&other.cx(), &other.url("file")).await;
    assert!(
        refused
            .unwrap_err()
            .message()
            .contains("No nodes available")
    );
    // Through us, too.
    let storage = other.storage(r#""striped":true"#);
    let (cx, to) = (other.cx(), other.url("c"));
    Box::pin(write(&storage, &cx, &to, &data)).await.unwrap();
    assert!(read(&storage, &cx, &to).await.unwrap() == data);
    let name = format!("FILE={} ", other.file("c").display());
    let in_stripes = |line: &str| {
        line.contains(&name) && line.contains("STRIPES=2 ") && line.contains("TYPE=STOR CODE=226")
    };
    let log = other.log_once("TRANSFERS", |it| it.lines().any(in_stripes));
    let log = log.await;
    assert!(log.lines().any(in_stripes), "one stripe: {log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sizes_of_buffers_are_told_for_bytes_that_pass_here() {
    let server = Server::start("gridftp");
    let storage = server.storage(r#""tcp_buffer_bytes":1048576"#);
    let (cx, at) = (server.cx(), server.url("a"));
    let data = pattern(500_000);
    Box::pin(write(&storage, &cx, &at, &data)).await.unwrap();
    assert!(read(&storage, &cx, &at).await.unwrap() == data);
    for kind in ["TYPE=STOR", "TYPE=RETR"] {
        let log = server.log_with("TRANSFERS", kind).await;
        let line = log.lines().find(|it| it.contains(kind)).unwrap();
        let used = line.split_once(" BUFFER=").unwrap().1;
        let used = used.split_whitespace().next().unwrap();
        assert!(used.parse::<u32>().unwrap() >= 1 << 20, "{log}");
    }
}
