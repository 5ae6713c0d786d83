//! Why a plugin was refused: one line that says what to do about it.

use std::path::PathBuf;

use causeway_sdk::Error;

/// A plugin that was not loaded. The texts are for the operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Manifest or library cannot be read.
    #[error("read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The manifest is not what it should be.
    #[error("understand {}: {reason}: correct the file, or install the plugin again with `causeway plugins install`", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A manifest of another format.
    #[error("understand {}: it has format {found} and this gateway reads format {known}: install the plugin again with `causeway plugins install`", path.display())]
    ManifestFormat {
        /// The file.
        path: PathBuf,
        /// What stands there.
        found: u32,
        /// What we read.
        known: u32,
    },
    /// Somebody else may change the file.
    #[error("trust {}: {reason}: it must belong to root or to the gateway's user and be writable by nobody else", path.display())]
    Permissions {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
    /// It must be signed, and is not.
    #[error("trust {}: it is not signed (there is no plugin.toml.sig beside it) and plugins.require_signature is set: install a signed one, or sign it with `causeway plugins sign {} --key FILE`", path.display(), folder.display())]
    Unsigned {
        /// The manifest.
        path: PathBuf,
        /// Its folder.
        folder: PathBuf,
    },
    /// The signature is none of a trusted key.
    #[error("trust {}: its signature was made with none of the keys in plugins.trusted_keys, or the file was changed after it was signed: install it again from who publishes it, or add their key", path.display())]
    Signature {
        /// The manifest.
        path: PathBuf,
    },
    /// The keys cannot be used.
    #[error("check signatures: {0}")]
    TrustedKeys(String),
    /// A kind of plugin that this build does not load.
    #[error("load a plugin of kind {kind}: this gateway was built without support for it")]
    Kind {
        /// The kind.
        kind: &'static str,
    },
    /// Size of the file differs from the manifest.
    #[error("verify {}: it has {found} bytes and plugin.toml says {expected}: the file is damaged or was replaced; install it again", path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// Bytes there.
        found: u64,
        /// Bytes in the manifest.
        expected: u64,
    },
    /// Content of the file differs from the manifest.
    #[error("verify {}: its SHA-256 is not the one in plugin.toml: the file is damaged or was replaced; install it again", path.display())]
    Hash {
        /// The file.
        path: PathBuf,
    },
    /// Not a library for this machine.
    #[error("load {}: {reason}", path.display())]
    Elf {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A library, but not one of ours.
    #[error("load {}: it is not a gateway plugin (no symbol that begins with {symbol}): plugins are made with `causeway_sdk::export_plugin!`", path.display())]
    NotAPlugin {
        /// The file.
        path: PathBuf,
        /// The symbol.
        symbol: &'static str,
    },
    /// A component that this gateway does not run.
    #[error("load {}: {reason}", path.display())]
    Component {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// What the operator granted is not understood.
    #[error("grant the plugin what it asks for: {0}")]
    Grants(String),
    /// The dynamic linker refused.
    #[error("load {}: {reason}", path.display())]
    Linker {
        /// The file.
        path: PathBuf,
        /// What the linker said.
        reason: String,
    },
    /// The preamble is none.
    #[error("load {}: its preamble is damaged: rebuild the plugin", path.display())]
    Preamble {
        /// The file.
        path: PathBuf,
    },
    /// Another generation of the boundary.
    #[error(
        "load the plugin: built for plugin ABI {abi}{by}; this gateway speaks {known}.x: rebuild the plugin or upgrade the gateway"
    )]
    AbiMajor {
        /// Version of the plugin.
        abi: String,
        /// SDK and compiler, in brackets, when they are known.
        by: String,
        /// What we speak.
        known: u32,
    },
    /// Panics would end the process.
    #[error(
        "load the plugin: it was built with panic = \"abort\", so a panic in it would end the gateway: rebuild it with panic = \"unwind\""
    )]
    Panics,
    /// Types that cross differ.
    #[error(
        "load the plugin: its types differ from the gateway's although both speak plugin ABI {known}.x ({detail}): rebuild it with the gateway's SDK{by}"
    )]
    Layout {
        /// What we speak.
        known: u32,
        /// First line of what differs.
        detail: String,
        /// SDK and compiler of the plugin, in brackets.
        by: String,
    },
    /// The plugin did not want to start.
    #[error("start the plugin: {0}: check its options")]
    Create(Error),
    /// The plugin does not say what it is.
    #[error("ask the plugin what it can do: {0}")]
    Describe(String),
    /// Manifest and plugin disagree.
    #[error(
        "load the plugin: plugin.toml says {what} {manifest} and the plugin says {library}: install it again with `causeway plugins install`"
    )]
    Mismatch {
        /// What.
        what: &'static str,
        /// In the manifest.
        manifest: String,
        /// In the plugin itself.
        library: String,
    },
    /// It ended too many workers.
    #[error("load the plugin: it is out of service because it ended too many worker processes")]
    OutOfService,
    /// An operator disabled it.
    #[error("load the plugin: it is disabled")]
    Disabled,
    /// It was tried before, in another process.
    #[error("{0}")]
    Tried(String),
    /// Two plugins of one name in one directory.
    #[error("load the plugin: {} holds another plugin named {name}: remove one of the two", other.display())]
    Duplicate {
        /// The name.
        name: String,
        /// Where the other is.
        other: PathBuf,
    },
    /// Two plugins for one scheme.
    #[error(
        "register the plugin: scheme {scheme} is also claimed by plugin {other}: remove one of the two, or put the one you want into plugins.priority"
    )]
    Conflict {
        /// The scheme.
        scheme: String,
        /// The other plugin.
        other: String,
    },
    /// The library cannot be put into the plugin directory.
    #[error("install the plugin into {}: {source}", path.display())]
    Install {
        /// The directory or file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}
