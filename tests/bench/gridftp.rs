//! GridFTP beside `globus-url-copy` and `gfal-copy`, on the same servers in the same run.

use std::fmt::Write as _;
use std::path::Path;

use causeway_tests::data::put;
use causeway_tests::plugins::plugin_dir;
use causeway_tests::programs::causeway;
use causeway_tests::{Grid, Server};
use serde_json::json;

use crate::beside::{Cost, ROUNDS, in_turn, middle, of_job, timed};
use crate::load::quiet;
use crate::report::Report;

const GIB: u64 = 1 << 30;
const SMALL_FILES: usize = 2_000;
/// So many of them for the client that takes seconds for each.
const FEW_FILES: usize = 5;
const SMALL_BYTES: usize = 10 << 10;
const AT_ONCE: usize = 50;
/// Small files under way at a time. `globus-url-copy -pp` sends commands ahead without a limit.
const SMALL_AT_ONCE: usize = 200;
/// The client of the field for many files, as it comes and with data connections as ours.
const THEIRS: [&str; 2] = ["globus-url-copy", "globus-url-copy -nodcau"];
/// It may crash on its way out when all is done: then what it left is looked at.
const GFAL: &str = "gfal-copy";
/// Settings of the gateway's command that match `-dcpriv` of `globus-url-copy`.
const PRIVATE: &str = "CAUSEWAY__PLUGINS__GRIDFTP__DATA_AUTHENTICATION=self \
    CAUSEWAY__PLUGINS__GRIDFTP__DATA_PROTECTION=private";

/// Two servers, and a gateway whose user is known to both.
struct Scene {
    grid: Grid,
    from: Server,
    to: Server,
    env: Vec<(String, String)>,
}

/// One large file.
pub(crate) fn large(report: &mut Report) {
    scene(AT_ONCE).large(report);
}

/// Many at a time.
pub(crate) async fn at_once(report: &mut Report) {
    scene(AT_ONCE).at_once(report).await;
}

/// Many small ones.
pub(crate) async fn small(report: &mut Report) {
    scene(SMALL_AT_ONCE).small(report).await;
}

fn scene(at_once: usize) -> Scene {
    let options = [
        "LINK_MAX_ACTIVE",
        "INBOUND_MAX_ACTIVE",
        "OUTBOUND_MAX_ACTIVE",
    ]
    .iter()
    .fold(quiet(), |options, it| {
        options.env(&format!("CAUSEWAY__ENGINE__{it}"), at_once.to_string())
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
    Scene {
        grid,
        from,
        to,
        env,
    }
}

impl Scene {
    /// One file: down, up, and from server to server; data in clear, and inside of TLS. As they come,
    /// gfal-copy and we leave data connections alone, and `globus-url-copy` authenticates them.
    fn large(&self, report: &mut Report) {
        let (source, local) = (self.from.data("large"), self.grid.local("large"));
        for path in [&source, &local] {
            timed(
                &format!("head -c {GIB} /dev/urandom > {}", path.display()),
                &[],
            );
        }
        let (copied, back) = (self.to.data("copy"), self.grid.local("back"));
        let file = |path: &Path| format!("file://{}", path.display());
        let runs = [
            ("down", self.from.url("large"), file(&back)),
            ("up", file(&local), self.to.url("copy")),
            ("third-party", self.from.url("large"), self.to.url("copy")),
        ];
        for (way, from, to) in runs {
            let target = if way == "down" { &back } else { &copied };
            self.large_way(report, way, &format!("{from} {to}"), target);
        }
    }

    /// One way, in clear and inside of TLS. `urls` are where from and where to, `target` is the file.
    fn large_way(&self, report: &mut Report, way: &str, urls: &str, target: &Path) {
        let (program, plugins) = (causeway(), plugin_dir());
        let (program, plugins) = (program.display(), plugins.display());
        let ours = format!("exec {program} copy --plugin-dir {plugins} {urls}");
        let ours_private =
            format!("exec env {PRIVATE} {program} copy --plugin-dir {plugins} {urls}");
        let theirs = |option: &str| format!("exec globus-url-copy {option} {urls}");
        let is_whole = format!("[ $(stat -c %s {}) = {GIB} ]", target.display());
        let clear = vec![
            ("causeway", ours),
            ("globus-url-copy -nodcau", theirs("-nodcau")),
            ("globus-url-copy", theirs("")),
            (GFAL, format!("{GFAL} {urls} || {is_whole}")),
        ];
        let private = vec![
            ("causeway", ours_private),
            ("globus-url-copy -dcpriv", theirs("-dcpriv")),
        ];
        for (how, lines) in [("", clear), (", private", private)] {
            // Nothing is there at first.
            let costs = in_turn(&lines, &self.env, || drop(std::fs::remove_file(target)));
            let what = format!("1 GiB gsiftp {way}{how}");
            for ((who, _), cost) in lines.iter().zip(&costs) {
                cost.report(report, &format!("{what}, {who}"));
            }
            for ((who, _), cost) in lines.iter().zip(&costs).skip(1) {
                costs[0].ratios(report, cost, &format!("{what}: {who} / causeway"));
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
        let from = self.from.url("small");
        let list = self.grid.local("list");
        let urls = (0..FEW_FILES).map(|number| format!("{from}/{number}\n"));
        put(&list, urls.collect::<String>().as_bytes());
        let (mut ours, mut few) = (Vec::new(), Vec::new());
        let mut theirs = [Vec::new(), Vec::new()];
        for round in 0..ROUNDS {
            ours.push(self.job(SMALL_FILES, "small", &format!("job{round}")).await);
            // Its best options; as it comes it authenticates data connections.
            for (number, who) in THEIRS.into_iter().enumerate() {
                let to = self.to.url(&format!("theirs{number}.{round}"));
                let line = format!("exec {who} -r -cd -cc 4 -pp -fast {from}/ {to}/");
                theirs[number].push(timed(&line, &self.env));
            }
            let (to, list) = (self.to.data(&format!("few{round}")), list.display());
            std::fs::create_dir_all(&to).expect("a directory can be made");
            let are_all = format!("[ $(ls {} | wc -l) = {FEW_FILES} ]", to.display());
            let to = self.to.url(&format!("few{round}"));
            let line = format!("{GFAL} --from-file {list} {to} || {are_all}");
            few.push(timed(&line, &self.env));
        }
        let theirs = theirs.map(|it| middle(&it));
        small_rows(report, middle(&ours), theirs, middle(&few));
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

/// The rows of many small files: a job, `globus-url-copy`, and `gfal-copy` with a few of them.
fn small_rows(report: &mut Report, ours: Cost, theirs: [Cost; 2], few: Cost) {
    const MANY: &str = "2,000 files of 10 KiB third-party";
    let mut rows = vec![
        (MANY, "causeway, a job", SMALL_FILES, ours),
        ("five of these files", GFAL, FEW_FILES, few),
    ];
    rows.extend((THEIRS.iter().zip(theirs)).map(|(who, cost)| (MANY, *who, SMALL_FILES, cost)));
    for (what, who, files, cost) in rows {
        let rate = files as f64 / cost.wall;
        report.add(&format!("{what}, {who}"), rate, "files/s");
        cost.report(report, &format!("{what}, {who}"));
    }
    for (who, cost) in THEIRS.iter().zip(&theirs) {
        ours.ratios(report, cost, &format!("{MANY}: {who} / causeway"));
    }
    let each = |cost: Cost, files: usize| cost.wall / files as f64;
    report.add(
        "each of these files: gfal-copy / causeway, wall",
        each(few, FEW_FILES) / each(ours, SMALL_FILES),
        "ratio",
    );
}
