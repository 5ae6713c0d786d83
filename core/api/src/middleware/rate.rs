//! How often one identity may ask: a token bucket for each.
//!
//! A bucket is one number, the moment at which it would be full again, so a request costs one look
//! into a map. A bucket that is full again says no more than none at all and may be forgotten;
//! therefore two maps take turns, and the older one is dropped when all of its buckets are full, or
//! sooner when there are too many identities. Being forgotten too soon is a gift to the caller, never a loss.
//!
//! Identities of certificates and tokens count under their DN, whatever the address; nobodies count
//! by address, where the listener told it.
//!
//! # Invariants
//! - Never more than [`IDENTITIES`] buckets: `memory_is_bounded`.
//! - Whoever keeps to the rate is never refused: `the_promised_rate_is_always_granted`.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::mem;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use causeway_model::Principal;
use tokio::time::Instant;

use crate::config::RateConfig;
use crate::error::ApiError;

/// Most buckets that are remembered, in both maps together.
const IDENTITIES: usize = 1 << 16;

/// Asked by whoever looks after the process; never refused.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// Where a request came from. The listener puts one into the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub IpAddr);

/// The buckets of all identities.
pub(super) struct RateLimit {
    /// Time that one request takes out of a bucket.
    cost: Duration,
    /// Time that a full bucket holds.
    depth: Duration,
    hasher: RandomState,
    buckets: Mutex<Buckets>,
}

/// By the hash of an identity: when its bucket will be full again.
struct Buckets {
    young: HashMap<u64, Instant>,
    old: HashMap<u64, Instant>,
    turned: Instant,
}

impl RateLimit {
    /// Nothing when there is no limit.
    pub(super) fn new(config: &RateConfig) -> Option<Self> {
        if config.requests_per_second == 0 {
            return None;
        }
        let cost = Duration::from_secs(1) / config.requests_per_second;
        Some(Self {
            cost,
            depth: cost * config.burst.max(1),
            hasher: RandomState::new(),
            buckets: Mutex::new(Buckets {
                young: HashMap::new(),
                old: HashMap::new(),
                turned: Instant::now(),
            }),
        })
    }

    /// Lets one request through, or says when to come again.
    ///
    /// # Errors
    /// 429.
    pub(super) fn admit(
        &self,
        caller: &Principal,
        address: Option<PeerAddress>,
        path: &str,
    ) -> Result<(), ApiError> {
        let path = path.trim_start_matches('/');
        if PROBES.iter().any(|it| it[1..] == *path) {
            return Ok(());
        }
        let key = if caller.is_authenticated() {
            self.hasher.hash_one(&caller.user_dn)
        } else {
            self.hasher.hash_one(address.map(|it| network(it.0)))
        };
        self.take(key, Instant::now()).map_err(|wait| {
            let whole = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            ApiError::too_many_requests(whole)
        })
    }

    fn take(&self, key: u64, now: Instant) -> Result<(), Duration> {
        // A panic while it was held cannot have left half of an entry.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.turn(self.depth, now);
        let full_at = buckets.of(key).unwrap_or(now).max(now) + self.cost;
        let debt = full_at.duration_since(now);
        if debt > self.depth {
            return Err(debt - self.depth);
        }
        buckets.young.insert(key, full_at);
        Ok(())
    }
}

impl Buckets {
    /// A bucket, whichever map has it.
    fn of(&self, key: u64) -> Option<Instant> {
        self.young.get(&key).or_else(|| self.old.get(&key)).copied()
    }

    /// Drops the older map when all of its buckets are full again, or when there are too many.
    fn turn(&mut self, depth: Duration, now: Instant) {
        let stale = now.duration_since(self.turned) > depth;
        if stale || self.young.len() >= IDENTITIES / 2 {
            self.old = mem::take(&mut self.young);
            self.turned = now;
        }
    }
}

/// What one household of addresses has in common: nobody owns a single address of version 6.
fn network(address: IpAddr) -> [u8; 8] {
    let mut head = [0; 8];
    match address.to_canonical() {
        IpAddr::V4(it) => head[..4].copy_from_slice(&it.octets()),
        IpAddr::V6(it) => head.copy_from_slice(&it.octets()[..8]),
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fts::router::{Found, find};

    fn limit(requests_per_second: u32, burst: u32) -> RateLimit {
        RateLimit::new(&RateConfig {
            requests_per_second,
            burst,
        })
        .unwrap()
    }

    #[test]
    fn a_burst_then_the_rate() {
        let limit = limit(2, 3);
        let now = Instant::now();
        let at = |ms: u64| now + Duration::from_millis(ms);
        for _ in 0..3 {
            assert_eq!(limit.take(1, now), Ok(()));
        }
        assert_eq!(limit.take(1, now), Err(Duration::from_millis(500)));
        assert_eq!(limit.take(2, now), Ok(()), "another identity has its own");
        assert_eq!(limit.take(1, at(499)), Err(Duration::from_millis(1)));
        assert_eq!(limit.take(1, at(500)), Ok(()));
        assert_eq!(limit.take(1, at(500)), Err(Duration::from_millis(500)));
        for _ in 0..3 {
            assert_eq!(limit.take(1, at(10_000)), Ok(()), "it fills up, not over");
        }
        assert!(limit.take(1, at(10_000)).is_err());
    }

    #[test]
    fn the_promised_rate_is_always_granted() {
        let limit = limit(1000, 1);
        let now = Instant::now();
        for n in 0..10_000 {
            let at = now + Duration::from_millis(n);
            assert_eq!(limit.take(7, at), Ok(()), "{n}");
            // Whether the neighbour gets through does not matter here.
            limit.take(8, at + Duration::from_micros(500)).ok();
        }
    }

    #[test]
    fn turning_the_maps_gives_nothing_away() {
        let limit = limit(1, 10);
        let now = Instant::now();
        let granted = (0..1000)
            .filter(|n| limit.take(1, now + Duration::from_millis(100 * n)).is_ok())
            .count();
        assert_eq!(granted, 10 + 99);
    }

    #[test]
    fn memory_is_bounded() {
        let limit = limit(1, 1000);
        let now = Instant::now();
        for key in 0..4 * IDENTITIES as u64 {
            limit.take(key, now).unwrap();
        }
        let buckets = limit.buckets.lock().unwrap();
        assert!(buckets.young.len() + buckets.old.len() <= IDENTITIES);
    }

    #[test]
    fn neighbours_share_a_bucket() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
    }

    #[test]
    fn probes_are_routes() {
        for path in PROBES {
            let found = find(&http::Method::GET, path);
            assert!(matches!(found, Some(Found::Route(..))), "{path}");
        }
    }
}
