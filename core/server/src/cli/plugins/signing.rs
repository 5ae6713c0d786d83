//! `causeway plugins keygen` and `causeway plugins sign`: what a publisher does, or an operator who vouches
//! for a plugin.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `keygen`.
#[derive(Debug, Args)]
pub struct KeygenArgs {
    /// File for the private key; the public one gets `.pub` behind the name.
    file: PathBuf,
}

/// Arguments of `sign`.
#[derive(Debug, Args)]
pub struct SignArgs {
    /// The plugin's folder, with its `plugin.toml`.
    folder: PathBuf,
    /// File with the private key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

pub(super) fn keygen(args: &KeygenArgs) -> anyhow::Result<()> {
    let public = causeway_host::generate_keys(&args.file)?;
    let (private, public) = (args.file.display(), public.display());
    println!("made {private}, which nobody else may see, and {public} for plugins.trusted_keys");
    Ok(())
}

pub(super) fn sign(args: &SignArgs) -> anyhow::Result<()> {
    let signature = causeway_host::sign(&args.folder, &args.key)?;
    println!("signed {}", signature.display());
    Ok(())
}
