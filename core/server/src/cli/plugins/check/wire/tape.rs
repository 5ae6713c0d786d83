//! The file of a recording: lines of JSON, the first of which says what was recorded.
//!
//! A body is written once, in base64, by its hash, before the first exchange that names it. Of bodies that
//! were sent there is the hash alone.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causeway_sdk::capability::CredentialKind;
use causeway_sdk::{Bytes, Error};
use serde::{Deserialize, Serialize};

/// Version of the format.
const VERSION: u32 = 1;

/// What was recorded.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in super::super) struct Head {
    /// Version of the format.
    pub(super) recording: u32,
    pub(in super::super) plugin: String,
    pub(in super::super) base: String,
    /// Name of the directory of the run.
    pub(in super::super) run: String,
    pub(in super::super) credential: CredentialKind,
}

impl Head {
    pub(in super::super) fn new(
        plugin: &str,
        base: &str,
        run: &str,
        credential: CredentialKind,
    ) -> Self {
        Self {
            recording: VERSION,
            plugin: plugin.to_owned(),
            base: base.to_owned(),
            run: run.to_owned(),
            credential,
        }
    }
}

/// A request, as far as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) uri: String,
    pub(super) headers: Vec<(String, String)>,
    /// Hash of its body; none without one.
    pub(super) body: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answered {
    Reply {
        status: u16,
        headers: Vec<(String, String)>,
        uri: String,
        /// Hash of as much of its body as the plugin has read.
        body: String,
        /// Why the body ended early; a plugin may also have read only a part of it.
        error: Option<Error>,
    },
    Failed(Error),
}

/// An exchange.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Exchange {
    /// Position among the requests; the lines are in the order of the answers' ends.
    pub(super) number: u64,
    pub(super) case: String,
    pub(super) asked: Asked,
    pub(super) answered: Answered,
}

/// A line after the first.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    Body { sha256: String, base64: String },
    Exchange(Box<Exchange>),
}

/// The name of a body.
pub(super) fn hash(bytes: &[u8]) -> String {
    STANDARD.encode(digest(&SHA256, bytes))
}

impl Line {
    pub(super) fn body(bytes: &[u8]) -> Self {
        Self::Body {
            sha256: hash(bytes),
            base64: STANDARD.encode(bytes),
        }
    }
}

/// Appends a line. Who dies after it leaves a whole one.
pub(super) fn write(file: &mut File, line: &impl Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    Ok(file.write_all(text.as_bytes())?)
}

/// A recording that was read.
#[derive(Debug)]
pub(in super::super) struct Recording {
    pub(in super::super) head: Head,
    /// In the order of the requests.
    pub(super) exchanges: Vec<Exchange>,
    pub(super) bodies: HashMap<String, Bytes>,
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(in super::super) fn read(path: &Path) -> anyhow::Result<Self> {
        let what = || format!("read the recording {}", path.display());
        let file = File::open(path).with_context(what)?;
        let mut lines = BufReader::new(file).lines();
        let first = lines.next().transpose()?.unwrap_or_default();
        let head: Head = serde_json::from_str(&first).with_context(what)?;
        if head.recording != VERSION {
            let found = head.recording;
            bail!("{}: its format is {found}, not {VERSION}", what());
        }
        let (mut exchanges, mut bodies) = (Vec::new(), HashMap::new());
        for line in lines {
            match serde_json::from_str(&line?).with_context(what)? {
                Line::Exchange(exchange) => exchanges.push(*exchange),
                Line::Body { sha256, base64 } => {
                    bodies.insert(sha256, STANDARD.decode(base64).with_context(what)?.into());
                }
            }
        }
        exchanges.sort_by_key(|it| it.number);
        Ok(Self {
            head,
            exchanges,
            bodies,
        })
    }
}
