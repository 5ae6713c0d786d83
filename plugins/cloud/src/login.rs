//! With what a request says who asks: signatures of Azure as object_store computes them, and bearer
//! tokens. What service accounts sign is in `accounts`.
//!
//! # Invariants
//! - Secrets are in no message, no log line and no debug output.

use std::fmt;
use std::sync::Arc;

use causeway_sdk::{Credential, Error, ErrorKind, Result, Secret};
use http::{HeaderMap, HeaderValue, Method, header};
use object_store::azure::{AzureAccessKey, AzureAuthorizer, AzureCredential, split_sas};
use object_store::client::{HttpRequest, HttpRequestBody};
use url::Url;

use crate::error::internal;

/// Who asks. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) enum Login {
    /// Nobody in particular.
    #[default]
    Nobody,
    /// A shared access signature of an account of Azure.
    Azure(Arc<AzureCredential>),
    /// The key of an account of Azure: as requests are signed with it, and as it was given.
    AzureKey(Arc<AzureCredential>, Secret),
    /// A token that stands in a header.
    Bearer(Secret),
    /// A service account of Google: its JSON, from which tokens are made.
    Account(Secret),
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "Nobody",
            Self::Azure(_) => "Azure(<redacted>)",
            Self::AzureKey(..) => "AzureKey(<redacted>)",
            Self::Bearer(_) => "Bearer(<redacted>)",
            Self::Account(_) => "Account(<redacted>)",
        })
    }
}

pub(crate) fn refused(why: &str) -> Error {
    Error::new(
        ErrorKind::AuthRequired,
        format!("use the credential: {why}"),
    )
}

impl Login {
    /// What came with a call for Azure: an account key, a shared access signature or a token.
    pub(crate) fn azure(given: &Credential) -> Result<Self> {
        match given {
            Credential::Bearer(text) if is_sas(text.expose()) => Self::sas(text.expose()),
            Credential::Bearer(token) => Self::bearer(token),
            Credential::Keys { access, secret, .. } if secret.is_empty() && is_sas(access) => {
                Self::sas(access)
            }
            Credential::Keys { secret, .. } if is_sas(secret.expose()) => {
                Self::sas(secret.expose())
            }
            Credential::Keys { secret, .. } => Self::key(secret.expose()),
            _ => Ok(Self::Nobody),
        }
    }

    /// The key of an account.
    pub(crate) fn key(text: &str) -> Result<Self> {
        let text = text.trim();
        let key = AzureAccessKey::try_new(text);
        let key = key.map_err(|_| refused("the account key is not in Base64"))?;
        let key = Arc::new(AzureCredential::AccessKey(key));
        Ok(Self::AzureKey(key, Secret::new(text)))
    }

    /// A shared access signature: a query, with or without its question mark.
    pub(crate) fn sas(text: &str) -> Result<Self> {
        let pairs = split_sas(text.trim());
        let pairs = pairs.map_err(|_| refused("the shared access signature is garbled"))?;
        Ok(Self::Azure(Arc::new(AzureCredential::SASToken(pairs))))
    }

    /// What came with a call for Google Cloud Storage: a token, or a service account's JSON.
    pub(crate) fn google(given: &Credential) -> Result<Self> {
        match given {
            Credential::Bearer(text) if is_json(text.expose()) => Self::account(text),
            Credential::Bearer(token) => Self::bearer(token),
            Credential::Keys { secret, .. } if is_json(secret.expose()) => Self::account(secret),
            Credential::Keys { access, secret, .. } if secret.is_empty() => {
                Self::bearer(&Secret::new(access.as_str()))
            }
            Credential::Keys { .. } => Err(refused(
                "HMAC keys are not for this interface; a service account is",
            )),
            _ => Ok(Self::Nobody),
        }
    }

    /// A service account's JSON. Other kinds of JSON name addresses to ask, which is not done.
    pub(crate) fn account(json: &Secret) -> Result<Self> {
        let value: serde_json::Value = serde_json::from_str(json.expose())
            .map_err(|_| refused("the service account's JSON is garbled"))?;
        if value["type"]
            .as_str()
            .is_some_and(|it| it != "service_account")
        {
            return Err(refused("the JSON is not that of a service account"));
        }
        Ok(Self::Account(json.clone()))
    }

