//! Shares of a link: how its slots are split between VOs, and the draw itself.
//!
//! A link without shares treats all VOs alike. A link with shares knows some VOs by name; `public`
//! is the weight that all others with queued work split between them; a VO without any weight has
//! no business on the link.
//!
//! # Invariants
//! - Over many draws each VO gets its part: `tests::shares`.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::Rng;
use rand::rngs::StdRng;

/// Name of the share of all VOs that have none of their own.
const PUBLIC: &str = "public";

/// The shares of one link, by VO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shares(BTreeMap<Arc<str>, u32>);

impl Shares {
    /// From rows of VO and weight.
    pub fn new(rows: impl IntoIterator<Item = (Arc<str>, u32)>) -> Self {
        Self(rows.into_iter().collect())
    }

    /// No rows: the link has no shares.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn public(&self) -> u32 {
        self.0.get(PUBLIC).copied().unwrap_or(0)
    }
}

/// What a VO gets of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// The link has no shares.
    Equal,
    /// Its own weight.
    Own(u32),
    /// A part of this weight, which all such VOs with queued work split.
    Public(u32),
    /// Nothing: its transfers fail.
    Nothing,
}

impl Share {
    pub(super) fn of(vo: &str, shares: Option<&Shares>) -> Self {
        let Some(shares) = shares else {
            return Self::Equal;
        };
        match (shares.0.get(vo), shares.public()) {
            (Some(0), _) | (None, 0) => Self::Nothing,
            (Some(weight), _) => Self::Own(*weight),
            (None, public) => Self::Public(public),
        }
    }

    /// The weight in a draw in which so many VOs split the public one.
    pub(super) fn weight(self, sharers: usize) -> f64 {
        match self {
            Self::Equal => 1.0,
            Self::Own(weight) => f64::from(weight),
            Self::Public(weight) => f64::from(weight) / sharers.max(1) as f64,
            Self::Nothing => 0.0,
        }
    }
}

/// One of the weights by chance, in proportion; `None` when all are 0. Without a choice to make
/// it costs no chance.
pub(super) fn draw(dice: &mut StdRng, weights: impl Iterator<Item = f64> + Clone) -> Option<usize> {
    let positive = weights.enumerate().filter(|(_, weight)| *weight > 0.0);
    let (last, _) = positive.clone().last()?;
    if positive.clone().nth(1).is_none() {
        return Some(last);
    }
    let total: f64 = positive.clone().map(|(_, weight)| weight).sum();
    let mut left = dice.random::<f64>() * total;
    for (index, weight) in positive {
        left -= weight;
        if left < 0.0 {
            return Some(index);
        }
    }
    // Rounding used the whole sum up.
    Some(last)
}
