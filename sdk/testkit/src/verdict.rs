//! How a case ends early: it failed, or it finds that it does not apply.

use std::fmt::Display;

use causeway_sdk::{Error, ErrorKind};

/// End of a case.
pub(crate) type Verdict<T = ()> = Result<T, Stop>;

/// Why a case stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    Failed(String),
    Skipped(String),
}

pub(crate) fn failed<T>(text: impl Into<String>) -> Verdict<T> {
    Err(Stop::Failed(text.into()))
}

pub(crate) fn skipped<T>(text: impl Into<String>) -> Verdict<T> {
    Err(Stop::Skipped(text.into()))
}

/// Fails the case unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::verdict::Stop::Failed(format!($($text)+)));
        }
    };
}
pub(crate) use ensure;

/// Turns a storage's error into the end of a case.
pub(crate) trait OrFail<T> {
    fn or_fail(self, what: impl Display) -> Verdict<T>;
}

impl<T> OrFail<T> for Result<T, Error> {
    fn or_fail(self, what: impl Display) -> Verdict<T> {
        self.map_err(|error| Stop::Failed(format!("{what}: {error:?}")))
    }
}

/// The call must fail, and with this kind.
pub(crate) fn expect_kind<T>(
    result: Result<T, Error>,
    kind: ErrorKind,
    what: impl Display,
) -> Verdict {
    expect_one_of(result, &[kind], what)
}

/// The call must fail, and with one of these kinds.
pub(crate) fn expect_one_of<T>(
    result: Result<T, Error>,
    kinds: &[ErrorKind],
    what: impl Display,
) -> Verdict {
    match result {
        Err(error) if kinds.contains(&error.kind()) => Ok(()),
        Err(error) => failed(format!("{what}: expected {kinds:?}, got {error:?}")),
        Ok(_) => failed(format!("{what}: expected {kinds:?}, but it succeeded")),
    }
}
