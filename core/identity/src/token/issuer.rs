//! An issuer: what the operator says about it, and what it publishes about itself, kept for a while.
//!
//! # Invariants
//! - Two questions to an issuer are at least [`PAUSE`] apart, however many tokens come in.
//! - What it published is used without asking again for the time the operator sets, and when it
//!   does not answer then, for as long again; never longer.

use arc_swap::ArcSwapOption;
use std::sync::Arc;

use causeway_model::Timestamp;
use causeway_sdk::Secret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use url::{Host, Url};

use super::keys::KeySet;
use super::{Http, TokenError};

/// Seconds between two questions to an issuer.
pub(super) const PAUSE: i64 = 10;

/// How this service is known at an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its name there.
    pub id: String,
    /// With what it proves that.
    pub secret: Secret,
}

/// An issuer whose tokens are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its URL, as in its tokens; with or without a slash at the end.
    pub issuer: String,
    /// Lets tokens of transfers be renewed there.
    pub client: Option<Client>,
    /// The VO of all its users, whatever their groups.
    pub vo: Option<String>,
    /// Its tokens allow only what their scopes name.
    pub require_scope: bool,
}

/// Why an issuer cannot be configured so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use the token issuer {issuer:?}: {why}")]
pub struct ProviderError {
    issuer: String,
    why: &'static str,
}

impl Provider {
    /// Checks that its URL is one that can be trusted: encrypted, or on this very machine where
    /// the operator allows that.
    ///
    /// # Errors
    /// Anything else.
    pub fn check(&self, plain_on_loopback: bool) -> Result<(), ProviderError> {
        let error = |why| ProviderError {
            issuer: self.issuer.clone(),
            why,
        };
        if !is_trustworthy(&self.issuer, plain_on_loopback) {
            return Err(error("its URL must begin with https"));
        }
        let url = Url::parse(&self.issuer).map_err(|_| error("it is no URL"))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(error("its URL has a query or a fragment"));
        }
        Ok(())
    }

    pub(super) fn is_named(&self, issuer: &str) -> bool {
        bare(&self.issuer) == bare(issuer)
    }

    /// Host of its URL: the VO of users of whom nothing else is known.
    pub(super) fn host(&self) -> String {
        let url = Url::parse(&self.issuer).ok();
        let host = url.as_ref().and_then(Url::host_str);
        host.unwrap_or(&self.issuer).to_owned()
    }
}

fn bare(issuer: &str) -> &str {
    issuer.strip_suffix('/').unwrap_or(issuer)
}

/// Whether what comes from a URL comes from whom it names.
pub(super) fn is_trustworthy(url: &str, plain_on_loopback: bool) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    if !url.username().is_empty() || url.password().is_some() {
        return false;
    }
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    let is = |prefix| url.as_str().starts_with(prefix);
    is("https://") || (is("http://") && is_here && plain_on_loopback)
}

/// What an issuer published.
pub(super) struct Published {
    pub(super) keys: KeySet,
    pub(super) token_endpoint: Option<String>,
    at: i64,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
    token_endpoint: Option<String>,
}

/// An issuer with what it published last.
pub(super) struct Issuer {
    pub(super) provider: Provider,
    /// Seconds for which that is used without asking again.
    kept: i64,
    plain_on_loopback: bool,
    published: ArcSwapOption<Published>,
    /// When it was asked last. Whoever asks holds this.
    asked: Mutex<Option<i64>>,
}

impl Issuer {
    pub(super) fn new(provider: Provider, kept: i64, plain_on_loopback: bool) -> Self {
        Self {
            provider,
            kept,
            plain_on_loopback,
            published: ArcSwapOption::empty(),
            asked: Mutex::new(None),
        }
    }

    /// Whether nothing is another when it is configured so.
    pub(super) fn is_trusted_as(&self, provider: &Provider, kept: i64, plain: bool) -> bool {
        (&self.provider, self.kept, self.plain_on_loopback) == (provider, kept, plain)
    }

