//! GridFTP beside `globus-url-copy` and `gfal-copy`, on the same servers in the same run.

use std::fmt::Write as _;

use causeway_tests::data::put;
use causeway_tests::plugins::plugin_dir;
use causeway_tests::programs::causeway;
use causeway_tests::{Grid, Server};
use serde_json::json;

use crate::beside::{Cost, in_turn, of_job, timed};
use crate::load::quiet;
use crate::report::Report;

const GIB: u64 = 1 << 30;
const SMALL_FILES: usize = 2_000;
const SMALL_BYTES: usize = 10 << 10;
const AT_ONCE: usize = 50;

/// Two servers, and a gateway whose user is known to both.
struct Scene {
    grid: Grid,
    from: Server,
    to: Server,
    env: Vec<(String, String)>,
}

/// Runs everything.
pub(crate) async fn run(report: &mut Report) {
    // As many at a time as are wanted of the clients.
    let options = [
        "LINK_MAX_ACTIVE",
        "INBOUND_MAX_ACTIVE",
        "OUTBOUND_MAX_ACTIVE",
    ]
    .iter()
    .fold(quiet(), |options, it| {
        options.env(&format!("CAUSEWAY__ENGINE__{it}"), AT_ONCE.to_string())
    });
    let grid = Grid::start(options);
    let (from, to) = (grid.server("gridftp"), grid.server("gridftp"));
    let proxy = grid.pki.file("alice.proxy").display().to_string();
    let authorities = grid.pki.file("certificates").display().to_string();
    let env = [
        ("X509_USER_PROXY", proxy),
        ("X509_CERT_DIR", authorities.clone()),
        ("GFAL_PYTHONBIN", "/usr/bin/python3".to_owned()),
        (
            "CAUSEWAY__PLUGINS__GRIDFTP__CA_DIR",
            format!("{authorities:?}"),
        ),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .to_vec();
    let scene = Scene {
        grid,
        from,
        to,
        env,
    };
    scene.large(report);
    scene.small(report).await;
    scene.at_once(report).await;
}

impl Scene {
    /// One file: down, up, and from server to server.
    fn large(&self, report: &mut Report) {
        let (source, local) = (self.from.data("large"), self.grid.local("large"));
        for path in [&source, &local] {
            timed(
                &format!("head -c {GIB} /dev/urandom > {}", path.display()),
                &[],
            );
        }
        let (copied, back) = (self.to.data("copy"), self.grid.local("back"));
        let file = |path: &std::path::Path| format!("file://{}", path.display());
        let runs = [
            ("down", self.from.url("large"), file(&back)),
            ("up", file(&local), self.to.url("copy")),
            ("third-party", self.from.url("large"), self.to.url("copy")),
        ];
        for (way, from, to) in runs {
            let (program, plugins) = (causeway(), plugin_dir());
            let (program, plugins) = (program.display(), plugins.display());
            let lines = [
                (
                    "causeway",
                    format!("exec {program} copy --plugin-dir {plugins} {from} {to}"),
                ),
                (
                    "globus-url-copy",
                    format!("exec globus-url-copy {from} {to}"),
                ),
                ("gfal-copy", format!("exec gfal-copy {from} {to}")),
            ];
            let costs = in_turn(&lines, &self.env, || {
                for path in [&copied, &back] {
                    drop(std::fs::remove_file(path));
                }
            });
            for ((who, _), cost) in lines.iter().zip(&costs) {
                cost.report(report, &format!("1 GiB gsiftp {way}, {who}"));
            }
            for ((who, _), cost) in lines.iter().zip(&costs).skip(1) {
                let name = format!("1 GiB gsiftp {way}: {who} / causeway");
                costs[0].ratios(report, cost, &name);
            }
        }
    }

    /// Many small files from server to server, in one job and in one command.
    async fn small(&self, report: &mut Report) {
        let dir = self.from.data("small");
        std::fs::create_dir_all(&dir).expect("a directory can be made");
        for number in 0..SMALL_FILES {
            put(&dir.join(number.to_string()), &vec![7; SMALL_BYTES]);
        }
        let ours = self.job(SMALL_FILES, "small", "job").await;
        let line = format!(
            "exec globus-url-copy -r -cd -cc 4 -pp -fast {}/ {}/",
            self.from.url("small"),
            self.to.url("theirs")
        );
        let theirs = timed(&line, &self.env);
        let what = "2,000 files of 10 KiB third-party";
        for (who, cost) in [("causeway, a job", ours), ("globus-url-copy", theirs)] {
            let rate = SMALL_FILES as f64 / cost.wall;
            report.add(&format!("{what}, {who}"), rate, "files/s");
            cost.report(report, &format!("{what}, {who}"));
        }
        ours.ratios(
            report,
            &theirs,
            &format!("{what}: globus-url-copy / causeway"),
        );
    }

    /// Fifty at a time: a gateway, and a process each.
    async fn at_once(&self, report: &mut Report) {
        let dir = self.from.data("many");
        std::fs::create_dir_all(&dir).expect("a directory can be made");
        for number in 0..AT_ONCE {
            put(&dir.join(number.to_string()), &vec![7; 32 << 20]);
        }
        let ours = self.job(AT_ONCE, "many", "many-job").await;
        let mut line = String::new();
        for number in 0..AT_ONCE {
            let (from, to) = (self.from.url("many"), self.to.url("many-theirs"));
            write!(line, "gfal-copy -p {from}/{number} {to}/{number} & ").expect("text grows");
        }
        let theirs = timed(&format!("{line} wait"), &self.env);
        let what = "50 third-party copies of 32 MiB at a time";
        ours.report(report, &format!("{what}, causeway"));
        theirs.report(report, &format!("{what}, gfal-copy"));
        ours.ratios(report, &theirs, &format!("{what}: gfal-copy / causeway"));
    }

    /// What a job of so many files costs the gateway.
    async fn job(&self, files: usize, from: &str, to: &str) -> Cost {
        let pair = |number: usize| {
            json!({
                "sources": [format!("{}/{number}", self.from.url(from))],
                "destinations": [format!("{}/{number}", self.to.url(to))],
            })
        };
        of_job(&self.grid, (0..files).map(pair).collect()).await
    }
}
