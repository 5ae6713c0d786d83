//! How long others wait while a component misbehaves in the same process: `stat` of a neighbour,
//! alone, beside callers of a component who do honest work, and beside each attack.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use causeway_sdk::{Bytes, Ctx, DynStorage, Page, ReadOptions, Result, Url};
use causeway_tests::guests::guest;
use serde_json::json;
use tokio::task::JoinSet;

use super::{Form, cx, loaded, loaded_with, percentile, url, write};
use crate::report::Report;

/// So long a neighbour is looked at.
const TIME: Duration = Duration::from_secs(5);
/// A neighbour is asked this often, as by a client that has other things to do.
const PAUSE: Duration = Duration::from_millis(1);
/// Callers that attack at the same time.
const ATTACKERS: usize = 2;
/// No attacks: as many callers of a component, who only keep the machine as busy.
const READS: &str = "reads";
const CALLS: &str = "calls";
/// What they read again and again.
const WORK_BYTES: usize = 16 << 20;
/// Who is beside: what each is called, and what it does; but for the honest a path of the hostile component.
const BESIDE: [(&str, &str); 12] = [
    ("honest reads", READS),
    ("honest calls", CALLS),
    ("loop", "loop"),
    ("memory", "memory"),
    ("deep", "deep"),
    ("giant", "giant"),
    ("trap", "trap"),
    ("heavy", "heavy"),
    ("stay", "stay"),
    (
        "forbidden host",
        "call?uri=https://storage.example.org/secret",
    ),
    (
        "header smuggling",
        "call?uri=http://127.0.0.1:9/&name=Host&value=elsewhere",
    ),
    ("lying lengths", "endless"),
];

/// Measures every neighbour beside every attack.
pub(super) async fn run(report: &mut Report, forms: &[Form]) {
    for form in forms {
        look(report, form, "alone").await;
    }
    for (attack, path) in BESIDE {
        let hostile = opponent(path).await;
        let over = Arc::new(AtomicBool::new(false));
        let struck = Arc::new(AtomicUsize::new(0));
        let mut attackers = JoinSet::new();
        for _ in 0..ATTACKERS {
            let (hostile, over) = (Arc::clone(&hostile), Arc::clone(&over));
            let struck = Arc::clone(&struck);
            attackers.spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    strike(&*hostile, path).await;
                    struck.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for form in forms {
            look(report, form, &format!("beside {attack}")).await;
        }
        over.store(true, Ordering::Relaxed);
        while attackers.join_next().await.is_some() {}
        let strikes = struck.load(Ordering::Relaxed);
        assert!(strikes > 0, "{attack}: nobody attacked");
        report.add(&format!("calls meanwhile, {attack}"), strikes as f64, "");
    }
}

/// Whose callers keep the process busy.
async fn opponent(path: &str) -> Arc<dyn DynStorage> {
    if matches!(path, READS | CALLS) {
        let storage = loaded(&guest("memory-rust")).storage();
        let content = Bytes::from(vec![7; WORK_BYTES]);
        write(&*storage, &url("memory://box/work"), &content, 1 << 20).await;
        return storage;
    }
    // Granted, so that what is smuggled is refused for its own sake.
    let grants = json!({ "grants": { "http": ["http://127.0.0.1:9"] } });
    loaded_with(&guest("hostile"), &grants).storage()
}

async fn strike(hostile: &dyn DynStorage, path: &str) {
    let work = url("memory://box/work");
    match path {
        READS => return read(hostile, &cx(), &work).await.expect("it is there"),
        CALLS => return drop(hostile.stat(&cx(), &work).await.expect("it is there")),
        _ => {}
    }
    let at: Url = url(&format!("hostile://h/{path}"));
    let cx = Ctx::new("strikes").with_timeout(Duration::from_secs(2));
    let failed = match path {
        "giant" | "heavy" => hostile.list(&cx, &at, Page::default()).await.is_err(),
        "endless" => read(hostile, &cx, &at).await.is_err(),
        _ => hostile.stat(&cx, &at).await.is_err(),
    };
    assert!(failed, "{path} has not failed");
}

/// Reads all that comes.
async fn read(hostile: &dyn DynStorage, cx: &Ctx, at: &Url) -> Result<()> {
    let mut body = hostile.open_read(cx, at, ReadOptions::default()).await?;
    while body.next().await?.is_some() {}
    Ok(())
}

async fn look(report: &mut Report, form: &Form, how: &str) {
    let (cx, at) = (cx(), url("memory://box/list/file-1"));
    let mut times = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < TIME {
        let start = Instant::now();
        let stat = form.storage.stat(&cx, &at).await;
        times.push(start.elapsed().as_secs_f64() * 1e6);
        assert_eq!(stat.expect("a neighbour goes on").size, Some(1));
        tokio::time::sleep(PAUSE).await;
    }
    times.sort_by(f64::total_cmp);
    for hundredths in [50, 99] {
        let name = format!("stat of a neighbour, {}, {how}, p{hundredths}", form.name);
        report.add(&name, percentile(&times, hundredths), "us");
    }
}
