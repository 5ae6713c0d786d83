//! What a library exports: the preamble, and behind it the root module that makes instances.

use causeway_abi::abi_stable::library::{CheckTypeLayout, LibHeader, RootModuleResult};
use causeway_abi::abi_stable::marker_type::ErasedPrefix;
use causeway_abi::abi_stable::prefix_type::{PrefixRefTrait, PrefixTypeTrait};
use causeway_abi::abi_stable::std_types::{RResult, RStr};
use causeway_abi::storage::StorageBox;
use causeway_abi::{self as abi, Plugin, Plugin_Ref, Preamble};

use super::adapter::export;
use super::contain::caught;
use super::convert::{self, Crossing};
use crate::Storage;

/// Header of the root module of a storage, for [`export_plugin!`](crate::export_plugin).
pub const fn header<S: Storage>() -> LibHeader {
    // SAFETY: `construct` returns a prefix reference that was a `Plugin_Ref`.
    unsafe { LibHeader::from_constructor::<Plugin_Ref>(construct::<S>, CheckTypeLayout::Yes) }
}

/// The exported static, for [`export_plugin!`](crate::export_plugin).
pub const fn preamble(root: &'static LibHeader) -> Preamble {
    Preamble::new(env!("CARGO_PKG_VERSION"), root)
}

extern "C" fn construct<S: Storage>() -> RootModuleResult {
    let root = Plugin {
        create: create::<S>,
    }
    .leak_into_prefix();
    // SAFETY: erasing is what the header's type expects; the host casts back to the fields whose
    // layout it has compared.
    RResult::ROk(unsafe { root.to_prefix_ref().cast::<ErasedPrefix>() })
}

extern "C" fn create<S: Storage>(
    config: RStr<'_>,
    host: abi::Host,
) -> RResult<StorageBox, abi::Error> {
    // This image has a hook of its own; the gateway's does not know of its panics.
    crate::secret::mask_panics();
    let host = convert::host(host);
    caught("create", || S::create(config.as_str(), host))
        .map(export)
        .map_err(Crossing::into_abi)
        .into()
}
