//! The search: doubling, holding, trying more and fewer.

use super::super::super::sample::Recent;
use super::super::meter::{Level, Meter};
use super::{Finder, ODD_TICKS, Phase, SHORTEST_GAP, Tick, UP_STEP};

/// Of a doubling so much must come through as throughput for another to follow.
const WORTH_DOUBLING: f64 = 0.5;
/// Of a try upwards so much must come through as throughput for it to stay.
const WORTH_MORE: f64 = 0.2;
/// Of a try downwards so much may come through as loss for it to stay.
const WORTH_LESS: f64 = 0.1;
/// On top of what the knee needs, so that ends of transfers leave no gaps.
const HEADROOM: f64 = 1.2;
const DOWN_STEP: f64 = 0.15;
/// So long it may take until the first transfers run, in seconds; other limits may hold them.
const LONGEST_RAMP: f64 = 60.0;
/// Seconds a probe is measured.
const PROBE_SECONDS: f64 = 30.0;
/// Relative error of an average that is wanted for a comparison.
const PRECISION: f64 = 0.02;
const LONGEST_GAP: f64 = 1800.0;
const GAP_GROWS: f64 = 3.0;
/// Below this share of the best it has seen a pipe asks again soon: what took the rest may go.
const WELL_BELOW: f64 = 0.8;
const GAP_BELOW: f64 = 120.0;
/// The best fades by this much in a second: half in two hours.
const FADE: f64 = 1e-4;
/// A change of throughput without a change of ours, relative.
const ODD: f64 = 0.3;
/// A change of the mean file size, as a factor; told when so many finish in a second.
const OTHER_SIZE: f64 = 2.5;
const ENOUGH_FINISH: f64 = 0.3;

impl Finder {
    pub(super) fn startup(
        &mut self,
        tick: &Tick<'_>,
        before: Option<Level>,
        waited: f64,
    ) -> String {
        let now = Level::from(tick.slice);
        let is_ramping = now.throughput <= 0.0 || now.active < 0.6 * f64::from(self.cap);
        if is_ramping && (waited < LONGEST_RAMP || now.throughput <= 0.0) {
            self.phase = Phase::Startup {
                before,
                waited: waited + tick.slice.seconds,
            };
            return "Waiting for the first transfers to move".to_owned();
        }
        let gain = before.as_ref().and_then(|it| it.gain(&now));
        match (before, gain) {
            (Some(before), Some(gain)) if gain < WORTH_DOUBLING => {
                let tried = self.cap;
                let needed = (before.needed_for(&now) * HEADROOM).ceil() as u32;
                let knee = needed.max(before.active.round() as u32).min(tried);
                self.cruise_from(knee.clamp(tick.min, tick.max));
                self.goes_up = knee == tried;
                format!(
                    "Throughput does not follow to {tried}: knee near {}",
                    self.cap
                )
            }
            _ if self.cap >= tick.max.min(self.trouble.safe()) => {
                self.cruise_from(self.cap);
                "Throughput follows up to the limit".to_owned()
            }
            _ => {
                self.cap = self.cap.saturating_mul(2).min(tick.max);
                self.phase = Phase::Startup {
                    before: Some(now),
                    waited: 0.0,
                };
                format!("Throughput follows: doubling to {}", self.cap)
            }
        }
    }

    pub(super) fn cruise(&mut self, tick: &Tick<'_>) -> String {
        if !self.meter.feed(tick.slice, self.cap) {
            return format!("Settling at {}", self.cap);
        }
        self.average(tick.slice);
        if self.has_shifted() {
            return "Throughput changed by itself: looking anew".to_owned();
        }
        self.wait -= tick.slice.seconds;
        if self.wait > 0.0 || f64::from(self.slices) < self.slices_needed().min(8.0) {
            return format!("Holding {}", self.cap);
        }
        self.begin_probe(tick)
    }

    fn average(&mut self, slice: &Recent) {
        self.slices += 1;
        let weight = (1.0 / f64::from(self.slices)).max(0.1);
        let level = self.level.get_or_insert(Level {
            active: 0.0,
            throughput: 0.0,
        });
        if self.slices == 1 {
            *level = Level::from(slice);
            self.fast = slice.throughput;
        }
        let finishing = f64::from(slice.finished) / slice.seconds.max(1e-3);
        if self.slices == 1 {
            self.finishing = [finishing; 2];
        }
        self.finishing[0] += weight * (finishing - self.finishing[0]);
        self.finishing[1] += 0.5 * (finishing - self.finishing[1]);
        let deviation = slice.throughput / level.throughput.max(1.0) - 1.0;
        self.noise += 0.1 * (deviation.min(1.0).powi(2) - self.noise);
        level.active += weight * (slice.active - level.active);
        level.throughput += weight * (slice.throughput - level.throughput);
        self.fast += 0.5 * (slice.throughput - self.fast);
        self.rate = level.throughput / level.active.max(1.0);
        let best = self.best * (1.0 - FADE * slice.seconds);
        self.best = best.max(level.throughput);
        if level.throughput < WELL_BELOW * self.best {
            self.wait = self.wait.min(GAP_BELOW);
            self.goes_up |= self.refused == 0 && self.hint.is_none();
        }
    }

