//! S3 beside rclone, on the same server in the same run.

use std::path::Path;

use causeway_tests::depots::Depots;
use causeway_tests::plugins::plugin_dir;
use causeway_tests::programs::causeway;
use serde_json::json;

use crate::beside::{Cost, in_turn, middle, of_job, timed};
use crate::load::quiet;
use crate::report::Report;

const GIB: u64 = 1 << 30;
const SMALL_FILES: usize = 2_000;
const SMALL_BYTES: usize = 10 << 10;

/// How often the small files are done; the middle counts.
const SMALL_ROUNDS: usize = 3;
/// Small files of ours that may be under way.
const SMALL_AT_ONCE: &str = "200";

/// One file at a time.
pub(crate) fn large(report: &mut Report) {
    let depots = Depots::with(quiet());
    one_file(report, &depots, &environment(&depots));
}

/// Many small ones.
pub(crate) async fn small(report: &mut Report) {
    let limits = [
        "LINK_MAX_ACTIVE",
        "INBOUND_MAX_ACTIVE",
        "OUTBOUND_MAX_ACTIVE",
    ];
    let options = limits.iter().fold(quiet(), |options, it| {
        options.env(&format!("CAUSEWAY__ENGINE__{it}"), SMALL_AT_ONCE)
    });
    let depots = Depots::with(options);
    many_files(report, &depots, &environment(&depots)).await;
}

/// Both programs find the server and its keys here.
fn environment(depots: &Depots) -> Vec<(String, String)> {
    let s3 = |key| depots.s3.value(key).to_owned();
    [
        ("AWS_ACCESS_KEY_ID", s3("ACCESS")),
        ("AWS_SECRET_ACCESS_KEY", s3("SECRET")),
        ("RCLONE_CONFIG", "/dev/null".to_owned()),
        ("RCLONE_CONFIG_LAB_TYPE", "s3".to_owned()),
        ("RCLONE_CONFIG_LAB_PROVIDER", "Ceph".to_owned()),
        ("RCLONE_CONFIG_LAB_ENDPOINT", s3("ENDPOINT")),
        ("RCLONE_CONFIG_LAB_ACCESS_KEY_ID", s3("ACCESS")),
        ("RCLONE_CONFIG_LAB_SECRET_ACCESS_KEY", s3("SECRET")),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .to_vec()
}

/// Up, down and within the server: one file of a GiB, and one of a sixteenth for the memory.
fn one_file(report: &mut Report, depots: &Depots, env: &[(String, String)]) {
    for (name, size) in [("64 MiB", GIB / 16), ("1 GiB", GIB)] {
        let source = depots.grid.local("large");
        let made = format!("head -c {size} /dev/urandom > {}", source.display());
        timed(&made, &[]);
        let back = depots.grid.local("back");
        let s3 = |key: &str| depots.s3.url(key);
        let lab = |key: &str| format!("lab:{}/{key}", depots.s3.value("BUCKET"));
        let file = |path: &Path| format!("file://{}", path.display());
        let plain = |path: &Path| path.display().to_string();
        let runs = [
            ("up", file(&source), s3("up"), plain(&source), lab("up")),
            ("down", s3("up"), file(&back), lab("up"), plain(&back)),
            ("s3 to s3", s3("up"), s3("other"), lab("up"), lab("other")),
        ];
        for (way, from, to, rclone_from, rclone_to) in runs {
            let (program, plugins) = (causeway(), plugin_dir());
            let (program, plugins) = (program.display(), plugins.display());
            let ours =
                format!("exec {program} copy --overwrite --plugin-dir {plugins} {from} {to}");
            let rclone = format!("exec rclone copyto --ignore-times {rclone_from} {rclone_to}");
            let lines = [("causeway", ours), ("rclone", rclone)];
            let costs = in_turn(&lines, env, || drop(std::fs::remove_file(&back)));
            let what = format!("{name} {way}");
            for ((who, _), cost) in lines.iter().zip(&costs) {
                cost.report(report, &format!("{what}, {who}"));
            }
            costs[0].ratios(report, &costs[1], &format!("{what}: rclone / causeway"));
        }
    }
}

/// Many small files up: a job of a gateway, and a directory of rclone's, in turn.
async fn many_files(report: &mut Report, depots: &Depots, env: &[(String, String)]) {
    const WHAT: &str = "2,000 files of 10 KiB up";
    std::fs::create_dir_all(depots.grid.local("small")).expect("a directory can be made");
    for number in 0..SMALL_FILES {
        depots.put(&format!("small/{number}"), &vec![7; SMALL_BYTES]);
    }
    // The last of them asks nothing and looks at nothing: no more than the server takes.
    let rclone = [
        ("rclone, 4 at a time", "--transfers 4"),
        ("rclone, 16 at a time", "--transfers 16"),
        ("rclone, 64 at a time", "--transfers 64"),
        (
            "rclone, 16 at a time without a look",
            "--transfers 16 --no-check-dest --s3-no-head --s3-no-check-bucket",
        ),
    ];
    let (mut ours, mut theirs) = (Vec::new(), vec![Vec::new(); rclone.len()]);
    let (from, bucket) = (depots.grid.local("small"), depots.s3.value("BUCKET"));
    // The server's first answer takes a second, whoever asks.
    let warm = format!("exec rclone copy {}/0 lab:{bucket}/warm", from.display());
    timed(&warm, env);
    for round in 0..SMALL_ROUNDS {
        ours.push(by_gateway(depots, round).await);
        for (number, (_, options)) in rclone.iter().enumerate() {
            let to = format!("lab:{bucket}/rclone{number}.{round}");
            let line = format!("exec rclone copy {options} {} {to}", from.display());
            theirs[number].push(timed(&line, env));
        }
    }
    let ours = middle(&ours);
    let theirs = rclone.iter().zip(&theirs);
    let theirs: Vec<_> = theirs.map(|((who, _), it)| (*who, middle(it))).collect();
    for (who, cost) in [("causeway, a job", ours)].iter().chain(&theirs) {
        let rate = SMALL_FILES as f64 / cost.wall;
        report.add(&format!("{WHAT}, {who}"), rate, "files/s");
        cost.report(report, &format!("{WHAT}, {who}"));
    }
    for (who, cost) in &theirs {
        ours.ratios(report, cost, &format!("{WHAT}: {who} / causeway"));
    }
}

async fn by_gateway(depots: &Depots, round: usize) -> Cost {
    let pair = |number: usize| {
        let name = format!("small/{number}");
        json!({
            "sources": [depots.grid.local_url(&name)],
            "destinations": [depots.s3.url(&format!("job{round}/{number}"))],
        })
    };
    of_job(&depots.grid, (0..SMALL_FILES).map(pair).collect()).await
}
