//! Records: the same fields under the same names, or told apart where they differ.

use causeway_sdk as sdk;
use wasmtime::component::Resource;

use super::{Inward, Outward, direction_out, error, millis};
use crate::wasm::state::Held;
use crate::wasm::v0_1::wit::causeway::storage::types as wit;
use crate::wasm::v0_1::wit::exports::causeway::storage::{peer_copy, staging, turl};

macro_rules! records {
    ($trait:ident :: $method:ident, $( $from:ty => $of:ident :: $to:ident { $($field:ident),* } )*) => { $(
        impl $trait<$of::$to> for $from {
            fn $method(self) -> sdk::Result<$of::$to> {
                Ok($of::$to { $( $field: self.$field.$method()?, )* })
            }
        }
    )* };
}

records! { Inward::inward,
    wit::FileStat => sdk::Stat {
        kind, size, mode, nlink, mtime, atime, ctime, etag, locality, checksums
    }
    wit::Entry => sdk::Entry { name, stat }
    wit::DirPage => sdk::DirPage { entries, next }
    wit::SpaceInfo => sdk::Space { total, used, free }
    wit::Opened => sdk::Opened { size, etag }
    wit::Written => sdk::Written { bytes, etag, checksums }
    peer_copy::Copied => sdk::Copied { bytes, checksum }
    staging::FileState => sdk::FileState { url, state }
    staging::Staged => sdk::Staged { token, files }
    turl::TransferUrl => sdk::TransferUrl { url, token, access }
}

records! { Outward::outward,
    sdk::Page => wit::Page { cursor, limit }
    sdk::ReadOptions => wit::ReadOptions { offset, len, chunk_hint, if_match }
    sdk::WriteOptions => wit::WriteOptions { size, overwrite, parents, expect, resume }
    sdk::Checksum => wit::ChecksumValue { algorithm, hex }
    sdk::TurlRequest => turl::TurlRequest { access, schemes, size, overwrite }
    sdk::TransferUrl => turl::TransferUrl { url, token, access }
}

impl Inward<sdk::Checksum> for wit::ChecksumValue {
    fn inward(self) -> sdk::Result<sdk::Checksum> {
        Ok(sdk::Checksum::new(self.algorithm.inward()?, self.hex))
    }
}

impl Inward<sdk::StagingState> for staging::StagingState {
    fn inward(self) -> sdk::Result<sdk::StagingState> {
        Ok(match self {
            Self::Pending => sdk::StagingState::Pending,
            Self::Done => sdk::StagingState::Done,
            Self::Failed(why) => sdk::StagingState::Failed(error(why)),
        })
    }
}

/// A checksum that may be left away: one this version cannot name is.
impl Outward<Option<wit::ChecksumValue>> for Option<sdk::Checksum> {
    fn outward(self) -> sdk::Result<Option<wit::ChecksumValue>> {
        Ok(self.and_then(|it| it.outward().ok()))
    }
}

impl Outward<staging::StageRequest> for sdk::StageRequest {
    fn outward(self) -> sdk::Result<staging::StageRequest> {
        Ok(staging::StageRequest {
            files: self.files.outward()?,
            pin_ms: millis(self.pin),
            timeout_ms: millis(self.timeout),
            metadata: self.metadata,
        })
    }
}

/// A copy request whose credential has become a handle.
pub(in crate::wasm::v0_1) fn copy_request_out(
    it: sdk::CopyRequest,
    peer_credential: Resource<Held>,
) -> sdk::Result<peer_copy::CopyRequest> {
    let direction = direction_out(it.direction);
    Ok(peer_copy::CopyRequest {
        direction: direction.ok_or_else(|| sdk::Error::unsupported("copy"))?,
        source: it.source.outward()?,
        destination: it.destination.outward()?,
        peer_credential,
        overwrite: it.overwrite,
        streams: it.streams,
        size: it.size,
        expect: it.expect.outward()?,
    })
}

/// A credential for a guest that may see it.
pub(in crate::wasm::v0_1) fn secret_out(it: &sdk::Credential) -> wit::Secret {
    match it {
        sdk::Credential::None => wit::Secret::None,
        sdk::Credential::Bearer(token) => wit::Secret::Bearer(token.expose().to_owned()),
        sdk::Credential::X509(pem) => wit::Secret::X509(pem.expose().to_owned()),
        sdk::Credential::Keys {
            access,
            secret,
            token,
            region,
        } => wit::Secret::Keys(wit::KeyPair {
            access: access.clone(),
            secret: secret.expose().to_owned(),
            token: token.as_ref().map(|it| it.expose().to_owned()),
            region: region.clone(),
        }),
    }
}
