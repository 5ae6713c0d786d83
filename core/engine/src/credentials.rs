//! With what storages are approached: the proxies users left with us and the tokens that transfers
//! brought, read when an attempt starts and kept for a moment.
//!
//! Storages that know their users by keys are approached with those that an operator or the user has
//! left for them. A user with neither is approached for without a credential, and the storage says
//! what it thinks of that. A transfer that brought a token never falls back to anything else.

use std::collections::HashMap;
use std::sync::Arc;

use causeway_model::cloud_keys::{Errand, knows_by_keys};
use causeway_model::oauth::{TokenId, TokenSource, TokenTrouble};
use causeway_model::ports::CredentialVault;
use causeway_model::{Job, Timestamp};
use causeway_sdk::{Capabilities, Credential, Storages, Url};
use tokio::sync::mpsc;

use crate::dispatcher::Notice;
use crate::messages::AttemptId;
use crate::site::Directory;

/// How long a credential is used before it is asked for again, so that a renewed one is seen.
const KEPT_MILLIS: i64 = 30_000;
/// The same for the answer that there is none.
const ABSENCE_KEPT_MILLIS: i64 = 1_000;

/// Whose credential: delegation id and DN, and the VO for which its owner acts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    pub(crate) cred_id: Arc<str>,
    pub(crate) user_dn: Arc<str>,
    pub(crate) vo_name: Arc<str>,
}

impl Owner {
    /// Who submitted a job.
    pub(crate) fn of(job: &Job) -> Self {
        Self {
            cred_id: Arc::clone(&job.cred_id),
            user_dn: Arc::clone(&job.user_dn),
            vo_name: Arc::clone(&job.vo_name),
        }
    }
}

/// Where the credential for one side of a transfer comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    Owner(Owner),
    /// Somebody's keys at a storage that knows its users by keys.
    Customer(Owner, Arc<str>),
    Token(TokenId),
}

/// The credentials of an attempt.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    /// For the source, and for the destination if there is no other.
    pub(crate) source: Credential,
    pub(crate) destination: Option<Credential>,
}

/// What came of the question for a credential.
pub(crate) type Found = Result<Option<(Credential, Timestamp)>, TokenTrouble>;

enum Entry {
    /// Being read; these attempts wait for it.
    Asked(Vec<AttemptId>),
    /// Good until then.
    Known(Result<Credential, TokenTrouble>, Timestamp),
}

/// Asks the vault for what the plugin of a storage understands: the user's keys there, or the proxy.
pub(crate) async fn read_at(
    vault: &dyn CredentialVault,
    owner: &Owner,
    at: &Url,
    abilities: &Capabilities,
    now: Timestamp,
) -> Option<(Credential, Timestamp)> {
    let errand = Errand {
        at,
        abilities,
        user_dn: &owner.user_dn,
        vo_name: &owner.vo_name,
        now,
    };
    if !knows_by_keys(abilities) {
        return read(vault, owner).await;
    }
    let keys = vault.keys(errand).await.unwrap_or_else(|error| {
        tracing::warn!(user.dn = %owner.user_dn, %error, "failed to read keys of a storage");
        None
    });
    // They last until somebody takes them away. A proxy would be of no use there.
    keys.map(|it| (it, Timestamp(i64::MAX)))
}

/// Asks the vault for the proxy; gives the credential and its end. A vault that fails has none.
pub(crate) async fn read(
    vault: &dyn CredentialVault,
    owner: &Owner,
) -> Option<(Credential, Timestamp)> {
    let answer = vault.credential(&owner.cred_id, &owner.user_dn).await;
    let answer = answer.unwrap_or_else(|error| {
        tracing::warn!(user.dn = %owner.user_dn, %error, "failed to read a credential");
        None
    });
    answer.map(|it| (Credential::X509(it.proxy_pem), it.termination_time))
}

/// Who keeps credentials.
#[derive(Clone)]
struct Keepers {
    vault: Option<Arc<dyn CredentialVault>>,
    tokens: Option<Arc<dyn TokenSource>>,
    directory: Arc<Directory>,
}

impl Keepers {
    async fn find(&self, holder: &Holder, now: Timestamp) -> Found {
        match (holder, &self.vault, &self.tokens) {
            (Holder::Owner(owner), Some(vault), _) => Ok(read(&**vault, owner).await),
            (Holder::Customer(owner, storage), Some(vault), _) => {
                let Some((at, abilities)) = self.behind(storage) else {
                    return Ok(read(&**vault, owner).await);
                };
                Ok(read_at(&**vault, owner, &at, &abilities, now).await)
            }
            (Holder::Owner(_) | Holder::Customer(..), None, _) => Ok(None),
            (Holder::Token(id), _, Some(tokens)) => {
                let bearer = tokens.bearer(*id).await?;
                Ok(Some((Credential::Bearer(bearer.token), bearer.until)))
            }
            (Holder::Token(id), _, None) => {
                Err(TokenTrouble::Never(format!("the token {id} is not known")))
            }
        }
    }

