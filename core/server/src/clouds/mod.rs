//! Asking providers of cloud storage in the name of users who allowed it, in the manner of OAuth 1
//! (RFC 5849).
//!
//! A provider is a row of the configuration: a URL, and the keys that this service has there. Below
//! the URL the four places are those of the first public interface of such services:
//!
//! | place | what |
//! |---|---|
//! | `POST 1/oauth/request_token` | a token with which a user can agree |
//! | `POST 1/oauth/access_token` | that token, agreed on, for one to go on with |
//! | `GET 1/metadata/auto/{path}?list=true` | a directory |
//! | `POST 1/media/auto/{path}` | a link to a file that anybody may follow for a while |
//!
//! Nothing that a provider says goes into a log or an error: it may repeat what it was sent. It knows
//! no provider by name, and neither users nor what is kept of them.

mod sign;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use causeway_model::JsonText;
use causeway_model::clouds::{CloudProviders, CloudStorage, CloudToken, CloudTrouble};
use causeway_model::ports::Clock;
use causeway_sdk::Secret;
use reqwest::Method;
use url::{Host, Url};

use crate::outbound;
use sign::Signer;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Largest answer: a directory with many files.
const MAX_ANSWER: usize = 16 << 20;
/// Largest answer about a token.
const MAX_TOKEN: usize = 16 << 10;

/// Speaks to all providers that are configured.
pub struct ProviderClient {
    secure: reqwest::Client,
    /// For providers on this very machine, which need no TLS.
    local: reqwest::Client,
    clock: Arc<dyn Clock>,
}

impl ProviderClient {
    /// Trusts the CAs of the system and those of a directory.
    ///
    /// # Errors
    /// TLS cannot be prepared.
    pub fn new(ca_dir: &Path, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let client = |secure| -> anyhow::Result<reqwest::Client> {
            let client = outbound::client(ca_dir, PATIENCE)?.https_only(secure);
            client
                .build()
                .context("prepare the client towards cloud storages")
        };
        Ok(Self {
            secure: client(true)?,
            local: client(false)?,
            clock,
        })
    }

    /// One signed request; gives the body of an answer that is a success.
    async fn ask(
        &self,
        cloud: &CloudStorage,
        token: Option<&CloudToken>,
        (method, url): (Method, Url),
        most: usize,
    ) -> Result<Vec<u8>, CloudTrouble> {
        let signer = Signer {
            key: &cloud.app_key,
            secret: &cloud.app_secret,
            token,
            seconds: self.clock.now().seconds(),
            nonce: &uuid::Uuid::new_v4().simple().to_string(),
        };
        let authorization = signer.header(method.as_str(), &url);
        let client = match is_local(&url) {
            true => &self.local,
            false => &self.secure,
        };
        let request = client.request(method, url);
        let request = request.header("authorization", authorization);
        let (status, body) = outbound::exchange(request, most)
            .await
            .map_err(CloudTrouble::Unavailable)?;
        match status {
            200 => Ok(body),
            400 | 401 | 403 => Err(CloudTrouble::Refused(status)),
            404 => Err(CloudTrouble::NotFound),
            other => Err(unavailable(format!("it answers with status {other}"))),
        }
    }

    async fn token(
        &self,
        cloud: &CloudStorage,
        token: Option<&CloudToken>,
        step: &str,
    ) -> Result<CloudToken, CloudTrouble> {
        let url = place(cloud, &["1", "oauth", step], "")?;
        let body = self.ask(cloud, token, (Method::POST, url), MAX_TOKEN).await;
        // Without its place for tokens it is no such provider.
        let body = body.map_err(|trouble| match trouble {
            CloudTrouble::NotFound => unavailable("it gives no tokens"),
            other => other,
        })?;
        read_token(&body).ok_or_else(|| unavailable("its answer holds no token"))
    }
}

fn unavailable(text: impl Into<String>) -> CloudTrouble {
    CloudTrouble::Unavailable(text.into())
}

/// A place below the URL of a provider, with the names of a path behind it.
fn place(cloud: &CloudStorage, parts: &[&str], path: &str) -> Result<Url, CloudTrouble> {
    let no_url = || unavailable("its service_api_url is no URL");
    let mut url = Url::parse(&cloud.service_api_url).map_err(|_| no_url())?;
    url.set_query(None);
    url.set_fragment(None);
    let names = path.split('/').filter(|it| !it.is_empty());
    url.path_segments_mut()
        .map_err(|()| no_url())?
        .pop_if_empty()
        .extend(parts)
        .extend(names);
    Ok(url)
}

/// Whether a URL leads to this very machine.
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => Ipv4Addr::is_loopback(&address),
        Some(Host::Ipv6(address)) => Ipv6Addr::is_loopback(&address),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn read_token(body: &[u8]) -> Option<CloudToken> {
    let value = |wanted: &str| {
        let mut pairs = url::form_urlencoded::parse(body);
        let found = pairs.find(|(name, value)| name == wanted && !value.is_empty());
        found.map(|(_, value)| Secret::new(value))
    };
    Some(CloudToken {
        token: value("oauth_token")?,
        secret: value("oauth_token_secret")?,
    })
}

fn json(body: Vec<u8>) -> Result<JsonText, CloudTrouble> {
    let no_json = || unavailable("its answer is not JSON");
    serde_json::from_slice::<serde::de::IgnoredAny>(&body).map_err(|_| no_json())?;
    String::from_utf8(body).map(JsonText).map_err(|_| no_json())
}

#[async_trait]
impl CloudProviders for ProviderClient {
    async fn request_token(&self, cloud: &CloudStorage) -> Result<CloudToken, CloudTrouble> {
        self.token(cloud, None, "request_token").await
    }

    async fn access_token(
        &self,
        cloud: &CloudStorage,
        request: &CloudToken,
    ) -> Result<CloudToken, CloudTrouble> {
        self.token(cloud, Some(request), "access_token").await
    }

    async fn content(
        &self,
        cloud: &CloudStorage,
        access: &CloudToken,
        path: &str,
    ) -> Result<JsonText, CloudTrouble> {
        let mut url = place(cloud, &["1", "metadata", "auto"], path)?;
        url.set_query(Some("list=true"));
        let asked = (Method::GET, url);
        json(self.ask(cloud, Some(access), asked, MAX_ANSWER).await?)
    }

    async fn link(
        &self,
        cloud: &CloudStorage,
        access: &CloudToken,
        path: &str,
    ) -> Result<JsonText, CloudTrouble> {
        let asked = (Method::POST, place(cloud, &["1", "media", "auto"], path)?);
        json(self.ask(cloud, Some(access), asked, MAX_ANSWER).await?)
    }
}

#[cfg(test)]
mod tests;
