//! `causeway worker`: a process that runs transfers and plugins for the gateway that started it.
//!
//! It comes with a socket as its standard input and a pipe for its last words as its standard
//! output. It moves both out of the plugins' reach, says what it can do, and does as it is told. It
//! ends with its gateway, whatever the plugins are doing.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use causeway_engine::crew::child::{self, Loaded};
use causeway_engine::crew::{Setup, Table};
use causeway_model::ports::SystemClock;
use causeway_sdk::{DynStorage, Result, Storages, Url};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, getpid, kill_process};

use crate::pages;
use crate::plugins::{ForWorkers, card, keep_compiled_in, limit_memory, load_wanted, news};
use crate::shutdown::Signals;
use crate::telemetry::{self, Traces};

/// How often the watchman looks.
const LOOK: Duration = Duration::from_millis(500);

/// Works until the gateway sends it away or is gone.
///
/// # Errors
/// When nobody there speaks its language: it is not started by hand.
pub async fn work() -> anyhow::Result<()> {
    pages::as_usual();
    let (socket, last_words) =
        take_the_lines().context("start as a worker: only a gateway can do that")?;
    // Not all systems show it, and nothing depends on it.
    drop(std::fs::write("/proc/self/comm", "causeway-worker"));
    // A stop of the whole group is the gateway's to pass on; until then work goes on.
    let _deaf = Signals::new().context("listen to signals")?;
    causeway_host::leave_last_words(last_words).context("watch for crashes")?;
    let guarded = socket
        .as_fd()
        .try_clone_to_owned()
        .context("watch the gateway")?;
    let traces = OnceLock::new();
    let load = |setup: &Setup| {
        let patience = Duration::from_secs(setup.stuck_after_seconds);
        let watchman = std::thread::Builder::new().name("watchman".into());
        watchman.spawn(move || watch(&guarded, patience))?;
        let (loaded, started) = prepare(setup)?;
        // Called once, so nothing is there yet.
        traces.get_or_init(|| started);
        Ok(loaded)
    };
    child::work(socket, Arc::new(SystemClock), load)
        .await
        .context("work for the gateway")?;
    if let Some(Some(traces)) = traces.into_inner() {
        let sent = tokio::task::spawn_blocking(move || traces.stop());
        sent.await.context("send the last traces")?;
    }
    causeway_host::leave()
}

/// The socket and the pipe, from the places where plugins would find them.
fn take_the_lines() -> io::Result<(UnixStream, OwnedFd)> {
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    let socket = UnixStream::from(input);
    // Anything but such a socket has no such name.
    socket.peer_addr()?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok((socket, output))
}

fn prepare(setup: &Setup) -> io::Result<(Loaded, Option<Arc<Traces>>)> {
    let told: ForWorkers = toml::from_str(&setup.config).map_err(io::Error::other)?;
    let traces = telemetry::start(&told.config).map_err(io::Error::other)?;
    limit_memory(setup.memory_bytes)?;
    keep_compiled_in(told.config.plugins.cache_dir.clone());
    let host = load_wanted(&told.wanted(&setup.excluded));
    let serves = |scheme: &str| {
        let plugin = host.handle_for_scheme(scheme).ok()?;
        Some((scheme.to_owned(), plugin.name().to_owned()))
    };
    let table = Table {
        plugins: host.plugins().iter().map(card).collect(),
        serves: host.schemes().filter_map(serves).collect(),
    };
    let counted = host.clone();
    let loaded = Loaded {
        storages: Arc::new(OnHost(host)),
        table,
        news: Box::new(move || counted.handles().iter().map(news).collect()),
    };
    Ok((loaded, traces))
}

struct OnHost(causeway_host::Host);

impl Storages for OnHost {
    fn storage_for(&self, url: &Url) -> Result<Arc<dyn DynStorage>> {
        self.0.storage_for(url)
    }
}

/// Ends this process when the gateway is gone, or when a plugin has not come back for too long. A
/// thread of its own, because plugins may hold all others.
fn watch(gateway: &OwnedFd, patience: Duration) {
    let look = Timespec::try_from(LOOK).expect("half a second fits");
    loop {
        let mut wanted = [PollFd::new(gateway, PollFlags::RDHUP)];
        match poll(&mut wanted, Some(&look)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            _ => end(),
        }
        if !patience.is_zero()
            && let Some((plugin, long)) = causeway_host::stuck_for(patience)
        {
            let seconds = long.as_secs();
            causeway_host::add_last_words(&format!("stuck {seconds}\nin {plugin}\n"));
            end();
        }
    }
}

/// Without a way back, and without a word to the plugins.
fn end() -> ! {
    // It cannot fail for the own process, and nothing comes after it.
    if kill_process(getpid(), Signal::KILL).is_err() {
        tracing::error!("failed to end the own process the quick way");
    }
    std::process::abort();
}
