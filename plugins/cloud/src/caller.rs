//! Who asks for what, and where the service is: one call.

use std::sync::Arc;

use causeway_sdk::{Credential, Result, Secret, Url as Surl};

use crate::login::Login;
use crate::place::{Place, Service};
use crate::storage::Inner;

pub(crate) const GOOGLE: &str = "https://storage.googleapis.com";
const DROPBOX: &str = "https://api.dropboxapi.com";
const DROPBOX_CONTENT: &str = "https://content.dropboxapi.com";
const DRIVE: &str = "https://www.googleapis.com";

/// One who asks for a place. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) inner: Arc<Inner>,
    pub(crate) login: Login,
    /// The service account behind the login, if it is one.
    pub(crate) account: Option<Secret>,
    pub(crate) place: Place,
}

impl Caller {
    /// The caller of a call: with the credential that came with it, else with the environment's.
    pub(crate) async fn new(inner: &Arc<Inner>, given: &Credential, at: &Surl) -> Result<Self> {
        let place = Place::of(at)?;
        let own = match place.service {
            Service::Azure => Login::azure(given)?,
            Service::Gcs => Login::google(given)?,
            Service::Dropbox | Service::Drive => Login::drive(given)?,
        };
        let login = if own.is_somebody() {
            own
        } else {
            from_environment(inner, &place)
        };
        let account = match &login {
            Login::Account(json) => Some(json.clone()),
            _ => None,
        };
        Ok(Self {
            inner: Arc::clone(inner),
            account,
            login: inner.accounts.settle(login).await?,
            place,
        })
    }

    /// The same caller for another name in the same container.
    pub(crate) fn at(&self, key: impl Into<String>) -> Self {
        self.to(self.place.with_key(key))
    }

    /// The same caller for another place of the same service.
    pub(crate) fn to(&self, place: Place) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            login: self.login.clone(),
            account: self.account.clone(),
            place,
        }
    }

    /// Where the service is, without a slash at the end.
    pub(crate) fn base(&self) -> String {
        let (config, environment) = (&self.inner.config, &self.inner.environment);
        let or = |set: &Option<String>, usual: &str| set.clone().unwrap_or_else(|| usual.into());
        match self.place.service {
            Service::Azure => {
                let set = config.azure.endpoint.as_ref();
                azure(
                    set.or(environment.azure_endpoint.as_ref()),
                    &self.place.account,
                )
            }
            Service::Gcs => {
                let set = config.gs.endpoint.as_ref();
                or(
                    &set.or(environment.google_endpoint.as_ref()).cloned(),
                    GOOGLE,
                )
            }
            Service::Dropbox => or(&config.dropbox.endpoint, DROPBOX),
            Service::Drive => or(&config.gdrive.endpoint, DRIVE),
        }
    }

    /// Where content of Dropbox goes.
    pub(crate) fn content_base(&self) -> String {
        let options = &self.inner.config.dropbox;
        let set = options
            .content_endpoint
            .as_ref()
            .or(options.endpoint.as_ref());
        set.cloned().unwrap_or_else(|| DROPBOX_CONTENT.to_owned())
    }
}

fn azure(endpoint: Option<&String>, account: &str) -> String {
    match endpoint {
        None => format!("https://{account}.blob.core.windows.net"),
        Some(set) if set.contains("{account}") => set.replace("{account}", account),
        Some(set) => format!("{set}/{account}"),
    }
}

/// The environment's credential goes to the account it is for and to no other.
fn from_environment(inner: &Inner, place: &Place) -> Login {
    let environment = &inner.environment;
    match place.service {
        Service::Azure if environment.azure_account.as_deref() == Some(&place.account) => {
            environment.azure.clone()
        }
        Service::Gcs => environment.google.clone(),
        _ => Login::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_have_hosts_or_are_part_of_the_path() {
        assert_eq!(azure(None, "a"), "https://a.blob.core.windows.net");
        assert_eq!(azure(Some(&"http://h:1".into()), "a"), "http://h:1/a");
        let cloud = "https://{account}.blob.core.chinacloudapi.cn".to_owned();
        assert_eq!(
            azure(Some(&cloud), "a"),
            "https://a.blob.core.chinacloudapi.cn"
        );
    }
}