    /// What it published: what is known if that is new and good enough, else what it says now.
    /// What is given may still not be good enough.
    pub(super) async fn published(
        &self,
        http: &dyn Http,
        now: Timestamp,
        is_enough: impl Fn(&Published) -> bool,
    ) -> Result<Arc<Published>, TokenError> {
        let now = now.seconds();
        let known = |limit: i64| {
            let known = self.published.load_full();
            known.filter(|it| now.saturating_sub(it.at) < limit)
        };
        if let Some(known) = known(self.kept).filter(|it| is_enough(it)) {
            return Ok(known);
        }
        let mut asked = self.asked.lock().await;
        // Somebody else may have asked while we waited.
        if let Some(known) = known(self.kept).filter(|it| is_enough(it)) {
            return Ok(known);
        }
        let may_ask = asked.is_none_or(|last| (now - last).abs() >= PAUSE);
        if may_ask {
            *asked = Some(now);
            match self.ask(http, now).await {
                Ok(fresh) => {
                    let fresh = Arc::new(fresh);
                    self.published.store(Some(fresh.clone()));
                    return Ok(fresh);
                }
                Err(why) => tracing::warn!(
                    issuer = %self.provider.issuer, %why, "an issuer of tokens does not answer"
                ),
            }
        }
        known(self.kept.saturating_mul(2)).ok_or(TokenError::KeysUnavailable)
    }

    async fn ask(&self, http: &dyn Http, now: i64) -> Result<Published, String> {
        let base = bare(&self.provider.issuer);
        let url = format!("{base}/.well-known/openid-configuration");
        let discovery: Discovery = json(http, &url).await?;
        if !self.provider.is_named(&discovery.issuer) {
            return Err("it says that it is another issuer".to_owned());
        }
        let trusts = |url: &str| is_trustworthy(url, self.plain_on_loopback);
        if !trusts(&discovery.jwks_uri) {
            return Err("its keys are not at a URL that can be trusted".to_owned());
        }
        let keys = http.get(&discovery.jwks_uri).await;
        let keys = keys.map_err(|error| format!("get its keys: {error}"))?;
        Ok(Published {
            keys: KeySet::parse(&keys).map_err(|why| format!("read its keys: {why}"))?,
            token_endpoint: discovery.token_endpoint.filter(|it| trusts(it)),
            at: now,
        })
    }
}

async fn json<T: DeserializeOwned>(http: &dyn Http, url: &str) -> Result<T, String> {
    let bytes = http.get(url).await;
    let bytes = bytes.map_err(|error| format!("get its description: {error}"))?;
    serde_json::from_slice(&bytes).map_err(|_| "its description cannot be read".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(issuer: &str) -> Provider {
        Provider {
            issuer: issuer.to_owned(),
            client: None,
            vo: None,
            require_scope: false,
        }
    }

    #[test]
    fn a_slash_at_the_end_makes_no_other_issuer() {
        let it = provider("https://iam.example/atlas/");
        assert!(it.is_named("https://iam.example/atlas"));
        assert!(it.is_named("https://iam.example/atlas/"));
        for other in [
            "https://iam.example/atlas//",
            "https://iam.example/",
            "https://iam.example",
        ] {
            assert!(!it.is_named(other), "{other}");
        }
        assert_eq!(it.host(), "iam.example");
    }

    #[test]
    fn only_urls_that_can_be_trusted() {
        let ok = |url, plain| provider(url).check(plain).is_ok();
        assert!(ok("https://iam.example/", false));
        for plain in [
            "http://127.0.0.1:8080/",
            "http://localhost/x",
            "http://[::1]:1/",
        ] {
            assert!(ok(plain, true) && !ok(plain, false), "{plain}");
        }
        for bad in [
            "http://iam.example/",
            "http://127.0.0.1.evil.example/",
            "http://localhost@evil.example/",
            "https://user:secret@iam.example/",
            "https://iam.example/?a=b",
            "https://iam.example/#a",
            "ftp://iam.example/",
            "iam.example",
            "",
        ] {
            assert!(!ok(bad, true), "{bad}");
        }
    }
}
