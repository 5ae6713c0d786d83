//! What this room needs of the network.

use async_trait::async_trait;
use causeway_sdk::Secret;

/// Longest answer of an issuer that is read, in bytes.
pub const MAX_BODY: usize = 256 << 10;

/// Why there is no answer. The text never holds what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HttpTrouble(pub String);

/// Short requests to issuers. An implementation limits the time of each, reads no more than
/// [`MAX_BODY`], and follows no redirect: what an issuer publishes is where it says it is.
#[async_trait]
pub trait Http: Send + Sync {
    /// The body of a 200.
    async fn get(&self, url: &str) -> Result<Vec<u8>, HttpTrouble>;

    /// Sends a form as a client with name and secret; gives status and body.
    async fn post_form(
        &self,
        url: &str,
        form: &[(&str, &str)],
        client: (&str, &Secret),
    ) -> Result<(u16, Vec<u8>), HttpTrouble>;
}
