//! Arguments of a call. Texts are borrowed from the caller and valid until the method returns the
//! future, so the callee copies what its future needs.

use abi_stable::StableAbi;
use abi_stable::std_types::{ROption, RStr, RVec};

use crate::ext::Ext;
use crate::values::{Access, Checksum, Direction};

/// A URL with the ends of its parts, so that the other side need not search for them again.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct UrlRef<'a> {
    /// The whole text.
    pub text: RStr<'a>,
    /// Where the scheme ends.
    pub scheme: u16,
    /// Where the authority ends.
    pub authority: u16,
    /// Where the path ends.
    pub path: u16,
}

/// An option of the call.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// Name.
    pub key: RStr<'a>,
    /// Value.
    pub value: RStr<'a>,
}

/// Kind of a credential.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialKind(pub u32);

impl CredentialKind {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Bearer token in `secret`.
    pub const BEARER: Self = Self(1);
    /// PEM of certificate, key and chain in `secret`.
    pub const X509: Self = Self(2);
    /// Access key in `access`, secret key in `secret`.
    pub const KEYS: Self = Self(3);
}

/// A credential. No `Debug`: it must not get into a log.
#[repr(C)]
#[derive(StableAbi, Clone)]
pub struct Credential<'a> {
    /// Kind.
    pub kind: CredentialKind,
    /// Access key.
    pub access: RStr<'a>,
    /// The secret.
    pub secret: RStr<'a>,
    /// Session token.
    pub token: ROption<RStr<'a>>,
    /// Region to sign for.
    pub region: ROption<RStr<'a>>,
    /// Room to grow.
    pub ext: Ext,
}

/// Which part of a directory is wanted.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct Page<'a> {
    /// Where to go on.
    pub cursor: ROption<RStr<'a>>,
    /// At most so many; 0 for any number.
    pub limit: u32,
    /// Room to grow.
    pub ext: Ext,
}

/// How to open a file for reading.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct ReadOptions<'a> {
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub len: ROption<u64>,
    /// Chunk size the caller likes best.
    pub chunk_hint: u32,
    /// Fail when the file is another.
    pub if_match: ROption<RStr<'a>>,
    /// Room to grow.
    pub ext: Ext,
}

/// Key in [`WriteOptions::ext`]: the name under which the write may be taken up again.
pub const EXT_RESUME: &str = "resume";

/// How to open a file for writing.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct WriteOptions {
    /// Size, when known.
    pub size: ROption<u64>,
    /// Replace what is there.
    pub overwrite: bool,
    /// Create missing directories above.
    pub parents: bool,
    /// Checksum the content will have.
    pub expect: ROption<Checksum>,
    /// Room to grow; [`EXT_RESUME`] names the write.
    pub ext: Ext,
}

/// A third-party copy.
#[repr(C)]
#[derive(StableAbi, Clone)]
pub struct CopyRequest<'a> {
    /// Who works.
    pub direction: Direction,
    /// Parallel streams.
    pub streams: u32,
    /// From here.
    pub source: UrlRef<'a>,
    /// To there.
    pub destination: UrlRef<'a>,
    /// What the passive side accepts.
    pub peer_credential: Credential<'a>,
    /// Replace what is there.
    pub overwrite: bool,
    /// Size of the source.
    pub size: ROption<u64>,
    /// Checksum the copy must have.
    pub expect: ROption<Checksum>,
    /// Room to grow.
    pub ext: Ext,
}

/// A request to bring files online.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct StageRequest<'a> {
    /// The files.
    pub files: RVec<UrlRef<'a>>,
    /// How long they shall stay on disk.
    pub pin_ms: u64,
    /// How long the recall may take.
    pub timeout_ms: u64,
    /// JSON text per file.
    pub metadata: RVec<RStr<'a>>,
    /// Room to grow.
    pub ext: Ext,
}

/// A request for a transfer URL.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct TurlRequest<'a> {
    /// Read or write.
    pub access: Access,
    /// Replace what is there.
    pub overwrite: bool,
    /// Schemes the gateway can use, best first.
    pub schemes: RVec<RStr<'a>>,
    /// Size of what will be written.
    pub size: ROption<u64>,
    /// Room to grow.
    pub ext: Ext,
}