    /// What the plugin behind a storage says of itself; nothing when there is none.
    fn behind(&self, storage: &str) -> Option<(Url, Arc<Capabilities>)> {
        let at: Url = storage.parse().ok()?; // a storage without a host: files of this machine
        let (_, abilities) = self.directory.find(&at).ok()?; // the attempt itself will be told
        Some((at, abilities))
    }
}

/// What was answered lately.
pub(crate) struct Credentials {
    keepers: Keepers,
    notices: mpsc::UnboundedSender<Notice>,
    entries: HashMap<Holder, Entry>,
    /// Whether storages may know their users by keys, as it was found lately.
    by_keys: HashMap<Arc<str>, bool>,
    by_keys_until: Timestamp,
}

impl Credentials {
    pub(crate) fn new(
        vault: Option<Arc<dyn CredentialVault>>,
        tokens: Option<Arc<dyn TokenSource>>,
        storages: Arc<dyn Storages>,
        notices: mpsc::UnboundedSender<Notice>,
    ) -> Self {
        let directory = Arc::new(Directory::new(storages));
        Self {
            keepers: Keepers {
                vault,
                tokens,
                directory,
            },
            notices,
            entries: HashMap::new(),
            by_keys: HashMap::new(),
            by_keys_until: Timestamp(0),
        }
    }

    /// Where the credential of somebody for a storage comes from.
    pub(crate) fn holder(&mut self, owner: Owner, storage: &Arc<str>, now: Timestamp) -> Holder {
        if now >= self.by_keys_until {
            self.by_keys.clear();
            self.by_keys_until = now.plus_millis(KEPT_MILLIS);
        }
        let by_keys = match self.by_keys.get(storage) {
            Some(known) => *known,
            None => {
                let behind = self.keepers.behind(storage);
                let by_keys = behind.is_some_and(|(_, abilities)| knows_by_keys(&abilities));
                self.by_keys.insert(Arc::clone(storage), by_keys);
                by_keys
            }
        };
        match by_keys {
            true => Holder::Customer(owner, Arc::clone(storage)),
            false => Holder::Owner(owner),
        }
    }

    /// The credential, or `None` when the attempt has to wait for a notice.
    pub(crate) fn get(
        &mut self,
        holder: Holder,
        attempt: AttemptId,
        now: Timestamp,
    ) -> Option<Result<Credential, TokenTrouble>> {
        if self.keepers.vault.is_none() && !matches!(holder, Holder::Token(_)) {
            return Some(Ok(Credential::None));
        }
        match self.entries.get_mut(&holder) {
            Some(Entry::Known(found, until)) if now < *until => return Some(found.clone()),
            Some(Entry::Asked(waiting)) => {
                waiting.push(attempt);
                return None;
            }
            _ => {}
        }
        let asked = Entry::Asked(vec![attempt]);
        self.entries.insert(holder.clone(), asked);
        let (keepers, notices) = (self.keepers.clone(), self.notices.clone());
        tokio::spawn(async move {
            let found = keepers.find(&holder, now).await;
            if notices.send(Notice::CredentialRead(holder, found)).is_err() {
                tracing::debug!("dispatcher is gone, credential dropped");
            }
        });
        None
    }

    /// Takes an answer; gives the attempts that waited for it.
    pub(crate) fn answered(
        &mut self,
        holder: Holder,
        found: Found,
        now: Timestamp,
    ) -> Vec<AttemptId> {
        let briefly = now.plus_millis(ABSENCE_KEPT_MILLIS);
        let known = match found {
            Ok(Some((credential, end))) if end > now => {
                Entry::Known(Ok(credential), end.min(now.plus_millis(KEPT_MILLIS)))
            }
            // Expired is as good as absent.
            Ok(_) => Entry::Known(Ok(Credential::None), briefly),
            Err(trouble) => Entry::Known(Err(trouble), briefly),
        };
        let before = self.entries.insert(holder, known);
        self.entries.retain(|_, entry| match entry {
            Entry::Known(_, until) => now < *until,
            Entry::Asked(_) => true,
        });
        match before {
            Some(Entry::Asked(waiting)) => waiting,
            _ => Vec::new(),
        }
    }
}
