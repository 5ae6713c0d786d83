//! What is read before anything else: a frozen C struct that says whether the rest may be read.
//!
//! It never changes. A boundary that differs gets another `abi_major`, and the host can still say
//! in plain words what it found.

use abi_stable::library::LibHeader;

/// First bytes of every preamble.
pub const MAGIC: [u8; 8] = *b"CWPLUG1\0";
/// Must be equal on both sides.
pub const ABI_MAJOR: u32 = 1;
/// May differ: methods and root fields that one side lacks are answered with "unsupported".
pub const ABI_MINOR: u32 = 0;
/// Bit of [`Preamble::flags`]: built with `panic = "unwind"`, so that a panic can be caught.
pub const FLAG_UNWINDS: u32 = 1;
/// What the name of the exported symbol begins with. The rest is up to the plugin; the SDK's macro
/// appends `_` and the crate's name, so that several plugins can be linked into one program.
pub const SYMBOL: &str = "CAUSEWAY_PLUGIN_V1";

/// The exported static. Frozen for ever.
#[repr(C)]
pub struct Preamble {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// Size of this struct.
    pub struct_size: u32,
    /// [`ABI_MAJOR`] of the plugin.
    pub abi_major: u32,
    /// [`ABI_MINOR`] of the plugin.
    pub abi_minor: u32,
    /// [`FLAG_UNWINDS`].
    pub flags: u32,
    /// Version of the SDK, for messages.
    pub sdk_version: *const u8,
    /// Its length.
    pub sdk_version_len: usize,
    /// Version of the compiler, for messages.
    pub rustc_version: *const u8,
    /// Its length.
    pub rustc_version_len: usize,
    /// Header of the root module; to be read only when all before it fits.
    pub root: *const LibHeader,
}

// SAFETY: it is constant data that points at constant data.
unsafe impl Sync for Preamble {}

/// Version of the compiler that built this crate.
pub const RUSTC_VERSION: &str = env!("CAUSEWAY_RUSTC");

impl Preamble {
    /// The preamble of a plugin built now.
    pub const fn new(sdk_version: &'static str, root: &'static LibHeader) -> Self {
        Self {
            magic: MAGIC,
            struct_size: size_of::<Self>() as u32,
            abi_major: ABI_MAJOR,
            abi_minor: ABI_MINOR,
            flags: if cfg!(panic = "unwind") {
                FLAG_UNWINDS
            } else {
                0
            },
            sdk_version: sdk_version.as_ptr(),
            sdk_version_len: sdk_version.len(),
            rustc_version: RUSTC_VERSION.as_ptr(),
            rustc_version_len: RUSTC_VERSION.len(),
            root,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;

    #[test]
    fn the_layout_is_frozen() {
        assert_eq!(size_of::<Preamble>(), 64);
        assert_eq!(offset_of!(Preamble, struct_size), 8);
        assert_eq!(offset_of!(Preamble, abi_major), 12);
        assert_eq!(offset_of!(Preamble, abi_minor), 16);
        assert_eq!(offset_of!(Preamble, flags), 20);
        assert_eq!(offset_of!(Preamble, sdk_version), 24);
        assert_eq!(offset_of!(Preamble, rustc_version), 40);
        assert_eq!(offset_of!(Preamble, root), 56);
    }

    #[test]
    fn version_and_package_agree() {
        assert_eq!(
            env!("CARGO_PKG_VERSION"),
            format!("{ABI_MAJOR}.{ABI_MINOR}.0")
        );
    }
}
