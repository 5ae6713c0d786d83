//! A listener of server-sent events, and plain texts of a gateway.

use std::time::Duration;

use serde_json::Value;

use crate::Gateway;

/// Longest wait for an event.
const EVENT: Duration = Duration::from_secs(60);

/// A listener.
#[derive(Debug)]
pub struct Listener {
    answer: reqwest::Response,
    text: String,
}

impl Gateway {
    /// Listens over plain HTTP; `last` is the id of the event that was seen last.
    pub async fn listen(&self, path: &str, last: Option<&str>) -> Listener {
        let mut request = self.http.get(format!("{}{path}", self.plain()));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        Listener {
            answer,
            text: String::new(),
        }
    }

    /// A text over plain HTTP, whatever its status.
    pub async fn get_text(&self, path: &str) -> String {
        let answer = self
            .http
            .get(format!("{}{path}", self.plain()))
            .send()
            .await;
        answer.expect("an answer").text().await.expect("a text")
    }
}

impl Listener {
    /// Type, id and data of the next event.
    pub async fn next(&mut self) -> (String, Option<String>, Value) {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let line = |name: &str| {
                    let mut lines = event.lines();
                    lines
                        .find_map(|it| it.strip_prefix(name))
                        .map(str::to_owned)
                };
                let found = line("event: ").map(|kind| {
                    let data = line("data: ").expect("an event has data");
                    let data = serde_json::from_str(&data).expect("data are JSON");
                    (kind, line("id: "), data)
                });
                self.text = rest.to_owned();
                if let Some(found) = found {
                    return found;
                }
            }
            let chunk = tokio::time::timeout(EVENT, self.answer.chunk()).await;
            let chunk = chunk.expect("an event comes").expect("the stream goes on");
            let chunk = chunk.expect("the stream has no end");
            self.text.push_str(&String::from_utf8_lossy(&chunk));
        }
    }
}
