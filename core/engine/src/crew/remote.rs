//! Storages that live in workers, as the server sees them: known by what the workers told of
//! them, asked by calls. They move no bytes; whoever wants that is an attempt, and elsewhere.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Instant;

use causeway_sdk::capability::Admission;
use causeway_sdk::{
    Algorithm, BoxFuture, Capabilities, Checksum, Copied, CopyRequest, Ctx, DirPage, DynRead,
    DynStorage, DynWrite, Error, ErrorKind, FileState, Outcome, Page, ProgressSink, ReadOptions,
    Result, Space, StageRequest, Staged, Stat, Storages, TransferUrl, TurlRequest, Url,
    WriteOptions,
};
use futures_util::future::join_all;
use parking_lot::RwLock;

use super::admission::{PATIENCE, late};
use super::call::{Answer, Ask, Call};
use super::processes::Shared;
use super::wire::Table;
use crate::attempt::EPROTONOSUPPORT;

/// URLs that one question about admission may name.
const ADMISSIONS: usize = 2000;

/// Finds storages in workers.
#[derive(Clone)]
pub struct RemoteStorages {
    crew: Weak<Shared>,
    known: Arc<RwLock<Known>>,
}

/// What the workers told.
#[derive(Default)]
struct Known {
    table: Option<Arc<Table>>,
    by_scheme: HashMap<String, Arc<RemoteStorage>>,
}

/// A storage in a worker.
struct RemoteStorage {
    crew: Weak<Shared>,
    scheme: String,
    capabilities: Capabilities,
}

/// A storage that wants to be asked, and the places of its URLs.
type Asked = (Arc<RemoteStorage>, Vec<usize>);

impl RemoteStorages {
    pub(super) fn new(crew: Weak<Shared>) -> Self {
        Self {
            crew,
            known: Arc::default(),
        }
    }

    /// Learns what the newest workers told.
    pub(super) fn refresh(&self) {
        let Some(crew) = self.crew.upgrade() else {
            return;
        };
        let Some(table) = crew.roster.lock().table.clone() else {
            return;
        };
        let mut known = self.known.write();
        if known.table.as_ref().is_some_and(|it| **it == *table) {
            return;
        }
        let capabilities = |plugin: &str| {
            let card = table.plugins.iter().find(|it| it.name == plugin);
            card.and_then(|it| it.capabilities.clone())
        };
        let storage = |(scheme, plugin): &(String, String)| {
            let storage = RemoteStorage {
                crew: self.crew.clone(),
                scheme: scheme.clone(),
                capabilities: capabilities(plugin)?,
            };
            Some((scheme.clone(), Arc::new(storage)))
        };
        known.by_scheme = table.serves.iter().filter_map(storage).collect();
        known.table = Some(table);
    }

    /// Whether any worker has told what it can do.
    pub(super) fn are_known(&self) -> bool {
        self.known.read().table.is_some()
    }

    fn find(&self, url: &Url) -> Result<Arc<RemoteStorage>> {
        let scheme = url.scheme().to_ascii_lowercase();
        let refusal = self
            .crew
            .upgrade()
            .and_then(|crew| crew.roster.lock().refusal(&scheme));
        if let Some(text) = refusal {
            return Err(Error::new(ErrorKind::Busy, text));
        }
        let known = self.known.read();
        let found = known.by_scheme.get(&scheme).cloned();
        found.ok_or_else(|| known.nobody(&scheme))
    }
}

