//! Everything that passes by in a world, line by line with its time: two runs of a seed must agree
//! on all of it.

use std::fmt::Debug;
use std::sync::Arc;

use causeway_model::Transfer;
use causeway_model::ports::Transaction;
use causeway_sdk::Algorithm;

/// The lines. Nothing is kept unless it is asked for.
#[derive(Default)]
pub struct Tape(Option<Vec<String>>);

impl Tape {
    /// Keeps lines from now on.
    pub fn roll(&mut self) {
        self.0.get_or_insert_default();
    }

    pub fn lines(&self) -> &[String] {
        self.0.as_deref().unwrap_or_default()
    }

    /// One number for all lines.
    pub fn sum(&self) -> String {
        let mut hasher = Algorithm::Sha256.hasher();
        for line in self.lines() {
            hasher.update(line.as_bytes());
            hasher.update(b"\n");
        }
        hasher.finish().hex
    }

    pub fn note(&mut self, line: &str) {
        if let Some(lines) = &mut self.0 {
            lines.push(line.to_owned());
        }
    }

    /// Rows as they are written, whole.
    pub fn rows(&mut self, time: i64, rows: &Transaction) {
        if self.0.is_none() {
            return;
        }
        let files = rows.files.iter().map(plain);
        let mut rows = Transaction {
            files: files.collect(),
            ..rows.clone()
        };
        // Events say the same once more, in their order.
        let events = std::mem::take(&mut rows.events);
        self.thing(time, &rows);
        self.thing(time, &events);
    }

    pub fn thing(&mut self, time: i64, thing: &impl Debug) {
        if self.0.is_some() {
            self.note(&format!("{time} {thing:?}"));
        }
    }
}

/// The process is the same for both runs of a test, and another one tomorrow.
fn plain(row: &Arc<Transfer>) -> Arc<Transfer> {
    let pid = row.pid.map(|_| 1);
    Arc::new(Transfer {
        pid,
        ..Transfer::clone(row)
    })
}
