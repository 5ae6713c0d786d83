//! A credential that the gateway keeps.

use std::fmt;
use std::sync::Arc;

use super::bindings::causeway::storage::types::{
    Credential as Handle, CredentialKind as Kind, Secret as Uncovered,
};
use super::convert::error_back;
use crate::capability::CredentialKind;
use crate::{Credential, Result, Secret};

/// A credential that the gateway keeps: it goes with a request by name, and the secret never comes here.
#[derive(Clone)]
pub struct Held(Arc<Handle>);

impl Held {
    /// Its kind.
    pub fn kind(&self) -> CredentialKind {
        kind(&self.0)
    }

    /// The credential itself.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`](crate::ErrorKind::Denied) unless the operator granted
    /// `credential_reveal`.
    pub fn reveal(&self) -> Result<Credential> {
        Ok(match self.0.reveal().map_err(error_back)? {
            Uncovered::None => Credential::None,
            Uncovered::Bearer(token) => Credential::Bearer(Secret::new(token)),
            Uncovered::X509(pem) => Credential::X509(Secret::new(pem)),
            Uncovered::Keys(keys) => Credential::Keys {
                access: keys.access,
                secret: Secret::new(keys.secret),
                token: keys.token.map(Secret::new),
                region: keys.region,
            },
        })
    }

    /// The name by which a request is given it.
    pub(super) fn handle(&self) -> &Handle {
        &self.0
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Held {}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}

fn kind(handle: &Handle) -> CredentialKind {
    match handle.kind() {
        Kind::None => CredentialKind::None,
        Kind::Bearer => CredentialKind::Bearer,
        Kind::X509 => CredentialKind::X509,
        Kind::Keys => CredentialKind::Keys,
    }
}

/// What the gateway lent, as an author sees it.
pub(crate) fn credential(handle: Handle) -> Credential {
    match kind(&handle) {
        CredentialKind::None => Credential::None,
        _ => Credential::Held(Held(Arc::new(handle))),
    }
}
