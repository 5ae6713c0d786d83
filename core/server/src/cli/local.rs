//! Commands that need no gateway: plugins run in this process.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use causeway_host::Host;
use causeway_sdk::{Credential, Ctx, ErrorKind, LogLevel, Page, Secret, Url};
use serde_json::{Value, json};

use super::args::{LocalArgs, MkdirArgs, MvArgs, SumArgs, UrlArgs};
use super::output;
use crate::bundled;
use crate::config::Config;
use crate::plugins;

/// Entries asked for at a time.
const PAGE: u32 = 1000;

/// Plugins and call context of a local command.
pub struct Local {
    /// The plugins.
    pub host: Host,
    /// Context of every call.
    pub cx: Ctx,
    timeout: Duration,
}

impl Local {
    /// Loads what a command about one URL needs.
    ///
    /// # Errors
    /// A configuration, a credential or a URL that cannot be read.
    pub fn at(args: &LocalArgs, text: &str) -> anyhow::Result<(Self, Url)> {
        let at = url(text)?;
        Ok((Self::new(args, &at)?, at))
    }

    /// Loads configuration, credential and the plugin of a URL.
    ///
    /// # Errors
    /// A configuration or a credential that cannot be read.
    pub fn new(args: &LocalArgs, at: &Url) -> anyhow::Result<Self> {
        let config = config(args)?;
        let timeout = Duration::from_secs(args.timeout);
        let cx = Ctx::new("command")
            .with_timeout(timeout)
            .with_credential(credential(args)?)
            .with_log(|level, text| {
                if level >= LogLevel::Warn {
                    eprintln!("{text}");
                }
            });
        Ok(Self {
            host: plugins::load_for(&config.plugins, &[at]),
            cx,
            timeout,
        })
    }

    /// A call with the time limit of the command.
    async fn limited<T>(
        &self,
        what: &str,
        url: &Url,
        call: impl Future<Output = causeway_sdk::Result<T>>,
    ) -> anyhow::Result<T> {
        match tokio::time::timeout(self.timeout, call).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(anyhow!("{what} {url}: [{}] {error}", error.errno())),
            Err(_) => Err(anyhow!(
                "{what} {url}: no answer within {} s (--timeout)",
                self.timeout.as_secs()
            )),
        }
    }
}

/// Configuration of a local command. Without one, `file` serves the whole machine: it is the
/// user's own disk here, not an operator's.
pub fn config(args: &LocalArgs) -> anyhow::Result<Config> {
    let mut config = Config::load(args.config.as_deref(), std::env::vars())?;
    if !args.plugins.plugin_dir.is_empty() {
        config.plugins.dirs.clone_from(&args.plugins.plugin_dir);
    }
    bundled::serve_directory(&mut config.plugins, Path::new("/"));
    bundled::use_environment(&mut config.plugins);
    Ok(config)
}

/// The user's proxy or token, if there is one.
pub fn credential(args: &LocalArgs) -> anyhow::Result<Credential> {
    let set = |name| std::env::var_os(name).filter(|it| !it.is_empty());
    let file = args
        .cert
        .clone()
        .or_else(|| set("X509_USER_PROXY").map(PathBuf::from));
    if let Some(file) = file {
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("read the credential {}", file.display()))?;
        return Ok(Credential::X509(Secret::new(text)));
    }
    let token = std::env::var("BEARER_TOKEN")
        .ok()
        .filter(|it| !it.is_empty());
    Ok(token.map_or(Credential::None, |token| {
        Credential::Bearer(Secret::new(token))
    }))
}

/// Understands a URL; a bare path means the machine's own disk.
pub fn url(text: &str) -> anyhow::Result<Url> {
    text.parse()
        .map_err(|error| anyhow!("understand the URL {text:?}: {error}"))
}

/// `causeway stat`
///
/// # Errors
/// What the storage refused.
pub async fn stat(args: &UrlArgs) -> anyhow::Result<()> {
    let (local, at) = Local::at(&args.local, &args.url)?;
    let storage = local.host.storage_for(&at)?;
    let stat = local
        .limited("stat", &at, storage.stat(&local.cx, &at))
        .await?;
    let value = serde_json::to_value(&stat)?;
    if args.local.json {
        return output::print_json(&value);
    }
    output::pairs(&value, &["kind", "size", "mtime", "etag", "locality"]);
    println!("{:<16} {:o}", "mode", stat.mode_or_default());
    for checksum in &stat.checksums {
        println!("{:<16} {checksum}", "checksum");
    }
    Ok(())
}

