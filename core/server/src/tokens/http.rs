//! Questions to issuers of tokens: short, limited in time and size, and never redirected.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use causeway_identity::token::{Http, HttpTrouble, MAX_BODY};
use causeway_sdk::Secret;
use reqwest::RequestBuilder;

use crate::outbound;

/// Asks issuers. Trusts the CAs of the system and those of the grid.
pub(super) struct IssuerClient(reqwest::Client);

impl IssuerClient {
    /// A client whose questions take no longer than this.
    pub(super) fn new(ca_dir: &Path, timeout: Duration) -> anyhow::Result<Self> {
        let client = outbound::client(ca_dir, timeout)?.build();
        Ok(Self(
            client.context("prepare the client towards token issuers")?,
        ))
    }
}

async fn exchange(request: RequestBuilder) -> Result<(u16, Vec<u8>), HttpTrouble> {
    let answer = outbound::exchange(request, MAX_BODY).await;
    answer.map_err(HttpTrouble)
}

#[async_trait]
impl Http for IssuerClient {
    async fn get(&self, url: &str) -> Result<Vec<u8>, HttpTrouble> {
        let request = self.0.get(url).header("accept", "application/json");
        match exchange(request).await? {
            (200, body) => Ok(body),
            (status, _) => Err(HttpTrouble(format!("status {status}"))),
        }
    }

    async fn post_form(
        &self,
        url: &str,
        form: &[(&str, &str)],
        (id, secret): (&str, &Secret),
    ) -> Result<(u16, Vec<u8>), HttpTrouble> {
        let request = self.0.post(url).header("accept", "application/json");
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .basic_auth(id, Some(secret.expose()))
            .body(body);
        exchange(request).await
    }
}

#[cfg(test)]
mod tests;