    /// What came with a call for a drive: the user's OAuth token, alone or as the first of a pair.
    pub(crate) fn drive(given: &Credential) -> Result<Self> {
        match given {
            Credential::Bearer(token) => Self::bearer(token),
            Credential::Keys { access, .. } => Self::bearer(&Secret::new(access.as_str())),
            _ => Ok(Self::Nobody),
        }
    }

    pub(crate) fn bearer(token: &Secret) -> Result<Self> {
        let token = token.expose().trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refused("the token has characters that tokens cannot have"));
        }
        Ok(Self::Bearer(Secret::new(token)))
    }

    pub(crate) fn is_somebody(&self) -> bool {
        !matches!(self, Self::Nobody)
    }

    /// The key of an account of Azure in Base64, if it is that.
    pub(crate) fn account_key(&self) -> Option<&Secret> {
        match self {
            Self::AzureKey(_, text) => Some(text),
            _ => None,
        }
    }

    /// A text of a service's, without the secret that it was sent.
    pub(crate) fn scrub(&self, text: &str) -> String {
        match self {
            Self::Bearer(token) => text.replace(token.expose(), "<redacted>"),
            Self::Azure(credential) => match &**credential {
                AzureCredential::SASToken(pairs) => {
                    let signature = pairs.iter().find(|(name, _)| name == "sig");
                    let signature = signature.map_or("", |(_, value)| value.as_str());
                    scrub_signature(text, signature)
                }
                _ => text.to_owned(),
            },
            // It signs and is never sent.
            Self::AzureKey(..) | Self::Nobody | Self::Account(_) => text.to_owned(),
        }
    }

    /// The query of a shared access signature, for a URL that the service itself shall fetch.
    pub(crate) fn sas_query(&self, url: &mut Url) {
        if let Self::Azure(credential) = self
            && let AzureCredential::SASToken(pairs) = &**credential
        {
            url.query_pairs_mut().extend_pairs(pairs);
        }
    }

    /// Adds what says who asks.
    pub(crate) fn sign(
        &self,
        account: &str,
        method: &Method,
        url: &mut Url,
        headers: &mut HeaderMap,
    ) -> Result<()> {
        match self {
            Self::Azure(credential) | Self::AzureKey(credential, _) => {
                sign(credential, account, method, url, headers)
            }
            Self::Bearer(token) => {
                let value = HeaderValue::from_str(&format!("Bearer {}", token.expose()));
                let mut value = value.map_err(|_| refused("the token does not fit a header"))?;
                value.set_sensitive(true);
                headers.insert(header::AUTHORIZATION, value);
                Ok(())
            }
            Self::Nobody => Ok(()),
            Self::Account(_) => Err(internal("sign a request", "the account has no token yet")),
        }
    }
}

/// As it is, and as it stands in a URL.
fn scrub_signature(text: &str, signature: &str) -> String {
    if signature.is_empty() {
        return text.to_owned();
    }
    let in_url = crate::place::encode(signature);
    text.replace(signature, "<redacted>")
        .replace(&in_url, "<redacted>")
}

fn is_sas(text: &str) -> bool {
    text.contains("sig=") && text.contains('&')
}

fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

fn sign(
    credential: &AzureCredential,
    account: &str,
    method: &Method,
    url: &mut Url,
    headers: &mut HeaderMap,
) -> Result<()> {
    let failed = |_| internal("sign a request", "its address is no URI");
    let mut request = HttpRequest::new(HttpRequestBody::empty());
    *request.method_mut() = method.clone();
    *request.uri_mut() = url.as_str().parse().map_err(failed)?;
    std::mem::swap(request.headers_mut(), headers);
    AzureAuthorizer::new(credential, account)
        .try_authorize(&mut request)
        .map_err(|source| internal("sign a request", source))?;
    std::mem::swap(request.headers_mut(), headers);
    if let Some(value) = headers.get_mut(header::AUTHORIZATION) {
        value.set_sensitive(true);
    }
    let signed = Url::parse(&request.uri().to_string());
    *url = signed.map_err(|_| internal("sign a request", "its address is no URL"))?;
    Ok(())
}

#[cfg(test)]
#[path = "login_tests.rs"]
mod tests;
