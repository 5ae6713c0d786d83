//! Storages that hand out transfer URLs, so that sides which do not speak to each other can copy.

mod support;

use std::sync::Arc;

use causeway_engine::EngineConfig;
use causeway_model::FileState;
use causeway_sdk::{
    BoxFuture, Bytes, Capabilities, Copied, CopyRequest, Ctx, DynStorage, Error, ErrorKind,
    Operation, Outcome, ProgressSink, Result, TransferUrl, TurlRequest, Url,
};
use causeway_testkit::{Layer, Layered};
use parking_lot::Mutex;
use support::probe::{Probe, Seen};
use support::{Bench, Shelf};

type Told = Arc<Mutex<Vec<String>>>;

/// Copies nothing by itself, and hands out URLs of the scheme `open`.
struct Keeper {
    inner: Arc<dyn DynStorage>,
    told: Told,
    hands_out: bool,
    takes_back: bool,
}

impl Layer for Keeper {
    fn inner(&self) -> &dyn DynStorage {
        &*self.inner
    }

    fn describe(&self) -> Capabilities {
        let mut able = self.inner.describe();
        able.copy = Default::default();
        able.operations.remove(&Operation::Copy);
        able
    }

    fn resolve<'a>(
        &'a self,
        _cx: &'a Ctx,
        at: &'a Url,
        request: TurlRequest,
    ) -> BoxFuture<'a, Result<TransferUrl>> {
        Box::pin(async move {
            let (access, schemes) = (request.access, request.schemes);
            self.told.lock().push(format!("{access:?} {schemes:?}"));
            if !self.hands_out {
                return Err(Error::new(ErrorKind::Unsupported, "no such scheme here"));
            }
            let open = format!("open://{}{}?signature=hush", at.host(), at.path());
            Ok(TransferUrl {
                url: open.parse().unwrap(),
                token: "t".into(),
                access,
            })
        })
    }

    fn finish<'a>(
        &'a self,
        _cx: &'a Ctx,
        _at: &'a Url,
        turl: &'a TransferUrl,
        outcome: Outcome,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.told.lock().push(format!("{outcome:?} {}", turl.token));
            match self.takes_back {
                true => Ok(()),
                false => Err(Error::new(ErrorKind::Busy, "come again")),
            }
        })
    }
}

/// Copies from and to the scheme `open` alone.
struct Copier {
    inner: Arc<dyn DynStorage>,
    told: Told,
    fails: Option<Error>,
    /// What it says of a copy that the storage refused.
    words: Option<Error>,
}

impl Layer for Copier {
    fn inner(&self) -> &dyn DynStorage {
        &*self.inner
    }

    fn describe(&self) -> Capabilities {
        let mut able = self.inner.describe();
        able.copy.pull_from = vec!["open".to_owned()];
        able.copy.push_to = vec!["open".to_owned()];
        able
    }

    fn copy<'a>(
        &'a self,
        cx: &'a Ctx,
        request: CopyRequest,
        progress: ProgressSink,
    ) -> BoxFuture<'a, Result<Copied>> {
        let (from, to) = (request.source.scheme(), request.destination.scheme());
        let with = request.peer_credential.kind();
        let line = format!("{:?} {from} {to} {with:?}", request.direction);
        self.told.lock().push(line);
        Box::pin(async move {
            match &self.fails {
                Some(error) => Err(error.clone()),
                None => {
                    let copied = self.inner.copy(cx, request, progress).await;
                    copied.map_err(|error| self.words.clone().unwrap_or(error))
                }
            }
        })
    }
}

/// What the storages are like, and what they were told.
struct Stage {
    hands_out: bool,
    takes_back: bool,
    fails: Option<Error>,
    words: Option<Error>,
    told: Told,
}

impl Default for Stage {
    fn default() -> Self {
        Self {
            hands_out: true,
            takes_back: true,
            fails: None,
            words: None,
            told: Told::default(),
        }
    }
}

impl Stage {
    async fn run(&self, from: &str, to: &str) -> (Arc<causeway_model::Transfer>, Seen) {
        let (bench, seen) = self.open().await;
        seen.put(from, &Bytes::from_static(b"some bytes")).await;
        (bench.run(from, to).await, seen)
    }

