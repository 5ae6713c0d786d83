//! Questions to issuers of tokens: short, limited in time and size, and never redirected.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use causeway_identity::token::{Http, HttpTrouble, MAX_BODY};
use causeway_sdk::Secret;
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response};
use rustls::ClientConfig;

use crate::client::trusted;

/// Asks issuers. Trusts the CAs of the system and those of the grid.
pub(super) struct IssuerClient(reqwest::Client);

impl IssuerClient {
    /// A client whose questions take no longer than this.
    pub(super) fn new(ca_dir: &Path, timeout: Duration) -> anyhow::Result<Self> {
        let mut roots = trusted(ca_dir);
        // A system without CAs is one; the grid's may do, and the handshake says so if not.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .context("prepare TLS towards token issuers")?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("causeway/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .timeout(timeout)
            .build()
            .context("prepare the client towards token issuers")?;
        Ok(Self(client))
    }
}

/// Sends a request and reads the answer, as far as it may be read.
async fn exchange(request: RequestBuilder) -> Result<(u16, Vec<u8>), HttpTrouble> {
    let mut response = request.send().await.map_err(|error| trouble(&error))?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = next(&mut response).await? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(HttpTrouble("the answer is too large".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((status, body))
}

async fn next(response: &mut Response) -> Result<Option<bytes::Bytes>, HttpTrouble> {
    response.chunk().await.map_err(|error| trouble(&error))
}

/// The innermost cause: the others repeat the URL.
fn trouble(error: &reqwest::Error) -> HttpTrouble {
    if error.is_timeout() {
        return HttpTrouble("it takes too long".to_owned());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    HttpTrouble(causeway_sdk::secret::mask(&cause.to_string()))
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
