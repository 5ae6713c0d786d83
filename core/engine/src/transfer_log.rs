//! One log file for each transfer, where its user looks first when it failed.
//!
//! Lines come from the attempts in batches; a thread of its own writes them, so that a slow disk
//! holds nobody up. When it cannot keep pace lines are dropped and counted, never waited for.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use causeway_model::{FileId, JobId, Timestamp};
use causeway_sdk::{LogLevel, Url};

use crate::messages::LogLine;

/// Batches that may wait for the disk.
const QUEUE: usize = 16_384;

struct Batch {
    path: String,
    lines: Vec<LogLine>,
}

/// Where log lines go.
pub(crate) struct TransferLog {
    root: Option<PathBuf>,
    batches: Option<SyncSender<Batch>>,
    dropped: AtomicU64,
}

impl TransferLog {
    /// A log under a directory; without one nothing is written.
    pub(crate) fn open(root: Option<PathBuf>) -> Self {
        let batches = root.as_ref().and_then(|_| {
            let (sender, receiver) = sync_channel(QUEUE);
            let thread = std::thread::Builder::new().name("transfer-log".into());
            match thread.spawn(move || write_all(&receiver)) {
                Ok(_) => Some(sender),
                Err(error) => {
                    tracing::error!(%error, "failed to start the thread of the transfer logs");
                    None
                }
            }
        });
        Self {
            root,
            batches,
            dropped: AtomicU64::new(0),
        }
    }

    /// True when lines are wanted.
    pub(crate) fn is_on(&self) -> bool {
        self.batches.is_some()
    }

    /// Path of the log of an attempt; `None` when none is written.
    pub(crate) fn path(
        &self,
        now: Timestamp,
        source: &Url,
        destination: &Url,
        file: FileId,
        job: JobId,
    ) -> Option<String> {
        let root = self.root.as_ref().filter(|_| self.is_on())?;
        let path = root.join(relative_path(now, source, destination, file, job));
        Some(path.to_string_lossy().into_owned())
    }

    /// Writes lines, soon.
    pub(crate) fn write(&self, path: &str, lines: Vec<LogLine>) {
        let Some(batches) = &self.batches else { return };
        let path = path.to_owned();
        if let Err(TrySendError::Full(batch)) = batches.try_send(Batch { path, lines }) {
            let lines = batch.lines.len() as u64;
            let before = self.dropped.fetch_add(lines, Ordering::Relaxed);
            if before == 0 {
                tracing::warn!("transfer logs cannot keep pace, lines are dropped");
            }
        }
    }
}

/// `<date>/<source>__<destination>/<date-time>__<source>__<destination>__<file>__<job>`
fn relative_path(
    now: Timestamp,
    source: &Url,
    destination: &Url,
    file: FileId,
    job: JobId,
) -> PathBuf {
    let time = now.to_string();
    // 2026-11-22T03:15:00
    let day = &time[..10];
    let minute = format!("{day}-{}{}", &time[11..13], &time[14..16]);
    let link = format!("{}__{}", host(source), host(destination));
    let name = format!("{minute}__{link}__{file}__{job}");
    Path::new(day).join(link).join(name)
}

/// A host as part of a file name. It comes from a user, so only harmless characters stay.
fn host(url: &Url) -> String {
    match url.host() {
        "" => "localhost".to_owned(),
        host => host
            .chars()
            .take(80)
            .map(|c| match c {
                'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | ':' | '[' | ']' => c,
                _ => '_',
            })
            .collect(),
    }
}

fn write_all(batches: &Receiver<Batch>) {
    for batch in batches {
        if let Err(error) = append(&batch) {
            tracing::warn!(path = %batch.path, %error, "failed to write the log of a transfer");
        }
    }
}

fn append(batch: &Batch) -> std::io::Result<()> {
    let path = Path::new(&batch.path);
    let mut options = fs::OpenOptions::new();
    options.create(true).append(true);
    let mut file = match options.open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            options.open(path)?
        }
        other => other?,
    };
    let mut text = Vec::with_capacity(batch.lines.len() * 80);
    for line in &batch.lines {
        write_line(&mut text, line)?;
    }
    file.write_all(&text)
}

/// `INFO    Sun, 22 Nov 2026 03:15:00 +0000; text`
fn write_line(out: &mut Vec<u8>, line: &LogLine) -> std::io::Result<()> {
    let level = match line.level {
        LogLevel::Debug => "DEBUG",
        LogLevel::Info => "INFO",
        LogLevel::Warn => "WARNING",
        LogLevel::Error => "ERR",
    };
    let time = jiff::Timestamp::from_second(line.time.seconds()).unwrap_or_default();
    let time = time.strftime("%a, %d %b %Y %H:%M:%S +0000");
    // One entry stays one line.
    let text = line.text.replace('\n', " ");
    writeln!(out, "{level:<8}{time}; {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn layout_of_paths() {
        let job: JobId = "01874efb-4735-4595-bc9c-591aef8240c9".parse().unwrap();
        let now = Timestamp::from_seconds(1_795_317_300);
        let path = relative_path(now, &url("mock://a/x"), &url("file:///y"), FileId(7), job);
        assert_eq!(
            path.to_str().unwrap(),
            "2026-11-22/a__localhost/\
             2026-11-22-0315__a__localhost__7__01874efb-4735-4595-bc9c-591aef8240c9"
        );
    }

    #[test]
    fn hosts_cannot_leave_the_directory() {
        assert_eq!(host(&url("mock://..\\..%2f../x")), ".._.._2f..");
        assert_eq!(host(&url("mock://[::1]:80/x")), "[::1]");
    }

    #[test]
    fn lines_are_appended_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b").to_string_lossy().into_owned();
        for text in ["one", "two\nlines"] {
            let line = LogLine {
                time: Timestamp::from_seconds(1_795_317_300),
                level: LogLevel::Info,
                text: text.into(),
            };
            let batch = Batch {
                path: path.clone(),
                lines: vec![line],
            };
            append(&batch).unwrap();
        }
        assert_eq!(
            fs::read_to_string(path).unwrap(),
            "INFO    Sun, 22 Nov 2026 03:15:00 +0000; one\n\
             INFO    Sun, 22 Nov 2026 03:15:00 +0000; two lines\n"
        );
    }
}
