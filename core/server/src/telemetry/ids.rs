//! The ids of a trace, made from the transfer it shows.
//!
//! All attempts at a transfer belong to one trace, also those after a restart, so the ids follow
//! from the numbers of job and transfer and nothing has to be remembered.

use causeway_model::{FileId, JobId};
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// Trace of a transfer, with the span that shows all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    /// Its trace.
    pub trace: TraceId,
    /// Its span.
    pub span: SpanId,
}

impl Root {
    /// Of a transfer.
    pub fn of(job: JobId, file: FileId) -> Self {
        let low = mix(file.0);
        let high = mix(low ^ 0x9e37_79b9_7f4a_7c15);
        let trace = job.0.as_u128() ^ (u128::from(high) << 64 | u128::from(low));
        // Zero is no id.
        Self {
            trace: TraceId::from(trace.max(1)),
            span: SpanId::from(mix(low ^ high).max(1)),
        }
    }

    /// Whether it is among this part of all.
    pub fn is_sampled(self, ratio: f64) -> bool {
        let bytes = self.trace.to_bytes();
        let (_, low) = bytes.split_at(8);
        let low = low.iter().fold(0_u64, |all, it| all << 8 | u64::from(*it));
        // Compared as numbers of 53 bits, which a fraction holds exactly.
        ((mix(low) >> 11) as f64) < ratio * (1_u64 << 53) as f64
    }

    /// As other processes are told of it.
    pub fn traceparent(self) -> String {
        format!("00-{}-{}-01", self.trace, self.span)
    }

    /// From a `traceparent`; nothing for what is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, trace, span) = (parts.next()?, parts.next()?, parts.next()?);
        if version != "00" || trace.len() != 32 || span.len() != 16 {
            return None;
        }
        let root = Self {
            trace: TraceId::from_hex(trace).ok()?,
            span: SpanId::from_hex(span).ok()?,
        };
        (root.trace != TraceId::INVALID && root.span != SpanId::INVALID).then_some(root)
    }
}

/// A span of a trace that is exported.
pub fn context(trace: TraceId, span: SpanId) -> SpanContext {
    SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::NONE)
}

/// Spreads a number over all bits (the finisher of SplitMix64).
fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transfer_has_a_trace_of_its_own_and_always_the_same() {
        let job = JobId::random();
        let all: std::collections::HashSet<_> = (1..1000)
            .map(|it| Root::of(job, FileId(it)).traceparent())
            .collect();
        assert_eq!(all.len(), 999);
        assert_eq!(Root::of(job, FileId(7)), Root::of(job, FileId(7)));
        assert_ne!(
            Root::of(job, FileId(7)),
            Root::of(JobId::random(), FileId(7))
        );
    }

    #[test]
    fn what_is_told_is_understood() {
        let root = Root::of(JobId::random(), FileId(3));
        assert_eq!(Root::parse(&root.traceparent()), Some(root));
        let zero = format!("00-{}-{}-01", "0".repeat(32), "0".repeat(16));
        for bad in ["", "00-1-2-01", "nonsense", "01-x-y-z", &zero] {
            assert_eq!(Root::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_part_is_about_that_part() {
        let job = JobId::random();
        let sampled = |ratio| {
            let roots = (0..10_000).map(|it| Root::of(job, FileId(it)));
            roots.filter(|it| it.is_sampled(ratio)).count()
        };
        assert_eq!(sampled(0.0), 0);
        assert_eq!(sampled(1.0), 10_000);
        assert!((2_000..3_000).contains(&sampled(0.25)), "{}", sampled(0.25));
    }
}
