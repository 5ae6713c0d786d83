//! The proxies users left with us, read when an attempt starts and kept for a moment.

use std::collections::HashMap;
use std::sync::Arc;

use causeway_model::Timestamp;
use causeway_model::ports::CredentialVault;
use causeway_sdk::Credential;
use tokio::sync::mpsc;

use crate::dispatcher::Notice;
use crate::messages::AttemptId;

/// How long a credential is used before the vault is asked again, so that a renewed one is seen.
const KEPT_MILLIS: i64 = 30_000;
/// The same for the answer that there is none.
const ABSENCE_KEPT_MILLIS: i64 = 1_000;

/// Whose credential: delegation id and DN.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    pub(crate) cred_id: Arc<str>,
    pub(crate) user_dn: Arc<str>,
}

enum Entry {
    /// Being read; these attempts wait for it.
    Asked(Vec<AttemptId>),
    /// Good until then.
    Known(Credential, Timestamp),
}

/// Asks the vault; gives the credential and its end. A vault that fails has none.
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

/// What the vault answered lately.
pub(crate) struct Credentials {
    vault: Option<Arc<dyn CredentialVault>>,
    notices: mpsc::UnboundedSender<Notice>,
    entries: HashMap<Owner, Entry>,
}

impl Credentials {
    pub(crate) fn new(
        vault: Option<Arc<dyn CredentialVault>>,
        notices: mpsc::UnboundedSender<Notice>,
    ) -> Self {
        Self {
            vault,
            notices,
            entries: HashMap::new(),
        }
    }

    /// The credential, or `None` when the attempt has to wait for a notice.
    pub(crate) fn get(
        &mut self,
        owner: Owner,
        attempt: AttemptId,
        now: Timestamp,
    ) -> Option<Credential> {
        let Some(vault) = &self.vault else {
            return Some(Credential::None);
        };
        match self.entries.get_mut(&owner) {
            Some(Entry::Known(credential, until)) if now < *until => {
                return Some(credential.clone());
            }
            Some(Entry::Asked(waiting)) => {
                waiting.push(attempt);
                return None;
            }
            _ => {}
        }
        self.entries
            .insert(owner.clone(), Entry::Asked(vec![attempt]));
        let (vault, notices) = (Arc::clone(vault), self.notices.clone());
        tokio::spawn(async move {
            let answer = read(&*vault, &owner).await;
            if notices.send(Notice::CredentialRead(owner, answer)).is_err() {
                tracing::debug!("dispatcher is gone, credential dropped");
            }
        });
        None
    }

    /// Takes an answer of the vault; gives the attempts that waited for it, and the credential.
    pub(crate) fn answered(
        &mut self,
        owner: Owner,
        answer: Option<(Credential, Timestamp)>,
        now: Timestamp,
    ) -> (Vec<AttemptId>, Credential) {
        let (credential, until) = match answer {
            Some((credential, end)) if end > now => {
                (credential, end.min(now.plus_millis(KEPT_MILLIS)))
            }
            // Expired is as good as absent.
            _ => (Credential::None, now.plus_millis(ABSENCE_KEPT_MILLIS)),
        };
        let known = Entry::Known(credential.clone(), until);
        let before = self.entries.insert(owner, known);
        self.entries.retain(|_, entry| match entry {
            Entry::Known(_, until) => now < *until,
            Entry::Asked(_) => true,
        });
        match before {
            Some(Entry::Asked(waiting)) => (waiting, credential),
            _ => (Vec::new(), credential),
        }
    }
}
