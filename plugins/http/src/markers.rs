//! The body of a third-party copy: performance markers, then one line with the outcome.
//!
//! ```text
//! Perf Marker
//!     Timestamp: 1
//!     Stripe Index: 0
//!     Stripe Bytes Transferred: 1048576
//!     Total Stripe Count: 1
//! End
//! success: Created
//! ```
//!
//! # Invariants
//! - Any bytes in any pieces are taken, without panic and with bounded memory.

use crate::error::shorten;

/// Longest line that is looked at; the rest of a longer one is dropped.
const MAX_LINE: usize = 4096;
/// Most stripes counted.
const MAX_STRIPES: usize = 1024;

/// What the body said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Bytes moved so far, over all stripes. Comes with every marker.
    Progress(u64),
    /// The copy is done.
    Success,
    /// The copy failed; the server's text.
    Failure(String),
}

/// A body being read.
#[derive(Debug, Default)]
pub(crate) struct Markers {
    line: Vec<u8>,
    index: usize,
    bytes: Option<u64>,
    stripes: Vec<u64>,
}

impl Markers {
    /// Takes the next piece of the body and tells what it completed.
    pub(crate) fn feed(&mut self, piece: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let room = MAX_LINE.saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                events.extend(self.end_line());
            }
        }
        events
    }

    /// The body is over: a last line may lack its line feed.
    pub(crate) fn finish(mut self) -> Option<Event> {
        self.end_line()
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let line = line.trim();
        if line.eq_ignore_ascii_case("end") {
            return self.end_marker();
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.trim();
        match &*name.trim().to_ascii_lowercase() {
            "perf marker" => (self.index, self.bytes) = (0, None),
            "stripe index" => self.index = value.parse().unwrap_or(0),
            "stripe bytes transferred" => self.bytes = value.parse().ok(),
            "success" => return Some(Event::Success),
            "failure" | "aborted" => return Some(Event::Failure(shorten(value))),
            _ => {}
        }
        None
    }

    fn end_marker(&mut self) -> Option<Event> {
        let bytes = self.bytes.take()?;
        if self.index < MAX_STRIPES {
            if self.stripes.len() <= self.index {
                self.stripes.resize(self.index + 1, 0);
            }
            // A stripe never goes back, whatever a confused server says.
            self.stripes[self.index] = self.stripes[self.index].max(bytes);
        }
        let sum = self.stripes.iter().fold(0_u64, |a, b| a.saturating_add(*b));
        Some(Event::Progress(sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &[u8], step: usize) -> Vec<Event> {
        let mut markers = Markers::default();
        let mut events: Vec<_> = text
            .chunks(step.max(1))
            .flat_map(|piece| markers.feed(piece))
            .collect();
        events.extend(markers.finish());
        events
    }

    const BODY: &str = "Perf Marker\n    Timestamp: 1537788010\n    Stripe Index: 0\n    \
        Stripe Bytes Transferred: 238745\n    Total Stripe Count: 2\nEnd\nPerf Marker\n\
        Stripe Index: 1\nStripe Bytes Transferred: 5\nTotal Stripe Count: 2\nEnd\r\n\
        success: Created";

    #[test]
    fn stripes_are_summed_however_the_body_is_cut() {
        for step in [1, 7, 64, 100_000] {
            assert_eq!(
                read(BODY.as_bytes(), step),
                [
                    Event::Progress(238_745),
                    Event::Progress(238_750),
                    Event::Success
                ]
            );
        }
    }

    #[test]
    fn a_failure_keeps_its_text() {
        let events = read(b"failure: Remote side failed with status code 404\n", 9);
        let text = "Remote side failed with status code 404".to_owned();
        assert_eq!(events, [Event::Failure(text)]);
    }

    #[test]
    fn numbers_out_of_bounds_do_no_harm() {
        let body = "Perf Marker\nStripe Index: 18446744073709551615\n\
            Stripe Bytes Transferred: 18446744073709551615\nEnd\n\
            Perf Marker\nStripe Bytes Transferred: 99999999999999999999999\nEnd\n";
        assert_eq!(read(body.as_bytes(), 11), [Event::Progress(0)]);
    }

    proptest! {
        #[test]
        fn never_panics_and_never_hoards(bytes: Vec<u8>, step in 1_usize..40) {
            read(&bytes, step);
        }

        #[test]
        fn lines_in_any_order(lines in prop::collection::vec(prop_oneof![
            Just("Perf Marker\n".to_owned()), Just("End\n".to_owned()),
            "Stripe Index: [0-9]{0,25}\n", "Stripe Bytes Transferred: [0-9]{0,25}\n",
            "(success|failure):?\\PC{0,9}\n"], 0..30)) {
            let mut last = 0;
            for event in read(lines.concat().as_bytes(), 3) {
                if let Event::Progress(bytes) = event {
                    prop_assert!(bytes >= last);
                    last = bytes;
                }
            }
        }
    }
}
