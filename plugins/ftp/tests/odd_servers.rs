//! Against servers that do what real ones do on bad days, scripted line by line.

mod support;

use std::time::Duration;

use causeway_sdk::{ErrorKind, Retry, Storage};
use support::double::{Act, Double, say};
use support::*;

/// Short limits, so that a server that hangs is found out soon.
const SHORT: &str = r#"{"connect_timeout_seconds":1,"reply_timeout_seconds":1,"data_timeout_seconds":1,
    "finish_timeout_seconds":1,"tls":"never"}"#;
const PLAIN: &str = r#"{"tls":"never"}"#;

/// A file and what a reader asks on the way to it.
async fn reading(stage: &'static str, acts: &'static [Act]) -> ErrorKind {
    let server = Double::start(move |command, _| {
        let verb = command.split(' ').next();
        (verb == Some(stage)).then(|| acts.to_vec())
    })
    .await;
    server.put("/f", &pattern(100_000));
    let found = read(&storage(SHORT), &anonymous(), &server.url("/f")).await;
    kind(found.map(|it| it.len()))
}

const STAGES: [&str; 9] = [
    "", "USER", "PASS", "FEAT", "TYPE", "MLST", "EPSV", "RETR", "REST",
];

#[tokio::test]
async fn a_control_connection_cut_at_any_stage_is_a_network_failure() {
    for stage in STAGES.into_iter().filter(|it| *it != "REST") {
        assert_eq!(
            reading(stage, &[Act::Cut]).await,
            ErrorKind::Network,
            "{stage:?}"
        );
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_at_any_stage_keeps_nobody() {
    for stage in STAGES.into_iter().filter(|it| *it != "REST") {
        assert_eq!(
            reading(stage, &[Act::Hang]).await,
            ErrorKind::Timeout,
            "{stage:?}"
        );
    }
}

#[tokio::test]
async fn a_server_that_speaks_slowly_is_understood() {
    let server = Double::start(|command, _| {
        (command == "NOOP" || command.is_empty())
            .then(|| vec![Act::Drip("220 at last".into(), Duration::from_millis(5))])
    })
    .await;
    server.put("/f", b"hello");
    let found = read(&storage(SHORT), &anonymous(), &server.url("/f")).await;
    assert_eq!(found.unwrap(), b"hello");
}

#[tokio::test]
async fn what_comes_short_of_the_size_is_no_file_whatever_the_server_says() {
    let server = Double::start(|command, _| {
        command.starts_with("RETR").then(|| {
            let mut acts = say("150 here it comes");
            acts.extend([Act::Send(vec![1; 10]), Act::CloseData]);
            acts.extend(say("226 all of it"));
            acts
        })
    })
    .await;
    server.put("/f", &[1; 11]);
    let found = read(&storage(PLAIN), &anonymous(), &server.url("/f")).await;
    let error = found.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(error.message().contains("1 bytes too early"), "{error}");
}

#[tokio::test]
async fn a_transfer_the_server_calls_broken_is_broken() {
    for (last, expected) in [
        (Act::Say("426 no more".into()), ErrorKind::Network),
        (Act::Say("451 disk failed".into()), ErrorKind::Remote),
        (Act::Cut, ErrorKind::Network),
        (Act::Hang, ErrorKind::Timeout),
    ] {
        let server = Double::start(move |command, _| {
            command.starts_with("RETR").then(|| {
                let mut acts = say("150 here it comes");
                acts.extend([Act::Send(vec![1; 11]), Act::CloseData, last.clone()]);
                acts
            })
        })
        .await;
        server.put("/f", &[1; 11]);
        let found = read(&storage(SHORT), &anonymous(), &server.url("/f")).await;
        assert_eq!(kind(found), expected);
    }
}

#[tokio::test]
async fn data_that_stops_coming_is_given_up() {
    let server = Double::start(|command, _| {
        command.starts_with("RETR").then(|| {
            let mut acts = say("150 here it comes");
            acts.extend([Act::Send(vec![1; 10]), Act::Hang]);
            acts
        })
    })
    .await;
    server.put("/f", &[1; 11]);
    let found = read(&storage(SHORT), &anonymous(), &server.url("/f")).await;
    assert_eq!(kind(found), ErrorKind::Timeout);
}

#[tokio::test]
async fn the_address_in_an_answer_to_pasv_is_not_gone_to() {
    let server = Double::start(|command, _| (command == "EPSV").then(|| say("500 what?"))).await;
    server.put("/f", b"hello");
    let (storage, cx) = (storage(PLAIN), anonymous());
    for _ in 0..3 {
        assert_eq!(
            read(&storage, &cx, &server.url("/f")).await.unwrap(),
            b"hello"
        );
    }
    // Learned once for a session.
    assert_eq!((server.count("EPSV"), server.count("PASV")), (1, 3));
}

#[tokio::test]
async fn a_crowded_server_is_asked_again_and_then_called_busy() {
    let crowded = |command: &str, before: usize, times: usize| {
        (command.is_empty() && before < times).then(|| {
            let mut acts = say("421 too many connections");
            acts.push(Act::Cut);
            acts
        })
    };
    let server = Double::start(move |command, before| crowded(command, before, 2)).await;
    server.put("/f", b"hello");
    let found = read(&storage(PLAIN), &anonymous(), &server.url("/f")).await;
    assert_eq!(found.unwrap(), b"hello");
    let server = Double::start(move |command, before| crowded(command, before, 99)).await;
    let error = storage(PLAIN)
        .stat(&anonymous(), &server.url("/f"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(matches!(error.retry(), Retry::After(_)), "{error:?}");
    assert!(error.message().contains("too many connections"), "{error}");
}

#[tokio::test]
async fn replies_without_end_are_not_kept() {
    for raw in [
        b"230-more\r\n".to_vec(),
        b"no end of line ".to_vec(),
        vec![b'2'; 1000],
    ] {
        let server = Double::start(move |command, _| {
            command
                .starts_with("PASS")
                .then(|| vec![Act::Raw(raw.clone(), 100_000), Act::Hang])
        })
        .await;
        let error = storage(SHORT)
            .stat(&anonymous(), &server.url("/f"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Remote, "{error}");
    }
}

#[tokio::test]
async fn what_is_no_ftp_is_said_to_be_none() {
    for greeting in ["HTTP/1.1 400 Bad Request", "SSH-2.0-OpenSSH_9.2", "hello"] {
        let server =
            Double::start(move |command, _| command.is_empty().then(|| say(greeting))).await;
        let error = storage(SHORT)
            .stat(&anonymous(), &server.url("/f"))
            .await
            .unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Remote | ErrorKind::Timeout),
            "{greeting}: {error:?}"
        );
    }
}
