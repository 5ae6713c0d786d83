//! Requests to services of others: whom they trust, and that every one is limited in time and size
//! and never redirected.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, RequestBuilder, Response};
use rustls::ClientConfig;

use crate::client::trusted;

/// A client whose requests take no longer than this. Trusts the CAs of the system and those of the
/// grid.
pub(crate) fn client(ca_dir: &Path, timeout: Duration) -> anyhow::Result<ClientBuilder> {
    let mut roots = trusted(ca_dir);
    // A system without CAs is one; the grid's may do, and the handshake says so if not.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("prepare TLS towards other services")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("causeway/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .timeout(timeout);
    Ok(client)
}

/// Sends a request and reads the answer, which may have so many bytes.
///
/// # Errors
/// Why there is no answer, without the URL.
pub(crate) async fn exchange(
    request: RequestBuilder,
    most: usize,
) -> Result<(u16, Vec<u8>), String> {
    let mut response = request.send().await.map_err(|error| trouble(&error))?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = next(&mut response).await? {
        if body.len() + chunk.len() > most {
            return Err("the answer is too large".to_owned());
        }
        body.extend_from_slice(&chunk);
    }
    Ok((status, body))
}

async fn next(response: &mut Response) -> Result<Option<bytes::Bytes>, String> {
    response.chunk().await.map_err(|error| trouble(&error))
}

/// The innermost cause: the others repeat the URL.
fn trouble(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it takes too long".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    causeway_sdk::secret::mask(&cause.to_string())
}
