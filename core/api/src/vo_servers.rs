//! What the API asks of servers of VOs: attributes for a credential that a user left here.

use async_trait::async_trait;
use causeway_identity::voms::VomsRequest;
use causeway_sdk::Secret;

/// What one server sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoAnswer {
    /// The VO's real name; users may ask for it by another.
    pub vo: String,
    /// An attribute certificate in DER, not yet looked at.
    pub certificate: Vec<u8>,
}

/// Reaches the servers of VOs.
#[async_trait]
pub trait VoServers: Send + Sync {
    /// Attributes for the holder of a credential (PEM with its key), one answer for each request,
    /// for as many seconds as wanted or fewer. The error is told to the user.
    async fn attributes(
        &self,
        credential: &Secret,
        requests: &[VomsRequest],
        lifetime: u64,
    ) -> Result<Vec<VoAnswer>, String>;
}

/// There are none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoVoServers;

#[async_trait]
impl VoServers for NoVoServers {
    async fn attributes(
        &self,
        _credential: &Secret,
        _requests: &[VomsRequest],
        _lifetime: u64,
    ) -> Result<Vec<VoAnswer>, String> {
        Err("No VOMS client is configured on this server".to_owned())
    }
}
