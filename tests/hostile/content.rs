//! Files in memory, and files of zeros that take no memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use causeway_sdk::{Bytes, Error, ErrorKind, Url};

/// Larger files are remembered by their size.
pub(crate) const MOST_KEPT: usize = 8 << 20;
pub(crate) static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

#[derive(Clone)]
pub(crate) enum Content {
    Bytes(Bytes),
    Zeros(u64),
}

impl Content {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Bytes(it) => it.len() as u64,
            Self::Zeros(size) => *size,
        }
    }

    pub(crate) fn slice(&self, begin: u64, end: u64) -> Self {
        match self {
            Self::Bytes(it) => Self::Bytes(it.slice(begin as usize..end as usize)),
            Self::Zeros(_) => Self::Zeros(end - begin),
        }
    }

    pub(crate) fn take(&mut self, most: usize) -> Option<Bytes> {
        match self {
            Self::Bytes(it) if it.is_empty() => None,
            Self::Bytes(it) => Some(it.split_to(most.min(it.len()))),
            Self::Zeros(0) => None,
            Self::Zeros(left) => {
                let chunk = most
                    .min(ZEROS.len())
                    .min(usize::try_from(*left).unwrap_or(most));
                *left -= chunk as u64;
                Some(Bytes::from_static(&ZEROS[..chunk]))
            }
        }
    }
}

pub(crate) type Files = Arc<Mutex<BTreeMap<String, Content>>>;

pub(crate) fn lock(files: &Files) -> MutexGuard<'_, BTreeMap<String, Content>> {
    files.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn key(at: &Url) -> String {
    [at.host(), &decoded(at.path().trim_end_matches('/'))].concat()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail.get(..2).filter(|_| *first == b'%');
        let digits = digits.and_then(|it| std::str::from_utf8(it).ok());
        match digits.and_then(|it| u8::from_str_radix(it, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(crate) fn not_found(at: &Url) -> Error {
    Error::new(ErrorKind::NotFound, format!("no such file: {at}"))
}
