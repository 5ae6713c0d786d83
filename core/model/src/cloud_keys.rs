//! With which keys a storage is approached for a user: which of the providers that operators wrote
//! down is meant by a URL, and what of a grant its plugin understands.
//!
//! Nothing here knows a protocol. The name of a provider begins with a scheme or with the name of a
//! plugin; kinds of credentials are told apart by what the plugin says of itself.

use causeway_sdk::capability::CredentialKind;
use causeway_sdk::{Capabilities, Credential, Secret, Url};

use crate::Timestamp;
use crate::clouds::{CloudGrant, CloudStorageStore};
use crate::ports::StoreError;

/// Whether keys come into question: a plugin that takes certificates is given those.
pub fn knows_by_keys(abilities: &Capabilities) -> bool {
    let takes = |kind| abilities.credentials.contains(&kind);
    !takes(CredentialKind::X509) && (takes(CredentialKind::Keys) || takes(CredentialKind::Bearer))
}

/// Who wants to go where, when.
#[derive(Clone, Copy, Debug)]
pub struct Errand<'a> {
    /// A URL of the storage.
    pub at: &'a Url,
    /// What its plugin says of itself.
    pub abilities: &'a Capabilities,
    /// The user.
    pub user_dn: &'a str,
    /// The VO for which they act.
    pub vo_name: &'a str,
    /// Now.
    pub now: Timestamp,
}

impl Errand<'_> {
    /// Names under which an operator may have written the provider down, the closest first:
    /// `SCHEME:HOST`, the same without the first label of the host (which may be a bucket), `SCHEME`,
    /// then all of that with the name of the plugin. Capitals make no difference.
    fn names(&self) -> Vec<String> {
        let host = self.at.host();
        let parent = host.split_once('.').map(|(_, rest)| rest);
        let mut names = Vec::new();
        for prefix in [self.at.scheme(), &self.abilities.name] {
            let hosts = [Some(host), parent].into_iter().flatten();
            let hosts = hosts.filter(|it| !it.is_empty());
            names.extend(hosts.map(|host| format!("{prefix}:{host}")));
            names.push(prefix.to_owned());
        }
        names
    }

    /// The keys, if somebody gave the user or the VO any.
    ///
    /// # Errors
    /// The rows cannot be read.
    pub async fn keys(
        &self,
        rows: &(impl CloudStorageStore + ?Sized),
    ) -> Result<Option<Credential>, StoreError> {
        if !knows_by_keys(self.abilities) {
            return Ok(None);
        }
        let known = rows.clouds().await?;
        for name in self.names() {
            let is_meant = |it: &&str| it.eq_ignore_ascii_case(&name);
            let Some(cloud) = known.iter().map(|it| it.name.as_str()).find(is_meant) else {
                continue;
            };
            let grant = rows.cloud_grant_for(cloud, self.user_dn, self.vo_name);
            if let Some(grant) = grant.await? {
                let request = rows.cloud_request(cloud, self.user_dn).await?;
                let request = request.filter(|it| it.expires > self.now);
                return Ok(self.understood(grant, request.map(|it| it.token)));
            }
        }
        Ok(None)
    }

    /// What the plugin understands of a grant: a pair where there is a secret, else a token. A token
    /// that waits beside a pair is the session's.
    fn understood(&self, grant: CloudGrant, session: Option<Secret>) -> Option<Credential> {
        let takes = |kind| self.abilities.credentials.contains(&kind);
        if !grant.access_token_secret.is_empty() && takes(CredentialKind::Keys) {
            return Some(Credential::Keys {
                access: grant.access_token.expose().to_owned(),
                secret: grant.access_token_secret,
                token: session.filter(|it| !it.is_empty()),
                region: None,
            });
        }
        let usable = !grant.access_token.is_empty() && takes(CredentialKind::Bearer);
        usable.then_some(Credential::Bearer(grant.access_token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clouds::CloudHolder;

    fn abilities(name: &str, credentials: &[CredentialKind]) -> Capabilities {
        Capabilities {
            name: name.to_owned(),
            credentials: credentials.to_vec(),
            ..Capabilities::default()
        }
    }

    fn errand<'a>(at: &'a Url, abilities: &'a Capabilities) -> Errand<'a> {
        Errand {
            at,
            abilities,
            user_dn: "/CN=me",
            vo_name: "vo",
            now: Timestamp(0),
        }
    }

    fn grant(access: &str, secret: &str) -> CloudGrant {
        CloudGrant {
            storage: "X".to_owned(),
            holder: CloudHolder::Vo("vo".to_owned()),
            access_token: Secret::new(access),
            access_token_secret: Secret::new(secret),
        }
    }

    #[test]
    fn names_from_the_closest_to_the_widest() {
        let abilities = abilities("mock", &[CredentialKind::Keys]);
        let names = |url: &str| errand(&url.parse().unwrap(), &abilities).names();
        assert_eq!(
            names("mocks://bucket.host.example:1/x"),
            [
                "mocks:bucket.host.example",
                "mocks:host.example",
                "mocks",
                "mock:bucket.host.example",
                "mock:host.example",
                "mock",
            ]
        );
        assert_eq!(names("other://h/x"), ["other:h", "other", "mock:h", "mock"]);
    }

    #[test]
    fn a_grant_becomes_what_the_plugin_understands() {
        use CredentialKind::{Bearer, Keys, None, X509};
        let at: Url = "mock://h/x".parse().unwrap();
        let understood = |kinds: &[CredentialKind], access, secret| {
            let abilities = abilities("mock", kinds);
            let session = Some(Secret::new("session"));
            errand(&at, &abilities).understood(grant(access, secret), session)
        };
        let keys = understood(&[Keys, None], "a", "s");
        assert!(matches!(
            keys,
            Some(Credential::Keys { token: Some(_), .. })
        ));
        assert!(matches!(
            understood(&[Bearer, Keys], "a", "s"),
            Some(Credential::Keys { .. })
        ));
        assert!(matches!(
            understood(&[Keys, Bearer], "a", ""),
            Some(Credential::Bearer(_))
        ));
        assert!(matches!(
            understood(&[Bearer], "a", "s"),
            Some(Credential::Bearer(_))
        ));
        assert!(understood(&[Keys], "a", "").is_none());
        let needs = |kinds: &[CredentialKind]| knows_by_keys(&abilities("mock", kinds));
        assert!(needs(&[Keys]) && needs(&[None, Bearer]));
        assert!(!needs(&[X509, Bearer]) && !needs(&[]) && !needs(&[None]));
    }
}
