//! Commands that run plugins here, without a gateway.

use std::path::PathBuf;

use clap::Args;

use super::PluginDirs;

/// Options of commands that run plugins here.
#[derive(Debug, Clone, Args)]
pub struct LocalArgs {
    /// Configuration file, for the options of plugins.
    #[arg(long, env = "CAUSEWAY_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Proxy, PEM [default: $X509_USER_PROXY].
    #[arg(long, value_name = "FILE")]
    pub cert: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(short = 'j', long)]
    pub json: bool,
    /// Seconds until it is given up.
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    pub timeout: u64,
    #[command(flatten)]
    pub plugins: PluginDirs,
}

/// Options of `copy`.
#[derive(Debug, Clone, Args)]
pub struct CopyArgs {
    /// From here.
    pub source: String,
    /// To there.
    pub destination: String,
    /// Replace an existing destination.
    #[arg(short = 'o', long)]
    pub overwrite: bool,
    /// Verify source and destination, optionally against a value.
    #[arg(short = 'K', long, value_name = "ALG[:VALUE]")]
    pub checksum: Option<String>,
    #[command(flatten)]
    pub local: LocalArgs,
}

/// A URL.
#[derive(Debug, Clone, Args)]
pub struct UrlArgs {
    /// The URL.
    pub url: String,
    #[command(flatten)]
    pub local: LocalArgs,
}

/// Options of `mkdir`.
#[derive(Debug, Clone, Args)]
pub struct MkdirArgs {
    /// The URL.
    pub url: String,
    /// Those above too.
    #[arg(short, long)]
    pub parents: bool,
    #[command(flatten)]
    pub local: LocalArgs,
}

/// Options of `mv`.
#[derive(Debug, Clone, Args)]
pub struct MvArgs {
    /// The URL.
    pub from: String,
    /// Its new name.
    pub to: String,
    /// Replace what is there.
    #[arg(short = 'o', long)]
    pub overwrite: bool,
    #[command(flatten)]
    pub local: LocalArgs,
}

/// Options of `sum`.
#[derive(Debug, Clone, Args)]
pub struct SumArgs {
    /// The URL.
    pub url: String,
    /// Algorithm.
    #[arg(default_value = "adler32")]
    pub algorithm: String,
    #[command(flatten)]
    pub local: LocalArgs,
}
