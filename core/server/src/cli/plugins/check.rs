//! `causeway plugins check`: the behaviour suite against one plugin, in a process of its own.
//!
//! The plugin is loaded by a child, the same program told `--here`, which reports through its standard
//! output: [`here`]. A library that ends its process therefore ends no command: the one that was typed sees
//! how the child ended and says so.

mod here;
mod options;
mod report;
#[cfg(feature = "wasm")]
mod wire;

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use causeway_engine::crew::end_in_words;
use causeway_testkit::Report;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

pub use options::CheckArgs;

/// What stands before the name of a case that begins.
const CASE: &str = "case ";

/// What the child says in the end.
#[derive(Serialize, Deserialize)]
enum Verdict {
    /// The suite ran.
    Report(Report),
    /// It could not begin.
    Refused(String),
}

/// Checks a plugin and tells what came of it.
///
/// # Errors
/// A plugin that was refused, that does not keep its promises, or that ended the child.
pub(super) async fn run(args: &CheckArgs) -> anyhow::Result<()> {
    match args.here {
        true => here::run(args).await,
        false => watch(args).await,
    }
}

/// Lets a child do it.
async fn watch(args: &CheckArgs) -> anyhow::Result<()> {
    let mut child = child(args).spawn().context("start a process to check in")?;
    let output = child
        .stdout
        .take()
        .context("listen to the process that checks")?;
    let mut lines = BufReader::new(output).lines();
    let mut place = "while it was loaded".to_owned();
    let mut verdict = None;
    loop {
        let line = in_time(args, &place, lines.next_line()).await?;
        let Some(line) = line else {
            break;
        };
        match line.strip_prefix(CASE) {
            Some(name) => place = format!("in the case {name}"),
            // Half a verdict is none: it died over it.
            None => verdict = serde_json::from_str(&line).ok(),
        }
    }
    let ended = in_time(args, &place, child.wait()).await?;
    match verdict {
        Some(Verdict::Report(report)) => judge(&report, args),
        Some(Verdict::Refused(reason)) => Err(anyhow!(reason)),
        None => {
            let how = end_in_words(ended);
            bail!("check the plugin: it ended its process with {how} {place}")
        }
    }
}

/// Nobody waits for the child for ever: given up, it is killed.
async fn in_time<T>(
    args: &CheckArgs,
    place: &str,
    heard: impl Future<Output = std::io::Result<T>>,
) -> anyhow::Result<T> {
    let seconds = args.local.timeout;
    match tokio::time::timeout(Duration::from_secs(seconds), heard).await {
        Ok(heard) => heard.context("listen to the process that checks"),
        Err(_) => bail!("check the plugin: no sign of life for {seconds} s {place}"),
    }
}

fn judge(report: &Report, args: &CheckArgs) -> anyhow::Result<()> {
    report::tell(report, args.local.json, args.junit.as_deref())?;
    if report.failed > 0 {
        bail!("{} of the plugin's promises are not kept", report.failed);
    }
    Ok(())
}

/// This very program, told to do it itself.
fn child(args: &CheckArgs) -> Command {
    let mut child = Command::new("/proc/self/exe");
    child.arg0("causeway").args(["plugins", "check", "--here"]);
    child.arg(&args.path).args(["--options", &args.options]);
    let texts = [("--base", &args.base), ("--endpoint", &args.endpoint)];
    for (name, value) in texts {
        if let Some(value) = value {
            child.args([name, value]);
        }
    }
    let files = [
        ("--record", &args.record),
        ("--replay", &args.replay),
        ("--cert", &args.local.cert),
    ];
    for (name, file) in files {
        if let Some(file) = file {
            child.arg(name).arg(file);
        }
    }
    if args.faults {
        child.arg("--faults");
    }
    child
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    child
}
