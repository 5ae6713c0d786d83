//! What commands about plugins are told.

use std::path::PathBuf;

use clap::Subcommand;

use super::{CheckArgs, KeygenArgs, Language, SignArgs};
use crate::cli::args::{LocalArgs, RemoteArgs};

/// Commands about plugins.
#[derive(Debug, Subcommand)]
pub enum PluginsCommand {
    /// Every plugin found, also those that were refused.
    List {
        #[command(flatten)]
        local: LocalArgs,
    },
    /// One plugin with its capabilities.
    Info {
        /// Its name.
        name: String,
        #[command(flatten)]
        local: LocalArgs,
    },
    /// Run the conformance suite against one plugin file.
    #[command(
        after_help = "Examples:\n  causeway plugins check ./libcauseway_plugin_foo.so --base foo://host/scratch\n  \
        causeway plugins check ./foo.so --faults --endpoint 127.0.0.1:9000 --base foo://{endpoint}/scratch\n  \
        causeway plugins check ./foo.wasm --base foo://host/scratch --faults\n  \
        causeway plugins check ./foo.wasm --base foo://host/scratch --record foo.tape\n  \
        causeway plugins check ./foo.wasm --replay foo.tape"
    )]
    Check(CheckArgs),
    /// Let the gateway use a plugin again that it took out of service.
    #[command(
        name = "put-back",
        after_help = "Example:\n  causeway plugins put-back http"
    )]
    PutBack {
        /// Its name.
        name: String,
        #[command(flatten)]
        remote: RemoteArgs,
    },
    /// Begin a plugin: a project that builds and passes the check.
    #[command(
        after_help = "Example:\n  causeway plugins new answer && cd answer && causeway plugins build"
    )]
    New {
        /// Its name, which is its URL scheme as well.
        name: String,
        /// Language of the project.
        #[arg(long, value_enum, default_value = "rust")]
        lang: Language,
        /// Folder of the SDK; the published repository unless told.
        #[arg(long, env = "CAUSEWAY_SDK", value_name = "DIR")]
        sdk: Option<PathBuf>,
    },
    /// Build a plugin from source: a component unless told otherwise.
    #[command(after_help = "Example:\n  causeway plugins build answer --out answer.wasm")]
    Build {
        /// Folder of the project.
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// A native library instead.
        #[arg(long)]
        native: bool,
        /// The file to write; below the project's `target` unless told.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Where compilers keep what they made for the next time; several projects may share it.
        #[arg(long, env = "CAUSEWAY_GUEST_CACHE", value_name = "DIR")]
        cache: Option<PathBuf>,
    },
    /// Make a pair of keys to sign plugins with.
    #[command(after_help = "Example:\n  causeway plugins keygen release.pem")]
    Keygen(KeygenArgs),
    /// Sign an installed plugin, so that operators who trust the key know whose it is.
    #[command(
        after_help = "Example:\n  causeway plugins sign /etc/causeway/plugins/answer --key release.pem"
    )]
    Sign(SignArgs),
    /// Put a library or a component into a plugin directory, with a manifest.
    Install {
        /// The library or component.
        file: PathBuf,
        /// The plugin directory.
        dir: PathBuf,
    },
}
