//! [`Marker`]: what a receiving server says while a transfer runs. `112` tells how many bytes each
//! stripe has, `111` which ranges of the file are safe. [`Progress`] adds them up and refuses
//! what cannot be.

use std::collections::BTreeMap;

use super::ranges::{Ranges, decimal};
use crate::{Error, Result};

/// Most stripes that are believed.
pub const MAX_STRIPES: u32 = 1024;

/// One marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marker {
    /// Reply 112.
    Performance(PerfMarker),
    /// Reply 111: received since the last one.
    Range(Ranges),
}

/// How far one stripe is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerfMarker {
    /// Tenths of a second since 1970, by the server's clock; 0 when it told none.
    pub timestamp_tenths: u64,
    /// Which stripe, from 0.
    pub stripe: u32,
    /// How many there are.
    pub stripes: u32,
    /// Bytes it has, in all.
    pub bytes: u64,
}

impl Marker {
    /// Reads the text of a reply, with or without the codes in front of its lines.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Protocol`]
    pub fn parse(code: u16, text: &str) -> Result<Self> {
        match code {
            111 => parse_range(text).map(Self::Range),
            112 => parse_performance(text).map(Self::Performance),
            _ => Err(wrong(format!("{code} is none"))),
        }
    }
}

fn parse_range(text: &str) -> Result<Ranges> {
    let line = bare(text.lines().next().unwrap_or_default());
    let list = strip_word(line, "range marker").ok_or_else(|| wrong("no ranges"))?;
    Ranges::parse(list)
}

fn parse_performance(text: &str) -> Result<PerfMarker> {
    let (mut timestamp_tenths, mut stripe, mut stripes, mut bytes) = (0, 0, 1, None);
    for line in text.lines().take(64) {
        let Some((name, value)) = bare(line).split_once(':') else {
            continue;
        };
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "timestamp" => timestamp_tenths = tenths(value).ok_or_else(|| wrong("its time"))?,
            "stripe index" => stripe = small(value)?,
            "total stripe count" => stripes = small(value)?,
            "stripe bytes transferred" => {
                bytes = Some(decimal(value).ok_or_else(|| wrong("its bytes"))?);
            }
            _ => {}
        }
    }
    if stripes == 0 || stripe >= stripes {
        return Err(wrong(format!("stripe {stripe} of {stripes}")));
    }
    Ok(PerfMarker {
        timestamp_tenths,
        stripe,
        stripes,
        bytes: bytes.ok_or_else(|| wrong("no bytes"))?,
    })
}

/// A line without `112-`, `112 ` or the blank of a continuation.
fn bare(line: &str) -> &str {
    let digits = line.len()
        - line
            .trim_start_matches(|it: char| it.is_ascii_digit())
            .len();
    let rest = &line[digits..];
    match digits {
        3 => rest.strip_prefix(['-', ' ']).unwrap_or(rest).trim(),
        _ => line.trim(),
    }
}

fn strip_word<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let head = line.get(..word.len())?;
    head.eq_ignore_ascii_case(word).then(|| &line[word.len()..])
}

/// `1795310110.8`, also without a fraction or with a longer one.
fn tenths(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let first = decimal(fraction.get(..1)?)?;
    decimal(whole)?.checked_mul(10)?.checked_add(first)
}

fn small(text: &str) -> Result<u32> {
    decimal(text)
        .and_then(|it| u32::try_from(it).ok())
        .filter(|it| *it <= MAX_STRIPES)
        .ok_or_else(|| wrong("its stripes"))
}

/// What the markers of one transfer say together.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    size: Option<u64>,
    ranges: Ranges,
    stripes: BTreeMap<u32, u64>,
    /// How many stripes there are.
    count: usize,
}

impl Progress {
    /// Nothing yet; of `size` bytes when that is known.
    pub fn new(size: Option<u64>) -> Self {
        Self {
            size,
            ..Self::default()
        }
    }

    /// Takes a marker in.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Protocol`] when it tells of bytes that the file does not have.
    pub fn add(&mut self, marker: &Marker) -> Result<()> {
        let size = self.size.unwrap_or(u64::MAX);
        match marker {
            Marker::Range(ranges) => {
                if ranges.end() > size {
                    return Err(wrong(format!("byte {} of {size}", ranges.end())));
                }
                for range in ranges.iter() {
                    self.ranges.insert(range)?;
                }
            }
            Marker::Performance(marker) => {
                self.count = self.count.max(marker.stripes as usize);
                let before = self.stripes.insert(marker.stripe, marker.bytes);
                let others = self.bytes().checked_sub(marker.bytes);
                if others.is_none_or(|it| it > size - marker.bytes.min(size))
                    || marker.bytes > size
                    || before.is_some_and(|it| it > marker.bytes)
                {
                    return Err(wrong(format!("{} bytes of {size}", marker.bytes)));
                }
            }
        }
        Ok(())
    }

