//! The root module: where the host enters a plugin once its layout has been found equal.

// The derive makes types with underscores in their names.
#![allow(non_camel_case_types)]

use abi_stable::StableAbi;
use abi_stable::library::RootModule;
use abi_stable::package_version_strings;
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::{RResult, RStr};

use crate::ext::Ext;
use crate::storage::{LogSinkBox, StorageBox};
use crate::values::Error;

/// What the gateway gives a plugin when it is created.
#[repr(C)]
#[derive(StableAbi)]
pub struct Host {
    /// The gateway's log.
    pub log: LogSinkBox,
    /// Room to grow.
    pub ext: Ext,
}

/// The root module. Fields are only added at the end.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = Plugin_Ref, prefix_fields = Plugin_Prefix)))]
#[sabi(missing_field(option))]
pub struct Plugin {
    /// Makes an instance from its options as JSON.
    #[sabi(last_prefix_field)]
    pub create: extern "C" fn(RStr<'_>, Host) -> RResult<StorageBox, Error>,
}

impl RootModule for Plugin_Ref {
    abi_stable::declare_root_module_statics! {Plugin_Ref}
    const BASE_NAME: &'static str = "causeway_plugin";
    const NAME: &'static str = "causeway_plugin";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}
