//! Tokens: which issuers are believed, by configuration, and who stands behind a header with a token
//! or a signed certificate.
//!
//! Stands between the configuration and `causeway_identity::token`, and tells the API. The network
//! towards issuers is in `http`. It knows neither routes nor rows.

mod http;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use causeway_api::{Caller, HeaderIdentity, HeaderRefusal, TokenFacts, TokenIssuer};
use causeway_identity::principal::of_member;
use causeway_identity::token::{Client, Provider, Rules, TokenError, TokenVerifier, of_token};
use causeway_model::oauth::OAuthUser;
use causeway_model::{Principal, Timestamp};
use causeway_sdk::Secret;

use crate::callers::LiveCallers;
use crate::config::{AuthConfig, Config, TokenIssuerConfig};

/// What this service is called, by those who write tokens for it, too.
pub struct Names {
    /// Its URL on this machine.
    pub local: String,
    /// Its URL as users write it.
    pub public: String,
    /// Its host.
    pub host: String,
}

/// Who judges tokens of other issuers.
///
/// # Errors
/// An issuer that cannot be used, with a sentence that names it.
pub fn verifier(config: &Config, names: &Names) -> anyhow::Result<Arc<TokenVerifier>> {
    let auth = &config.auth;
    let (providers, rules) = trusted(auth, names)?;
    let timeout = Duration::from_secs(auth.token_timeout_seconds.max(1).into());
    let http = http::IssuerClient::new(&config.tls.ca_dir, timeout)?;
    let verifier = TokenVerifier::new(providers, rules, Arc::new(http));
    Ok(Arc::new(verifier.context("read auth.token_issuers")?))
}

/// Has a verifier trust what the configuration says now.
///
/// # Errors
/// As with [`verifier`]; what was trusted before stays.
pub fn follow(verifier: &TokenVerifier, auth: &AuthConfig, names: &Names) -> anyhow::Result<()> {
    let (providers, rules) = trusted(auth, names)?;
    let followed = verifier.replace(providers, rules);
    followed.context("read auth.token_issuers")
}

fn trusted(auth: &AuthConfig, names: &Names) -> anyhow::Result<(Vec<Provider>, Rules)> {
    let providers = auth.token_issuers.iter().map(provider);
    let rules = Rules {
        audiences: audiences(auth, names),
        leeway_seconds: auth.token_leeway_seconds.into(),
        keys_kept_seconds: auth.token_keys_kept_seconds.into(),
        plain_on_loopback: auth.token_loopback_http,
    };
    Ok((providers.collect::<anyhow::Result<_>>()?, rules))
}

fn provider(config: &TokenIssuerConfig) -> anyhow::Result<Provider> {
    let issuer = &config.issuer;
    let has_file = !config.client_secret_file.as_os_str().is_empty();
    let client = match (config.client_id.as_str(), has_file) {
        ("", false) => None,
        ("", true) => {
            bail!("auth.token_issuers: {issuer} has a client_secret_file and no client_id")
        }
        (_, false) => {
            bail!("auth.token_issuers: {issuer} has a client_id and no client_secret_file")
        }
        (id, true) => Some(Client {
            id: id.to_owned(),
            secret: secret(&config.client_secret_file)?,
        }),
    };
    Ok(Provider {
        issuer: issuer.clone(),
        client,
        vo: Some(config.vo.clone()).filter(|it| !it.is_empty()),
        require_scope: config.require_scope,
    })
}

fn secret(path: &Path) -> anyhow::Result<Secret> {
    let text = std::fs::read_to_string(path);
    let text = Secret::new(text.with_context(|| format!("read {}", path.display()))?);
    match text.expose().trim_end() {
        "" => bail!("{} holds no secret", path.display()),
        secret => Ok(Secret::new(secret)),
    }
}

/// The configured ones, and every way to write this service's own URL.
fn audiences(auth: &AuthConfig, names: &Names) -> Vec<String> {
    let mut all = auth.token_audiences.clone();
    let by_host = names.local.replacen("localhost", &names.host, 1);
    for own in [&names.local, &by_host, &names.public] {
        all.extend([own.clone(), format!("{own}/")]);
    }
    all.push(names.host.clone());
    all
}

/// Says who stands behind a header, by the rules that are in force when it is asked.
pub struct LiveTokens {
    verifier: Arc<TokenVerifier>,
    callers: Arc<LiveCallers>,
}

impl LiveTokens {
    /// Judges with the verifier, and knows people as `callers` does.
    pub fn new(verifier: Arc<TokenVerifier>, callers: Arc<LiveCallers>) -> Self {
        Self { verifier, callers }
    }
}

