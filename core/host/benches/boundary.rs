//! What the border of a native plugin costs: the example storage linked into this program beside the
//! same storage loaded from its `.so`, call by call and chunk by chunk.
//!
//! `cargo bench -p causeway-host` prints a table, with `-- --json` one JSON line per figure. Times are
//! CPU time of the one thread that does the work, median of interleaved rounds, so that other
//! work on the machine does not count. A debug build runs one small round to show that it works.

#[path = "boundary/report.rs"]
mod report;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use causeway_host::{Host, PluginHandle, write_manifest};
use causeway_plugin_memory::Memory;
use causeway_sdk::{
    Algorithm, Bytes, Credential, Ctx, DynStorage, Erased, Hasher, ReadOptions, Secret, Storage,
    Url, WriteOptions,
};
use report::{Report, Times, rounds};
use rustix::time::{ClockId, clock_gettime};

const CALLS: u32 = if cfg!(debug_assertions) { 100 } else { 20_000 };
/// Size of the file that is read and written.
const FILE: usize = if cfg!(debug_assertions) {
    2 << 20
} else {
    16 << 20
};
const CHUNKS: [(&str, usize); 3] = [
    ("64KiB", 64 << 10),
    ("256KiB", 256 << 10),
    ("1MiB", 1 << 20),
];

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.iter().any(|it| it == "--list") {
        // A test runner asks what tests there are: none.
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be built");
    let report = runtime.block_on(measure());
    if args.iter().any(|it| it == "--json") {
        report.json();
    } else {
        report.table();
    }
}

async fn measure() -> Report {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let native = loaded(directory.path());
    let linked = Erased::shared(
        Memory::create("{}", causeway_sdk::Host::silent()).expect("it has no needs"),
    );
    let builtin = Host::new().builtin(Arc::clone(&linked));
    let builtin = builtin.handles()[0].clone();
    let pairs = [
        ("bare", linked, native.bare_storage()),
        ("layers", builtin.storage(), native.storage()),
    ];
    let mut report = Report::default();
    for (how, linked, native) in &pairs {
        for storage in [linked, native] {
            fill(&**storage).await;
        }
        stats(&mut report, how, &**linked, &**native).await;
    }
    let (_, linked, native) = &pairs[1];
    for chunk in CHUNKS {
        for sink in Sink::ALL {
            reads(&mut report, sink, chunk, &**linked, &**native).await;
        }
        writes(&mut report, chunk, &**linked, &**native).await;
    }
    report
}

/// The example as a plugin: cargo leaves its library beside this program.
fn loaded(directory: &std::path::Path) -> PluginHandle {
    let library = std::env::var_os("BOUNDARY_PLUGIN").map_or_else(
        || {
            let program = std::env::current_exe().expect("a program has a path");
            program.with_file_name("libcauseway_plugin_memory.so")
        },
        PathBuf::from,
    );
    write_manifest(&library, directory, &serde_json::Value::Null)
        .unwrap_or_else(|refusal| panic!("failed to {refusal}"));
    let host = Host::load(&[directory.to_owned()], &Default::default(), &[]);
    host.handle_for_scheme("memory")
        .unwrap_or_else(|error| panic!("{error}"))
        .clone()
}

fn file() -> Url {
    "memory://bench.example.org:1094/dir/file"
        .parse()
        .expect("it is a URL")
}

async fn fill(storage: &dyn DynStorage) {
    let content = Bytes::from((0..FILE).map(|at| (at % 251) as u8).collect::<Vec<_>>());
    write(storage, &content, FILE).await;
}

/// CPU time of this thread.
fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// A context as a worker makes it: options, a log and a credential.
fn full() -> Ctx {
    Ctx::new("7f3c1a52-6e0b-4d3e-9a55-0d2f7c9b1e11.0")
        .with_trace_parent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .with_credential(Credential::Bearer(Secret::new("x".repeat(800))))
        .with_option("ipv6", "true")
        .with_option("buffer_bytes", "1048576")
        .with_log(|_, _| {})
}

async fn stats(report: &mut Report, how: &str, linked: &dyn DynStorage, native: &dyn DynStorage) {
    let plain = Ctx::new("7f3c1a52-6e0b-4d3e-9a55-0d2f7c9b1e11.0");
    let timed = plain.clone().with_timeout(Duration::from_secs(3600));
    for (with, cx) in [("", plain), (" deadline", timed), (" full context", full())] {
        let times = rounds(async |native_turn| {
            let storage = if native_turn { native } else { linked };
            nanoseconds(storage, &cx).await
        });
        report.pair(&format!("stat {how}{with}"), "ns", times.await);
    }
}

