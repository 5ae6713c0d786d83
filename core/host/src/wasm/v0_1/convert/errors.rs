//! Errors of a guest, and errors for one.

use std::time::Duration;

use causeway_sdk as sdk;

use super::enums::{kind, kind_out};
use crate::wasm::v0_1::wit::causeway::storage::types as wit;

/// Longest text of an error, in bytes.
const TEXT: usize = 4096;
/// Most pairs of an error's context.
const PAIRS: usize = 32;

fn cut(text: &str) -> &str {
    let mut end = text.len().min(TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// An error of a guest.
pub(in crate::wasm::v0_1) fn error(it: wit::Error) -> sdk::Error {
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
pub(in crate::wasm::v0_1) fn error_out(it: &sdk::Error) -> wit::Error {
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

pub(in crate::wasm::v0_1) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
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
    fn a_long_text_is_cut_between_characters() {
        let long = "é".repeat(TEXT);
        let it = wit::Error {
            message: long,
            ..error_out(&sdk::Error::new(sdk::ErrorKind::Busy, ""))
        };
        assert_eq!(error(it).message().len(), TEXT);
    }
}