/// `causeway ls`
///
/// # Errors
/// What the storage refused.
pub async fn ls(args: &UrlArgs) -> anyhow::Result<()> {
    let (local, at) = Local::at(&args.local, &args.url)?;
    let storage = local.host.storage_for(&at)?;
    let mut page = Page {
        cursor: None,
        limit: PAGE,
    };
    loop {
        let part = local
            .limited("list", &at, storage.list(&local.cx, &at, page))
            .await?;
        for entry in part.entries {
            if args.local.json {
                // One document a line: a directory may be larger than memory.
                println!("{}", serde_json::to_string(&entry)?);
            } else {
                let slash = if entry.stat.is_directory() { "/" } else { "" };
                let size = entry
                    .stat
                    .size
                    .map_or_else(|| "-".to_owned(), |size| size.to_string());
                println!(
                    "{:o} {size:>14} {}{slash}",
                    entry.stat.mode_or_default(),
                    entry.name
                );
            }
        }
        match part.next {
            Some(cursor) => {
                page = Page {
                    cursor: Some(cursor),
                    limit: PAGE,
                }
            }
            None => return Ok(()),
        }
    }
}

/// `causeway mkdir`
///
/// # Errors
/// What the storage refused.
pub async fn mkdir(args: &MkdirArgs) -> anyhow::Result<()> {
    let (local, at) = Local::at(&args.local, &args.url)?;
    let storage = local.host.storage_for(&at)?;
    local
        .limited(
            "make the directory",
            &at,
            storage.mkdir(&local.cx, &at, args.parents),
        )
        .await?;
    done(&args.local, &json!({ "created": args.url }))
}

/// `causeway rmdir`
///
/// # Errors
/// What the storage refused.
pub async fn rmdir(args: &UrlArgs) -> anyhow::Result<()> {
    let (local, at) = Local::at(&args.local, &args.url)?;
    let storage = local.host.storage_for(&at)?;
    local
        .limited("remove the directory", &at, storage.rmdir(&local.cx, &at))
        .await?;
    done(&args.local, &json!({ "removed": args.url }))
}

/// `causeway rm`
///
/// # Errors
/// What the storage refused.
pub async fn rm(args: &UrlArgs) -> anyhow::Result<()> {
    let (local, at) = Local::at(&args.local, &args.url)?;
    let storage = local.host.storage_for(&at)?;
    local
        .limited("remove", &at, storage.unlink(&local.cx, &at))
        .await?;
    done(&args.local, &json!({ "removed": args.url }))
}

/// `causeway mv`
///
/// # Errors
/// What the storage refused.
pub async fn mv(args: &MvArgs) -> anyhow::Result<()> {
    let (from, to) = (url(&args.from)?, url(&args.to)?);
    let local = Local::new(&args.local, &from)?;
    let storage = local.host.storage_for(&from)?;
    let call = storage.rename(&local.cx, &from, &to, args.overwrite);
    local.limited("rename", &from, call).await?;
    done(&args.local, &json!({ "renamed": args.from, "to": args.to }))
}

/// `causeway sum`: asks the storage; reads the file when the storage cannot tell.
///
/// # Errors
/// What the storage refused.
pub async fn sum(args: &SumArgs) -> anyhow::Result<()> {
    let (local, at) = Local::at(&args.local, &args.url)?;
    let algorithm = args.algorithm.parse()?;
    let storage = local.host.storage_for(&at)?;
    let told = async {
        // What the plugin can ask for, this very server may still not tell.
        if !storage.describe().checksums.contains(&algorithm) {
            return Ok(None);
        }
        match storage.checksum(&local.cx, &at, algorithm).await {
            Err(error) if error.kind() == ErrorKind::Unsupported => Ok(None),
            told => told.map(Some),
        }
    };
    let checksum = if let Some(checksum) = local.limited("sum", &at, told).await? {
        checksum
    } else {
        let read = async {
            let mut body = storage
                .open_read(&local.cx, &at, causeway_sdk::ReadOptions::default())
                .await?;
            let mut hasher = algorithm.hasher();
            while let Some(chunk) = body.next().await? {
                hasher.update(&chunk);
            }
            Ok(hasher.finish())
        };
        local.limited("read", &at, read).await?
    };
    if args.local.json {
        return output::print_json(
            &json!({ "url": args.url, "algorithm": algorithm.name(), "checksum": checksum.normalized() }),
        );
    }
    println!("{} {}", checksum.normalized(), args.url);
    Ok(())
}

fn done(args: &LocalArgs, value: &Value) -> anyhow::Result<()> {
    if args.json {
        output::print_json(value)
    } else {
        Ok(())
    }
}
