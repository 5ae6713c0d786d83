//! What a plugin says of itself: read, understood, and compared with what its manifest says.

use std::path::Path;

use causeway_sdk::Capabilities;

use crate::manifest::{Manifest, is_word};
use crate::refusal::Refusal;

/// Longest description of a plugin: every worker tells the service of it.
const LONGEST: usize = 1 << 20;

/// Reads a plugin's file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Refusal> {
    std::fs::read(path).map_err(|source| Refusal::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// Understands the answer to "what can you do".
pub(crate) fn understand(json: &str) -> Result<Capabilities, Refusal> {
    if json.len() > LONGEST {
        let text = format!("its answer is longer than {LONGEST} bytes");
        return Err(Refusal::Describe(text));
    }
    let mut capabilities: Capabilities = serde_json::from_str(json)
        .map_err(|source| Refusal::Describe(format!("its answer is not understood: {source}")))?;
    if !is_word(&capabilities.name) {
        let name = &capabilities.name;
        return Err(Refusal::Describe(format!(
            "its name {name:?} is not one word of lower-case letters, digits, - and _"
        )));
    }
    if capabilities.version.is_empty() {
        "0.0.0".clone_into(&mut capabilities.version);
    }
    Ok(capabilities)
}

/// Whether manifest and plugin say the same.
pub(crate) fn compare(manifest: &Manifest, capabilities: &Capabilities) -> Result<(), Refusal> {
    let sorted = |schemes: &[String]| {
        let mut schemes = schemes.to_vec();
        schemes.sort();
        schemes.join(", ")
    };
    for (what, manifest, library) in [
        ("name", manifest.name.clone(), capabilities.name.clone()),
        (
            "version",
            manifest.version.clone(),
            capabilities.version.clone(),
        ),
        (
            "schemes",
            sorted(&manifest.schemes),
            sorted(&capabilities.schemes),
        ),
    ] {
        if manifest != library {
            return Err(Refusal::Mismatch {
                what,
                manifest,
                library,
            });
        }
    }
    Ok(())
}
