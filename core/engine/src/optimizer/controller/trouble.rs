//! Are too many attempts failing, and is it because too many run?
//!
//! Looks at the last minute of one pipe. Remembers at how many transfers failures came, so that
//! nobody goes there again soon, and learns when failures do not care how many run.

use std::collections::VecDeque;

use super::super::sample::Recent;

/// Seconds that are looked at.
const HORIZON: f64 = 60.0;
/// After a cut the attempts that were too many still fail for a while.
const AFTERMATH: f64 = 40.0;
/// Fewer failures than this mean nothing.
const FEW: u32 = 3;
/// Share of failures that is always borne.
const BORNE: f64 = 0.05;
/// Share of failures from which it is not load but an outage.
const OUTAGE: f64 = 0.8;
/// First time a dangerous number is avoided for, and the longest.
const MEMORY: f64 = 900.0;
const LONGEST_MEMORY: f64 = 7200.0;

/// What the last minute says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Health {
    /// Nothing unusual.
    Fine,
    /// More failures than usual: so many of so many.
    Failing(u32, u32),
    /// Nearly everything fails: so many of so many.
    Outage(u32, u32),
}

/// What to do about failures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Remedy {
    /// Go on with this share of what runs.
    Cut(f64),
    /// Fewer transfers did not help: return to this number.
    Restore(u32),
}

#[derive(Clone, Copy, Debug)]
struct Danger {
    at: u32,
    left: f64,
    lasts: f64,
}

/// Memory of failures on one pipe.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble {
    recent: VecDeque<Recent>,
    usual: f64,
    /// Cap and rate before the first of several cuts.
    before: Option<(u32, f64)>,
    quiet: f64,
    danger: Option<Danger>,
}

impl Trouble {
    /// Another slice of time.
    pub(super) fn observe(&mut self, slice: &Recent) {
        self.recent.push_back(*slice);
        let mut seconds: f64 = self.recent.iter().map(|it| it.seconds).sum();
        while seconds > HORIZON && self.recent.len() > 1 {
            seconds -= self.recent.pop_front().map_or(0.0, |it| it.seconds);
        }
        self.quiet -= slice.seconds;
        if let Some(danger) = &mut self.danger {
            danger.left -= slice.seconds;
        }
        if slice.ended() > 0 && slice.failure_rate() < OUTAGE {
            let weight = 0.02 * slice.seconds / 10.0;
            self.usual += weight.min(1.0) * (slice.failure_rate().min(0.3) - self.usual);
        }
        if self.quiet < -2.0 * HORIZON {
            self.before = None;
        }
    }

    /// What the last minute says.
    pub(super) fn health(&self) -> Health {
        let failed: u32 = self.recent.iter().map(|it| it.failed).sum();
        let finished: u32 = self.recent.iter().map(|it| it.finished).sum();
        let ended = failed + finished;
        let rate = f64::from(failed) / f64::from(ended.max(1));
        if failed < FEW {
            Health::Fine
        } else if failed > FEW && rate >= OUTAGE {
            Health::Outage(failed, ended)
        } else if !self.is_aftermath() && rate > BORNE.max(2.0 * self.usual) {
            Health::Failing(failed, ended)
        } else {
            Health::Fine
        }
    }

    /// Failures have come at `cap`; what now?
    pub(super) fn remedy(&mut self, cap: u32, failed: u32, ended: u32) -> Remedy {
        let rate = f64::from(failed) / f64::from(ended.max(1));
        self.forget_recent();
        match self.before {
            Some((cap, first)) if rate > 0.7 * first && rate < OUTAGE / 2.0 => {
                self.before = None;
                self.usual = rate;
                self.danger = None;
                Remedy::Restore(cap)
            }
            _ => {
                self.before = self.before.or(Some((cap, rate)));
                self.remember_danger(cap);
                Remedy::Cut(if rate > 0.2 { 0.5 } else { 0.75 })
            }
        }
    }

    /// Starts counting anew.
    pub(super) fn forget_recent(&mut self) {
        self.recent.clear();
        self.quiet = AFTERMATH;
    }

    /// What fails now may be the fault of a setting that is gone.
    pub(super) fn is_aftermath(&self) -> bool {
        self.quiet > 0.0
    }

    /// The setting is not in effect yet: what fails is not its fault.
    pub(super) fn postpone(&mut self) {
        self.quiet = self.quiet.max(AFTERMATH / 2.0);
    }

    /// The number before the cuts of the last minutes.
    pub(super) fn before_cuts(&self) -> Option<u32> {
        self.before.map(|(cap, _)| cap)
    }

    /// Failures came at so many: that number is avoided, for longer each time.
    pub(super) fn remember_danger(&mut self, at: u32) {
        let lasts = self
            .danger
            .map_or(MEMORY, |it| (it.lasts * 2.0).min(LONGEST_MEMORY));
        self.danger = Some(Danger {
            at,
            left: lasts,
            lasts,
        });
    }

    /// Failures came here once, even if long ago.
    pub(super) fn caution(&self) -> u32 {
        self.danger.map_or(u32::MAX, |it| it.at)
    }

    /// The highest number that is not known to be dangerous.
    pub(super) fn safe(&self) -> u32 {
        match self.danger {
            Some(danger) if danger.left > 0.0 => (f64::from(danger.at) * 0.9) as u32,
            _ => u32::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(finished: u32, failed: u32) -> Recent {
        Recent {
            seconds: 10.0,
            finished,
            failed,
            ..Recent::default()
        }
    }

    #[test]
    fn a_few_failures_among_many_are_borne() {
        let mut trouble = Trouble::default();
        trouble.observe(&slice(0, 2));
        assert_eq!(trouble.health(), Health::Fine);
        trouble.observe(&slice(100, 2));
        assert_eq!(trouble.health(), Health::Fine);
        trouble.observe(&slice(0, 10));
        assert_eq!(trouble.health(), Health::Failing(14, 114));
    }

    #[test]
    fn an_outage_is_told_within_a_minute() {
        let mut trouble = Trouble::default();
        (0..60).for_each(|_| trouble.observe(&slice(10, 0)));
        let ticks = (1..=6)
            .find(|_| {
                trouble.observe(&slice(0, 10));
                matches!(trouble.health(), Health::Outage(..))
            })
            .unwrap();
        assert!(ticks <= 6, "{ticks}");
    }

    #[test]
    fn failures_that_do_not_depend_on_load_are_left_alone() {
        let mut trouble = Trouble::default();
        trouble.observe(&slice(9, 3));
        assert_eq!(trouble.remedy(40, 3, 12), Remedy::Cut(0.5));
        assert_eq!(trouble.safe(), 36);
        for _ in 0..5 {
            trouble.observe(&slice(9, 3));
        }
        let Health::Failing(failed, ended) = trouble.health() else {
            panic!("{:?}", trouble.health());
        };
        assert_eq!(trouble.remedy(20, failed, ended), Remedy::Restore(40));
        assert_eq!(trouble.safe(), u32::MAX);
        for _ in 0..20 {
            trouble.observe(&slice(9, 3));
            assert_eq!(trouble.health(), Health::Fine);
        }
    }

    #[test]
    fn danger_is_remembered_longer_each_time() {
        let mut trouble = Trouble::default();
        let calm = Recent {
            seconds: 1000.0,
            ..Recent::default()
        };
        trouble.remember_danger(50);
        assert_eq!(trouble.safe(), 45);
        trouble.observe(&calm);
        assert_eq!(trouble.safe(), u32::MAX);
        trouble.remember_danger(50);
        trouble.observe(&calm);
        assert_eq!(trouble.safe(), 45);
    }
}
