//! The way to an OpenTelemetry collector: OTLP as protobuf over HTTP, with the gateway's own client.
//!
//! The exporter works on a thread of its own and knows no runtime; requests run on ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Handle;

/// Longest wait for the collector.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where a collector takes traces.
const PATH: &str = "/v1/traces";

/// An exporter that sends to a collector. Needs a runtime.
///
/// # Errors
/// An endpoint that is no HTTP URL.
pub fn exporter(endpoint: &str, roots: RootCertStore) -> anyhow::Result<SpanExporter> {
    let sender = Sender {
        http: client(roots)?,
        runtime: Handle::current(),
        is_down: Arc::default(),
    };
    SpanExporter::builder()
        .with_http()
        .with_http_client(sender)
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(PATIENCE)
        .with_endpoint(full(endpoint))
        .build()
        .with_context(|| format!("send traces to {endpoint} (metrics.otlp_endpoint)"))
}

/// The endpoint with the usual path, unless it names one.
fn full(endpoint: &str) -> String {
    let endpoint = endpoint.trim_end_matches('/');
    let after = endpoint.split_once("://").map_or(endpoint, |it| it.1);
    match after.contains('/') {
        true => endpoint.to_owned(),
        false => format!("{endpoint}{PATH}"),
    }
}

fn client(roots: RootCertStore) -> anyhow::Result<reqwest::Client> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("prepare TLS for the collector")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .context("prepare the client for the collector")
}

/// Sends with the gateway's client.
#[derive(Clone, Debug)]
struct Sender {
    http: reqwest::Client,
    runtime: Handle,
    /// It did not take the last batch; said once, not for every batch.
    is_down: Arc<AtomicBool>,
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let sending = self.runtime.spawn(send(self.http.clone(), request));
        let answer = sending.await.map_err(HttpError::from).and_then(|it| it);
        let trouble = match &answer {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(response.status().to_string()),
            Err(error) => Some(error.to_string()),
        };
        let was_down = self.is_down.swap(trouble.is_some(), Ordering::Relaxed);
        match trouble {
            Some(trouble) if !was_down => {
                tracing::warn!("traces are lost, the collector does not take them: {trouble}");
            }
            None if was_down => tracing::info!("the collector takes traces again"),
            _ => {}
        }
        answer
    }
}

async fn send(
    client: reqwest::Client,
    request: http::Request<Bytes>,
) -> Result<http::Response<Bytes>, HttpError> {
    let (parts, body) = request.into_parts();
    let url = parts.uri.to_string();
    let request = client.request(parts.method, url).headers(parts.headers);
    let response = request.body(body).send().await?;
    let mut answer = http::Response::new(Bytes::new());
    *answer.status_mut() = response.status();
    *answer.headers_mut() = response.headers().clone();
    *answer.body_mut() = response.bytes().await?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_path_is_added() {
        assert_eq!(
            full("http://127.0.0.1:4318"),
            "http://127.0.0.1:4318/v1/traces"
        );
        assert_eq!(full("http://c:4318/"), "http://c:4318/v1/traces");
        assert_eq!(full("https://c/otlp/v1/traces"), "https://c/otlp/v1/traces");
    }
}