    /// The same transfers move clearly more or less than they did, or files of another size.
    fn has_shifted(&mut self) -> bool {
        let Some(level) = self.level.filter(|_| self.slices > 4) else {
            return false;
        };
        let change = self.fast / level.throughput.max(1.0) - 1.0;
        let sizes = self.change_of_size(&level);
        let is_odd = change.abs() > ODD || !(1.0 / OTHER_SIZE..OTHER_SIZE).contains(&sizes);
        self.odd = if is_odd { self.odd + 1 } else { 0 };
        if self.odd < ODD_TICKS {
            return false;
        }
        // Smaller files want more transfers and larger ones fewer, whatever the throughput does.
        self.goes_up = sizes < 0.7 || change > 0.0 && sizes < OTHER_SIZE;
        // So many would carry it at the rate each had; if each is slower now the probe will tell.
        let needed = (level.active * (1.0 + change) * HEADROOM).ceil() as u32;
        self.hint = (!self.goes_up && change < -ODD).then_some(needed);
        self.forget_level();
        self.noise = 0.0;
        self.gap = SHORTEST_GAP;
        self.refused = 0;
        self.wait = 0.0;
        true
    }

    /// Bytes per finished attempt, now against before; 1 when too few finish to tell.
    fn change_of_size(&self, level: &Level) -> f64 {
        let [before, now] = self.finishing;
        if before < ENOUGH_FINISH || now <= 0.0 {
            return 1.0;
        }
        (self.fast / level.throughput.max(1.0)) / (now / before)
    }

    /// So many slices average the noise out, within reason.
    fn slices_needed(&self) -> f64 {
        (self.noise / (PRECISION * PRECISION)).clamp(3.0, 12.0)
    }

    fn begin_probe(&mut self, tick: &Tick<'_>) -> String {
        let home = self.cap;
        for _ in 0..2 {
            let target = self.probe_target(tick);
            if target != home {
                self.cap = target;
                self.phase = Phase::Probe { home };
                self.meter = Meter::default();
                self.hint = None;
                let direction = if target > home { "more" } else { "fewer" };
                return format!("Trying {direction}: {target} instead of {home}");
            }
            self.goes_up = !self.goes_up;
        }
        self.wait = self.gap;
        format!("Holding {home}")
    }

    fn probe_target(&self, tick: &Tick<'_>) -> u32 {
        let home = f64::from(self.cap);
        if self.goes_up {
            let is_known = home * (1.0 + self.stride) < f64::from(self.trouble.caution());
            let stride = if is_known { self.stride } else { UP_STEP };
            let step = (home * stride).round().max(1.0) as u32;
            let safe = self.trouble.safe().max(self.cap);
            self.cap.saturating_add(step).min(tick.max).min(safe)
        } else {
            let step = (home * DOWN_STEP).round().max(1.0) as u32;
            let target = self.cap.saturating_sub(step);
            self.hint.map_or(target, |it| it.min(target)).max(tick.min)
        }
    }

    pub(super) fn probe(&mut self, tick: &Tick<'_>, home: u32) -> String {
        self.meter.feed(tick.slice, self.cap);
        let seconds = PROBE_SECONDS / 3.0 * self.slices_needed();
        if self.meter.seconds() + 0.5 < seconds {
            return format!("Measuring {} instead of {home}", self.cap);
        }
        let measured = self.meter.level();
        let gain = self.level.as_ref().and_then(|it| it.gain(&measured));
        let went_up = self.cap > home;
        let stays = gain.is_some_and(|it| {
            if went_up {
                it >= WORTH_MORE
            } else {
                it <= WORTH_LESS
            }
        });
        if stays {
            self.accept(measured);
        } else {
            self.refuse(home);
        }
        match (went_up, stays) {
            (true, true) => format!("More brought more: staying at {}", self.cap),
            (true, false) => format!("More brought nothing: back to {home}"),
            (false, true) => format!("Fewer do as well: staying at {}", self.cap),
            (false, false) => format!("Fewer bring less: back to {home}"),
        }
    }

    fn accept(&mut self, measured: Level) {
        self.phase = Phase::Cruise;
        self.level = Some(measured);
        self.slices = 2;
        self.fast = measured.throughput;
        self.odd = 0;
        self.wait = 0.0;
        self.gap = SHORTEST_GAP;
        self.refused = 0;
        self.stride = (self.stride * 2.0).min(1.0);
        if !self.goes_up {
            self.stride = UP_STEP;
        }
    }

    fn refuse(&mut self, home: u32) {
        self.cap = home;
        self.phase = Phase::Cruise;
        self.meter = Meter::default();
        self.stride = UP_STEP;
        self.goes_up = !self.goes_up;
        self.refused += 1;
        self.wait = SHORTEST_GAP / 3.0;
        if self.refused >= 2 {
            // Neither more nor fewer: this is the knee. Ask again, but ever less often.
            self.refused = 0;
            self.wait = self.gap;
            self.gap = (self.gap * GAP_GROWS).min(LONGEST_GAP);
        }
    }
}
