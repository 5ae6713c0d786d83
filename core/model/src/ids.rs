//! Ids, and the ids that are derived from names (RFC 4122 version 5).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Name space of every derived id; clients compute job ids from it on their own.
pub const BASE_ID: Uuid = Uuid::from_u128(0x0187_4efb_4735_4595_bc9c_591a_ef82_40c9);

/// Id of a job, a UUID in lower case with dashes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobId(pub Uuid);

impl JobId {
    /// A new random id.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// The id that a VO and a user's own name for the job give.
    pub fn deterministic(vo: &str, sid: &str) -> Self {
        Self(Uuid::new_v5(&vo_id(vo), sid.as_bytes()))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for JobId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Uuid::parse_str(text).map(Self)
    }
}

/// Number of a transfer or deletion row; unique over all jobs, ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileId(pub u64);

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Id of a VO.
pub fn vo_id(vo: &str) -> Uuid {
    Uuid::new_v5(&BASE_ID, vo.as_bytes())
}

/// Id of a destination, used to refuse two live transfers to the same one.
pub fn destination_id(surl: &str) -> Uuid {
    Uuid::new_v5(&BASE_ID, surl.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_vectors() {
        assert_eq!(BASE_ID.to_string(), "01874efb-4735-4595-bc9c-591aef8240c9");
        assert_eq!(
            vo_id("dteam").to_string(),
            "6b10f4e4-8fdc-5555-baa2-7d4850d4f406"
        );
        assert_eq!(
            vo_id("testvo").to_string(),
            "477b9065-8416-5b27-be32-ff1573788e71"
        );
        let id = JobId::deterministic("dteam", "6067830a-8596-4093-86f4-3ab940ebf876");
        assert_eq!(id.to_string(), "76810c8e-abcc-54fc-bde2-cba789e1c898");
        let id = JobId::deterministic("testvo", "sid-1");
        assert_eq!(id.to_string(), "0f9499ed-ed7c-5af5-aae6-a92f3cca308f");
        let id = destination_id("root://dest.ch/file");
        assert_eq!(id.to_string(), "77ff81f8-d9b5-5875-bee9-c553a0b0a787");
    }
}
