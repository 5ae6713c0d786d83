//! Rows that an operator keeps: links, storages, shares, limits, bans.
//!
//! Columns have the names that operators know. A column that is `None` was never set: the next row
//! in the order of precedence decides. Which row that is, [`Settings`](super::Settings) knows.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Stands for every storage or every VO.
pub const ANY: &str = "*";
/// The VO of a share that all VOs without a row divide.
pub const PUBLIC: &str = "public";

/// How a link is driven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkRow {
    /// Source storage, or [`ANY`].
    pub source_se: Arc<str>,
    /// Destination storage, or [`ANY`].
    pub dest_se: Arc<str>,
    /// Name of the row, unique.
    pub symbolic_name: Arc<str>,
    /// Transfers the optimizer never goes below.
    pub min_active: u32,
    /// Transfers it never goes above.
    pub max_active: u32,
    /// How bold it is.
    pub optimizer_mode: Option<u8>,
    /// TCP buffer in bytes; 0 means the system's.
    pub tcp_buffer_size: Option<u64>,
    /// Parallel streams; 0 leaves them to the optimizer.
    pub nostreams: Option<u32>,
    /// Storages are not given the user's credential.
    pub no_delegation: bool,
}

impl LinkRow {
    /// A row with the defaults of a new link.
    pub fn new(name: &str, source: &str, destination: &str) -> Self {
        Self {
            source_se: source.into(),
            dest_se: destination.into(),
            symbolic_name: name.into(),
            min_active: 2,
            max_active: 2,
            optimizer_mode: None,
            tcp_buffer_size: None,
            nostreams: None,
            no_delegation: false,
        }
    }
}

/// Which third-party copies a storage takes part in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TpcSupport {
    /// Pull and push.
    Full,
    /// Pull only.
    Pull,
    /// Push only.
    Push,
    /// None.
    None,
}

impl TpcSupport {
    /// True when the destination may fetch.
    pub fn pulls(self) -> bool {
        matches!(self, Self::Full | Self::Pull)
    }

    /// True when the source may send.
    pub fn pushes(self) -> bool {
        matches!(self, Self::Full | Self::Push)
    }
}

/// What is known about a storage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StorageRow {
    /// The storage, or [`ANY`].
    pub storage: Arc<str>,
    /// Its site.
    pub site: Option<String>,
    /// Free text.
    pub metadata: Option<String>,
    /// Prefer IPv6.
    pub ipv6: Option<bool>,
    /// Use UDT where the protocol knows it.
    pub udt: Option<bool>,
    /// Detail of the logs of its transfers.
    pub debug_level: Option<u32>,
    /// Transfers into it at the same time.
    pub inbound_max_active: Option<u32>,
    /// MiB/s into it.
    pub inbound_max_throughput: Option<f64>,
    /// Transfers out of it at the same time.
    pub outbound_max_active: Option<u32>,
    /// MiB/s out of it.
    pub outbound_max_throughput: Option<f64>,
    /// Whether it evicts files itself.
    pub eviction: Option<bool>,
    /// Third-party copies it takes part in.
    pub tpc_support: Option<TpcSupport>,
    /// Pins are not given back after a copy.
    pub skip_eviction: Option<bool>,
    /// It is a tape system.
    pub tape_endpoint: Option<bool>,
    /// Files that are on its disk only may be replaced.
    pub overwrite_disk_enabled: Option<bool>,
}

impl StorageRow {
    /// A row in which nothing is set.
    pub fn new(storage: &str) -> Self {
        Self {
            storage: storage.into(),
            ..Self::default()
        }
    }
}

/// Weight of a VO on a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareRow {
    /// Source storage, or [`ANY`].
    pub source: Arc<str>,
    /// Destination storage, or [`ANY`].
    pub destination: Arc<str>,
    /// The VO, or [`PUBLIC`].
    pub vo: Arc<str>,
    /// Its weight.
    pub active: u32,
}

