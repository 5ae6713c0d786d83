//! Service accounts of Google: they sign their tokens themselves, and object_store does that for
//! them. No address that stands in their JSON is ever asked.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use causeway_sdk::{Algorithm, Result, Secret};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder};
use object_store::{ClientOptions, CredentialProvider};
use parking_lot::Mutex;

use crate::login::{Login, refused};

/// Most service accounts whose tokens are kept.
const MAX_ACCOUNTS: usize = 256;

type Provider = Arc<dyn CredentialProvider<Credential = GcpCredential>>;

/// Service accounts in use, each with its tokens, which object_store renews in time.
#[derive(Default)]
pub(crate) struct Accounts(Mutex<HashMap<String, Provider>>);

impl Accounts {
    /// A token of a service account; others stay as they are.
    pub(crate) async fn settle(&self, login: Login) -> Result<Login> {
        let Login::Account(json) = login else {
            return Ok(login);
        };
        let provider = self.provider(&json)?;
        let token = provider.get_credential().await;
        // The text of a failure may show what was signed.
        let token = token.map_err(|_| refused("no token can be made from the service account"))?;
        match token.bearer.as_str() {
            "" => Ok(Login::Nobody),
            text => Login::bearer(&Secret::new(text)),
        }
    }

    fn provider(&self, json: &Secret) -> Result<Provider> {
        let mut hasher = Algorithm::Sha256.hasher();
        hasher.update(json.expose().as_bytes());
        let name = hasher.finish().hex;
        let mut known = self.0.lock();
        if let Some(provider) = known.get(&name) {
            return Ok(Arc::clone(provider));
        }
        let store = GoogleCloudStorageBuilder::new()
            .with_bucket_name("any")
            .with_service_account_key(json.expose())
            .with_http_connector(Unconnected)
            .build()
            .map_err(|_| refused("the service account's key cannot be used"))?;
        let provider = Arc::clone(store.credentials());
        if known.len() >= MAX_ACCOUNTS {
            known.clear();
        }
        known.insert(name, Arc::clone(&provider));
        Ok(provider)
    }
}

/// Tokens and URLs are signed here: nothing is sent.
#[derive(Debug)]
pub(crate) struct Unconnected;

impl HttpConnector for Unconnected {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Self))
    }
}

#[async_trait]
impl HttpService for Unconnected {
    async fn call(&self, _request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let source = std::io::Error::from(std::io::ErrorKind::NotConnected);
        Err(HttpError::new(HttpErrorKind::Connect, source))
    }
}
