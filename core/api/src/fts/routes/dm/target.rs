//! What a call is about: the storage, the URL, and the credential to go there with.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use causeway_model::cloud_keys::{Errand, knows_by_keys};
use causeway_sdk::capability::CredentialKind;
use causeway_sdk::{Capabilities, Credential, Ctx, DynStorage, Error, Operation, Url};

use crate::error::ApiError;
use crate::extract::Call;
use crate::fts::submit::{Checker, Offence, admission};

/// A storage call that may be made.
pub(super) struct Target {
    pub(super) storage: Arc<dyn DynStorage>,
    pub(super) url: Url,
    pub(super) cx: Ctx,
    limit: Duration,
}

impl Target {
    /// Checks the URL, the storage's abilities and the caller's credential.
    pub(super) async fn find(
        call: &Call,
        surl: &str,
        operation: Operation,
    ) -> Result<Self, ApiError> {
        let url = check(call, surl).await?;
        let storage = call.state.storages.storage_for(&url)?;
        let capabilities = storage.describe();
        if !capabilities.can(operation) {
            return Err(Error::unsupported(operation.name()).into());
        }
        let credential = credential(call, &url, &capabilities).await?;
        let limit = call.state.config.dm_timeout;
        let cx = Ctx::new(&call.request_id)
            .with_timeout(limit)
            .with_credential(credential);
        Ok(Self {
            storage,
            url,
            cx,
            limit,
        })
    }

    /// Waits for a storage call, but not for ever.
    pub(super) async fn limited<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, ApiError> {
        match tokio::time::timeout(self.limit, work).await {
            Ok(result) => Ok(result?),
            Err(_elapsed) => Err(ApiError::unavailable("[110] Operation timed out")),
        }
    }

    /// A context for another call of the same request, with time of its own.
    pub(super) fn renewed(&self) -> Ctx {
        self.cx.clone().with_timeout(self.limit)
    }
}

/// The URL, if it may be used.
pub(super) async fn check(call: &Call, surl: &str) -> Result<Url, ApiError> {
    let storages = &*call.state.storages;
    let refused = |offence: Offence| ApiError::bad_request(offence.to_string());
    let url = Checker::new(storages).check_place(surl).map_err(refused)?;
    admission::ask_one(storages, &url).await?;
    Ok(url)
}

/// The caller's keys at the storage, else the delegated proxy, unless the storage does without.
async fn credential(
    call: &Call,
    at: &Url,
    capabilities: &Capabilities,
) -> Result<Credential, ApiError> {
    if knows_by_keys(capabilities) {
        let caller = call.principal();
        let errand = Errand {
            at,
            abilities: capabilities,
            user_dn: &caller.user_dn,
            vo_name: caller.vos.first().map_or("", String::as_str),
            now: call.state.clock.now(),
        };
        // Without any, those of the plugin's own configuration count, or nobody's.
        let keys = call.state.vault.keys(errand).await?;
        return Ok(keys.unwrap_or_default());
    }
    if matches!(
        capabilities.credentials.first(),
        None | Some(CredentialKind::None)
    ) {
        return Ok(Credential::None);
    }
    let caller = call.principal();
    let id = caller.delegation_id.as_deref().unwrap_or("");
    let stored = call.state.vault.credential(id, &caller.user_dn).await?;
    let Some(stored) = stored else {
        return Err(ApiError::needs_delegation("No delegated proxy available"));
    };
    if stored.termination_time <= call.state.clock.now() {
        return Err(ApiError::needs_delegation(format!(
            "Delegated proxy expired ({id})"
        )));
    }
    Ok(Credential::X509(stored.proxy_pem))
}
