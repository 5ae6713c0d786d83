//! Transfer URLs: a storage that only manages names the URL where the bytes really are.

use serde::{Deserialize, Serialize};

use crate::Url;

/// What a transfer URL is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// To read the file.
    Read,
    /// To write it.
    Write,
}

/// A request for a transfer URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurlRequest {
    /// Read or write.
    pub access: Access,
    /// Schemes the gateway can use, best first.
    pub schemes: Vec<String>,
    /// Size in bytes of what will be written.
    pub size: Option<u64>,
    /// For writing: replace what is there.
    pub overwrite: bool,
}

/// A transfer URL and what is needed to give it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferUrl {
    /// Where the bytes are, usually of another scheme.
    pub url: Url,
    /// Names the request when it is finished or aborted.
    pub token: String,
    /// Read or write, as it was asked.
    pub access: Access,
}

/// How the use of a transfer URL ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All bytes moved: release the pin, or make the written file visible.
    Done,
    /// Given up: release the pin, or remove what was written.
    Aborted,
}
