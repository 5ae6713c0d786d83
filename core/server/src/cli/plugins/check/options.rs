//! What `causeway plugins check` may be told.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::LocalArgs;

/// What is to be checked, and how.
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// The library or component; or an installed folder, loaded as a gateway does: hash, limits, permissions
    /// and options are those of its manifest.
    pub path: PathBuf,
    /// An empty directory of the storage, to work in.
    #[arg(long, value_name = "URL")]
    pub base: Option<String>,
    /// Options of the plugin, JSON.
    #[arg(long, default_value = "{}", value_name = "JSON")]
    pub options: String,
    /// Let the network between plugin and server fail as well, and look what the plugin makes of it.
    /// A native library makes its own connections: it has to be told `{endpoint}`.
    #[arg(long, conflicts_with_all = ["record", "replay"])]
    pub faults: bool,
    /// The server. `{endpoint}` in base and options becomes its address, or that of what stands before
    /// it with --faults.
    #[arg(long, value_name = "HOST:PORT")]
    pub endpoint: Option<String>,
    /// Write what a component says over HTTP into a file, without secrets.
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    pub record: Option<PathBuf>,
    /// Answer a component from such a file: there is no server then.
    #[arg(long, value_name = "FILE", conflicts_with = "base")]
    pub replay: Option<PathBuf>,
    /// Write the report as JUnit XML into a file as well.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Internal: do it in this process, which may die of it, and report to standard output.
    #[arg(long, hide = true)]
    pub here: bool,
    #[command(flatten)]
    pub local: LocalArgs,
}
