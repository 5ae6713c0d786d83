//! Options of the plugin.

use std::path::PathBuf;

use causeway_sdk::{Error, ErrorKind, Result};
use serde::Deserialize;

/// The plugin's table of the configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Directories whose contents are served. Empty: nothing is.
    pub(crate) roots: Vec<PathBuf>,
}

impl Config {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let config: Self = causeway_sdk::context::parse_config(text)?;
        match config.roots.iter().find(|root| !root.is_absolute()) {
            None => Ok(config),
            Some(root) => Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "read the plugin's options: roots: {} is no absolute path",
                    root.display()
                ),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_root_is_the_default_and_relative_ones_are_refused() {
        assert!(Config::parse("").unwrap().roots.is_empty());
        let error = Config::parse(r#"{"roots":["data"]}"#).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains("roots: data"), "{error}");
        assert!(Config::parse(r#"{"root":["/data"]}"#).is_err());
    }
}
