//! S3 beside rclone, on the same server in the same run.

use std::path::Path;

use causeway_tests::depots::Depots;
use causeway_tests::plugins::plugin_dir;
use causeway_tests::programs::causeway;
use serde_json::json;

use crate::beside::{Cost, in_turn, of_job, timed};
use crate::load::quiet;
use crate::report::Report;

const GIB: u64 = 1 << 30;
const SMALL_FILES: usize = 2_000;
const SMALL_BYTES: usize = 10 << 10;

/// Runs everything.
pub(crate) async fn run(report: &mut Report) {
    // As many at a time as rclone is told to.
    let depots = Depots::with(quiet().env("CAUSEWAY__ENGINE__LINK_MAX_ACTIVE", "16"));
    let env = environment(&depots);
    small(report, &depots, &env).await;
    large(report, &depots, &env);
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
fn large(report: &mut Report, depots: &Depots, env: &[(String, String)]) {
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

/// Many small files up: a job of a gateway, and a directory of rclone's.
async fn small(report: &mut Report, depots: &Depots, env: &[(String, String)]) {
    std::fs::create_dir_all(depots.grid.local("small")).expect("a directory can be made");
    for number in 0..SMALL_FILES {
        depots.put(&format!("small/{number}"), &vec![7; SMALL_BYTES]);
    }
    let ours = by_gateway(depots).await;
    let from = depots.grid.local("small");
    let bucket = depots.s3.value("BUCKET");
    let line = |transfers: u32, more: &str, to: &str| {
        let from = from.display();
        format!("exec rclone copy --transfers {transfers} {more} {from} lab:{bucket}/rclone-{to}")
    };
    let (few, many) = (line(4, "", "4"), line(16, "", "16"));
    // It asks nothing and looks at nothing: no more than the server takes.
    let blind = line(
        16,
        "--no-check-dest --s3-no-head --s3-no-check-bucket",
        "blind",
    );
    let [few, many, blind] = [few, many, blind].map(|it| timed(&it, env));
    let what = "2,000 files of 10 KiB up";
    for (who, cost) in [
        ("causeway, a job", ours),
        ("rclone, 4 at a time", few),
        ("rclone, 16 at a time", many),
        ("rclone, 16 at a time without a look", blind),
    ] {
        let rate = SMALL_FILES as f64 / cost.wall;
        report.add(&format!("{what}, {who}"), rate, "files/s");
        cost.report(report, &format!("{what}, {who}"));
    }
    ours.ratios(report, &few, &format!("{what}: rclone with 4 / causeway"));
    ours.ratios(report, &many, &format!("{what}: rclone with 16 / causeway"));
}

async fn by_gateway(depots: &Depots) -> Cost {
    let pair = |number: usize| {
        let name = format!("small/{number}");
        json!({
            "sources": [depots.grid.local_url(&name)],
            "destinations": [depots.s3.url(&format!("job/{number}"))],
        })
    };
    of_job(&depots.grid, (0..SMALL_FILES).map(pair).collect()).await
}
