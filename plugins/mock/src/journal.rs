//! What was copied and committed, on disk: for tests that kill the gateway, and for a memory that
//! outlives a process and is shared by several.
//!
//! One line per event, fields separated by tabs: milliseconds since 1970, `copy`, `commit` or
//! `unlink`, request id, destination, two details, and a dot. The write of the line is the moment
//! at which the thing happens. A line is one `write` to a file opened for appending, so several
//! processes can share it; it begins with its newline and ends with its dot, so that what a killed
//! process left of a line spoils no other.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use causeway_sdk::{Algorithm, Checksum, Error, ErrorKind, Result, Url};

/// What ends a line that was written whole.
const END: &str = "\t.";

/// Something that happened to a destination.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// A third-party copy of so many bytes from there.
    Copied { source: Url, size: u64 },
    /// So many bytes were streamed.
    Committed { bytes: u64, sum: Option<Checksum> },
    /// It is gone.
    Unlinked,
}

/// The journal of one file.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    /// Bytes that were read back and understood.
    seen: Mutex<u64>,
}

impl Journal {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(path);
        let file = file.map_err(|source| {
            let text = format!("open journal {}: {source}", path.display());
            Error::new(ErrorKind::Invalid, text)
        })?;
        Ok(Self {
            file,
            seen: Mutex::new(0),
        })
    }

    /// Writes a line.
    pub(crate) fn note(&self, request_id: &str, at: &Url, event: &Event) -> Result<()> {
        let (what, one, two) = match event {
            Event::Copied { source, size } => {
                ("copy", size.to_string(), source.as_str().to_owned())
            }
            Event::Committed { bytes, sum } => {
                let sum = sum.as_ref().map_or_else(|| "-".to_owned(), told);
                ("commit", bytes.to_string(), sum)
            }
            Event::Unlinked => ("unlink", "-".to_owned(), "-".to_owned()),
        };
        let (now, at) = (now_millis(), at.as_str());
        let line = format!("\n{now}\t{what}\t{request_id}\t{at}\t{one}\t{two}{END}");
        Ok((&self.file).write_all(line.as_bytes())?)
    }

    /// Calls `apply` for every line that was not seen yet, whoever wrote it.
    pub(crate) fn catch_up(&self, mut apply: impl FnMut(&str, &Url, Event)) -> Result<()> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let len = self.file.metadata()?.len();
        let new = len.saturating_sub(*seen) as usize;
        if new == 0 {
            return Ok(());
        }
        let mut bytes = vec![0; new];
        self.file.read_exact_at(&mut bytes, *seen)?;
        let end = understood(&bytes);
        for line in bytes[..end].split(|byte| *byte == b'\n') {
            let line = std::str::from_utf8(line).ok().and_then(parse);
            if let Some((request_id, at, event)) = line {
                apply(request_id, &at, event);
            }
        }
        *seen += end as u64;
        Ok(())
    }
}

/// How far lines are whole: the last one may be on its way.
fn understood(bytes: &[u8]) -> usize {
    if bytes.ends_with(END.as_bytes()) {
        return bytes.len();
    }
    bytes.iter().rposition(|it| *it == b'\n').unwrap_or(0)
}

/// A line; `None` for what is none, a torn one among them.
fn parse(line: &str) -> Option<(&str, Url, Event)> {
    let mut fields = line.strip_suffix(END)?.split('\t');
    let (_, what, request_id) = (fields.next()?, fields.next()?, fields.next()?);
    let (at, one, two) = (fields.next()?, fields.next()?, fields.next()?);
    let event = match what {
        "copy" => Event::Copied {
            source: two.parse().ok()?,
            size: one.parse().ok()?,
        },
        "commit" => Event::Committed {
            bytes: one.parse().ok()?,
            sum: sum(two),
        },
        "unlink" => Event::Unlinked,
        _ => return None,
    };
    Some((request_id, at.parse().ok()?, event))
}

fn told(sum: &Checksum) -> String {
    format!("{}:{}", sum.algorithm, sum.hex)
}

fn sum(text: &str) -> Option<Checksum> {
    let (algorithm, hex) = text.split_once(':')?;
    let algorithm: Algorithm = algorithm.parse().ok()?;
    Some(Checksum::new(algorithm, hex))
}

/// Milliseconds since 1970 by the wall clock.
pub(crate) fn now_millis() -> u64 {
    // A clock before 1970 counts as 1970.
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |it| it.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    fn all(journal: &Journal) -> Vec<(String, Event)> {
        let mut seen = Vec::new();
        journal
            .catch_up(|_, at, event| seen.push((at.as_str().to_owned(), event)))
            .unwrap();
        seen
    }

    #[test]
    fn what_one_process_writes_another_reads_and_a_torn_line_spoils_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let (one, two) = (Journal::open(&path).unwrap(), Journal::open(&path).unwrap());
        let copied = Event::Copied {
            source: url("mock://s/a b?size=3"),
            size: 3,
        };
        one.note("1.0", &url("mock://d/1"), &copied).unwrap();
        assert_eq!(all(&two), [("mock://d/1".to_owned(), copied)]);
        // Killed in the middle of its write; the other goes on writing.
        (&one.file)
            .write_all(b"\n17\tcopy\t2.0\tmock://d/22")
            .unwrap();
        assert!(all(&two).is_empty());
        let committed = Event::Committed {
            bytes: 9,
            sum: Some(Checksum::new(Algorithm::Md5, "ab")),
        };
        two.note("3.0", &url("mock://d/3"), &committed).unwrap();
        two.note("3.0", &url("mock://d/3"), &Event::Unlinked)
            .unwrap();
        let late = [
            ("mock://d/3".to_owned(), committed),
            ("mock://d/3".to_owned(), Event::Unlinked),
        ];
        assert_eq!(all(&two), late);
        let whole = all(&Journal::open(&path).unwrap());
        assert_eq!(whole.len(), 3);
        assert_eq!(whole[1..], late);
        assert!(all(&two).is_empty());
    }
}
