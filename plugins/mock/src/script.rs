//! What a URL asks the mock to do: its query, read once per call.
//!
//! Keys match exactly. Numbers are read like the reference reads them: leading digits count,
//! anything else is zero. Knows nothing of calls or time.

use std::time::Duration;

use causeway_sdk::{Error, Url};

/// The query of one URL.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Script {
    pub(crate) errno: i32,
    pub(crate) wait: Duration,
    pub(crate) signal: i32,
    pub(crate) size: Option<i64>,
    pub(crate) size_pre: Option<i64>,
    pub(crate) size_post: Option<i64>,
    pub(crate) list: Option<String>,
    pub(crate) checksum: Option<String>,
    pub(crate) exists: bool,
    pub(crate) access_errno: i32,
    pub(crate) rd_path: Vec<String>,
    pub(crate) time: Option<Duration>,
    pub(crate) transfer_errno: i32,
    pub(crate) staging_time: Duration,
    pub(crate) staging_errno: i32,
    pub(crate) release_errno: i32,
    pub(crate) archiving_time: Duration,
    pub(crate) archiving_errno: i32,
    pub(crate) open_errno: i32,
    pub(crate) read_errno: i32,
    pub(crate) read_wait: Duration,
    pub(crate) status: Option<String>,
    pub(crate) delay: Duration,
    pub(crate) throughput: u64,
    pub(crate) failure_rate: u64,
    pub(crate) seed: u64,
    pub(crate) sum_writes: Option<String>,
    /// True when a key was there that only makes sense at a destination.
    pub(crate) destination: bool,
}

impl Script {
    pub(crate) fn of(at: &Url) -> Self {
        let mut script = Self::default();
        if at.query().is_some() {
            for (key, value) in at.query_pairs() {
                script.take(&key, value);
            }
        }
        script
    }

    fn take(&mut self, key: &str, value: String) {
        match key {
            "errno" => self.errno = errno(&value),
            "wait" => self.wait = seconds(&value),
            "signal" => self.signal = errno(&value),
            "size" => self.size = Some(number(&value)),
            "size_pre" => self.size_pre = Some(number(&value)),
            "size_post" => {
                self.size_post = Some(number(&value));
                self.destination = true;
            }
            "list" => self.list = Some(value),
            "checksum" => self.checksum = Some(value),
            "exists" | "access" => {
                self.exists |= number(&value) > 0;
                self.destination = true;
            }
            "access_errno" => {
                self.access_errno = errno(&value);
                self.destination = true;
            }
            "rd_path" => {
                self.rd_path.push(value);
                self.destination = true;
            }
            "time" => {
                self.time = Some(seconds(&value));
                self.destination = true;
            }
            "transfer_errno" => {
                self.transfer_errno = errno(&value);
                self.destination = true;
            }
            "staging_time" => self.staging_time = seconds(&value),
            "staging_errno" => self.staging_errno = errno(&value),
            "release_errno" => self.release_errno = errno(&value),
            "archiving_time" => self.archiving_time = seconds(&value),
            "archiving_errno" => self.archiving_errno = errno(&value),
            "open_errno" => self.open_errno = errno(&value),
            "read_errno" => self.read_errno = errno(&value),
            "read_wait" => self.read_wait = seconds(&value),
            "user.status" => self.status = Some(value),
            "delay_ms" => self.delay = Duration::from_millis(positive(&value)),
            "throughput" => self.throughput = positive(&value),
            "failure_rate" => self.failure_rate = positive(&value).min(100),
            "seed" => self.seed = positive(&value),
            "sum_writes" => self.sum_writes = Some(value),
            _ => {}
        }
    }

    /// The wished failure of metadata calls.
    pub(crate) fn fail(&self) -> Result<(), Error> {
        fail(self.errno)
    }

    /// Time that `bytes` take at the wished throughput.
    pub(crate) fn pace(&self, bytes: u64) -> Duration {
        time_for(bytes, self.throughput)
    }

