//! With what storages are approached: the proxies users left with us and the tokens that transfers
//! brought, read when an attempt starts and kept for a moment.
//!
//! A user without a proxy is approached for without a credential, and the storage says what it
//! thinks of that. A transfer that brought a token never falls back to anything else.

use std::collections::HashMap;
use std::sync::Arc;

use causeway_model::Timestamp;
use causeway_model::oauth::{TokenId, TokenSource, TokenTrouble};
use causeway_model::ports::CredentialVault;
use causeway_sdk::Credential;
use tokio::sync::mpsc;

use crate::dispatcher::Notice;
use crate::messages::AttemptId;

/// How long a credential is used before it is asked for again, so that a renewed one is seen.
const KEPT_MILLIS: i64 = 30_000;
/// The same for the answer that there is none.
const ABSENCE_KEPT_MILLIS: i64 = 1_000;

/// Whose credential: delegation id and DN.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    pub(crate) cred_id: Arc<str>,
    pub(crate) user_dn: Arc<str>,
}

/// Where the credential for one side of a transfer comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    Owner(Owner),
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

/// Who keeps credentials.
#[derive(Clone)]
struct Keepers {
    vault: Option<Arc<dyn CredentialVault>>,
    tokens: Option<Arc<dyn TokenSource>>,
}

impl Keepers {
    async fn find(&self, holder: &Holder) -> Found {
        match (holder, &self.vault, &self.tokens) {
            (Holder::Owner(owner), Some(vault), _) => Ok(read(&**vault, owner).await),
            (Holder::Owner(_), None, _) => Ok(None),
            (Holder::Token(id), _, Some(tokens)) => {
                let bearer = tokens.bearer(*id).await?;
                Ok(Some((Credential::Bearer(bearer.token), bearer.until)))
            }
            (Holder::Token(id), _, None) => {
                Err(TokenTrouble::Never(format!("the token {id} is not known")))
            }
        }
    }
}

/// What was answered lately.
pub(crate) struct Credentials {
    keepers: Keepers,
    notices: mpsc::UnboundedSender<Notice>,
    entries: HashMap<Holder, Entry>,
}

impl Credentials {
    pub(crate) fn new(
        vault: Option<Arc<dyn CredentialVault>>,
        tokens: Option<Arc<dyn TokenSource>>,
        notices: mpsc::UnboundedSender<Notice>,
    ) -> Self {
        Self {
            keepers: Keepers { vault, tokens },
            notices,
            entries: HashMap::new(),
        }
    }

    /// The credential, or `None` when the attempt has to wait for a notice.
    pub(crate) fn get(
        &mut self,
        holder: Holder,
        attempt: AttemptId,
        now: Timestamp,
    ) -> Option<Result<Credential, TokenTrouble>> {
        if self.keepers.vault.is_none() && matches!(holder, Holder::Owner(_)) {
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
            let found = keepers.find(&holder).await;
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
