//! Keys in files: PEM, with the one kind of key that we use.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Label of a public key.
const PUBLIC: &str = "PUBLIC KEY";
/// Label of a private one.
const PRIVATE: &str = "PRIVATE KEY";
/// What stands before the 32 bytes of an Ed25519 key in a `SubjectPublicKeyInfo` (RFC 8410).
const SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];
/// Bytes of a public key.
const LENGTH: usize = 32;
/// A key file is small; one that is longer is something else.
const LONGEST: u64 = 64 << 10;

/// What is wrong with a key file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It cannot be read or written.
    #[error("use the key file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It holds something else.
    #[error("use the key file {}: it holds no Ed25519 {expected} in PEM: `causeway plugins keygen` makes a pair", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
        /// What should be there.
        expected: &'static str,
    },
    /// The system has no random numbers.
    #[error("make a key: the system gives no random numbers")]
    Random,
}

/// A key that is trusted.
pub(super) struct PublicKey {
    /// Its file's, without the ending.
    pub(super) name: String,
    pub(super) bytes: [u8; LENGTH],
}

impl PublicKey {
    pub(super) fn read(path: &Path) -> Result<Self, KeyError> {
        let der = decode(path, PUBLIC)?;
        let bytes = der
            .strip_prefix(&SPKI)
            .and_then(|it| it.try_into().ok())
            .ok_or_else(|| no_key(path, PUBLIC))?;
        let name = path.file_stem().unwrap_or_default();
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            bytes,
        })
    }
}

/// Reads the key to sign with.
pub(super) fn private(path: &Path) -> Result<Ed25519KeyPair, KeyError> {
    let der = decode(path, PRIVATE)?;
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(|_| no_key(path, PRIVATE))
}

/// Makes a pair: the private key in `path`, readable for its owner only, the public one in a file with
/// `.pub` behind the name, which is returned. A file that is there is left alone.
///
/// # Errors
/// When a file is there already or cannot be written.
pub fn generate(path: &Path) -> Result<PathBuf, KeyError> {
    let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::Random)?;
    let private = pair.to_pkcs8v1().map_err(|_| KeyError::Random)?;
    let public = [&SPKI, pair.public_key().as_ref()].concat();
    let mut beside = path.as_os_str().to_owned();
    beside.push(".pub");
    let beside = PathBuf::from(beside);
    create(path, 0o600, &encode(PRIVATE, private.as_ref()))?;
    create(&beside, 0o644, &encode(PUBLIC, &public))?;
    Ok(beside)
}

fn create(path: &Path, mode: u32, text: &str) -> Result<(), KeyError> {
    let mut options = OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(mode).open(path);
    opened
        .and_then(|mut it| it.write_all(text.as_bytes()))
        .map_err(|source| io(path, source))
}

/// Both kinds fit into one line.
fn encode(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

fn decode(path: &Path, label: &'static str) -> Result<Vec<u8>, KeyError> {
    let length = std::fs::metadata(path)
        .map_err(|source| io(path, source))?
        .len();
    if length > LONGEST {
        return Err(no_key(path, label));
    }
    let text = std::fs::read_to_string(path).map_err(|source| io(path, source))?;
    let (begin, end) = (
        format!("-----BEGIN {label}-----"),
        format!("-----END {label}-----"),
    );
    let body = text
        .split_once(&begin)
        .and_then(|(_, rest)| rest.split_once(&end))
        .map(|(body, _)| body.split_ascii_whitespace().collect::<String>());
    body.and_then(|it| STANDARD.decode(it).ok())
        .ok_or_else(|| no_key(path, label))
}

fn io(path: &Path, source: std::io::Error) -> KeyError {
    KeyError::Io {
        path: path.to_owned(),
        source,
    }
}

fn no_key(path: &Path, label: &'static str) -> KeyError {
    KeyError::NoKey {
        path: path.to_owned(),
        expected: match label {
            PUBLIC => "public key",
            _ => "private key",
        },
    }
}