    async fn open(&self) -> (Bench, Seen) {
        let (inner, seen) = Probe::new().shared();
        let keeper = Keeper {
            inner: Arc::clone(&inner),
            told: Arc::clone(&self.told),
            hands_out: self.hands_out,
            takes_back: self.takes_back,
        };
        let copier = Copier {
            inner,
            told: Arc::clone(&self.told),
            fails: self.fails.clone(),
            words: self.words.clone(),
        };
        let shelf = Shelf::default().with("keeper", Arc::new(Layered(keeper)));
        let shelf = shelf.with("copier", Arc::new(Layered(copier)));
        (Bench::with(EngineConfig::default(), shelf).await, seen)
    }

    async fn finishes(&self, from: &str, to: &str) -> Vec<String> {
        let (file, seen) = self.run(from, to).await;
        assert_eq!(file.state, FileState::Finished, "{:?}", file.reason);
        assert_eq!(seen.get(to).await.as_deref(), Some(&b"some bytes"[..]));
        self.told.lock().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn the_destination_pulls_from_a_url_that_the_source_hands_out() {
    let stage = Stage::default();
    let told = stage.finishes("keeper://k/f", "copier://c/f").await;
    let wanted = [r#"Read ["open"]"#, "Pull open copier None", "Done t"];
    assert_eq!(told, wanted);
}

#[tokio::test(start_paused = true)]
async fn the_source_pushes_to_a_url_that_the_destination_hands_out() {
    let stage = Stage::default();
    let told = stage.finishes("copier://c/f", "keeper://k/f").await;
    let wanted = [r#"Write ["open"]"#, "Push copier open None", "Done t"];
    assert_eq!(told, wanted);
}

#[tokio::test(start_paused = true)]
async fn a_side_that_hands_out_nothing_is_streamed_from() {
    let stage = Stage {
        hands_out: false,
        ..Stage::default()
    };
    let told = stage.finishes("keeper://k/f", "copier://c/f").await;
    assert_eq!(told, [r#"Read ["open"]"#]);
}

#[tokio::test(start_paused = true)]
async fn what_was_handed_out_is_given_back_when_the_copy_fails() {
    let text = "fetch open://k/f?signature=hush: gone";
    let stage = Stage {
        fails: Some(Error::new(ErrorKind::NotFound, text)),
        ..Stage::default()
    };
    let (file, seen) = stage.run("keeper://k/f", "copier://c/f").await;
    assert_eq!(file.state, FileState::Failed);
    let reason = file.reason.as_deref().unwrap();
    assert!(
        reason.contains("fetch") && !reason.contains("hush"),
        "{reason}"
    );
    assert_eq!(stage.told.lock().last().unwrap(), "Aborted t");
    assert_eq!(seen.get("copier://c/f").await, None);
}

#[tokio::test(start_paused = true)]
async fn only_a_written_url_must_be_taken_back() {
    let stage = || Stage {
        takes_back: false,
        ..Stage::default()
    };
    stage().finishes("keeper://k/f", "copier://c/f").await;
    let (file, _) = stage().run("copier://c/f", "keeper://k/f").await;
    assert_eq!(file.state, FileState::Failed);
    let reason = file.reason.as_deref().unwrap();
    assert!(reason.contains("come again"), "{reason}");
}

/// Storages have many words for it; not even an answer that another way may work leads astray.
#[tokio::test(start_paused = true)]
async fn a_copy_into_a_directory_that_went_away_begins_anew() {
    for words in [None, Some(Error::new(ErrorKind::Conflict, "come later"))] {
        let stage = Stage {
            words,
            ..Stage::default()
        };
        let (bench, seen) = stage.open().await;
        let bytes = Bytes::from_static(b"some bytes");
        seen.put("keeper://k/f", &bytes).await;
        let (old, new) = ("copier://c/dir/old", "copier://c/dir/new");
        let file = bench.run("keeper://k/f", old).await;
        assert_eq!(file.state, FileState::Finished, "{:?}", file.reason);
        let cx = Ctx::new("somebody");
        seen.inner.unlink(&cx, &old.parse().unwrap()).await.unwrap();
        let dir = "copier://c/dir".parse().unwrap();
        seen.inner.rmdir(&cx, &dir).await.unwrap();
        stage.told.lock().clear();

        let file = bench.run("keeper://k/f", new).await;
        assert_eq!(file.state, FileState::Finished, "{:?}", file.reason);
        assert_eq!(seen.get(new).await.as_deref(), Some(&bytes[..]));
        let (asked, pulled) = (r#"Read ["open"]"#, "Pull open copier None");
        let wanted = [asked, pulled, "Aborted t", asked, pulled, "Done t"];
        assert_eq!(*stage.told.lock(), wanted);
    }
}