async fn nanoseconds(storage: &dyn DynStorage, cx: &Ctx) -> f64 {
    let at = file();
    let began = now();
    for _ in 0..CALLS {
        let stat = storage.stat(cx, &at).await.expect("the file is there");
        assert_eq!(stat.size, Some(FILE as u64));
    }
    (now() - began).as_nanos() as f64 / f64::from(CALLS)
}

/// Keeps two buffers from lying a multiple of a page apart, which makes copying many times slower on
/// some processors.
const APART: usize = 2 << 10;

/// What is done for a chunk that was read.
///
/// The work is done on one buffer of the same size rather than on the chunk: the two copies of the
/// file lie in different memory, and where it lies makes more of a difference than the border.
#[derive(Clone, Copy)]
enum Sink {
    /// Nothing: what is left is the handing over.
    Count,
    /// As much is copied once, as into a socket.
    Copy,
    /// As much is copied and summed.
    Adler32,
}

impl Sink {
    const ALL: [Self; 3] = [Self::Count, Self::Copy, Self::Adler32];

    fn name(self) -> &'static str {
        match self {
            Self::Count => "hand over",
            Self::Copy => "read",
            Self::Adler32 => "read adler32",
        }
    }
}

async fn reads(
    report: &mut Report,
    sink: Sink,
    (size, chunk): (&str, usize),
    linked: &dyn DynStorage,
    native: &dyn DynStorage,
) {
    let mut work = (vec![1_u8; chunk], vec![2_u8; chunk + APART]);
    let times = rounds(async |native_turn| {
        let storage = if native_turn { native } else { linked };
        read(storage, sink, chunk, &mut work).await
    });
    let times = times.await;
    let name = format!("{} {size}", sink.name());
    match sink {
        Sink::Count => {
            let per_chunk = |seconds: f64| seconds * 1e9 / (FILE / chunk) as f64;
            report.pair(&name, "ns", times.map(|it| it.map(per_chunk)));
        }
        _ => report.pair(&name, "GB/s", times.map(speed)),
    }
}

/// GB/s of a file that was moved in so many seconds.
fn speed(times: Times) -> Times {
    times.map(|seconds| FILE as f64 / 1e9 / seconds)
}

/// Seconds to read the file once; opening it is not counted.
async fn read(
    storage: &dyn DynStorage,
    sink: Sink,
    chunk: usize,
    (data, socket): &mut (Vec<u8>, Vec<u8>),
) -> f64 {
    let options = ReadOptions {
        chunk_hint: u32::try_from(chunk).expect("chunks are small"),
        ..ReadOptions::default()
    };
    let (cx, at) = (Ctx::new("bench"), file());
    let opened = storage.open_read(&cx, &at, options).await;
    let mut body = opened.expect("the file is there");
    let (mut bytes, mut hasher) = (0, Hasher::new(Algorithm::Adler32));
    let began = now();
    while let Some(chunk) = body.next().await.expect("memory does not fail") {
        bytes += std::hint::black_box(&chunk).len();
        let data = std::hint::black_box(&data[..chunk.len()]);
        if matches!(sink, Sink::Adler32) {
            hasher.update(data);
        }
        if !matches!(sink, Sink::Count) {
            std::hint::black_box(&mut socket[APART..][..data.len()]).copy_from_slice(data);
        }
    }
    let seconds = (now() - began).as_secs_f64();
    assert_eq!(bytes, FILE);
    std::hint::black_box(hasher.finish());
    seconds
}

async fn writes(
    report: &mut Report,
    (size, chunk): (&str, usize),
    linked: &dyn DynStorage,
    native: &dyn DynStorage,
) {
    let content = Bytes::from(vec![7_u8; FILE]);
    let times = rounds(async |native_turn| {
        let storage = if native_turn { native } else { linked };
        write(storage, &content, chunk).await
    });
    let name = format!("write {size}");
    report.pair(&name, "GB/s", times.await.map(speed));
}

/// Seconds to write the file in chunks; opening it and making it visible are not counted.
async fn write(storage: &dyn DynStorage, content: &Bytes, chunk: usize) -> f64 {
    let options = WriteOptions {
        size: Some(content.len() as u64),
        overwrite: true,
        ..WriteOptions::default()
    };
    let (cx, at) = (Ctx::new("bench"), file());
    let opened = storage.open_write(&cx, &at, options).await;
    let mut body = opened.expect("it may be written");
    let began = now();
    for offset in (0..content.len()).step_by(chunk) {
        let part = content.slice(offset..(offset + chunk).min(content.len()));
        body.write(offset as u64, part)
            .await
            .expect("memory does not fail");
    }
    let seconds = (now() - began).as_secs_f64();
    body.commit().await.expect("it may be overwritten");
    seconds
}
