//! Moving bytes: `causeway copy` beside the programs people use today, on the same servers.

use std::path::Path;

use causeway_tests::plugins::plugin_dir;
use causeway_tests::programs::causeway;
use causeway_tests::{Pki, Server};

use crate::beside::{in_turn, timed};
use crate::report::Report;

const GIB: u64 = 1 << 30;

/// Runs every copy.
pub(crate) fn run(report: &mut Report) {
    file_to_file(report);
    https_to_https(report);
}

fn file_to_file(report: &mut Report) {
    let dir = tempfile::tempdir_in(".").expect("a directory on the disk of the repository");
    let path = |name: &str| {
        dir.path()
            .canonicalize()
            .expect("it was just made")
            .join(name)
            .display()
            .to_string()
    };
    timed(
        &format!("head -c {} /dev/urandom > {}", 4 * GIB, path("source")),
        &[],
    );
    let target = path("target");
    let ours = format!(
        "{} copy --plugin-dir {} file://{} file://{target} --checksum ADLER32",
        causeway().display(),
        plugin_dir().display(),
        path("source"),
    );
    let lines = [
        ("causeway", ours),
        ("cp", format!("cp {} {target}", path("source"))),
        (
            "cp and sync",
            format!("cp {} {target} && sync {target}", path("source")),
        ),
    ];
    let clean = || drop(std::fs::remove_file(&target));
    let figures = in_turn(&lines, &[], clean);
    for ((name, _), cost) in lines.iter().zip(&figures) {
        report.add(&format!("4 GiB file to file, {name}: wall"), cost.wall, "s");
        report.add(&format!("4 GiB file to file, {name}: CPU"), cost.cpu, "s");
    }
    report.add(
        "4 GiB file to file with adler32, wall: cp / causeway",
        figures[1].wall / figures[0].wall,
        "ratio",
    );
    report.add(
        "4 GiB file to file with adler32, wall: cp+sync / causeway",
        figures[2].wall / figures[0].wall,
        "ratio",
    );
}

fn https_to_https(report: &mut Report) {
    let pki = Pki::make();
    let (from, to) = (
        Server::start("xrdhttp", &pki),
        Server::start("xrdhttp", &pki),
    );
    let (source, target) = (
        format!("{}/public/gib", from.value("HTTPS")),
        format!("{}/gib", to.value("HTTPS")),
    );
    let file = Path::new(from.value("DATA")).join("public/gib");
    timed(
        &format!("head -c {GIB} /dev/urandom > {}", file.display()),
        &[],
    );
    let copied = Path::new(to.value("DATA")).join("gib");
    let proxy = pki.file("alice.proxy").display().to_string();
    let authorities = pki.file("certificates").display().to_string();
    let davs = |url: &str| url.replacen("https:", "davs:", 1);
    let tls = format!("--capath {authorities} --cert {proxy} --key {proxy}");
    let lines = [
        (
            "causeway, adler32",
            format!(
                "{} copy --plugin-dir {} {} {} --checksum ADLER32",
                causeway().display(),
                plugin_dir().display(),
                davs(&source),
                davs(&target)
            ),
        ),
        (
            "curl | curl",
            format!("curl -sf {tls} {source} | curl -sf {tls} -T - {target}"),
        ),
        (
            "gfal-copy streamed",
            format!(
                "gfal-copy --copy-mode streamed {} {}",
                davs(&source),
                davs(&target)
            ),
        ),
    ];
    let env = [
        ("X509_USER_PROXY", proxy),
        ("X509_CERT_DIR", authorities.clone()),
        ("GFAL_PYTHONBIN", "/usr/bin/python3".to_owned()),
        (
            "CAUSEWAY__PLUGINS__HTTP__CA_DIR",
            format!("{authorities:?}"),
        ),
        // The servers could copy by themselves; here the bytes shall pass.
        ("CAUSEWAY__ENGINE__PEER_COPIES", "none".to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value));
    let figures = in_turn(&lines, &env, || drop(std::fs::remove_file(&copied)));
    for ((name, _), cost) in lines.iter().zip(&figures) {
        report.add(
            &format!("1 GiB https to https streamed, {name}: wall"),
            cost.wall,
            "s",
        );
        report.add(
            &format!("1 GiB https to https streamed, {name}: CPU"),
            cost.cpu,
            "s",
        );
    }
    report.add(
        "1 GiB https streamed, CPU: gfal-copy / causeway",
        figures[2].cpu / figures[0].cpu,
        "ratio",
    );
    report.add(
        "1 GiB https streamed, CPU: curl|curl / causeway",
        figures[1].cpu / figures[0].cpu,
        "ratio",
    );
}
