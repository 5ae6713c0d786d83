//! Moving bytes out of a storage and into it, with an adler32 of what passes, as a transfer does.

use std::time::Instant;

use causeway_sdk::{Algorithm, Bytes, DynStorage, Hasher, ReadOptions};

use super::{Form, cpu, cx, url, write};
use crate::report::{Report, median};

const ROUNDS: usize = 9;
/// Small enough for the memory of an instance to hold it three times.
const FILE: usize = 16 << 20;
/// Times the file is moved for one figure.
const TIMES: usize = 4;
const CHUNKS: [(&str, usize); 2] = [("64 KiB", 64 << 10), ("1 MiB", 1 << 20)];

/// Wall and CPU seconds of rounds.
#[derive(Default)]
struct Seen {
    wall: Vec<f64>,
    cpu: Vec<f64>,
}

impl Seen {
    async fn time(&mut self, work: impl Future<Output = ()>) {
        let (start, before) = (Instant::now(), cpu());
        work.await;
        self.cpu.push((cpu() - before).as_secs_f64());
        self.wall.push(start.elapsed().as_secs_f64());
    }

    fn add(&mut self, report: &mut Report, what: &str) {
        let moved = (FILE * TIMES) as f64 / 1e9;
        let figures = [("", &mut self.wall), (", per CPU second", &mut self.cpu)];
        for (how, seconds) in figures {
            let value = moved / median(seconds);
            report.add(&format!("{what}{how}"), value, "GB/s");
        }
    }
}

/// Measures both directions in every form and size of chunks.
pub(super) async fn run(report: &mut Report, forms: &[Form]) {
    let content = Bytes::from((0..FILE).map(|at| (at % 251) as u8).collect::<Vec<_>>());
    for (size, chunk) in CHUNKS {
        let mut all: Vec<[Seen; 2]> = forms.iter().map(|_| Default::default()).collect();
        // One round goes before, to warm up.
        for round in 0..=ROUNDS {
            for (form, seen) in forms.iter().zip(&mut all) {
                let mut warming = <[Seen; 2]>::default();
                let [out, into] = if round == 0 { &mut warming } else { seen };
                let storage = &*form.storage;
                into.time(put_in(storage, &content, chunk)).await;
                out.time(take_out(storage, chunk)).await;
            }
        }
        for (form, [out, into]) in forms.iter().zip(&mut all) {
            let name = form.name;
            out.add(report, &format!("out with adler32, {size}, {name}"));
            into.add(report, &format!("in with adler32, {size}, {name}"));
        }
    }
}

async fn take_out(storage: &dyn DynStorage, chunk: usize) {
    for _ in 0..TIMES {
        let options = ReadOptions {
            chunk_hint: u32::try_from(chunk).expect("chunks are small"),
            ..ReadOptions::default()
        };
        let at = url("memory://box/bytes");
        let opened = storage.open_read(&cx(), &at, options).await;
        let mut body = opened.expect("the file is there");
        let (mut bytes, mut hasher) = (0, Hasher::new(Algorithm::Adler32));
        while let Some(chunk) = body.next().await.expect("memory does not fail") {
            bytes += chunk.len();
            hasher.update(&chunk);
        }
        assert_eq!(bytes, FILE);
        std::hint::black_box(hasher.finish());
    }
}

async fn put_in(storage: &dyn DynStorage, content: &Bytes, chunk: usize) {
    for _ in 0..TIMES {
        let mut hasher = Hasher::new(Algorithm::Adler32);
        for part in content.chunks(chunk) {
            hasher.update(part);
        }
        std::hint::black_box(hasher.finish());
        write(storage, &url("memory://box/bytes"), content, chunk).await;
    }
}
