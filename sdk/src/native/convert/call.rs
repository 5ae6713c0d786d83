//! Arguments: borrowed on the way out, copied on arrival.

use std::time::Duration;

use causeway_abi::abi_stable::std_types::{ROption, RStr, RVec};
use causeway_abi::call::{CredentialKind, EXT_RESUME};
use causeway_abi::storage::EXT_HELD;
use causeway_abi::values::{Access, Direction};
use causeway_abi::{self as abi, CtxHandle, Ext, UrlRef};

use super::value::{Crossing, milliseconds, pair};
use crate::{
    Algorithm, Checksum, CopyRequest, Credential, Ctx, Error, ErrorKind, Outcome, Page,
    ReadOptions, Result, Secret, StageRequest, TurlRequest, Url, WriteOptions,
};

/// A URL, lent.
#[inline]
pub fn url_ref(url: &Url) -> UrlRef<'_> {
    let [scheme, authority, path] = url.ends();
    UrlRef {
        text: url.as_str().into(),
        scheme,
        authority,
        path,
    }
}

/// A URL, copied.
///
/// # Errors
/// [`ErrorKind::Internal`] when its parts do not fit its text.
pub fn url(url: UrlRef<'_>) -> Result<Url> {
    Url::assemble(url.text.as_str(), [url.scheme, url.authority, url.path])
        .ok_or_else(|| Error::new(ErrorKind::Internal, "understand a URL from the gateway"))
}

/// URLs, lent.
pub fn url_refs(urls: &[Url]) -> RVec<UrlRef<'_>> {
    urls.iter().map(url_ref).collect()
}

/// URLs, copied.
///
/// # Errors
/// As [`url`].
pub fn urls(urls: RVec<UrlRef<'_>>) -> Result<Vec<Url>> {
    urls.into_iter().map(url).collect()
}

/// A credential, lent.
pub(crate) fn credential_ref(credential: &Credential) -> abi::Credential<'_> {
    let mut out = abi::Credential {
        kind: CredentialKind::NONE,
        access: RStr::empty(),
        secret: RStr::empty(),
        token: ROption::RNone,
        region: ROption::RNone,
        ext: Ext::NONE,
    };
    match credential {
        Credential::None => {}
        Credential::Bearer(secret) => {
            out.kind = CredentialKind::BEARER;
            out.secret = secret.expose().into();
        }
        Credential::X509(secret) => {
            out.kind = CredentialKind::X509;
            out.secret = secret.expose().into();
        }
        Credential::Keys {
            access,
            secret,
            token,
            region,
        } => {
            out.kind = CredentialKind::KEYS;
            out.access = access.as_str().into();
            out.secret = secret.expose().into();
            out.token = token.as_ref().map(|it| it.expose().into()).into();
            out.region = region.as_deref().map(RStr::from).into();
        }
    }
    out
}

/// An unknown kind is none at all: the storage then says that it wants one.
pub(crate) fn credential(abi: &abi::Credential<'_>) -> Credential {
    let secret = || Secret::new(abi.secret.as_str());
    match abi.kind {
        CredentialKind::BEARER => Credential::Bearer(secret()),
        CredentialKind::X509 => Credential::X509(secret()),
        CredentialKind::KEYS => Credential::Keys {
            access: abi.access.into(),
            secret: secret(),
            token: abi.token.as_ref().map(|it| Secret::new(it.as_str())).into(),
            region: abi.region.as_ref().map(|it| it.to_string()).into(),
        },
        _ => Credential::None,
    }
}

/// The context of a call, shared with the other side.
#[inline]
pub fn ctx_handle(cx: &Ctx) -> CtxHandle {
    cx.handle()
}

/// The context of a caller on the other side. Its token is raised with the caller's, and by
/// whoever holds a clone.
pub fn ctx(caller: CtxHandle) -> Ctx {
    Ctx::lent(caller)
}

/// Code of an algorithm: its place in the list, which only grows.
pub fn algorithm_code(algorithm: Algorithm) -> abi::values::Algorithm {
    let at = Algorithm::ALL.iter().position(|it| *it == algorithm);
    abi::values::Algorithm(at.map_or(u32::MAX, |at| at as u32))
}

/// The algorithm of a code.
///
/// # Errors
/// [`ErrorKind::Unsupported`] for a code that this side does not know.
pub fn algorithm(code: abi::values::Algorithm) -> Result<Algorithm> {
    Algorithm::ALL.get(code.0 as usize).copied().ok_or_else(|| {
        Error::new(
            ErrorKind::Unsupported,
            "use a checksum algorithm this side does not know",
        )
    })
}

/// Code of an outcome.
pub fn outcome_code(outcome: Outcome) -> abi::values::Outcome {
    match outcome {
        Outcome::Done => abi::values::Outcome::DONE,
        Outcome::Aborted => abi::values::Outcome::ABORTED,
    }
}

/// The outcome of a code. Unknown ones count as aborted: nothing becomes visible by mistake.
pub fn outcome(code: abi::values::Outcome) -> Outcome {
    match code {
        abi::values::Outcome::DONE => Outcome::Done,
        _ => Outcome::Aborted,
    }
}

/// Part of a directory, lent.
pub fn page_ref(page: &Page) -> abi::call::Page<'_> {
    abi::call::Page {
        cursor: page.cursor.as_deref().map(RStr::from).into(),
        limit: page.limit,
        ext: Ext::NONE,
    }
}

/// Part of a directory, copied.
pub fn page(abi: abi::call::Page<'_>) -> Page {
    Page {
        cursor: abi.cursor.into_option().map(String::from),
        limit: abi.limit,
    }
}

