//! From a file to a storage: verified, looked at, opened, its preamble read, its layout compared,
//! created and asked what it is. Each step has its own refusal.

use std::path::Path;

use causeway_abi::abi_stable::library::{AbiHeaderRef, LibHeader};
use causeway_abi::preamble::{ABI_MAJOR, FLAG_UNWINDS, MAGIC, SYMBOL};
use causeway_abi::{Plugin_Ref, Preamble};
use causeway_sdk::native::convert::{self, Crossing as _};
use causeway_sdk::{Capabilities, Error};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use super::bridge::{Bridge, Object};
use super::elf::{self, Symbol};
use crate::culprit::{Name, coarse_time, mark};
use crate::description::{self, compare, read};
use crate::image::Code;
use crate::manifest::{Manifest, check_owner};
use crate::refusal::Refusal;

/// A plugin that was started.
pub(crate) struct Started {
    pub(crate) storage: Bridge,
    pub(crate) capabilities: Capabilities,
}

/// Loads the library of a folder, after it was found to be what the manifest says.
pub(crate) fn load_installed(
    folder: &Path,
    manifest: &Manifest,
    config: &str,
    host: &causeway_sdk::Host,
) -> Result<Started, Refusal> {
    let path = manifest.library(folder);
    check_owner(folder)?;
    check_owner(&path)?;
    let bytes = read(&path)?;
    manifest.verify(&path, &bytes)?;
    let started = load_library(&path, &bytes, &manifest.name, config, host)?;
    compare(manifest, &started.capabilities)?;
    Ok(started)
}

/// Loads a library whose bytes were read. Without a manifest nobody vouches for them. What it does
/// to the process is laid at the door of this name.
pub(crate) fn load_library(
    path: &Path,
    bytes: &[u8],
    name: &str,
    config: &str,
    host: &causeway_sdk::Host,
) -> Result<Started, Refusal> {
    let symbol = elf::find_symbol(bytes, SYMBOL)
        .map_err(|reason| Refusal::Elf {
            path: path.to_owned(),
            reason,
        })?
        .ok_or_else(|| Refusal::NotAPlugin {
            path: path.to_owned(),
            symbol: SYMBOL,
        })?;
    let name = Name::leaked(name);
    // Its constructors may end the process already.
    let _marked = mark(name, coarse_time());
    let preamble = open(path, &symbol, name)?;
    start(root(path, preamble)?, config, host)
}

/// Opens the library for ever and finds its preamble.
fn open(path: &Path, symbol: &Symbol, name: &'static Name) -> Result<&'static Preamble, Refusal> {
    let damaged = || Refusal::Preamble {
        path: path.to_owned(),
    };
    if symbol.size < size_of::<Preamble>() as u64 {
        return Err(damaged());
    }
    let linker = |source: libloading::Error| Refusal::Linker {
        path: path.to_owned(),
        reason: std::error::Error::source(&source)
            .map_or_else(|| source.to_string(), ToString::to_string),
    };
    let before = Code::now();
    // SAFETY: opening runs the constructors of the library. Its owner and checksum have been
    // checked where there is a manifest; without one the operator named the file.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(linker)?;
    before.rest_belongs_to(name);
    // SAFETY: only the address is taken. What is there is checked before it is used.
    let address = unsafe { library.get::<*const Preamble>(symbol.name.as_bytes()) }
        .map(|symbol| *symbol)
        .map_err(linker);
    // Never unloaded: tables, threads and constants of the plugin live in the image.
    std::mem::forget(library);
    let address = address?;
    if address.is_null() || !address.is_aligned() {
        return Err(damaged());
    }
    // SAFETY: the symbol has at least the size of a preamble, is aligned, consists of plain
    // integers and pointers, and stays mapped for ever.
    let preamble = unsafe { &*address };
    if preamble.magic != MAGIC || (preamble.struct_size as usize) < size_of::<Preamble>() {
        return Err(damaged());
    }
    Ok(preamble)
}

/// Checks the preamble, then the layout of everything behind it.
fn root(path: &Path, preamble: &'static Preamble) -> Result<Plugin_Ref, Refusal> {
    let by = built_by(preamble);
    if preamble.abi_major != ABI_MAJOR {
        return Err(Refusal::AbiMajor {
            abi: format!("{}.{}", preamble.abi_major, preamble.abi_minor),
            by,
            known: ABI_MAJOR,
        });
    }
    if preamble.flags & FLAG_UNWINDS == 0 {
        return Err(Refusal::Panics);
    }
    if preamble.root.is_null() || !preamble.root.is_aligned() {
        return Err(Refusal::Preamble {
            path: path.to_owned(),
        });
    }
    // SAFETY: `AbiHeaderRef` is a transparent pointer to the first field of a `LibHeader`. The
    // preamble, of our major version, says that one is there; `upgrade` compares the header's own magic
    // text before it looks further.
    let header = unsafe { std::mem::transmute::<*const LibHeader, AbiHeaderRef>(preamble.root) };
    let layout = |source: causeway_abi::abi_stable::library::LibraryError| {
        let text = source.to_string();
        tracing::debug!(plugin.path = %path.display(), "{text}");
        Refusal::Layout {
            known: ABI_MAJOR,
            detail: first_error(&text),
            by: by.clone(),
        }
    };
    header
        .upgrade()
        .map_err(layout)?
        .init_root_module::<Plugin_Ref>()
        .map_err(layout)
}

/// ` (SDK 0.1.0, rustc 1.95.0)`
fn built_by(preamble: &Preamble) -> String {
    let text = |start: *const u8, len: usize| {
        if start.is_null() || len > 256 {
            return String::from("?");
        }
        // SAFETY: the magic and the size were right, so this is a preamble, and its texts are
        // constants of the image. They are read byte by byte, whatever they hold.
        let bytes = unsafe { std::slice::from_raw_parts(start, len) };
        String::from_utf8_lossy(bytes).replace(char::is_control, "?")
    };
    format!(
        " (SDK {}, {})",
        text(preamble.sdk_version, preamble.sdk_version_len),
        text(preamble.rustc_version, preamble.rustc_version_len)
    )
}

/// The layout check writes a book; the first of its lines that begins with `Error:` is the point.
fn first_error(text: &str) -> String {
    let mut lines = text.lines().map(str::trim);
    let line = lines
        .clone()
        .find_map(|line| {
            line.strip_prefix("Error:")
                .filter(|rest| !rest.trim().is_empty())
        })
        .or_else(|| lines.find(|line| !line.is_empty()))
        .unwrap_or("no details");
    line.trim().chars().take(200).collect()
}

fn start(root: Plugin_Ref, config: &str, host: &causeway_sdk::Host) -> Result<Started, Refusal> {
    let created = root.create()(config.into(), convert::host_abi(host)).into_result();
    let object: Object = created.map_err(|error| Refusal::Create(understand(error)))?;
    let described = object.describe().into_result();
    let json = described.map_err(|error| Refusal::Describe(understand(error).to_string()))?;
    let capabilities = description::understand(json.as_str())?;
    let storage = Bridge::new(object, capabilities.clone());
    Ok(Started {
        storage,
        capabilities,
    })
}

fn understand(error: causeway_abi::Error) -> Error {
    match Error::from_abi(error) {
        Ok(error) | Err(error) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_book_of_layout_errors_becomes_one_line() {
        let book = "Compared <this>:\n  --- Type Layout ---\nError:mismatched size\nError: other\n";
        assert_eq!(first_error(book), "mismatched size");
        assert_eq!(first_error("\n plain text\n"), "plain text");
        assert_eq!(first_error(""), "no details");
    }
}
