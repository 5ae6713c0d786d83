//! The REST client behind the commands: finds endpoint and credentials as the field expects.
//!
//! Knows the FTS3-compatible surface; knows nothing of the server in this crate.

mod credentials;
mod delegate;

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use reqwest::Method;
use serde_json::Value;

use crate::cli::args::RemoteArgs;

pub use credentials::{Credentials, client_tls, trusted};
pub use delegate::{Delegated, delegate};

/// A connection to a gateway.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    endpoint: String,
    /// With what we present ourselves.
    pub credentials: Credentials,
}

/// An answer that is not a success: the gateway's own words.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// Status code.
    pub status: u16,
    /// The gateway's message.
    pub message: String,
}

impl Client {
    /// Finds endpoint and credentials, and prepares a client.
    ///
    /// # Errors
    /// Credentials that cannot be read.
    pub fn new(args: &RemoteArgs) -> anyhow::Result<Self> {
        let env = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
        let endpoint = args
            .endpoint
            .clone()
            .or_else(|| env("CAUSEWAY_ENDPOINT"))
            .or_else(|| env("FTS_ENDPOINT"))
            .unwrap_or_else(|| "https://localhost:8446".to_owned());
        let credentials = Credentials::find(args)?;
        let tls = client_tls(&credentials)?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("causeway/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(30))
            .timeout(Duration::from_secs(120))
            .build()
            .context("prepare the HTTP client")?;
        Ok(Self {
            http,
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            credentials,
        })
    }

    /// A request with a JSON answer.
    ///
    /// # Errors
    /// [`Refused`] for an answer that is not a success; otherwise why no answer came.
    pub async fn json(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        let text = self.send(request).await?;
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).context("understand the gateway's answer")
    }

    /// A request with a text answer.
    ///
    /// # Errors
    /// As [`Client::json`].
    pub async fn text(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> anyhow::Result<String> {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/x-pem-file")
                .body(body);
        }
        self.send(request).await
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self
            .http
            .request(method, format!("{}{path}", self.endpoint))
            .header("accept", "application/json");
        match self.credentials.bearer() {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> anyhow::Result<String> {
        let response = request
            .send()
            .await
            .map_err(|source| unreachable(&self.endpoint, &source))?;
        let status = response.status();
        let text = response.text().await.context("read the gateway's answer")?;
        if status.is_success() {
            return Ok(text);
        }
        let message = serde_json::from_str::<Value>(&text)
            .ok()
            .and_then(|body| body.get("message")?.as_str().map(str::to_owned))
            .unwrap_or_else(|| format!("the gateway answered {status}"));
        Err(Refused {
            status: status.as_u16(),
            message,
        }
        .into())
    }
}

fn unreachable(endpoint: &str, source: &reqwest::Error) -> anyhow::Error {
    let mut text = format!("reach {endpoint}");
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(source);
    let mut last = source.to_string();
    while let Some(error) = cause {
        last = error.to_string();
        cause = error.source();
    }
    text.push_str(": ");
    text.push_str(&last);
    anyhow!(text)
}
