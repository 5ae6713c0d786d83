//! What follows failures: less, or only canaries until an outage ends.

use super::super::trouble::{Health, Remedy};
use super::{Finder, ODD_TICKS, Phase, Tick};

impl Finder {
    pub(super) fn react(&mut self, tick: &Tick<'_>) -> Option<String> {
        if tick.slice.active > 1.15 * f64::from(self.cap) + 1.0 {
            // What fails now was started under an older, higher number.
            self.trouble.postpone();
        }
        match self.trouble.health() {
            Health::Outage(failed, ended) if self.is_dry(tick) => {
                let said = format!("{failed} of {ended} attempts failed: an outage");
                Some(self.send_canaries(tick, said))
            }
            Health::Outage(..) if self.trouble.is_aftermath() => None,
            Health::Outage(failed, ended) | Health::Failing(failed, ended) => {
                Some(self.back_off(tick, failed, ended))
            }
            Health::Fine if self.has_collapsed(tick) => {
                Some(self.send_canaries(tick, "Throughput has collapsed".to_owned()))
            }
            Health::Fine => None,
        }
    }

    /// Moves far less than it did. Failures without that are no outage, however many.
    fn is_dry(&self, tick: &Tick<'_>) -> bool {
        tick.slice.throughput <= 0.3 * self.rate * tick.slice.active
    }

    fn back_off(&mut self, tick: &Tick<'_>, failed: u32, ended: u32) -> String {
        let cause = format!("{failed} of {ended} attempts failed");
        if let Phase::Probe { home } = self.phase
            && home < self.cap
        {
            self.trouble.remember_danger(self.cap);
            self.trouble.forget_recent();
            self.cruise_from(home);
            return format!("{cause} while trying more: back to {home}");
        }
        if let Phase::Startup {
            before: Some(before),
            ..
        } = self.phase
        {
            self.trouble.remember_danger(self.cap);
            self.trouble.forget_recent();
            self.cruise_from((before.active.round() as u32).max(tick.min));
            return format!("{cause} while doubling: back to {}", self.cap);
        }
        match self.trouble.remedy(self.cap, failed, ended) {
            Remedy::Restore(cap) => {
                self.cruise_from(cap);
                format!("{cause}, however many run: back to {cap}")
            }
            Remedy::Cut(share) => {
                let running = f64::from(self.cap).min(tick.slice.active.ceil());
                self.cruise_from(((running * share) as u32).max(tick.min));
                format!("{cause}: down to {}", self.cap)
            }
        }
    }

    fn has_collapsed(&mut self, tick: &Tick<'_>) -> bool {
        let Some(level) = self.level.filter(|_| self.slices >= 3) else {
            return false;
        };
        let expected = level.throughput * (tick.slice.active / level.active).min(1.0);
        let is_dead = tick.slice.active >= 1.0 && tick.slice.throughput < 0.1 * expected;
        self.dead = if is_dead { self.dead + 1 } else { 0 };
        self.dead >= ODD_TICKS
    }

    fn send_canaries(&mut self, tick: &Tick<'_>, cause: String) -> String {
        let resume = match self.phase {
            Phase::Probe { home } => home,
            _ => self.trouble.before_cuts().unwrap_or(self.cap),
        };
        self.cap = tick.min;
        self.trouble.forget_recent();
        self.phase = Phase::Canary { resume };
        format!("{cause}. Down to {} until it recovers", self.cap)
    }

    pub(super) fn canary(&mut self, tick: &Tick<'_>, resume: u32) -> String {
        let slice = tick.slice;
        let succeed = slice.finished > 0 && slice.failed <= slice.finished / 2;
        let flows = self.rate > 0.0 && slice.failed == 0 && slice.active > 0.0;
        if !succeed && (!flows || self.is_dry(tick)) {
            // A half-way recovery that fails again starts over.
            if slice.failed > slice.finished {
                self.cap = tick.min;
            }
            return format!("Waiting with {} for the outage to end", self.cap);
        }
        self.cap = self.cap.saturating_mul(2).min(resume.max(tick.min));
        let said = format!(
            "Attempts succeed again: {} on the way to {resume}",
            self.cap
        );
        if self.cap >= resume {
            self.trouble.forget_recent();
            self.cruise_from(self.cap);
        }
        said
    }
}
