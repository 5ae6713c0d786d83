//! Messages to a URL that the operator configured.
//!
//! A request carries one or more events in order. It is signed, so that the receiver can tell that
//! it comes from here and was not held back: HMAC-SHA256 over the time, a dot, and the body. Any
//! status of success means that all of them were taken; anything else, and they come again.

use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::hmac;
use causeway_sdk::Secret;

use crate::config::WebhookConfig;
use crate::message::{Kind, Message};
use crate::pump::{Refusal, Sink};
use crate::tls;

/// Header with the signature.
const SIGNATURE: &str = "x-causeway-signature";
/// Header with the second at which it was made.
const TIMESTAMP: &str = "x-causeway-timestamp";

/// Posts messages to a URL.
pub struct WebhookSink {
    config: WebhookConfig,
    key: hmac::Key,
    client: reqwest::Client,
}

impl WebhookSink {
    /// One for a configured URL.
    ///
    /// # Errors
    /// A configuration that cannot work, with the key that is wrong.
    pub fn new(config: WebhookConfig, secret: &Secret) -> Result<Self, String> {
        let wrong = |what: String| format!("messages.webhooks: {}: {what}", config.name);
        if secret.is_empty() {
            return Err(wrong("secret_file has no secret in it".to_owned()));
        }
        reqwest::Url::parse(&config.url).map_err(|error| wrong(format!("url: {error}")))?;
        let tls = tls::for_webhook(&config.ca_file).map_err(&wrong)?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .timeout(Duration::from_secs(config.timeout_seconds.max(1)))
            // Only where the operator said, and nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        let client = client.build().map_err(|error| wrong(error.to_string()))?;
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes()),
            client,
            config,
        })
    }

    async fn post(&self, messages: &[Message]) -> Result<(), Refusal> {
        let body = envelope(messages);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = now.map_or(0, |it| it.as_secs()).to_string();
        let request = self
            .client
            .post(&self.config.url)
            .header("content-type", "application/json")
            .header(SIGNATURE, signature(&self.key, &now, &body))
            .header(TIMESTAMP, now)
            .body(body);
        // The URL may have a secret in it; the operator knows it by its name.
        let sent = request.send().await;
        let answer = sent.map_err(|error| Refusal(error.without_url().to_string()))?;
        match answer.status().is_success() {
            true => Ok(()),
            false => Err(Refusal(format!("it answered {}", answer.status()))),
        }
    }
}

#[async_trait]
impl Sink for WebhookSink {
    fn wants(&self, kind: Kind) -> bool {
        self.config.kinds.contains(&kind)
    }

    fn wants_message(&self, message: &Message) -> bool {
        let vos = &self.config.vos;
        vos.is_empty() || message.vo().is_some_and(|vo| vos.iter().any(|it| it == vo))
    }

    async fn deliver(&mut self, messages: &[Message]) -> (usize, Result<(), Refusal>) {
        let mut taken = 0;
        for batch in messages.chunks(self.config.batch.max(1)) {
            if let Err(refusal) = self.post(batch).await {
                return (taken, Err(refusal));
            }
            taken += batch.len();
        }
        (taken, Ok(()))
    }
}

/// `{"events":[{"id":...,"type":...,"data":{...}}]}`. Bodies are JSON already.
fn envelope(messages: &[Message]) -> String {
    let mut text = String::from("{\"events\":[");
    for (number, message) in messages.iter().enumerate() {
        if number > 0 {
            text.push(',');
        }
        text.push_str(&format!(
            "{{\"id\":\"{}\",\"type\":\"{}\",\"data\":{}}}",
            message.after,
            message.kind.name(),
            message.body
        ));
    }
    text.push_str("]}");
    text
}

fn signature(key: &hmac::Key, time: &str, body: &str) -> String {
    let mut context = hmac::Context::with_key(key);
    context.update(time.as_bytes());
    context.update(b".");
    context.update(body.as_bytes());
    format!("sha256={}", hex::encode(context.sign()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_named() {
        let mut config = WebhookConfig {
            name: "catalogue".into(),
            url: "https://catalogue.example/hook?token=hidden".into(),
            ..WebhookConfig::default()
        };
        let made =
            |config: &WebhookConfig, key| WebhookSink::new(config.clone(), &Secret::new(key));
        assert!(made(&config, "key").is_ok());
        assert!(made(&config, "").err().unwrap().contains("secret_file"));
        config.url = "catalogue".into();
        let text = made(&config, "key").err().unwrap();
        assert!(
            text.starts_with("messages.webhooks: catalogue: url: "),
            "{text}"
        );
    }

    #[test]
    fn the_signature_is_what_others_compute() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"secret");
        // printf '1700000000.{}' | openssl dgst -sha256 -hmac secret
        let expected = "sha256=b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163";
        let found = signature(&key, "1700000000", "{}");
        assert_eq!(found, expected);
        assert_ne!(found, signature(&key, "1700000001", "{}"));
    }
}
