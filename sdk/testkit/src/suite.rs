//! Starting a run: what to check, where, with what credential, and what the storage cannot offer.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use causeway_sdk::{Credential, DynStorage, Url};
use tokio::time::timeout;

use crate::cases::{self, Definition};
use crate::network::Network;
use crate::probe::{Probe, Seed};
use crate::report::{Case, Outcome, Report};
use crate::verdict::Stop;

/// The suite for one storage.
///
/// Run it on a runtime with several threads: a plugin that blocks the thread it runs on then fails
/// its case instead of stopping the run.
pub struct Suite {
    pub(crate) storage: Arc<dyn DynStorage>,
    pub(crate) base: Result<Url, String>,
    pub(crate) credential: Credential,
    pub(crate) seeds: Vec<Seed>,
    pub(crate) missing: Option<String>,
    pub(crate) keeps: bool,
    pub(crate) time_limit: Duration,
    pub(crate) settle: Duration,
    pub(crate) only: Option<String>,
    pub(crate) told: Option<Teller>,
    pub(crate) network: Option<Arc<dyn Network>>,
    pub(crate) run_name: Option<String>,
    pub(crate) live: bool,
    pub(crate) small: bool,
}

/// Hears the name of each case before it runs.
type Teller = Box<dyn FnMut(&str) + Send>;

impl Suite {
    /// A suite that works below `base_url`, in a directory of its own that it removes in the end.
    ///
    /// The query of the URL, if there is one, stays at every URL made from it.
    pub fn new(storage: Arc<dyn DynStorage>, base_url: &str) -> Self {
        Self {
            storage,
            base: base_url
                .parse()
                .map_err(|error| format!("{base_url}: {error}")),
            credential: Credential::None,
            seeds: Vec::new(),
            missing: None,
            keeps: true,
            time_limit: Duration::from_secs(60),
            settle: Duration::from_secs(20),
            only: None,
            told: None,
            network: None,
            run_name: None,
            live: true,
            small: false,
        }
    }

    /// The credential of every call but those that try a false one.
    #[must_use]
    pub fn credential(mut self, credential: Credential) -> Self {
        self.credential = credential;
        self
    }

    /// A file that is there already, for a storage that cannot write. Its content is what the first
    /// complete read yields.
    #[must_use]
    pub fn seed(mut self, url: &str, size: u64) -> Self {
        self.seeds.push(Seed {
            url: url.to_owned(),
            size,
            content: None,
        });
        self
    }

    /// A file that is there already, with content that is known beforehand.
    #[must_use]
    pub fn seed_content(mut self, url: &str, content: impl Into<Bytes>) -> Self {
        let content = content.into();
        self.seeds.push(Seed {
            url: url.to_owned(),
            size: content.len() as u64,
            content: Some(content),
        });
        self
    }

    /// A URL where nothing is; by default a fresh name below the base.
    #[must_use]
    pub fn missing(mut self, url: &str) -> Self {
        self.missing = Some(url.to_owned());
        self
    }

    /// The storage takes writes but keeps nothing. Cases that look again are skipped.
    #[must_use]
    pub fn discards_writes(mut self) -> Self {
        self.keeps = false;
        self
    }

    /// The longest that a single case may take. 60 seconds unless told.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// How long what was given up may stay visible until the storage has removed it. 20 seconds
    /// unless told.
    #[must_use]
    pub fn settle(mut self, time: Duration) -> Self {
        self.settle = time;
        self
    }

    /// Runs only cases whose name contains the text.
    #[must_use]
    pub fn only(mut self, part_of_name: &str) -> Self {
        self.only = Some(part_of_name.to_owned());
        self
    }

    /// Tells the name of every case that begins: for whoever watches from another process.
    #[must_use]
    pub fn telling(mut self, told: impl FnMut(&str) + Send + 'static) -> Self {
        self.told = Some(Box::new(told));
        self
    }

    /// Who makes the network between the storage and its server fail, for the cases under `faults/`.
    #[must_use]
    pub fn network(mut self, network: Arc<dyn Network>) -> Self {
        self.network = Some(network);
        self
    }

    /// Name of the directory of this run, and smaller files: what happens on the network is the same
    /// whenever a run of this name is repeated, and little enough to be kept.
    #[must_use]
    pub fn recorded(mut self, run: &str) -> Self {
        self.run_name = Some(run.to_owned());
        self.small = true;
        self
    }

    /// A recorded run is repeated without a server. Cases whose requests depend on time are skipped.
    #[must_use]
    pub fn replayed(mut self, run: &str) -> Self {
        self.live = false;
        self.recorded(run)
    }

    /// Runs the cases, one after the other. Never panics because of the storage.
    pub async fn run(mut self) -> Report {
        let (limit, only) = (self.time_limit, self.only.clone());
        let mut told = self.told.take().unwrap_or_else(|| Box::new(|_| {}));
        let wanted = |it: &Definition| only.as_ref().is_none_or(|part| it.name.contains(part));
        let mut report = Report::new(self.storage.describe().name);
        told("suite/prepare");
        let probe = match Probe::prepare(self).await {
            Ok(probe) => Arc::new(probe),
            Err(stop) => {
                report.add(case("suite/prepare", Err(stop)));
                return report;
            }
        };
        for (number, definition) in cases::all().into_iter().enumerate() {
            if !wanted(&definition) {
                continue;
            }
            told(definition.name);
            probe.begin(number + 1);
            let verdict = match probe.lacks(definition.needs) {
                Some(reason) => Err(Stop::Skipped(reason)),
                None => run_one(&probe, &definition, limit).await,
            };
            report.add(case(definition.name, verdict));
        }
        told("suite/clean");
        if timeout(limit, probe.clean()).await.is_err() {
            let reason = "the storage did not answer while the suite cleaned up".to_owned();
            report.add(case("suite/clean", Err(Stop::Failed(reason))));
        }
        report
    }
}

async fn run_one(probe: &Arc<Probe>, definition: &Definition, limit: Duration) -> Result<(), Stop> {
    // A task of its own: a panic ends the case and not the run.
    let mut task = tokio::spawn((definition.run)(Arc::clone(probe)));
    match timeout(limit, &mut task).await {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(lost)) => Err(Stop::Failed(match lost.try_into_panic() {
            Ok(panic) => format!("it panicked: {}", panic_text(&*panic)),
            Err(lost) => format!("the task was lost: {lost}"),
        })),
        Err(_) => {
            task.abort();
            Err(Stop::Failed(format!("no end within {limit:?}")))
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no text")
}

fn case(name: &str, verdict: Result<(), Stop>) -> Case {
    let (outcome, reason) = match verdict {
        Ok(()) => (Outcome::Passed, String::new()),
        Err(Stop::Failed(reason)) => (Outcome::Failed, reason),
        Err(Stop::Skipped(reason)) => (Outcome::Skipped, reason),
    };
    Case {
        name: name.to_owned(),
        outcome,
        reason,
    }
}
