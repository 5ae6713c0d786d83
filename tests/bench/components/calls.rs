//! What a call costs in each form: one after the other, many at once, and a long list.

use std::time::Instant;

use causeway_sdk::{Bytes, DynStorage, Page};
use futures_util::future::join_all;

use super::{Form, cpu, cx, percentile, url, write};
use crate::report::Report;

const ROUNDS: usize = 5;
const CALLS: usize = 2_000;
/// Calls at once; an instance takes as many.
const AT_ONCE: usize = 32;
const ENTRIES: usize = 1_000;
const LISTS: usize = 40;

/// What was seen of one form.
#[derive(Default)]
struct Seen {
    calls: Vec<f64>,
    cpu: Vec<f64>,
    at_once: Vec<f64>,
    lists: Vec<f64>,
}

/// Measures calls; the forms take turns.
pub(super) async fn run(report: &mut Report, forms: &[Form]) {
    for form in forms {
        fill(&*form.storage).await;
    }
    let mut all: Vec<Seen> = forms.iter().map(|_| Seen::default()).collect();
    // One round goes before, to warm up.
    for round in 0..=ROUNDS {
        for (form, seen) in forms.iter().zip(&mut all) {
            if round == 0 {
                one_round(&*form.storage, &mut Seen::default()).await;
            } else {
                one_round(&*form.storage, seen).await;
            }
        }
    }
    for (form, seen) in forms.iter().zip(&mut all) {
        let mut add = |what: &str, values: &mut Vec<f64>, hundredths, unit: &str| {
            values.sort_by(f64::total_cmp);
            let value = percentile(values, hundredths);
            report.add(&format!("{what}, {}", form.name), value, unit);
        };
        add("stat, p50", &mut seen.calls, 50, "us");
        add("stat, p99", &mut seen.calls, 99, "us");
        add("stat, CPU", &mut seen.cpu, 50, "us");
        let what = format!("stat, {AT_ONCE} at once");
        add(&what, &mut seen.at_once, 50, "calls/s");
        add("list of 1,000, p50", &mut seen.lists, 50, "us");
    }
}

async fn fill(storage: &dyn DynStorage) {
    for number in 0..ENTRIES {
        let at = url(&format!("memory://box/list/file-{number}"));
        write(storage, &at, &Bytes::from_static(b"x"), 1).await;
    }
}

async fn one_round(storage: &dyn DynStorage, seen: &mut Seen) {
    let (cx, at) = (cx(), url("memory://box/list/file-1"));
    let stat = async || {
        let stat = storage.stat(&cx, &at).await.expect("the file is there");
        assert_eq!(stat.size, Some(1));
    };
    let before = cpu();
    for _ in 0..CALLS {
        let start = Instant::now();
        stat().await;
        seen.calls.push(start.elapsed().as_secs_f64() * 1e6);
    }
    let spent = cpu() - before;
    seen.cpu.push(spent.as_secs_f64() * 1e6 / CALLS as f64);
    let start = Instant::now();
    for _ in 0..CALLS / AT_ONCE {
        join_all((0..AT_ONCE).map(|_| stat())).await;
    }
    let calls = (CALLS / AT_ONCE * AT_ONCE) as f64;
    seen.at_once.push(calls / start.elapsed().as_secs_f64());
    let directory = url("memory://box/list");
    for _ in 0..LISTS {
        let start = Instant::now();
        let page = storage.list(&cx, &directory, Page::default()).await;
        let page = page.expect("the directory is there");
        seen.lists.push(start.elapsed().as_secs_f64() * 1e6);
        assert_eq!(page.entries.len(), ENTRIES);
    }
}
