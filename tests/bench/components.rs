//! Plugins that are components beside the same storage linked into this program and as native library.
//!
//! All run in this process, as they would in one worker. What is measured goes through the host's
//! layers, as the engine's calls do. Times are wall time where somebody waits for one call, and CPU
//! time of the whole process where bytes are moved, so that other work on the machine counts less.

mod bytes;
mod calls;
mod instances;
mod neighbours;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use causeway_host::{Host, PluginHandle};
use causeway_plugin_memory::Memory;
use causeway_sdk::{Bytes, Ctx, DynStorage, Erased, Storage as _, Url, WriteOptions};
use causeway_tests::guests::guest;
use causeway_tests::programs::built_extra;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use crate::report::Report;

/// The same storage, in one form.
pub(super) struct Form {
    name: &'static str,
    storage: Arc<dyn DynStorage>,
}

/// Measures everything about components.
pub(crate) async fn run(report: &mut Report) {
    let kept = tempfile::tempdir().expect("a temporary directory");
    // Compiled once, as in a gateway.
    causeway_host::keep_compiled_in(Some(kept.path().join("compiled")));
    let forms = forms();
    calls::run(report, &forms).await;
    instances::run(report).await;
    bytes::run(report, &forms).await;
    neighbours::run(report, &forms).await;
    causeway_host::keep_compiled_in(None);
}

fn forms() -> [Form; 4] {
    let memory = Memory::create("{}", causeway_sdk::Host::silent());
    let linked = Erased::shared(memory.expect("it has no needs"));
    let linked = Host::new().builtin(linked).handles()[0].storage();
    let native = built_extra("example-plugin-native", "libcauseway_plugin_memory.so");
    let form = |name, path: &Path| Form {
        name,
        storage: loaded(path).storage(),
    };
    [
        Form {
            name: "linked",
            storage: linked,
        },
        form("native", &native),
        form("component in Rust", &guest("memory-rust")),
        form("component in Python", &guest("memory-python")),
    ]
}

fn loaded(path: &Path) -> PluginHandle {
    loaded_with(path, &json!({}))
}

fn loaded_with(path: &Path, options: &Value) -> PluginHandle {
    Host::load_file(path, options).unwrap_or_else(|refusal| panic!("failed to {refusal}"))
}

fn url(text: &str) -> Url {
    text.parse().expect("it is a URL")
}

/// The context of a call that has time enough.
fn cx() -> Ctx {
    Ctx::new("7f3c1a52-6e0b-4d3e-9a55-0d2f7c9b1e11.0").with_timeout(Duration::from_secs(120))
}

/// Writes a file in chunks of at most that size.
async fn write(storage: &dyn DynStorage, at: &Url, content: &Bytes, chunk: usize) {
    let options = WriteOptions {
        size: Some(content.len() as u64),
        overwrite: true,
        ..WriteOptions::default()
    };
    let opened = storage.open_write(&cx(), at, options).await;
    let mut body = opened.expect("it may be written");
    let mut offset = 0;
    while offset < content.len() {
        let end = (offset + chunk).min(content.len());
        let part = content.slice(offset..end);
        let written = body.write(offset as u64, part).await;
        written.expect("memory does not fail");
        offset = end;
    }
    body.commit().await.expect("it may be overwritten");
}

/// CPU time of this process, all threads together.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let nanoseconds = u32::try_from(time.tv_nsec).expect("there are fewer than 1e9");
    Duration::new(time.tv_sec.unsigned_abs(), nanoseconds)
}

/// The value below which so many of a hundred lie.
fn percentile(sorted: &[f64], hundredths: usize) -> f64 {
    sorted[(sorted.len() * hundredths / 100).min(sorted.len() - 1)]
}
