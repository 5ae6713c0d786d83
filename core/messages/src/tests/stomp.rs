//! The sink against a broker of our own that misbehaves on purpose. A real broker is in the tests
//! of the whole program.

use std::sync::Arc;

use bytes::BytesMut;
use causeway_model::Timestamp;
use causeway_model::feed::Position;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// What a broker does with one connection after the greeting.
#[derive(Clone, Copy)]
enum Manner {
    /// Gives a receipt for every message.
    Good,
    /// Gives receipts for so many, then hangs up.
    HangsUpAfter(usize),
    /// Gives receipts from the last one to the first.
    Backwards,
    /// Answers the first message with an error.
    Refuses,
}

/// A broker: listens, and notes what it gets.
struct Fake {
    address: String,
    got: Arc<Mutex<Vec<Frame>>>,
}

impl Fake {
    async fn start(manners: &[Manner]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let got = Arc::new(Mutex::new(Vec::new()));
        let (notes, manners) = (got.clone(), manners.to_vec());
        tokio::spawn(async move {
            for manner in manners {
                let (stream, _) = listener.accept().await.unwrap();
                serve(stream, manner, &notes).await;
            }
        });
        Self { address, got }
    }

    fn bodies(&self) -> Vec<String> {
        let got = self.got.lock();
        got.iter()
            .map(|it| String::from_utf8(it.body.clone()).unwrap())
            .collect()
    }
}

async fn serve(mut stream: TcpStream, manner: Manner, got: &Mutex<Vec<Frame>>) {
    let mut read = BytesMut::new();
    let mut sends = Vec::new();
    loop {
        while let Some(frame) = Frame::read(&mut read).unwrap() {
            let mut out = BytesMut::new();
            match (frame.command.as_str(), manner) {
                ("CONNECT", _) => Frame::new("CONNECTED")
                    .with("version", "1.2")
                    .write(&mut out),
                ("SEND", Manner::Refuses) => {
                    Frame::new("ERROR")
                        .with("message", "no access")
                        .write(&mut out);
                }
                ("SEND", _) => {
                    sends.push(frame.header("receipt").unwrap().to_owned());
                    got.lock().push(frame);
                    match manner {
                        Manner::Backwards if sends.len() < 3 => continue,
                        Manner::Backwards => {
                            for id in sends.drain(..).rev() {
                                Frame::new("RECEIPT").with("receipt-id", id).write(&mut out);
                            }
                        }
                        _ => {
                            let id = sends.last().unwrap();
                            Frame::new("RECEIPT").with("receipt-id", id).write(&mut out);
                        }
                    }
                }
                _ => {}
            }
            stream.write_all(&out).await.unwrap();
            if matches!(manner, Manner::HangsUpAfter(count) if sends.len() == count) {
                return;
            }
        }
        if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
            return;
        }
    }
}

fn config(brokers: Vec<String>) -> Arc<MessagesConfig> {
    Arc::new(MessagesConfig {
        brokers,
        timeout_seconds: 5,
        ..MessagesConfig::default()
    })
}

fn sink(config: Arc<MessagesConfig>) -> StompSink {
    StompSink::new(config, None, None).unwrap()
}

fn messages(count: u64) -> Vec<Message> {
    let message = |number| Message {
        after: Position {
            offset: number,
            ..Position::default()
        },
        completes: true,
        kind: Kind::Complete,
        at: Timestamp(1_795_317_300_000),
        job: Some(Arc::new(crate::world::job(number))),
        body: format!("{{\"n\":{number}}}"),
    };
    (1..=count).map(message).collect()
}

