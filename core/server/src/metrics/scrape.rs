//! What is asked when somebody scrapes, and the exported text.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use causeway_engine::crew::Processes;
use causeway_messages::Tally;
use causeway_model::feed::EventFeed;
use causeway_model::ports::JobStore;
use causeway_model::workers::WorkerState;
use prometheus_client::encoding::text::encode;

use super::Metrics;
use super::families::{OfBuild, OfKind, OfState};
use super::process::Process;
use crate::plugins::Plugins;

/// Files of the store that are looked at; there are far fewer.
const STORE_FILES: usize = 10_000;

/// Who is asked at a scrape.
#[derive(Clone)]
pub struct Sources {
    /// The store.
    pub store: Arc<dyn JobStore>,
    /// Directory of the store.
    pub store_dir: PathBuf,
    /// The plugins, as they are now.
    pub plugins: Arc<Plugins>,
    /// Receivers of messages, and what is kept for them.
    pub messages: Option<(Tally, Arc<dyn EventFeed>)>,
}

impl Metrics {
    /// The text for Prometheus. Reads directories: not for a thread of the runtime.
    pub fn render(&self, sources: &Sources) -> String {
        let registry = self.registry.lock();
        self.ask(sources);
        let mut text = String::with_capacity(16 << 10);
        // Writing into a string cannot fail.
        if let Err(error) = encode(&mut text, &registry) {
            tracing::error!(%error, "metrics cannot be written down");
        }
        text
    }

    fn ask(&self, sources: &Sources) {
        let all = &self.families;
        for (state, number) in sources.store.file_counts() {
            let labels = OfState {
                state: state.name(),
            };
            all.files.get_or_create(&labels).set(gauge(number));
        }
        self.ask_messages(sources);
        for (kind, bytes) in store_sizes(&sources.store_dir) {
            all.store.get_or_create(&OfKind { kind }).set(bytes);
        }
        self.ask_plugins(&sources.plugins);
        if let Some(crew) = sources.plugins.crew() {
            self.ask_workers(crew);
        }
        let version = env!("CARGO_PKG_VERSION");
        all.build_info.get_or_create(&OfBuild { version }).set(1);
        all.uptime.set(self.started.elapsed().as_secs_f64());
        let process = Process::look();
        let cpu = all.process_cpu.inner();
        cpu.store(process.cpu_seconds.to_bits(), Ordering::Relaxed);
        let looks = [
            (&all.process_memory, process.memory_bytes),
            (&all.process_fds, process.open_files),
            (&all.process_threads, process.threads),
        ];
        for (cell, look) in looks {
            if let Some(look) = look {
                cell.set(look);
            }
        }
    }

    fn ask_workers(&self, crew: &Processes) {
        let workers = crew.workers();
        let ready = workers.iter().filter(|it| it.state == WorkerState::Working);
        let all = &self.families;
        all.workers.set(gauge(ready.count() as u64));
        let attempts: usize = workers.iter().map(|it| it.attempts).sum();
        all.worker_attempts.set(gauge(attempts as u64));
        let memory: u64 = workers.iter().map(|it| it.rss_bytes).sum();
        all.worker_memory.set(gauge(memory));
    }
}

fn gauge(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Bytes of the store by what they are for: the archive, and the journal with its snapshots.
fn store_sizes(dir: &Path) -> [(&'static str, i64); 2] {
    let jobs = dir.join("jobs");
    let archive = size(&jobs.join("archive"));
    [("archive", archive), ("journal", size(&jobs) - archive)]
}

/// Bytes of the files below a directory. Files come and go meanwhile; those that went count nothing.
fn size(dir: &Path) -> i64 {
    let mut open = vec![dir.to_owned()];
    let (mut bytes, mut seen) = (0_u64, 0);
    while let Some(dir) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&dir) else {
            continue;
        };
        for entry in entries.flatten() {
            seen += 1;
            if seen > STORE_FILES {
                break;
            }
            match entry.metadata() {
                Ok(it) if it.is_dir() => open.push(entry.path()),
                Ok(it) => bytes += it.len(),
                Err(_) => {}
            }
        }
    }
    gauge(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn journal_and_archive_are_told_apart() {
        let temp = tempfile::tempdir().unwrap();
        let archive = temp.path().join("jobs/archive/blobs");
        std::fs::create_dir_all(&archive).unwrap();
        std::fs::write(archive.join("1"), [0; 10]).unwrap();
        std::fs::write(temp.path().join("jobs/journal.1"), [0; 7]).unwrap();
        assert_eq!(store_sizes(temp.path()), [("archive", 10), ("journal", 7)]);
        assert_eq!(size(&temp.path().join("nothing")), 0);
    }
}
