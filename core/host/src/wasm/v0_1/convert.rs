//! Values of this version to the SDK's and back, one function for each kind.
//!
//! What a guest says is taken with care: texts are cut, URLs are parsed, numbers stay what they are.

use std::time::Duration;

use causeway_sdk as sdk;
use causeway_sdk::capability::CredentialKind;

use super::wit::causeway::storage::types as wit;
use super::wit::exports::causeway::storage::{peer_copy, staging, turl};

/// Longest text of an error, in bytes.
const TEXT: usize = 4096;
/// Most pairs of an error's context.
const PAIRS: usize = 32;

macro_rules! inward {
    ($name:ident, $wit:ty, $sdk:ty, [$($case:ident),* $(,)?]) => {
        pub(super) fn $name(it: $wit) -> $sdk {
            match it { $( <$wit>::$case => <$sdk>::$case, )* }
        }
    };
}

macro_rules! outward {
    ($name:ident, $sdk:ty, $wit:ty, [$($case:ident),* $(,)?]) => {
        pub(super) fn $name(it: $sdk) -> Option<$wit> {
            match it {
                $( <$sdk>::$case => Some(<$wit>::$case), )*
                // What the SDK learned after this version was published.
                #[allow(unreachable_patterns)]
                _ => None,
            }
        }
    };
}

macro_rules! both {
    ($in:ident, $out:ident, $wit:ty, $sdk:ty, $cases:tt) => {
        inward!($in, $wit, $sdk, $cases);
        outward!($out, $sdk, $wit, $cases);
    };
}

both!(
    kind,
    kind_out,
    wit::ErrorKind,
    sdk::ErrorKind,
    [
        Invalid,
        NotFound,
        Exists,
        NotEmpty,
        IsDirectory,
        NotDirectory,
        Denied,
        AuthRequired,
        AuthExpired,
        Unsupported,
        Busy,
        Throttled,
        Timeout,
        Canceled,
        Network,
        Remote,
        Integrity,
        NoSpace,
        NotOnline,
        Conflict,
        Internal,
    ]
);
both!(
    algorithm,
    algorithm_out,
    wit::Algorithm,
    sdk::Algorithm,
    [Adler32, Crc32, Crc32c, Md5, Sha1, Sha256,]
);
inward!(
    entry_kind,
    wit::EntryKind,
    sdk::EntryKind,
    [File, Directory, Symlink, Other]
);
inward!(
    locality,
    wit::Locality,
    sdk::Locality,
    [Unknown, Online, Nearline, OnlineAndNearline, Lost,]
);
inward!(
    level,
    wit::LogLevel,
    sdk::LogLevel,
    [Debug, Info, Warn, Error]
);
inward!(access, turl::Access, sdk::Access, [Read, Write]);
outward!(
    credential_kind_out,
    CredentialKind,
    wit::CredentialKind,
    [None, Bearer, X509, Keys]
);

