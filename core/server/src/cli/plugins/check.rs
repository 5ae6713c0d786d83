//! `causeway plugins check`: the behaviour suite against one library, in a process of its own.
//!
//! The library is loaded by a child, the same program told `--here`, which reports through its
//! standard output. A library that ends its process therefore ends no command: the one that was
//! typed sees how the child ended and says so.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use causeway_engine::crew::end_in_words;
use causeway_host::{Host, Manifest};
use causeway_testkit::{Report, Suite};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::super::args::LocalArgs;
use super::super::local::credential;
use super::super::output;

/// What stands before the name of a case that begins.
const CASE: &str = "case ";

/// What is to be checked, and how.
pub(super) struct Task<'a> {
    pub(super) path: &'a Path,
    pub(super) base: Option<&'a str>,
    pub(super) options: &'a str,
    pub(super) local: &'a LocalArgs,
}

/// What the child says in the end.
#[derive(Serialize, Deserialize)]
enum Verdict {
    /// The suite ran.
    Report(Report),
    /// It could not begin.
    Refused(String),
}

impl Task<'_> {
    /// Lets a child do it and tells what came of it.
    ///
    /// # Errors
    /// A library that was refused, that does not keep its promises, or that ended the child.
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let mut child = self
            .child()
            .spawn()
            .context("start a process to check in")?;
        let output = child
            .stdout
            .take()
            .context("listen to the process that checks")?;
        let mut lines = BufReader::new(output).lines();
        let mut place = "while it was loaded".to_owned();
        let mut verdict = None;
        loop {
            let line = self.in_time(&place, lines.next_line()).await?;
            let Some(line) = line else {
                break;
            };
            match line.strip_prefix(CASE) {
                Some(name) => place = format!("in the case {name}"),
                // Half a verdict is none: it died over it.
                None => verdict = serde_json::from_str(&line).ok(),
            }
        }
        let ended = self.in_time(&place, child.wait()).await?;
        match verdict {
            Some(Verdict::Report(report)) => self.tell(&report),
            Some(Verdict::Refused(reason)) => Err(anyhow!(reason)),
            None => {
                let how = end_in_words(ended);
                bail!("check the plugin: it ended its process with {how} {place}")
            }
        }
    }

    /// Nobody waits for the child for ever: given up, it is killed.
    async fn in_time<T>(
        &self,
        place: &str,
        heard: impl Future<Output = std::io::Result<T>>,
    ) -> anyhow::Result<T> {
        let seconds = self.local.timeout;
        match tokio::time::timeout(Duration::from_secs(seconds), heard).await {
            Ok(heard) => heard.context("listen to the process that checks"),
            Err(_) => bail!("check the plugin: no sign of life for {seconds} s {place}"),
        }
    }

    fn tell(&self, report: &Report) -> anyhow::Result<()> {
        if self.local.json {
            output::print_json(report)?;
        } else {
            println!("{report}");
        }
        if report.failed > 0 {
            bail!("{} of the plugin's promises are not kept", report.failed);
        }
        Ok(())
    }

    /// This very program, told to do it itself.
    fn child(&self) -> Command {
        let mut child = Command::new("/proc/self/exe");
        child.arg0("causeway").args(["plugins", "check", "--here"]);
        child.arg(self.path).args(["--options", self.options]);
        if let Some(base) = self.base {
            child.args(["--base", base]);
        }
        if let Some(cert) = &self.local.cert {
            child.arg("--cert").arg(cert);
        }
        child
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        child
    }

    /// Does it in this process.
    ///
    /// # Errors
    /// When nobody can be told what came of it.
    pub(super) async fn run_here(&self) -> anyhow::Result<()> {
        let mut output = File::from(take_output().context("keep the output from the plugin")?);
        let cases = output
            .try_clone()
            .context("keep the output from the plugin")?;
        let verdict = match self.check(cases).await {
            Ok(report) => Verdict::Report(report),
            Err(error) => Verdict::Refused(format!("{error:#}")),
        };
        writeln!(output, "{}", serde_json::to_string(&verdict)?)?;
        // What the library does on its way out is not what it was asked for.
        causeway_host::leave()
    }

    async fn check(&self, mut cases: File) -> anyhow::Result<Report> {
        let options: Value =
            serde_json::from_str(self.options).context("understand --options: it is no JSON")?;
        let handle = Host::load_file(&library(self.path)?, &options)?;
        let base = match self.base {
            Some(base) => base.to_owned(),
            None => {
                let scheme = handle.schemes().first();
                format!(
                    "{}://localhost/",
                    scheme.context("the plugin serves no scheme")?
                )
            }
        };
        let suite = Suite::new(handle.storage(), &base)
            .credential(credential(self.local)?)
            .telling(move |case| {
                // Whoever listens has gone, and takes this process with it.
                drop(writeln!(cases, "{CASE}{case}"));
            });
        Ok(suite.run().await)
    }
}

/// The library itself, or the one of a folder with a manifest.
fn library(path: &Path) -> anyhow::Result<PathBuf> {
    Ok(match path.is_dir() {
        true => Manifest::read(path)?.library(path),
        false => path.to_owned(),
    })
}

/// Standard output, moved to where a plugin that prints does not find it.
fn take_output() -> std::io::Result<OwnedFd> {
    let output = std::io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(std::io::stderr())?;
    Ok(output)
}
