//! A new version of a plugin is tried before anybody uses it: loaded by a process of its own, which may
//! die of it. Both ends are here.
//!
//! The process gets what it needs through its standard input, because a configuration may hold secrets,
//! and says what came of it on its standard output, which the plugin cannot reach.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use causeway_engine::crew::end_in_words;
use causeway_host::{Host, Wanted};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::{keep_compiled_in, limit_memory};

/// Time that a plugin may take: large components are compiled.
const LIMIT: Duration = Duration::from_secs(120);
/// Longest answer.
const LONGEST: u64 = 1 << 20;

/// What is to be tried.
#[derive(Serialize, Deserialize)]
struct Task {
    folder: PathBuf,
    wanted: Wanted,
    /// Directory for compiled components.
    cache: Option<PathBuf>,
    /// Memory that it may take; 0 for no limit.
    memory_bytes: u64,
}

/// What came of it; nothing at all when the process died.
#[derive(Serialize, Deserialize)]
enum Verdict {
    Works,
    Refused(String),
}

/// Tries the plugin in a folder.
///
/// # Errors
/// Why it must not be used.
pub(super) async fn try_folder(
    folder: &Path,
    wanted: &Wanted,
    cache: Option<&Path>,
    memory_bytes: u64,
) -> Result<(), String> {
    let task = Task {
        folder: folder.to_owned(),
        wanted: wanted.clone(),
        cache: cache.map(Path::to_owned),
        memory_bytes,
    };
    let cannot = |error: io::Error| format!("try the plugin in a process of its own: {error}");
    let task = serde_json::to_vec(&task).map_err(|error| cannot(error.into()))?;
    let mut child = spawn().map_err(cannot)?;
    match timeout(LIMIT, ask(&mut child, &task)).await {
        Ok(Ok(Some(Verdict::Works))) => Ok(()),
        Ok(Ok(Some(Verdict::Refused(reason)))) => Err(reason),
        Ok(Ok(None)) => {
            let how = child.wait().await.map_err(cannot)?;
            let how = end_in_words(how);
            Err(format!(
                "load the plugin: it ended the process that tried it with {how}"
            ))
        }
        Ok(Err(error)) => Err(cannot(error)),
        // It is killed when it is dropped.
        Err(_) => {
            let seconds = LIMIT.as_secs();
            Err(format!(
                "load the plugin: it had not started after {seconds} s"
            ))
        }
    }
}

/// The very program that runs, like every worker.
fn spawn() -> io::Result<Child> {
    Command::new("/proc/self/exe")
        .arg0("causeway")
        .arg("try-plugin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

async fn ask(child: &mut Child, task: &[u8]) -> io::Result<Option<Verdict>> {
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    input.write_all(task).await?;
    drop(input);
    let mut said = Vec::new();
    output.take(LONGEST).read_to_end(&mut said).await?;
    // Half an answer is none: it died over it.
    Ok(serde_json::from_slice(&said).ok())
}

/// `causeway try-plugin`: the process that tries.
///
/// # Errors
/// When nobody is there who asked: it is not started by hand.
pub async fn run() -> anyhow::Result<()> {
    let mut text = Vec::new();
    let task = io::stdin()
        .read_to_end(&mut text)
        .map_err(anyhow::Error::new);
    let task: Task = task
        .and_then(|_| serde_json::from_slice(&text).map_err(anyhow::Error::new))
        .context("try a plugin: only a gateway can ask for that")?;
    drop(text);
    let mut output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    limit_memory(task.memory_bytes)?;
    keep_compiled_in(task.cache);
    let verdict = match Host::load_folder(&task.folder, &task.wanted) {
        Ok(_) => Verdict::Works,
        Err(refusal) => Verdict::Refused(refusal.to_string()),
    };
    serde_json::to_writer(&output, &verdict)?;
    output.flush()?;
    drop(output);
    causeway_host::leave()
}
