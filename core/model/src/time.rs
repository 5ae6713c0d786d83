//! Points in time, as rows keep them and as the wire shows them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970 UTC.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// From whole seconds since 1970.
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Whole seconds since 1970.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Later by so many milliseconds.
    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Seconds between two points, negative when `earlier` is later.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        (self.0 - earlier.0) as f64 / 1000.0
    }
}

impl fmt::Display for Timestamp {
    /// `2026-11-22T03:15:00`: UTC, no zone, no fraction, as clients parse it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.seconds()) {
            Ok(time) => write!(f, "{}", time.strftime("%Y-%m-%dT%H:%M:%S")),
            Err(_) => f.write_str("9999-12-31T23:59:59"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_neither_zone_nor_fraction() {
        assert_eq!(
            Timestamp(1_558_516_162_999).to_string(),
            "2019-05-22T09:09:22"
        );
        assert_eq!(Timestamp(-1).seconds(), -1);
    }
}
