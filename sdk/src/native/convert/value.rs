//! The trait of what crosses, errors, and checksums.

use std::time::Duration;

use causeway_abi::abi_stable::std_types::{ROption, RString, RVec};
use causeway_abi::values::{EXT_PANIC, Retry};
use causeway_abi::{self as abi, KeyValue};

use super::call::{algorithm, algorithm_code};
use super::text::{line, valid};
use crate::error::ErrorKind;
use crate::{Bytes, Checksum, Error, Result};

/// Pairs of context that an error may bring.
const MOST_PAIRS: usize = 32;
/// Longest checksum, in digits. The longest in use has 128.
const LONGEST_SUM: usize = 256;

/// A value that crosses.
pub trait Crossing: Sized {
    /// Its form on the boundary.
    type Abi;
    /// To the boundary.
    fn into_abi(self) -> Self::Abi;
    /// From the boundary.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the other side sent what cannot be understood.
    fn from_abi(abi: Self::Abi) -> Result<Self>;
}

macro_rules! as_it_is {
    ($($ty:ty),*) => { $(
        impl Crossing for $ty {
            type Abi = Self;
            fn into_abi(self) -> Self {
                self
            }
            fn from_abi(abi: Self) -> Result<Self> {
                Ok(abi)
            }
        }
    )* };
}

as_it_is!((), bool);

impl Crossing for Option<Bytes> {
    type Abi = ROption<abi::Chunk>;

    #[inline]
    fn into_abi(self) -> Self::Abi {
        self.map(abi::Chunk::from).into()
    }

    #[inline]
    fn from_abi(abi: Self::Abi) -> Result<Self> {
        Ok(abi.into_option().map(Bytes::from))
    }
}

#[inline]
pub(super) fn many<T: Crossing>(values: Vec<T>) -> RVec<T::Abi> {
    if values.is_empty() {
        return RVec::new();
    }
    values.into_iter().map(T::into_abi).collect()
}

#[inline]
pub(super) fn many_back<T: Crossing>(values: RVec<T::Abi>) -> Result<Vec<T>> {
    values.into_iter().map(T::from_abi).collect()
}

#[inline]
pub(super) fn text(value: Option<String>) -> ROption<RString> {
    value.map(RString::from).into()
}

#[inline]
pub(super) fn text_back(value: ROption<RString>) -> Option<String> {
    value.into_option().map(valid)
}

pub(super) fn pair(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: value.into(),
    }
}

impl Crossing for Error {
    type Abi = abi::Error;

    #[inline]
    fn into_abi(self) -> abi::Error {
        let kind = ErrorKind::ALL.iter().position(|it| *it == self.kind());
        let (retry, retry_after) = match self.retry() {
            crate::Retry::Never => (Retry::NEVER, Duration::ZERO),
            crate::Retry::Soon => (Retry::SOON, Duration::ZERO),
            crate::Retry::After(time) => (Retry::AFTER, time),
        };
        let (marks, context): (Vec<_>, Vec<_>) = self
            .context()
            .iter()
            .map(|(key, value)| pair(key, value))
            .partition(|it| it.key == EXT_PANIC);
        abi::Error {
            kind: abi::values::ErrorKind(kind.map_or(u32::MAX, |at| at as u32)),
            errno: self.errno(),
            retry,
            remote_status: self.remote_status().into(),
            retry_after_ms: milliseconds(retry_after),
            operation: self.operation().into(),
            message: self.message().into(),
            context: context.into(),
            ext: marks.into(),
        }
    }

    #[inline]
    fn from_abi(abi: abi::Error) -> Result<Self> {
        let kind = ErrorKind::ALL.get(abi.kind.0 as usize).copied();
        let retry = match abi.retry {
            Retry::SOON => crate::Retry::Soon,
            Retry::AFTER => crate::Retry::After(Duration::from_millis(abi.retry_after_ms)),
            _ => crate::Retry::Never,
        };
        let message = match line(&abi.message) {
            empty if empty.trim().is_empty() => "the plugin gives no reason".to_owned(),
            message => message,
        };
        let mut error = Self::new(kind.unwrap_or(ErrorKind::Internal), message)
            .with_errno(abi.errno)
            .with_retry(retry)
            .during(&line(&abi.operation));
        if let ROption::RSome(status) = abi.remote_status {
            error = error.with_remote_status(status);
        }
        let marks = abi.ext.pairs().iter().filter(|it| it.key == EXT_PANIC);
        for it in abi.context.pairs().iter().take(MOST_PAIRS).chain(marks) {
            error = error.with(&line(&it.key), line(&it.value));
        }
        Ok(error)
    }
}

/// Milliseconds, at most what fits.
pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Crossing for Checksum {
    type Abi = abi::Checksum;

    #[inline]
    fn into_abi(self) -> abi::Checksum {
        abi::Checksum {
            algorithm: algorithm_code(self.algorithm),
            hex: self.hex.into(),
        }
    }

    #[inline]
    fn from_abi(abi: abi::Checksum) -> Result<Self> {
        let algorithm = algorithm(abi.algorithm)?;
        // What is no hexadecimal number matches nothing; what is no word must not be shown.
        let is_word = abi.hex.bytes().all(|it| it.is_ascii_graphic());
        if !is_word || abi.hex.len() > LONGEST_SUM {
            let text = format!("understand a checksum: it is no {algorithm}");
            return Err(Error::new(ErrorKind::Internal, text));
        }
        Ok(Self::new(algorithm, abi.hex))
    }
}

/// Checksums among other metadata: one of an algorithm that this side does not know is left out.
#[inline]
pub(super) fn checksums_back(values: RVec<abi::Checksum>) -> Vec<Checksum> {
    values
        .into_iter()
        .filter_map(|it| Checksum::from_abi(it).ok())
        .collect()
}
