//! Messages through frames: every one survives, a long one is left out, damage is noticed.

use std::time::Duration;

use causeway_sdk::capability::Admission;
use causeway_sdk::{Ctx, ErrorKind, Page, Retry, StageRequest, Stat};

use super::*;
use crate::crew::call::Ask;
use crate::messages::AttemptId;
use crate::messages::{events, orders};

/// Writes all, then reads all, through a pipe that takes and gives little at a time.
async fn through<T: Serialize + DeserializeOwned>(messages: &[T]) -> Vec<T> {
    let mut bytes = Vec::new();
    for message in messages {
        assert!(put(message, &mut bytes).unwrap());
    }
    let (mut near, far) = tokio::io::duplex(7);
    let writing = tokio::spawn(async move {
        tokio::io::AsyncWriteExt::write_all(&mut near, &bytes)
            .await
            .unwrap();
    });
    let mut frames = Frames::new(far);
    let mut back = Vec::new();
    while let Some(message) = frames.next().await.unwrap() {
        back.push(message);
    }
    writing.await.unwrap();
    back
}

async fn survive<T: Serialize + DeserializeOwned>(messages: Vec<T>) {
    let back = through(&messages).await;
    assert_eq!(back.len(), messages.len());
    for (one, two) in messages.iter().zip(&back) {
        let text = |it: &T| serde_json::to_string(it).unwrap();
        assert_eq!(text(one), text(two));
    }
}

#[tokio::test]
async fn every_message_survives_the_frames() {
    let cx = Ctx::new("1")
        .with_timeout(Duration::from_secs(9))
        .with_option("a", "b");
    let at: causeway_sdk::Url = "mock://h/f?size=1".parse().unwrap();
    let stage = StageRequest {
        files: vec![at.clone()],
        pin: Duration::from_secs(1),
        timeout: Duration::from_secs(2),
        metadata: vec![String::new()],
    };
    let asks = [
        Ask::Admit(vec![at.clone()]),
        Ask::List(at.clone(), Page::default()),
        Ask::BringOnline(stage),
    ];
    let mut down: Vec<_> = orders().into_iter().map(ToWorker::from).collect();
    down.extend(asks.map(|ask| ToWorker::Call(1, Box::new(Call::new("mock", &cx, ask)))));
    down.push(ToWorker::Setup(Box::new(Setup {
        excluded: vec!["bad".into()],
        ..Setup::default()
    })));
    down.extend([ToWorker::Forget(1), ToWorker::Ping(2), ToWorker::Leave]);
    survive(down).await;

    let capabilities = Capabilities {
        name: "mock".into(),
        admission: Admission::All,
        ..Capabilities::default()
    };
    let card = PluginCard {
        capabilities: Some(capabilities),
        ..PluginCard::default()
    };
    let table = Table {
        plugins: vec![card, PluginCard::default()],
        serves: vec![("mock".into(), "mock".into())],
    };
    let error = Error::new(ErrorKind::Busy, "later")
        .with_retry(Retry::After(Duration::from_secs(3)))
        .with("host", "h");
    let mut up: Vec<_> = events()
        .into_iter()
        .map(|event| {
            let attempt = AttemptId(4);
            FromWorker::Report(Report { attempt, event })
        })
        .collect();
    up.push(FromWorker::Ready(Box::new(table)));
    up.push(FromWorker::Answer(7, Box::new(Err(error.clone()))));
    up.push(FromWorker::Answer(
        7,
        Box::new(Ok(Answer::Stat(Stat::file(1)))),
    ));
    let answers = vec![Ok(()), Err(error)];
    up.push(FromWorker::Answer(
        7,
        Box::new(Ok(Answer::Admitted(answers))),
    ));
    up.push(FromWorker::Pong(2));
    up.push(FromWorker::News(vec![PluginNews {
        name: "mock".into(),
        marks: PluginMarks {
            calls: 7,
            ..PluginMarks::default()
        },
        counters: [("hits".to_owned(), 3)].into_iter().collect(),
        is_degraded: true,
    }]));
    survive(up).await;
}

#[tokio::test]
async fn one_that_is_too_long_is_left_out_between_the_others() {
    let mut bytes = Vec::new();
    assert!(put(&ToWorker::Ping(1), &mut bytes).unwrap());
    let config = "x".repeat(LONGEST);
    let long = Setup {
        config,
        ..Setup::default()
    };
    assert!(!put(&ToWorker::Setup(Box::new(long)), &mut bytes).unwrap());
    assert!(put(&ToWorker::Ping(2), &mut bytes).unwrap());
    let mut frames = Frames::new(&bytes[..]);
    for expected in [1, 2] {
        let message = frames.next().await.unwrap();
        assert!(matches!(message, Some(ToWorker::Ping(it)) if it == expected));
    }
    assert!(frames.next::<ToWorker>().await.unwrap().is_none());
}

#[tokio::test]
async fn damage_is_noticed() {
    for bytes in [&[255_u8; 8][..], &[2, 0, 0, 0, 99, 99]] {
        let mut frames = Frames::new(bytes);
        assert!(frames.next::<ToWorker>().await.is_err());
    }
    // An end in the middle is an end.
    let mut frames = Frames::new(&[9_u8, 0, 0][..]);
    assert!(frames.next::<ToWorker>().await.unwrap().is_none());
}
