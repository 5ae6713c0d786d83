//! What is logged, and where.

use serde::{Deserialize, Serialize};

/// Section `log`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogConfig {
    /// Filter, for instance `info` or `info,causeway_engine=debug`.
    pub level: String,
    /// Text for people, or JSON lines.
    pub format: LogFormat,
}

/// Format of the service's log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: "info".into(),
            format: LogFormat::Text,
        }
    }
}
