//! Section `messages` of the configuration. Names follow those that operators of the field know
//! from their broker's settings.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Kind;

/// Who is told what happens. Nobody by default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MessagesConfig {
    /// STOMP brokers, `host:port`; the first that answers is used. None: no broker.
    pub brokers: Vec<String>,
    /// The `host` that the broker is asked for; empty for the name in `brokers`.
    pub virtual_host: String,
    /// User at the broker; empty for none.
    pub username: String,
    /// File with that user's password.
    pub password_file: PathBuf,
    /// Encrypt.
    pub tls: bool,
    /// Certificates (PEM) that may vouch for brokers; needed with `tls`.
    pub ca_file: PathBuf,
    /// Certificate (PEM) to show to the broker; empty for none.
    pub certificate_file: PathBuf,
    /// Its key.
    pub key_file: PathBuf,
    /// Send to topics; otherwise to queues.
    pub topic: bool,
    /// Destination of messages about attempts that run; empty for none.
    pub start: String,
    /// Destination of messages about attempts that are over; empty for none.
    pub complete: String,
    /// Destination of messages about transfers in another state; empty for none.
    pub state: String,
    /// Destination of messages about decisions of the optimizer; empty for none.
    pub optimizer: String,
    /// The broker may throw a message away after so long; 0 for never.
    pub ttl_seconds: u64,
    /// Time between two signs of life on the connection; 0 for none.
    pub heartbeat_seconds: u64,
    /// Time for connecting, and for the broker's receipt.
    pub timeout_seconds: u64,
    /// Longest pause between two tries.
    pub reconnect_max_seconds: u64,
    /// Messages on their way without a receipt.
    pub window: usize,
    /// Put the character EOT behind every body, as old consumers expect.
    pub end_of_text: bool,
    /// URL of this service as its users write it, in messages and in links; empty: from the host
    /// name.
    pub endpoint: String,
    /// Events that nobody took for so long are dropped.
    pub max_age_seconds: u64,
    /// Journal that is kept for receivers that are away; the oldest gives way.
    pub max_held_bytes: u64,
    /// Events that are kept in memory for listeners at the REST surface.
    pub events_kept: usize,
    /// Listeners at the REST surface at the same time.
    pub events_max_clients: usize,
    /// URLs that are told, too.
    pub webhooks: Vec<WebhookConfig>,
}

impl Default for MessagesConfig {
    fn default() -> Self {
        Self {
            brokers: Vec::new(),
            virtual_host: String::new(),
            username: String::new(),
            password_file: PathBuf::new(),
            tls: false,
            ca_file: PathBuf::new(),
            certificate_file: PathBuf::new(),
            key_file: PathBuf::new(),
            topic: true,
            start: "transfer.fts_monitoring_start".to_owned(),
            complete: "transfer.fts_monitoring_complete".to_owned(),
            state: "transfer.fts_monitoring_state".to_owned(),
            optimizer: "transfer.fts_monitoring_queue_state".to_owned(),
            ttl_seconds: 86_400,
            heartbeat_seconds: 30,
            timeout_seconds: 30,
            reconnect_max_seconds: 60,
            window: 256,
            end_of_text: false,
            endpoint: String::new(),
            max_age_seconds: 604_800,
            max_held_bytes: 4 << 30,
            events_kept: 8192,
            events_max_clients: 256,
            webhooks: Vec::new(),
        }
    }
}

impl MessagesConfig {
    /// Where messages of a kind go; `None` when they are not sent.
    pub fn destination(&self, kind: Kind) -> Option<String> {
        let name = match kind {
            Kind::Start => &self.start,
            Kind::Complete => &self.complete,
            Kind::State => &self.state,
            Kind::Optimizer => &self.optimizer,
            Kind::Job => return None,
        };
        let prefix = if self.topic { "/topic/" } else { "/queue/" };
        match name.as_str() {
            "" => None,
            // Written out, for brokers with other customs.
            name if name.starts_with('/') => Some(name.to_owned()),
            name => Some(format!("{prefix}{name}")),
        }
    }
}

/// A URL that is told what happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookConfig {
    /// Names it in metrics and logs, and remembers how far it is.
    pub name: String,
    /// Where to.
    pub url: String,
    /// File with the key of the signatures.
    pub secret_file: PathBuf,
    /// Certificates (PEM) that may vouch for it, beside those of the system; empty for none.
    pub ca_file: PathBuf,
    /// What it is told; all kinds by default.
    pub kinds: Vec<Kind>,
    /// Of which VOs; empty for all.
    pub vos: Vec<String>,
    /// Events in one request at most.
    pub batch: usize,
    /// Time for one request.
    pub timeout_seconds: u64,
}

impl Default for WebhookConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            url: String::new(),
            secret_file: PathBuf::new(),
            ca_file: PathBuf::new(),
            kinds: Kind::ALL.to_vec(),
            vos: Vec::new(),
            batch: 100,
            timeout_seconds: 30,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_topics_unless_told_otherwise() {
        let mut config = MessagesConfig::default();
        let complete = |it: &MessagesConfig| it.destination(Kind::Complete);
        let topic = "/topic/transfer.fts_monitoring_complete";
        assert_eq!(complete(&config).as_deref(), Some(topic));
        config.topic = false;
        let queue = "/queue/transfer.fts_monitoring_complete";
        assert_eq!(complete(&config).as_deref(), Some(queue));
        config.complete = "/exchange/x".to_owned();
        assert_eq!(complete(&config).as_deref(), Some("/exchange/x"));
        config.complete = String::new();
        assert_eq!(complete(&config), None);
        assert_eq!(config.destination(Kind::Job), None);
    }
}