/// How to read, lent.
pub fn read_options_ref(options: &ReadOptions) -> abi::ReadOptions<'_> {
    abi::ReadOptions {
        offset: options.offset,
        len: options.len.into(),
        chunk_hint: options.chunk_hint,
        if_match: options.if_match.as_deref().map(RStr::from).into(),
        ext: Ext::NONE,
    }
}

/// How to read, copied.
pub fn read_options(abi: abi::ReadOptions<'_>) -> ReadOptions {
    ReadOptions {
        offset: abi.offset,
        len: abi.len.into(),
        chunk_hint: abi.chunk_hint,
        if_match: abi.if_match.into_option().map(String::from),
    }
}

/// How to write, for the boundary.
pub fn write_options_abi(options: WriteOptions) -> abi::WriteOptions {
    let resume = options.resume.map(|key| pair(EXT_RESUME, &key));
    abi::WriteOptions {
        size: options.size.into(),
        overwrite: options.overwrite,
        parents: options.parents,
        expect: options.expect.map(Checksum::into_abi).into(),
        ext: resume.map_or(Ext::NONE, |pair| Ext::from(vec![pair])),
    }
}

/// How to write, from the boundary.
///
/// # Errors
/// As [`algorithm`].
pub fn write_options(abi: abi::WriteOptions) -> Result<WriteOptions> {
    Ok(WriteOptions {
        size: abi.size.into(),
        overwrite: abi.overwrite,
        parents: abi.parents,
        resume: abi.ext.get(EXT_RESUME).map(str::to_owned),
        expect: expected(abi.expect)?,
    })
}

/// How far bytes of an earlier write reach, as the answer to opening says it.
pub fn held(ext: &Ext) -> u64 {
    // What is no number is nothing to go on from.
    ext.get(EXT_HELD)
        .and_then(|it| it.parse().ok())
        .unwrap_or(0)
}

/// The same, for the boundary.
pub fn held_abi(held: u64) -> Ext {
    match held {
        0 => Ext::NONE,
        held => Ext::from(vec![pair(EXT_HELD, &held.to_string())]),
    }
}

fn expected(abi: ROption<abi::Checksum>) -> Result<Option<Checksum>> {
    abi.into_option().map(Checksum::from_abi).transpose()
}

/// A third-party copy, lent.
pub fn copy_request_ref(request: &CopyRequest) -> abi::CopyRequest<'_> {
    abi::CopyRequest {
        direction: match request.direction {
            crate::Direction::Pull => Direction::PULL,
            crate::Direction::Push => Direction::PUSH,
        },
        streams: request.streams,
        source: url_ref(&request.source),
        destination: url_ref(&request.destination),
        peer_credential: credential_ref(&request.peer_credential),
        overwrite: request.overwrite,
        size: request.size.into(),
        expect: request.expect.clone().map(Checksum::into_abi).into(),
        ext: Ext::NONE,
    }
}

/// A third-party copy, copied.
///
/// # Errors
/// [`ErrorKind::Unsupported`] for a direction or an algorithm that this side does not know.
pub fn copy_request(abi: abi::CopyRequest<'_>) -> Result<CopyRequest> {
    Ok(CopyRequest {
        direction: match abi.direction {
            Direction::PULL => crate::Direction::Pull,
            Direction::PUSH => crate::Direction::Push,
            _ => return Err(Error::unsupported("copy")),
        },
        source: url(abi.source)?,
        destination: url(abi.destination)?,
        peer_credential: credential(&abi.peer_credential),
        overwrite: abi.overwrite,
        streams: abi.streams,
        size: abi.size.into(),
        expect: expected(abi.expect)?,
    })
}

/// A bring-online request, lent.
pub fn stage_request_ref(request: &StageRequest) -> abi::StageRequest<'_> {
    abi::StageRequest {
        files: url_refs(&request.files),
        pin_ms: milliseconds(request.pin),
        timeout_ms: milliseconds(request.timeout),
        metadata: request
            .metadata
            .iter()
            .map(|it| it.as_str().into())
            .collect(),
        ext: Ext::NONE,
    }
}

/// A bring-online request, copied.
///
/// # Errors
/// As [`url`].
pub fn stage_request(abi: abi::StageRequest<'_>) -> Result<StageRequest> {
    Ok(StageRequest {
        files: urls(abi.files)?,
        pin: Duration::from_millis(abi.pin_ms),
        timeout: Duration::from_millis(abi.timeout_ms),
        metadata: abi.metadata.iter().map(|it| it.to_string()).collect(),
    })
}

/// A request for a transfer URL, lent.
pub fn turl_request_ref(request: &TurlRequest) -> abi::TurlRequest<'_> {
    abi::TurlRequest {
        access: match request.access {
            crate::Access::Read => Access::READ,
            crate::Access::Write => Access::WRITE,
        },
        overwrite: request.overwrite,
        schemes: request
            .schemes
            .iter()
            .map(|it| it.as_str().into())
            .collect(),
        size: request.size.into(),
        ext: Ext::NONE,
    }
}

/// A request for a transfer URL, copied.
pub fn turl_request(abi: abi::TurlRequest<'_>) -> TurlRequest {
    TurlRequest {
        access: match abi.access {
            Access::WRITE => crate::Access::Write,
            _ => crate::Access::Read,
        },
        schemes: abi.schemes.iter().map(|it| it.to_string()).collect(),
        size: abi.size.into(),
        overwrite: abi.overwrite,
    }
}
