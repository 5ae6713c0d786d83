//! Takes all there is. Everything has an end far above what a gateway should allow, so that a
//! gateway that allows it costs a test and not the machine.
//!
//! | `how` | what happens |
//! |---|---|
//! | `alloc`, or nothing | memory without end; the call waits while it grows |
//! | `leak` | every call leaves 4 MiB behind |
//! | `threads` | every call leaves 200 threads behind |
//! | `error` | an error text of `bytes` bytes |
//! | `endless`, in `list` | pages without end |
//! | `page`, in `list` | one page of three million entries |
//! | `wide`, in `list` | one page of few entries with very long names |
//!
//! A stream without end is made with `real`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use causeway_sdk::{DirPage, Entry, Error, ErrorKind, Result, Stat, Url, export_plugin};
use skeleton::{Fault, Skeleton};

#[path = "../../skeleton.rs"]
mod skeleton;

export_plugin!(Skeleton<Hog>);

const STEP: usize = 4 << 20;
/// Taken in steps at most so often: 3 GiB.
const MOST_STEPS: usize = 768;
const THREADS: usize = 200;
/// Threads of one process in all.
const MOST_THREADS: u64 = 2000;
const ENTRIES: usize = 3_000_000;

static STARTED: AtomicU64 = AtomicU64::new(0);
static CURSOR: AtomicU64 = AtomicU64::new(0);

pub(crate) struct Hog;

impl Fault for Hog {
    const NAME: &'static str = "hostile-hog";
    const SCHEME: &'static str = "hog";

    fn strike(how: &str) {
        match how {
            "leak" => leak(),
            "threads" => threads(),
            _ => {
                for _ in 0..MOST_STEPS {
                    leak();
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        }
    }

    async fn in_call(how: &str, at: &Url) -> Result<()> {
        match how {
            "error" => Err(long_error(at)),
            "endless" | "page" | "wide" => Ok(()),
            _ => {
                Self::strike(how);
                Ok(())
            }
        }
    }

    fn page(how: &str, mut it: DirPage) -> DirPage {
        let entry = |name| Entry {
            name,
            stat: Stat::file(1),
        };
        match how {
            "page" => {
                let names = (0..ENTRIES).map(|n| format!("{n:0>40}"));
                it.entries.extend(names.map(entry));
            }
            "wide" => {
                let names = (0..20).map(|n| "x".repeat(STEP + n));
                it.entries.extend(names.map(entry));
            }
            _ => {
                let cursor = CURSOR.fetch_add(1, Ordering::Relaxed).to_string();
                it.entries.push(entry(cursor.clone()));
                it.next = Some(cursor);
            }
        }
        it
    }
}

/// Memory that is really there, since it was written to.
fn leak() {
    std::mem::forget(std::hint::black_box(vec![1_u8; STEP]));
}

fn threads() {
    for _ in 0..THREADS {
        if STARTED.fetch_add(1, Ordering::Relaxed) >= MOST_THREADS {
            return;
        }
        let thread = std::thread::Builder::new().stack_size(1 << 16);
        // As many as it gets.
        drop(thread.spawn(|| std::thread::sleep(Duration::from_secs(3600))));
    }
}

fn long_error(at: &Url) -> Error {
    let bytes = at.query_values("bytes").next();
    let bytes: usize = bytes.and_then(|it| it.parse().ok()).unwrap_or(1 << 30);
    Error::new(ErrorKind::Remote, "very long ".repeat(bytes / 10))
}