impl Known {
    fn nobody(&self, scheme: &str) -> Error {
        let serves = |it: &&super::PluginCard| it.schemes.iter().any(|one| one == scheme);
        let refused = self
            .table
            .as_ref()
            .and_then(|it| it.plugins.iter().find(serves));
        let text = match refused {
            Some(it) if it.state == "disabled" => format!(
                "no plugin serves the scheme {scheme}: plugin {} is disabled",
                it.name
            ),
            Some(it) => format!(
                "no plugin serves the scheme {scheme}: plugin {} {}",
                it.name, it.state
            ),
            None => {
                let mut loaded: Vec<_> = self.by_scheme.keys().map(String::as_str).collect();
                loaded.sort_unstable();
                let loaded = loaded.join(", ");
                format!("no plugin serves the scheme {scheme} (loaded: {loaded})")
            }
        };
        Error::new(ErrorKind::Unsupported, text).with_errno(EPROTONOSUPPORT)
    }
}

impl Storages for RemoteStorages {
    fn storage_for(&self, url: &Url) -> Result<Arc<dyn DynStorage>> {
        Ok(self.find(url)?)
    }

    fn admit_all<'a>(&'a self, urls: &'a [Url]) -> BoxFuture<'a, Vec<Result<()>>> {
        Box::pin(async move {
            let mut answers: Vec<Result<()>> = urls.iter().map(|_| Ok(())).collect();
            // Side by side: no storage waits for another one. One limit for all of it.
            let until = Instant::now() + PATIENCE;
            let asking = self.to_be_asked(urls).into_iter();
            let asking = asking.map(|(storage, places)| async move {
                let told = storage.admit_here(urls, &places, until).await;
                (places, told)
            });
            for (places, told) in join_all(asking).await {
                for (place, answer) in places.into_iter().zip(told) {
                    answers[place] = answer;
                }
            }
            answers
        })
    }
}

impl RemoteStorages {
    /// Storages that want to be asked, each with the places of its URLs.
    fn to_be_asked(&self, urls: &[Url]) -> Vec<Asked> {
        let mut asked: HashMap<&str, Option<Asked>> = HashMap::new();
        for (place, url) in urls.iter().enumerate() {
            let entry = asked.entry(url.scheme()).or_insert_with(|| {
                // Who is served by nobody is told so when the transfer runs.
                let storage = self.find(url).ok()?;
                let wants = storage.capabilities.admission == Admission::Ask;
                wants.then(|| (storage, Vec::new()))
            });
            if let Some((_, places)) = entry {
                places.push(place);
            }
        }
        asked.into_values().flatten().collect()
    }
}

impl RemoteStorage {
    async fn ask(&self, cx: &Ctx, ask: Ask) -> Result<Answer> {
        let crew = self.crew.upgrade();
        let crew =
            crew.ok_or_else(|| Error::new(ErrorKind::Canceled, "ask a worker: none is left"))?;
        let call = crew.call(Call::new(&self.scheme, cx, ask));
        let Some(left) = cx.remaining() else {
            return call.await;
        };
        let late = |_| {
            Err(Error::new(
                ErrorKind::Timeout,
                "ask a worker: no answer in time",
            ))
        };
        tokio::time::timeout(left, call).await.unwrap_or_else(late)
    }

    /// Asks about the URLs at these places, so many at a time.
    async fn admit_here(&self, all: &[Url], places: &[usize], until: Instant) -> Vec<Result<()>> {
        let mut answers = Vec::with_capacity(places.len());
        for places in places.chunks(ADMISSIONS) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let cx = Ctx::new("admission").with_timeout(left);
            let urls = places.iter().map(|it| all[*it].clone()).collect();
            answers.extend(match self.ask(&cx, Ask::Admit(urls)).await {
                Ok(Answer::Admitted(told)) if told.len() == places.len() => told,
                Ok(_) => vec![Err(odd("admit")); places.len()],
                Err(error) => vec![Err(error); places.len()],
            });
        }
        answers.resize_with(places.len(), late);
        answers
    }
}

fn odd(operation: &str) -> Error {
    Error::new(
        ErrorKind::Internal,
        "ask a worker: its answer fits no question",
    )
    .during(operation)
}

