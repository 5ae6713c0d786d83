//! What is counted, where it can be read, and where traces go.

use serde::{Deserialize, Serialize};

/// Section `metrics`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricsConfig {
    /// Count, and answer at `/metrics`.
    pub enabled: bool,
    /// Address and port of a plain listener for `/metrics` and the probes; empty: `/metrics` is
    /// answered by the REST listener.
    pub listen: String,
    /// Links that get series of their own; the rest is counted as `other`.
    pub max_links: usize,
    /// VOs that get series of their own; the rest is counted as `other`.
    pub max_vos: usize,
    /// Plugins that get series of their own; the rest is counted as `other`.
    pub max_plugins: usize,
    /// OpenTelemetry collector that takes traces over HTTP; empty: none are made.
    pub otlp_endpoint: String,
    /// Part of the transfers that are traced, from 0 to 1.
    pub trace_ratio: f64,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            listen: String::new(),
            max_links: 1000,
            max_vos: 100,
            max_plugins: 50,
            otlp_endpoint: String::new(),
            trace_ratio: 1.0,
        }
    }
}
