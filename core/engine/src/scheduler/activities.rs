//! Shares of a VO: how its slots on every link are split between activities.
//!
//! Names are compared in lower case. Activities that are not listed count as `default`, together;
//! `default` that is not listed gets what the others leave of 1. An activity without weight runs
//! when no other of the VO has anything queued.

use std::collections::HashMap;
use std::sync::Arc;

/// Name of the activity of all that are not listed.
const DEFAULT: &str = "default";
/// More than this is this, so that sums stay finite.
const HEAVIEST: f64 = 1e12;

/// Activities that are treated as one: [`Class::DEFAULT`], or one that is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Class(u16);

impl Class {
    pub(super) const DEFAULT: Self = Self(0);
}

/// The activity shares of one VO.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivityShares {
    /// By class; the default one first.
    weights: Vec<f64>,
    classes: HashMap<Box<str>, Class>,
}

impl ActivityShares {
    /// From rows of activity and weight. What is no weight counts as 0. Rows beyond the 65535th
    /// count as not listed.
    pub fn new<'a>(rows: impl IntoIterator<Item = (&'a str, f64)>) -> Self {
        let mut weights = vec![0.0];
        let mut classes = HashMap::new();
        let mut default = None;
        for (name, weight) in rows {
            let weight = if weight.is_finite() {
                weight.clamp(0.0, HEAVIEST)
            } else {
                0.0
            };
            let name = name.to_lowercase();
            if name == DEFAULT {
                default = Some(weight);
            } else if let Some(Class(class)) = classes.get(name.as_str()) {
                weights[usize::from(*class)] = weight;
            } else if let Ok(class) = u16::try_from(weights.len()) {
                classes.insert(name.into(), Class(class));
                weights.push(weight);
            }
        }
        let listed: f64 = weights.iter().sum();
        weights[0] = default.unwrap_or((1.0 - listed).max(0.0));
        Self { weights, classes }
    }

    pub(super) fn class(&self, lower_case_name: &str) -> Class {
        let class = self.classes.get(lower_case_name);
        class.copied().unwrap_or(Class::DEFAULT)
    }

    pub(super) fn weight(&self, class: Class) -> f64 {
        self.weights[usize::from(class.0)]
    }
}

/// The class of an activity of a VO that may have shares.
pub(super) fn class(shares: Option<&Arc<ActivityShares>>, lower_case_name: &str) -> Class {
    shares.map_or(Class::DEFAULT, |it| it.class(lower_case_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_in_lower_case_and_the_rest_is_default() {
        let shares = ActivityShares::new([("Production", 0.5), ("Default", 0.2)]);
        assert_eq!(shares.weight(shares.class("production")), 0.5);
        assert_eq!(shares.weight(shares.class("anything")), 0.2);
        assert_eq!(shares.class("anything"), shares.class("default"));
    }

    #[test]
    fn default_gets_what_is_left() {
        let left =
            |rows: &[(&str, f64)]| ActivityShares::new(rows.iter().copied()).weight(Class::DEFAULT);
        assert!((left(&[("a", 0.5), ("b", 0.2)]) - 0.3).abs() < 1e-9);
        assert_eq!(left(&[("a", 3.0), ("b", 1.0)]), 0.0);
        assert_eq!(left(&[("a", f64::NAN)]), 1.0);
        assert_eq!(left(&[("a", 1.0), ("a", 0.25)]), 0.75);
    }
}