/// The algorithm for a guest; an error when this version has none of that name.
pub(super) fn algorithm_for(it: sdk::Algorithm) -> sdk::Result<wit::Algorithm> {
    algorithm_out(it).ok_or_else(|| {
        let text = format!("{it} is not known to a plugin of this age");
        sdk::Error::new(sdk::ErrorKind::Unsupported, text)
    })
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// An error of a guest.
pub(super) fn error(it: wit::Error) -> sdk::Error {
    let retry = match it.retry {
        wit::Retry::Never => sdk::Retry::Never,
        wit::Retry::Soon => sdk::Retry::Soon,
        wit::Retry::After(ms) => sdk::Retry::After(Duration::from_millis(ms)),
    };
    let mut error = sdk::Error::new(kind(it.kind), cut(&it.message))
        .with_retry(retry)
        .during(cut(&it.operation));
    if it.errno != 0 {
        error = error.with_errno(it.errno);
    }
    if let Some(status) = it.remote_status {
        error = error.with_remote_status(status);
    }
    for (key, value) in it.context.iter().take(PAIRS) {
        error = error.with(cut(key), cut(value));
    }
    error
}

/// An error for a guest.
pub(super) fn error_out(it: &sdk::Error) -> wit::Error {
    wit::Error {
        kind: kind_out(it.kind()).unwrap_or(wit::ErrorKind::Remote),
        errno: it.errno(),
        retry: match it.retry() {
            sdk::Retry::Never => wit::Retry::Never,
            sdk::Retry::Soon => wit::Retry::Soon,
            sdk::Retry::After(time) => wit::Retry::After(millis(time)),
        },
        operation: it.operation().to_owned(),
        message: it.message().to_owned(),
        remote_status: it.remote_status(),
        context: it.context().to_vec(),
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn checksum(it: wit::ChecksumValue) -> sdk::Checksum {
    sdk::Checksum::new(algorithm(it.algorithm), it.hex)
}

pub(super) fn checksum_out(it: &sdk::Checksum) -> sdk::Result<wit::ChecksumValue> {
    Ok(wit::ChecksumValue {
        algorithm: algorithm_for(it.algorithm)?,
        hex: it.hex.clone(),
    })
}

/// A checksum that may be left away: one this version cannot name is.
fn expected(it: Option<&sdk::Checksum>) -> Option<wit::ChecksumValue> {
    it.and_then(|it| checksum_out(it).ok())
}

pub(super) fn stat(it: wit::FileStat) -> sdk::Stat {
    sdk::Stat {
        kind: entry_kind(it.kind),
        size: it.size,
        mode: it.mode,
        nlink: it.nlink,
        mtime: it.mtime,
        atime: it.atime,
        ctime: it.ctime,
        etag: it.etag,
        locality: locality(it.locality),
        checksums: it.checksums.into_iter().map(checksum).collect(),
    }
}

pub(super) fn page_out(it: sdk::Page) -> wit::Page {
    wit::Page {
        cursor: it.cursor,
        limit: it.limit,
    }
}

pub(super) fn dir_page(it: wit::DirPage) -> sdk::DirPage {
    let entry = |it: wit::Entry| sdk::Entry {
        name: it.name,
        stat: stat(it.stat),
    };
    sdk::DirPage {
        entries: it.entries.into_iter().map(entry).collect(),
        next: it.next,
    }
}

pub(super) fn space(it: wit::SpaceInfo) -> sdk::Space {
    sdk::Space {
        total: it.total,
        used: it.used,
        free: it.free,
    }
}

pub(super) fn read_options_out(it: sdk::ReadOptions) -> wit::ReadOptions {
    wit::ReadOptions {
        offset: it.offset,
        len: it.len,
        chunk_hint: it.chunk_hint,
        if_match: it.if_match,
    }
}

pub(super) fn opened(it: wit::Opened) -> sdk::Opened {
    sdk::Opened {
        size: it.size,
        etag: it.etag,
    }
}

pub(super) fn write_options_out(it: sdk::WriteOptions) -> wit::WriteOptions {
    wit::WriteOptions {
        size: it.size,
        overwrite: it.overwrite,
        parents: it.parents,
        expect: expected(it.expect.as_ref()),
        resume: it.resume,
    }
}

pub(super) fn written(it: wit::Written) -> sdk::Written {
    sdk::Written {
        bytes: it.bytes,
        etag: it.etag,
        checksums: it.checksums.into_iter().map(checksum).collect(),
    }
}

pub(super) fn copied(it: peer_copy::Copied) -> sdk::Copied {
    sdk::Copied {
        bytes: it.bytes,
        checksum: it.checksum.map(checksum),
    }
}

/// A copy request without its credential, which is a handle.
pub(super) fn copy_request_out(
    it: &sdk::CopyRequest,
    peer_credential: wasmtime::component::Resource<crate::wasm::state::Held>,
) -> peer_copy::CopyRequest {
    peer_copy::CopyRequest {
        direction: match it.direction {
            sdk::Direction::Pull => peer_copy::Direction::Pull,
            sdk::Direction::Push => peer_copy::Direction::Push,
        },
        source: it.source.as_str().to_owned(),
        destination: it.destination.as_str().to_owned(),
        peer_credential,
        overwrite: it.overwrite,
        streams: it.streams,
        size: it.size,
        expect: expected(it.expect.as_ref()),
    }
}

fn url(text: &str) -> sdk::Result<sdk::Url> {
    text.parse().map_err(|_| {
        let text = "understand the plugin's answer: it has a URL that is none";
        sdk::Error::new(sdk::ErrorKind::Internal, text)
    })
}

pub(super) fn urls_out(it: &[sdk::Url]) -> Vec<String> {
    it.iter().map(|it| it.as_str().to_owned()).collect()
}

pub(super) fn stage_request_out(it: sdk::StageRequest) -> staging::StageRequest {
    staging::StageRequest {
        files: urls_out(&it.files),
        pin_ms: millis(it.pin),
        timeout_ms: millis(it.timeout),
        metadata: it.metadata,
    }
}

pub(super) fn file_states(it: Vec<staging::FileState>) -> sdk::Result<Vec<sdk::FileState>> {
    let file_state = |it: staging::FileState| {
        Ok(sdk::FileState {
            url: url(&it.url)?,
            state: match it.state {
                staging::StagingState::Pending => sdk::StagingState::Pending,
                staging::StagingState::Done => sdk::StagingState::Done,
                staging::StagingState::Failed(why) => sdk::StagingState::Failed(error(why)),
            },
        })
    };
    it.into_iter().map(file_state).collect()
}

pub(super) fn staged(it: staging::Staged) -> sdk::Result<sdk::Staged> {
    Ok(sdk::Staged {
        token: it.token,
        files: file_states(it.files)?,
    })
}

pub(super) fn turl_request_out(it: sdk::TurlRequest) -> turl::TurlRequest {
    turl::TurlRequest {
        access: match it.access {
            sdk::Access::Read => turl::Access::Read,
            sdk::Access::Write => turl::Access::Write,
        },
        schemes: it.schemes,
        size: it.size,
        overwrite: it.overwrite,
    }
}

pub(super) fn transfer_url(it: turl::TransferUrl) -> sdk::Result<sdk::TransferUrl> {
    Ok(sdk::TransferUrl {
        url: url(&it.url)?,
        token: it.token,
        access: access(it.access),
    })
}

pub(super) fn transfer_url_out(it: &sdk::TransferUrl) -> turl::TransferUrl {
    turl::TransferUrl {
        url: it.url.as_str().to_owned(),
        token: it.token.clone(),
        access: match it.access {
            sdk::Access::Read => turl::Access::Read,
            sdk::Access::Write => turl::Access::Write,
        },
    }
}

pub(super) fn outcome_for(it: sdk::Outcome) -> turl::Outcome {
    match it {
        sdk::Outcome::Done => turl::Outcome::Done,
        sdk::Outcome::Aborted => turl::Outcome::Aborted,
    }
}

/// A credential for a guest that may see it.
pub(super) fn secret_out(it: &sdk::Credential) -> wit::Secret {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_comes_back_as_it_was() {
        for kind in sdk::ErrorKind::ALL {
            let it = sdk::Error::new(kind, "say it")
                .with_retry(sdk::Retry::After(Duration::from_millis(1500)))
                .with_remote_status(503)
                .during("stat")
                .with("k", "v");
            assert_eq!(error(error_out(&it)), it);
        }
    }

    #[test]
    fn every_algorithm_has_its_name_here() {
        for it in sdk::Algorithm::ALL {
            assert_eq!(algorithm(algorithm_for(it).unwrap()), it);
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long = "é".repeat(TEXT);
        let it = wit::Error {
            message: long,
            ..error_out(&sdk::Error::new(sdk::ErrorKind::Busy, ""))
        };
        assert_eq!(error(it).message().len(), TEXT);
    }

    #[test]
    fn what_is_no_url_is_the_plugins_defect() {
        assert_eq!(url("no url").unwrap_err().kind(), sdk::ErrorKind::Internal);
    }
}
