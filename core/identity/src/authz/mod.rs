//! What the configuration grants: operations, and the role table.
//!
//! [`principal`](crate::principal) asks here when it makes a caller. The decision about one resource
//! is `causeway_model::Principal::may`; which routes belong to which operation, and the texts of
//! refusals, are the API's.

mod roles;

pub use roles::{RoleTable, RoleTableError};

/// What a caller may want to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Leave a proxy with us.
    Delegation,
    /// Jobs, files, archive.
    Transfer,
    /// Configuration, bans, status.
    Configuration,
    /// Direct work on storages.
    DataManagement,
    /// Administration.
    Administration,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Delegation,
        Self::Transfer,
        Self::Configuration,
        Self::DataManagement,
        Self::Administration,
    ];

    /// The word in configuration files and in `/whoami`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delegation => "deleg",
            Self::Transfer => "transfer",
            Self::Configuration => "config",
            Self::DataManagement => "datamanagement",
            Self::Administration => "admin",
        }
    }

    /// The operation of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operation| operation.as_str() == name)
    }
}