    /// Bytes that the receiver has, as its performance markers say.
    pub fn bytes(&self) -> u64 {
        self.stripes
            .values()
            .fold(0, |sum, it| sum.saturating_add(*it))
    }

    /// What markers said so far, to see whether the next one says more: bytes of stripes and of
    /// safe ranges.
    pub(crate) fn known(&self) -> (u64, u64) {
        (self.bytes(), self.ranges.bytes())
    }

    /// Size of the file by what the receiver wrote, once it has said that it is done: every stripe told its
    /// bytes, and the ranges, where there are any, begin at 0, have no gap, and are as many bytes.
    pub fn whole(&self) -> Option<u64> {
        let bytes = self.bytes();
        let is_told = self.count > 0 && self.stripes.len() == self.count;
        let has_gaps = !self.ranges.is_empty() && self.ranges != Ranges::of(0..bytes);
        (is_told && !has_gaps).then_some(bytes)
    }

    /// What need not be sent again after a broken transfer.
    pub fn safe(&self) -> &Ranges {
        &self.ranges
    }
}

fn wrong(what: impl std::fmt::Display) -> Error {
    Error::protocol(format!("read a marker: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PERF: &str = "112-Perf Marker\r\n Timestamp:  1795310110.8\r\n Stripe Index: 0\r\n Stripe Bytes Transferred: 77\r\n Total Stripe Count: 1\r\n112 End.\r\n";

    fn perf(stripe: u32, stripes: u32, bytes: u64) -> Marker {
        Marker::parse(
            112,
            &format!("Perf Marker\n Stripe Index: {stripe}\n Stripe Bytes Transferred: {bytes}\n Total Stripe Count: {stripes}\nEnd."),
        )
        .unwrap()
    }

    #[test]
    fn reads_what_servers_send() {
        let Marker::Performance(marker) = Marker::parse(112, PERF).unwrap() else {
            panic!("another marker");
        };
        assert_eq!(marker.timestamp_tenths, 17_953_101_108);
        assert_eq!((marker.stripe, marker.stripes, marker.bytes), (0, 1, 77));
        let Marker::Range(ranges) = Marker::parse(111, "111 Range Marker 0-3000000\r\n").unwrap()
        else {
            panic!("another marker");
        };
        assert_eq!(ranges, Ranges::of(0..3_000_000));
        assert!(Marker::parse(111, "Range Marker 0-5,7-9").is_ok());
    }

    #[test]
    fn refuses_nonsense() {
        for (code, text) in [
            (111, ""),
            (111, "Range Marker"),
            (111, "Range Marker 9-1"),
            (112, "112 End."),
            (112, " Stripe Bytes Transferred: -1"),
            (112, " Stripe Bytes Transferred: 1\n Stripe Index: 1"),
            (
                112,
                " Stripe Bytes Transferred: 1\n Total Stripe Count: 4000000000",
            ),
            (226, PERF),
        ] {
            assert!(Marker::parse(code, text).is_err(), "{code} {text}");
        }
    }

    #[test]
    fn adds_up() {
        let mut progress = Progress::new(Some(100));
        progress.add(&perf(0, 2, 10)).unwrap();
        progress.add(&perf(1, 2, 20)).unwrap();
        progress.add(&perf(0, 2, 80)).unwrap();
        assert_eq!(progress.bytes(), 100);
        progress.add(&Marker::Range(Ranges::of(0..10))).unwrap();
        progress.add(&Marker::Range(Ranges::of(10..20))).unwrap();
        assert_eq!(progress.safe(), &Ranges::of(0..20));
    }

    #[test]
    fn refuses_bytes_that_cannot_be() {
        let refused = |markers: &[Marker]| {
            let mut progress = Progress::new(Some(100));
            markers.iter().any(|it| progress.add(it).is_err())
        };
        assert!(refused(&[Marker::Range(Ranges::of(50..101))]));
        assert!(refused(&[perf(0, 1, 101)]));
        assert!(refused(&[perf(0, 2, 60), perf(1, 2, 60)]));
        assert!(refused(&[perf(0, 1, 60), perf(0, 1, 50)]));
        assert!(refused(&[perf(0, 2, 1), perf(1, 2, u64::MAX)]));
    }

    proptest! {
        #[test]
        fn never_panics(code in 111_u16..114, text in "(\\PC|\n|[0-9]{1,21}|Range Marker|Stripe (Index|Bytes Transferred)|:|-|,| |Total Stripe Count){0,30}") {
            if let Ok(marker) = Marker::parse(code, &text) {
                drop(Progress::new(Some(9)).add(&marker));
                drop(Progress::new(None).add(&marker));
            }
        }
    }
}