#[tokio::test]
async fn messages_arrive_with_their_headers() {
    let fake = Fake::start(&[Manner::Good]).await;
    let mut sink = sink(config(vec![fake.address.clone()]));
    let (taken, outcome) = sink.deliver(&messages(3)).await;
    assert_eq!(taken, 3, "{outcome:?}");
    assert_eq!(fake.bodies(), ["{\"n\":1}", "{\"n\":2}", "{\"n\":3}"]);
    let got = fake.got.lock();
    let header = |name| got[0].header(name);
    assert_eq!(
        header("destination"),
        Some("/topic/transfer.fts_monitoring_complete")
    );
    assert_eq!(
        (header("vo"), header("persistent")),
        (Some("atlas"), Some("true"))
    );
    assert_eq!(header("expires"), Some("1795403700000"));
    assert_eq!(header("content-length"), Some("7"));
}

#[tokio::test]
async fn what_has_no_receipt_is_not_taken() {
    let fake = Fake::start(&[Manner::HangsUpAfter(2), Manner::Good]).await;
    let mut sink = sink(config(vec![fake.address.clone()]));
    let all = messages(5);
    let (taken, outcome) = sink.deliver(&all).await;
    assert!(taken <= 2 && outcome.is_err(), "{taken}");
    let (rest, outcome) = sink.deliver(&all[taken..]).await;
    assert_eq!(taken + rest, 5, "{outcome:?}");
    let bodies = fake.bodies();
    assert_eq!(
        bodies[bodies.len() - 3..],
        ["{\"n\":3}", "{\"n\":4}", "{\"n\":5}"]
    );
}

#[tokio::test]
async fn receipts_may_come_in_any_order() {
    let fake = Fake::start(&[Manner::Backwards]).await;
    let mut sink = sink(config(vec![fake.address.clone()]));
    let (taken, outcome) = sink.deliver(&messages(3)).await;
    assert_eq!(taken, 3, "{outcome:?}");
}

#[tokio::test]
async fn the_next_broker_is_taken_when_one_is_away() {
    let fake = Fake::start(&[Manner::Good]).await;
    let away = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = away.local_addr().unwrap().to_string();
    drop(away);
    let mut sink = sink(config(vec![nobody, fake.address.clone()]));
    let (taken, outcome) = sink.deliver(&messages(1)).await;
    assert_eq!(taken, 1, "{outcome:?}");
}

#[tokio::test]
async fn an_error_of_the_broker_is_told() {
    let fake = Fake::start(&[Manner::Refuses]).await;
    let mut sink = sink(config(vec![fake.address.clone()]));
    let (taken, outcome) = sink.deliver(&messages(1)).await;
    assert_eq!(taken, 0);
    let text = outcome.unwrap_err().to_string();
    assert!(text.contains("no access"), "{text}");
}

#[tokio::test]
async fn a_broker_is_looked_for_before_there_is_a_message() {
    let fake = Fake::start(&[Manner::Good]).await;
    let mut sink = sink(config(vec![fake.address.clone()]));
    sink.idle().await.unwrap();
    assert!(sink.connection.is_some());
    let away = config(vec!["127.0.0.1:1".to_owned()]);
    assert!(self::sink(away).idle().await.is_err());
}

#[tokio::test]
async fn an_old_consumer_gets_its_last_character() {
    let fake = Fake::start(&[Manner::Good]).await;
    let config = MessagesConfig {
        end_of_text: true,
        window: 1,
        ..MessagesConfig::clone(&config(vec![fake.address.clone()]))
    };
    let mut sink = sink(Arc::new(config));
    let (taken, outcome) = sink.deliver(&messages(2)).await;
    assert_eq!(taken, 2, "{outcome:?}");
    assert_eq!(fake.bodies(), ["{\"n\":1}\u{4}", "{\"n\":2}\u{4}"]);
}

#[test]
fn brokers_are_host_and_port() {
    let address = |text| broker(text).map(|it| (it.host, it.address));
    assert_eq!(address("a.b:1"), Ok(("a.b".into(), "a.b:1".into())));
    assert_eq!(
        address("[::1]:61613"),
        Ok(("::1".into(), "[::1]:61613".into()))
    );
    for wrong in ["", "a", ":1", "a:x", "a:99999"] {
        assert!(address(wrong).is_err(), "{wrong}");
    }
}
