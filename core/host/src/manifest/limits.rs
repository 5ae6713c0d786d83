//! What a manifest says of the room a plugin gets, and of what a component wants to reach.

use causeway_sdk::capability::CredentialKind;
use serde::{Deserialize, Serialize};

/// Limits of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Memory of an instance of a component, for instance `128MiB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// Calls at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Instances of a component at the same time, in each process. One, where a component keeps
    /// what it stores in its own memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<u32>,
    /// How long a component may compute without a pause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<u32>,
}

impl Limits {
    /// Memory in bytes; `None` when nothing is said, or nothing that is a size.
    pub fn memory_bytes(&self) -> Option<u64> {
        let text = self.memory.as_deref()?.trim();
        let digits = text.trim_end_matches(|it: char| !it.is_ascii_digit());
        let unit: u64 = match text[digits.len()..].trim() {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return None,
        };
        digits.parse::<u64>().ok()?.checked_mul(unit)
    }
}

/// What a component may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Permissions {
    /// Hosts and ports it may call, for instance `*.example.org:8443`; with `http://` in front also
    /// without encryption. A network, for instance `10.0.0.0/8`, lets names lead to private addresses.
    #[serde(default)]
    pub http: Vec<String>,
    /// Methods it may use; none for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// Kinds of credentials that may go with its requests; all when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Vec<CredentialKind>>,
    /// It asks to see credentials themselves. Only the operator's configuration grants that.
    #[serde(default)]
    pub credential_reveal: bool,
}
