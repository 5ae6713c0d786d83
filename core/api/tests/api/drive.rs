//! A provider of cloud storage behind the service: it gives tokens, wants its user to agree, and
//! knows its own tokens again.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use causeway_model::JsonText;
use causeway_model::clouds::{
    CloudGrant, CloudHolder, CloudProviders, CloudRequestToken, CloudStorage, CloudStorageStore,
    CloudToken, CloudTrouble,
};
use causeway_sdk::Secret;
use serde_json::json;

use crate::support::{NOW, Service};

/// Name of the provider, and the secret of the service there.
pub(crate) const DRIVE: &str = "DRIVE";
pub(crate) const APP_SECRET: &str = "app-secret";

#[derive(Default)]
pub(crate) struct TestDrive(Mutex<Inside>);

#[derive(Default)]
struct Inside {
    given: usize,
    agreed: Vec<String>,
    is_away: bool,
}

fn refused() -> CloudTrouble {
    CloudTrouble::Refused(401)
}

impl TestDrive {
    fn inside(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The user agrees on the provider's page.
    pub(crate) fn agree(&self, token: &str) {
        self.inside().agreed.push(token.to_owned());
    }

    /// It cannot be reached, or can again.
    pub(crate) fn go_away(&self, is_away: bool) {
        self.inside().is_away = is_away;
    }

    fn here(&self, cloud: &CloudStorage) -> Result<(), CloudTrouble> {
        match (self.inside().is_away, cloud.app_secret.expose()) {
            (true, _) => Err(CloudTrouble::Unavailable("it is away".to_owned())),
            (false, APP_SECRET) => Ok(()),
            (false, _) => Err(refused()),
        }
    }

    fn token(&self, kind: &str) -> CloudToken {
        let mut inside = self.inside();
        inside.given += 1;
        token(kind, inside.given)
    }
}

fn token(kind: &str, number: usize) -> CloudToken {
    CloudToken {
        token: Secret::new(format!("{kind}+{number}")),
        secret: Secret::new(format!("hush-{kind}+{number}")),
    }
}

fn is_ours(it: &CloudToken, kind: &str) -> Result<(), CloudTrouble> {
    let fits = it.secret.expose() == format!("hush-{}", it.token.expose());
    match fits && it.token.expose().starts_with(kind) {
        true => Ok(()),
        false => Err(refused()),
    }
}

#[async_trait]
impl CloudProviders for TestDrive {
    async fn request_token(&self, cloud: &CloudStorage) -> Result<CloudToken, CloudTrouble> {
        self.here(cloud)?;
        Ok(self.token("request"))
    }
    async fn access_token(
        &self,
        cloud: &CloudStorage,
        request: &CloudToken,
    ) -> Result<CloudToken, CloudTrouble> {
        self.here(cloud)?;
        is_ours(request, "request")?;
        let agreed = self.inside().agreed.clone();
        match agreed.iter().any(|it| it == request.token.expose()) {
            true => Ok(self.token("access")),
            false => Err(refused()),
        }
    }
    async fn content(
        &self,
        cloud: &CloudStorage,
        access: &CloudToken,
        path: &str,
    ) -> Result<JsonText, CloudTrouble> {
        self.here(cloud)?;
        is_ours(access, "access")?;
        match path {
            "nowhere" => Err(CloudTrouble::NotFound),
            path => Ok(JsonText(json!({"path": path, "contents": []}).to_string())),
        }
    }
    async fn link(
        &self,
        cloud: &CloudStorage,
        access: &CloudToken,
        path: &str,
    ) -> Result<JsonText, CloudTrouble> {
        self.here(cloud)?;
        is_ours(access, "access")?;
        let url = format!("https://direct.example/{path}");
        Ok(JsonText(json!({ "url": url }).to_string()))
    }
}

impl Service {
    /// A provider as an operator writes it, with the right secret or another one.
    pub(crate) async fn configure_drive(&self, app_secret: &str) {
        let row = CloudStorage {
            app_key: "app".into(),
            app_secret: Secret::new(app_secret),
            ..CloudStorage::new(DRIVE)
        };
        self.clouds.put_cloud(&row).await.unwrap();
    }

    /// A provider that somebody has let the service use, and is about to again.
    pub(crate) async fn let_use_drive(&self, dn: &str) {
        self.configure_drive(APP_SECRET).await;
        let (request, access) = (token("request", 0), token("access", 0));
        self.drive.agree(request.token.expose());
        let request = CloudRequestToken {
            storage: DRIVE.into(),
            user_dn: dn.into(),
            token: request.token,
            token_secret: request.secret,
            expires: causeway_model::Timestamp::from_seconds(NOW + 60),
        };
        self.clouds.put_cloud_request(&request).await.unwrap();
        let grant = CloudGrant {
            storage: DRIVE.into(),
            holder: CloudHolder::User(dn.into()),
            access_token: access.token,
            access_token_secret: access.secret,
        };
        self.clouds.put_cloud_grant(&grant).await.unwrap();
    }
}
