//! Options of the plugin.

use std::path::PathBuf;

use causeway_sdk::{Error, ErrorKind, Result};
use serde::Deserialize;

/// The plugin's table of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Shortest random duration of a copy whose URL names none.
    pub(crate) min_seconds: f64,
    /// Longest random duration of such a copy.
    pub(crate) max_seconds: f64,
    /// Whether `signal=n` may kill the process.
    pub(crate) signals: bool,
    /// Seed of everything that is drawn; by chance when not set.
    pub(crate) random_seed: Option<u64>,
    /// File that gets one line per finished copy or commit.
    pub(crate) journal: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            min_seconds: 10.0,
            max_seconds: 100.0,
            signals: false,
            random_seed: None,
            journal: None,
        }
    }
}

impl Config {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let config: Self = causeway_sdk::context::parse_config(text)?;
        let sane = |seconds: f64| (0.0..=1e9).contains(&seconds);
        if !sane(config.min_seconds) || !sane(config.max_seconds) {
            return Err(invalid("min_seconds and max_seconds must be 0 or more"));
        }
        if config.min_seconds > config.max_seconds {
            return Err(invalid("min_seconds is above max_seconds"));
        }
        Ok(config)
    }
}

fn invalid(text: &str) -> Error {
    Error::new(
        ErrorKind::Invalid,
        format!("read the plugin's options: {text}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_and_bad_options() {
        let config = Config::parse("").unwrap();
        assert_eq!((config.min_seconds, config.max_seconds), (10.0, 100.0));
        for (text, named) in [
            (r#"{"min_second":1}"#, "min_second"),
            (r#"{"min_seconds":-1}"#, "min_seconds"),
            (r#"{"min_seconds":5,"max_seconds":4}"#, "max_seconds"),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.message().contains(named), "{error}");
        }
    }
}