    /// Whether this attempt is one of those that `failure_rate` lets fail.
    ///
    /// The same URL, attempt and seed always get the same answer, in every process.
    pub(crate) fn unlucky(&self, at: &Url, attempt: &str) -> bool {
        if self.failure_rate == 0 {
            return false;
        }
        let draw = hash(hash(self.seed ^ OFFSET, at.as_str()), attempt);
        // The top bits are the best mixed ones; 100 buckets out of 2^32.
        ((mix(draw) >> 32) * 100) >> 32 < self.failure_rate
    }
}

/// Time that `bytes` take at `rate` bytes per second; none when there is no rate.
pub(crate) fn time_for(bytes: u64, rate: u64) -> Duration {
    match rate {
        0 => Duration::ZERO,
        rate => Duration::from_secs_f64((bytes as f64 / rate as f64).min(LONGEST)),
    }
}

/// An error for a wished errno; 0 is none.
pub(crate) fn fail(errno: i32) -> Result<(), Error> {
    match errno {
        0 => Ok(()),
        errno => Err(Error::from_errno(errno, "")),
    }
}

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
/// Ten years, in seconds: longer is not a duration but a typing error.
const LONGEST: f64 = 315_360_000.0;

/// FNV-1a, chosen because its results are the same in every process and version.
pub(crate) fn hash(start: u64, text: &str) -> u64 {
    text.bytes().fold(start ^ OFFSET, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Spreads the bits of a hash (the finaliser of SplitMix64).
pub(crate) fn mix(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

fn number(text: &str) -> i64 {
    let text = text.trim_start();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    // Out of range saturates: a huge size stays huge.
    match digits[..end].parse::<i64>() {
        Ok(value) => sign * value,
        Err(_) if end > 0 => sign * i64::MAX,
        Err(_) => 0,
    }
}

fn positive(text: &str) -> u64 {
    number(text).max(0) as u64
}

fn errno(text: &str) -> i32 {
    // Linux knows errnos and signals below 4096 only.
    number(text).clamp(0, 4095) as i32
}

fn seconds(text: &str) -> Duration {
    let value = text
        .trim()
        .parse::<f64>()
        .unwrap_or_else(|_| number(text) as f64);
    if value > 0.0 {
        Duration::from_secs_f64(value.min(LONGEST))
    } else {
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(query: &str) -> Script {
        Script::of(&format!("mock://h/p?{query}").parse().unwrap())
    }

    #[test]
    fn keys_match_exactly() {
        let it = script("size_pre=1&size=2&size_post=3&sizes=4");
        assert_eq!(
            (it.size_pre, it.size, it.size_post),
            (Some(1), Some(2), Some(3))
        );
    }

    #[test]
    fn odd_numbers_are_read_like_the_reference_does() {
        let it = script("size=12abc&errno=x&time=0.5&wait=-3&delay_ms=99999999999999999999");
        assert_eq!((it.size, it.errno), (Some(12), 0));
        assert_eq!(it.time, Some(Duration::from_millis(500)));
        assert_eq!(it.wait, Duration::ZERO);
        assert_eq!(it.delay, Duration::from_millis(i64::MAX as u64));
        assert_eq!(script("time=nan").time, Some(Duration::ZERO));
        assert_eq!(
            script("time=1e300").time,
            Some(Duration::from_secs(315_360_000))
        );
    }

    #[test]
    fn failures_come_at_the_wished_rate_and_repeat() {
        let at: Url = "mock://h/p?failure_rate=25&seed=7".parse().unwrap();
        let it = Script::of(&at);
        let draw = || (0..4000).map(|n| it.unlucky(&at, &n.to_string()));
        let failed = draw().filter(|bad| *bad).count();
        assert!((800..1200).contains(&failed), "{failed} of 4000");
        assert!(draw().eq(draw()));
        assert!((0..100).all(|n| script("failure_rate=100").unlucky(&at, &n.to_string())));
        assert!((0..100).all(|n| !script("failure_rate=0").unlucky(&at, &n.to_string())));
    }
}