#[async_trait]
impl HeaderIdentity for LiveTokens {
    async fn holder(&self, token: &str, now: Timestamp) -> Result<Caller, HeaderRefusal> {
        let token = self.verifier.verify(token, now).await;
        let token = token.map_err(|error| match error {
            TokenError::KeysUnavailable => HeaderRefusal::Unavailable(error.to_string()),
            error => HeaderRefusal::Invalid(error.to_string()),
        })?;
        let claims = token.claims();
        let grants = self
            .callers
            .given_to(claims.subject.as_deref().unwrap_or(""));
        Ok(Caller {
            principal: of_token(&token, self.callers.current().rules(), &grants),
            token: Some(TokenFacts {
                scope: claims.scope.clone().unwrap_or_default(),
                wlcg_profile: claims.wlcg,
            }),
            ..Caller::anonymous()
        })
    }

    fn signer(&self, header: &str, now: Timestamp) -> Result<Caller, HeaderRefusal> {
        let signer = self.callers.signer(header, now);
        signer.map_err(|error| HeaderRefusal::Invalid(error.to_string()))
    }

    fn issuer(&self, name: &str) -> Option<TokenIssuer> {
        let provider = self.verifier.provider(name)?;
        Some(TokenIssuer {
            renews: provider.client.is_some(),
        })
    }

    fn user(&self, user: &OAuthUser) -> Principal {
        let grants = self.callers.given_to(&user.user_dn);
        let (dn, fqans) = (user.user_dn.clone(), user.voms_cred.clone());
        of_member(dn, fqans, self.callers.current().rules(), &grants)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(issuer: TokenIssuerConfig) -> Config {
        Config {
            auth: AuthConfig {
                token_issuers: vec![issuer],
                ..AuthConfig::default()
            },
            ..Config::default()
        }
    }

    fn nobody() -> Names {
        Names {
            local: String::new(),
            public: String::new(),
            host: "h".to_owned(),
        }
    }

    fn refused(issuer: TokenIssuerConfig) -> String {
        let error = verifier(&config(issuer), &nobody());
        format!("{:#}", error.expect_err("it is no good"))
    }

    fn issuer(url: &str) -> TokenIssuerConfig {
        TokenIssuerConfig {
            issuer: url.to_owned(),
            ..TokenIssuerConfig::default()
        }
    }

    #[test]
    fn an_issuer_that_cannot_be_trusted_stops_the_start() {
        for url in [
            "",
            "http://iam.example/",
            "http://127.0.0.1:1/",
            "iam.example",
        ] {
            let text = refused(issuer(url));
            assert!(
                text.contains("auth.token_issuers") && text.contains(url),
                "{text}"
            );
        }
        assert!(verifier(&config(issuer("https://iam.example")), &nobody()).is_ok());
    }

    #[test]
    fn a_client_needs_both_of_its_keys() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret");
        let with = |id: &str, file: &Path| TokenIssuerConfig {
            client_id: id.to_owned(),
            client_secret_file: file.to_owned(),
            ..issuer("https://iam.example/")
        };
        assert!(refused(with("us", Path::new(""))).contains("no client_secret_file"));
        assert!(refused(with("", &file)).contains("no client_id"));
        assert!(refused(with("us", &file)).contains("secret"));
        std::fs::write(&file, "\n").unwrap();
        assert!(refused(with("us", &file)).contains("holds no secret"));
        std::fs::write(&file, "hunter2\n").unwrap();
        let made = provider(&with("us", &file)).unwrap();
        assert_eq!(made.client.as_ref().unwrap().secret.expose(), "hunter2");
        assert!(!format!("{made:?}").contains("hunter2"));
        let trusting = verifier(&config(with("us", &file)), &nobody()).unwrap();
        let known = trusting.provider("https://iam.example").unwrap();
        assert!(known.client.is_some());
    }

    #[test]
    fn our_own_name_is_an_audience_however_it_is_written() {
        let names = Names {
            local: "https://localhost:8446".to_owned(),
            public: "https://alias.example".to_owned(),
            host: "fts.example".to_owned(),
        };
        let all = audiences(&AuthConfig::default(), &names);
        for own in [
            "https://wlcg.cern.ch/jwt/v1/any",
            "https://localhost:8446",
            "https://fts.example:8446",
            "https://fts.example:8446/",
            "https://alias.example",
            "fts.example",
        ] {
            assert!(all.iter().any(|it| it == own), "{own} is not in {all:?}");
        }
    }
}