/// Weights of the activities of a VO.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActivityShareRow {
    /// The VO.
    pub vo: Arc<str>,
    /// Whether the weights count.
    pub active: bool,
    /// Activities with their weights, as they were given.
    pub shares: Vec<(String, f64)>,
}

/// Work other than transfers that is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Operation {
    /// Deletions.
    Delete,
    /// Bringing files online.
    Staging,
}

/// How much of an operation a VO may run at a storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationLimitRow {
    /// The VO.
    pub vo_name: Arc<str>,
    /// The storage.
    pub host: Arc<str>,
    /// The operation.
    pub operation: Operation,
    /// At the same time; 0 removes the row.
    pub concurrent_ops: u32,
}

/// Defaults for the jobs of a VO.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoRow {
    /// The VO, or [`ANY`].
    pub vo_name: Arc<str>,
    /// Attempts after the first for jobs that name no number; negative for none.
    pub retry: Option<i32>,
    /// Hours that a job may be queued; 0 is no limit.
    pub max_time_queue: Option<u64>,
    /// Seconds of a copy for each MiB.
    pub sec_per_mb: Option<u64>,
    /// Seconds a copy may take; 0 means by size.
    pub global_timeout: Option<u64>,
    /// Never move bytes through the gateway.
    pub no_streaming: Option<bool>,
    /// Show users' DNs in messages.
    pub show_user_dn: Option<bool>,
}

impl VoRow {
    /// A row in which nothing is set.
    pub fn new(vo: &str) -> Self {
        Self {
            vo_name: vo.into(),
            ..Self::default()
        }
    }
}

/// What a ban of a storage does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BanStatus {
    /// Its work is cancelled, new work refused.
    Cancel,
    /// Its queued work is held, new work refused.
    Wait,
    /// Its queued work is held, and so is new work.
    WaitAndSubmit,
}

impl BanStatus {
    /// Name in rows and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cancel => "CANCEL",
            Self::Wait => "WAIT",
            Self::WaitAndSubmit => "WAIT_AS",
        }
    }
}

/// A storage out of service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageBanRow {
    /// The storage.
    pub se: Arc<str>,
    /// For users.
    pub message: String,
    /// Since when.
    pub addition_time: Timestamp,
    /// Who said so.
    pub admin_dn: Arc<str>,
    /// The VO it is for; `None` for all.
    pub vo: Option<Arc<str>>,
    /// What becomes of its work.
    pub status: BanStatus,
    /// Seconds after which held work is cancelled; 0 for never.
    pub wait_timeout: u64,
}

impl StorageBanRow {
    /// Whether the work of a VO is meant.
    pub fn applies_to(&self, vo: &str) -> bool {
        self.vo.as_deref().is_none_or(|it| it == vo)
    }
}

/// A user who may do nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserBanRow {
    /// The user.
    pub dn: Arc<str>,
    /// For the user.
    pub message: String,
    /// Since when.
    pub addition_time: Timestamp,
    /// Who said so.
    pub admin_dn: Arc<str>,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostRow {
    /// Its name.
    pub hostname: Arc<str>,
    /// It takes up no work.
    pub drain: bool,
}

/// Who changed what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// When.
    pub datetime: Timestamp,
    /// Who.
    pub dn: Arc<str>,
    /// Kind of the change, `ban-se` for example.
    pub action: String,
    /// The change itself.
    pub config: String,
}

impl AuditRow {
    /// Most characters of [`AuditRow::config`].
    pub const CONFIG_LIMIT: usize = 4000;

    /// A row; what does not fit of the change is cut off.
    pub fn new(datetime: Timestamp, dn: &str, action: &str, config: &str) -> Self {
        Self {
            datetime,
            dn: dn.into(),
            action: action.to_owned(),
            config: config.chars().take(Self::CONFIG_LIMIT).collect(),
        }
    }
}
