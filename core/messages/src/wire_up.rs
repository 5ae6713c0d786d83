//! Everybody who is told something, as the configuration wants it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use causeway_model::feed::{EventFeed, Position};
use causeway_model::ports::{Clock, JobStore, StoreError};
use causeway_sdk::Secret;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::MessagesConfig;
use crate::hub::Hub;
use crate::narrator::{Narrator, Voice};
use crate::pump::{Pump, PumpOptions, Sink};
use crate::stomp::sink::StompSink;
use crate::tally::Tally;
use crate::tls;
use crate::webhook::WebhookSink;

/// Name under which the place of the broker is kept.
const BROKER: &str = "stomp";
/// Before the name of a webhook.
const WEBHOOK: &str = "webhook-";

/// Why nobody can be told anything.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The configuration; the text names the key.
    #[error("{0}")]
    Config(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Everybody who is told something.
pub struct Messages {
    feed: Arc<dyn EventFeed>,
    hub: Hub,
    tally: Tally,
    stop: CancellationToken,
    pumps: TaskTracker,
}

impl Messages {
    /// Begins to tell. Who is configured for the first time hears what happens from now on; who was
    /// before goes on where it was.
    ///
    /// # Errors
    /// A configuration that cannot work, a store that cannot be read.
    pub async fn start(
        config: &MessagesConfig,
        feed: Arc<dyn EventFeed>,
        store: Arc<dyn JobStore>,
        voice: Voice,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SetupError> {
        let sinks = sinks(config).map_err(SetupError::Config)?;
        let names: Vec<String> = sinks.iter().map(|it| it.0.clone()).collect();
        let places: Vec<Position> = feed.hold(&names).await?;
        let messages = Self {
            feed: Arc::clone(&feed),
            hub: Hub::new(
                Arc::clone(&feed),
                Arc::clone(&store),
                voice.clone(),
                config.events_kept,
                config.events_max_clients,
            ),
            tally: Tally::default(),
            stop: CancellationToken::new(),
            pumps: TaskTracker::new(),
        };
        for ((name, sink), place) in sinks.into_iter().zip(places) {
            let pump = Pump {
                tally: messages.tally.of(&name),
                feed: Arc::clone(&feed),
                narrator: Narrator::new(voice.clone(), Arc::clone(&store)),
                clock: Arc::clone(&clock),
                options: PumpOptions {
                    max_age: Duration::from_secs(config.max_age_seconds),
                    pause_max: Duration::from_secs(config.reconnect_max_seconds.max(1)),
                },
                name,
                sink,
            };
            let stop = messages.stop.clone();
            messages.pumps.spawn(pump.run(place, stop));
        }
        messages.pumps.close();
        Ok(messages)
    }

    /// For listeners.
    pub fn hub(&self) -> Hub {
        self.hub.clone()
    }

    /// Counters.
    pub fn tally(&self) -> Tally {
        self.tally.clone()
    }

    /// Stops, after receivers that are there have had so long for the last messages.
    pub async fn stop(&self, grace: Duration) {
        let end = self.feed.end();
        let all_done = || self.tally.all().iter().all(|(_, it)| it.is_done(end));
        let until = tokio::time::Instant::now() + grace;
        while !all_done() && tokio::time::Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.hub.close();
        self.stop.cancel();
        self.pumps.wait().await;
    }
}

type Named = (String, Box<dyn Sink>);

fn sinks(config: &MessagesConfig) -> Result<Vec<Named>, String> {
    let mut sinks: Vec<Named> = Vec::new();
    if !config.brokers.is_empty() {
        let password = match config.username.as_str() {
            "" => None,
            _ => Some(secret("messages.password_file", &config.password_file)?),
        };
        let tls = tls::connector(config)?;
        let sink = StompSink::new(Arc::new(config.clone()), tls, password)?;
        sinks.push((BROKER.to_owned(), Box::new(sink)));
    }
    for webhook in &config.webhooks {
        let name = format!("{WEBHOOK}{}", webhook.name);
        let is_name = |it: u8| it.is_ascii_alphanumeric() || b"-_.".contains(&it);
        if !(1..=60).contains(&webhook.name.len()) || !webhook.name.bytes().all(is_name) {
            return Err(format!(
                "messages.webhooks: name {:?}: letters, digits, dashes and dots only",
                webhook.name
            ));
        }
        if sinks.iter().any(|it| it.0 == name) {
            return Err(format!(
                "messages.webhooks: name {:?} comes twice",
                webhook.name
            ));
        }
        let key = secret("messages.webhooks: secret_file", &webhook.secret_file)?;
        let sink = WebhookSink::new(webhook.clone(), &key)?;
        sinks.push((name, Box::new(sink)));
    }
    Ok(sinks)
}

/// The first line of a file.
fn secret(key: &str, path: &Path) -> Result<Secret, String> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| format!("{key}: {}: {error}", path.display()))?;
    Ok(Secret::new(text.lines().next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use crate::config::WebhookConfig;

    use super::*;

    fn refusal(config: &MessagesConfig) -> String {
        match sinks(config) {
            Ok(_) => panic!("it was taken"),
            Err(text) => text,
        }
    }

    #[test]
    fn mistakes_are_named() {
        let mut config = MessagesConfig {
            brokers: vec!["broker".into()],
            ..MessagesConfig::default()
        };
        assert!(
            refusal(&config).contains("messages.brokers"),
            "{}",
            refusal(&config)
        );
        config.brokers = vec!["broker:61613".into()];
        assert_eq!(sinks(&config).map(|it| it.len()).unwrap_or(0), 1);
        config.tls = true;
        assert!(refusal(&config).contains("messages.ca_file"));
        config.tls = false;
        config.username = "u".into();
        assert!(refusal(&config).contains("messages.password_file"));
        config.username = String::new();
        config.webhooks = vec![WebhookConfig {
            name: "a/b".into(),
            ..WebhookConfig::default()
        }];
        assert!(refusal(&config).contains("a/b"));
    }
}