/// Where the bytes are moved is not here.
fn elsewhere<'a, T: Send + 'a>(operation: &str) -> BoxFuture<'a, Result<T>> {
    let text = format!("{operation}: bytes move in workers only");
    let error = Error::new(ErrorKind::Unsupported, text).during(operation);
    Box::pin(std::future::ready(Err(error)))
}

macro_rules! asked {
    ($( $name:ident ( $($arg:ident : $ty:ty),* ) -> $out:ty = $ask:expr , $answer:pat => $value:expr ; )*) => {
        impl DynStorage for RemoteStorage {
            fn describe(&self) -> Capabilities {
                self.capabilities.clone()
            }

            /// Only a worker knows, and this cannot wait for one.
            fn admit(&self, _at: &Url) -> Result<()> {
                let text = "admit: ask for many at once, with admit_all";
                Err(Error::new(ErrorKind::Unsupported, text).during("admit"))
            }

            fn open_read<'a>(&'a self, _cx: &'a Ctx, _at: &'a Url, _options: ReadOptions) -> BoxFuture<'a, Result<Box<dyn DynRead>>> {
                elsewhere("read")
            }

            fn open_write<'a>(&'a self, _cx: &'a Ctx, _at: &'a Url, _options: WriteOptions) -> BoxFuture<'a, Result<Box<dyn DynWrite>>> {
                elsewhere("write")
            }

            fn copy<'a>(&'a self, _cx: &'a Ctx, _request: CopyRequest, _progress: ProgressSink) -> BoxFuture<'a, Result<Copied>> {
                elsewhere("copy")
            }

            $( fn $name<'a>(&'a self, cx: &'a Ctx, $($arg: $ty),*) -> BoxFuture<'a, Result<$out>> {
                Box::pin(async move {
                    match self.ask(cx, $ask).await? {
                        $answer => Ok($value),
                        _ => Err(odd(stringify!($name))),
                    }
                })
            } )*
        }
    };
}

asked! {
    stat(at: &'a Url) -> Stat = Ask::Stat(at.clone()), Answer::Stat(it) => it;
    exists(at: &'a Url) -> bool = Ask::Exists(at.clone()), Answer::Exists(it) => it;
    list(at: &'a Url, page: Page) -> DirPage = Ask::List(at.clone(), page), Answer::Page(it) => it;
    mkdir(at: &'a Url, parents: bool) -> () = Ask::Mkdir(at.clone(), parents), Answer::Done => ();
    rmdir(at: &'a Url) -> () = Ask::Rmdir(at.clone()), Answer::Done => ();
    unlink(at: &'a Url) -> () = Ask::Unlink(at.clone()), Answer::Done => ();
    rename(from: &'a Url, to: &'a Url, overwrite: bool) -> () = Ask::Rename(from.clone(), to.clone(), overwrite), Answer::Done => ();
    checksum(at: &'a Url, algorithm: Algorithm) -> Checksum = Ask::Checksum(at.clone(), algorithm), Answer::Checksum(it) => it;
    space(at: &'a Url) -> Space = Ask::Space(at.clone()), Answer::Space(it) => it;
    bring_online(request: StageRequest) -> Staged = Ask::BringOnline(request), Answer::Staged(it) => it;
    poll_online(token: &'a str, files: &'a [Url]) -> Vec<FileState> = Ask::PollOnline(token.to_owned(), files.to_vec()), Answer::Files(it) => it;
    release(token: &'a str, files: &'a [Url]) -> Vec<FileState> = Ask::Release(token.to_owned(), files.to_vec()), Answer::Files(it) => it;
    poll_archived(files: &'a [Url]) -> Vec<FileState> = Ask::PollArchived(files.to_vec()), Answer::Files(it) => it;
    resolve(at: &'a Url, request: TurlRequest) -> TransferUrl = Ask::Resolve(at.clone(), request), Answer::Turl(it) => it;
    finish(at: &'a Url, turl: &'a TransferUrl, outcome: Outcome) -> () = Ask::Finish(at.clone(), turl.clone(), outcome), Answer::Done => ();
}
