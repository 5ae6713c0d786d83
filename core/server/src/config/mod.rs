//! Configuration: one TOML file, overridden by the environment, overridden by flags.
//!
//! Every key has a default. A key nobody knows is an error that names the nearest known one, so a
//! typing mistake never passes for a setting. `examples/config/causeway.toml` is the annotated
//! reference; a test loads it.

mod auth;
mod load;
mod log;
mod metrics;
mod plugins;
mod server;
mod store;
mod submit;
mod tls;

use serde::{Deserialize, Serialize};

pub use auth::{AuthConfig, TokenIssuerConfig, UnmappedVo};
pub use load::ConfigError;
pub use log::{LogConfig, LogFormat};
pub use metrics::MetricsConfig;
pub use plugins::PluginsConfig;
pub use server::ServerConfig;
pub use store::StoreConfig;
pub use submit::SubmitConfig;
pub use tls::TlsConfig;

/// All of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Where and how to listen.
    pub server: ServerConfig,
    /// Certificates and trust.
    pub tls: TlsConfig,
    /// Who may do what.
    pub auth: AuthConfig,
    /// What a submission may ask for.
    pub submit: SubmitConfig,
    /// Where jobs are kept.
    pub store: StoreConfig,
    /// How transfers run.
    pub engine: causeway_engine::EngineConfig,
    /// How many transfers a link may run.
    pub optimizer: causeway_engine::OptimizerConfig,
    /// Which plugins, with which options.
    pub plugins: PluginsConfig,
    /// Who is told what happens.
    pub messages: causeway_messages::MessagesConfig,
    /// What is counted and traced.
    pub metrics: MetricsConfig,
    /// What is logged.
    pub log: LogConfig,
}
