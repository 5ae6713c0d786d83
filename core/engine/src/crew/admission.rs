//! Whether URLs may be used at all, asked where the plugins are.
//!
//! A storage answers on the spot, in code of its own, and may not come back. So it is asked on a thread that
//! nobody else needs, only so many questions about a scheme at the same time, and each question, however many
//! URLs it names, has one limit. Nothing here ends who does not come back: that is the watchman's business.
//!
//! # Invariants
//! - A question is answered within its limit, and no thread of the runtime waits for it:
//!   `who_does_not_come_back_is_waited_for_once`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use causeway_sdk::{Error, ErrorKind, Result, Storages, Url};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};

/// So long one question may take where the plugins are, whatever number of URLs it names.
const LIMIT: Duration = Duration::from_secs(10);
/// So long whoever asks a worker waits: a worker may be lost, and another one asked.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Questions about one scheme at the same time. Each has a thread.
const AT_ONCE: usize = 16;

/// Asks the storages of this process.
#[derive(Debug, Default)]
pub struct Admissions {
    by_scheme: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Admissions {
    /// Asks about URLs, one answer for each. The question counts for the scheme of the first; mostly they all
    /// have the same.
    pub async fn ask(&self, storages: &Arc<dyn Storages>, urls: &[Url]) -> Vec<Result<()>> {
        self.ask_within(LIMIT, storages, urls).await
    }

    async fn ask_within(
        &self,
        limit: Duration,
        storages: &Arc<dyn Storages>,
        urls: &[Url],
    ) -> Vec<Result<()>> {
        let until = Instant::now() + limit;
        let Some(first) = urls.first() else {
            return Vec::new();
        };
        let turns = self.turns(first.scheme(), storages);
        let mut answers = Vec::with_capacity(urls.len());
        if let Ok(Ok(turn)) = timeout_at(until, turns.acquire_owned()).await {
            let (tell, mut told) = mpsc::unbounded_channel();
            let (storages, all) = (Arc::clone(storages), urls.to_vec());
            // Not waited for: the answers say how far it is.
            drop(tokio::task::spawn_blocking(move || {
                let _turn = turn;
                for url in &all {
                    if tell.is_closed() {
                        break;
                    }
                    let answer = admit(&*storages, url);
                    // Who kept others waiting once is not asked again.
                    let is_slow = matches!(&answer, Err(it) if it.kind() == ErrorKind::Timeout);
                    if tell.send(answer).is_err() || is_slow {
                        break;
                    }
                }
            }));
            while answers.len() < urls.len() {
                match timeout_at(until, told.recv()).await {
                    Ok(Some(answer)) => answers.push(answer),
                    Ok(None) | Err(_) => break,
                }
            }
        }
        let late = || {
            let text = format!("admit: no answer for all URLs within {} s", limit.as_secs());
            Err(Error::new(ErrorKind::Timeout, text).during("admit"))
        };
        answers.resize_with(urls.len(), late);
        answers
    }

    fn turns(&self, scheme: &str, storages: &Arc<dyn Storages>) -> Arc<Semaphore> {
        let scheme = scheme.to_ascii_lowercase();
        let known = self.by_scheme.lock().get(&scheme).cloned();
        if let Some(turns) = known {
            return turns;
        }
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let any = format!("{scheme}://any/").parse();
        // Schemes that nobody serves are without number, and nobody is asked about them. This is the code of
        // others, so everybody else finds the list free meanwhile.
        if !any.is_ok_and(|it| storages.storage_for(&it).is_ok()) {
            return turns;
        }
        let mut all = self.by_scheme.lock();
        Arc::clone(all.entry(scheme).or_insert(turns))
    }
}

/// A URL that no storage serves may be used: whoever does so will hear.
fn admit(storages: &dyn Storages, url: &Url) -> Result<()> {
    match storages.storage_for(url) {
        Ok(storage) => storage.admit(url),
        Err(_) => Ok(()),
    }
}

/// The answer for a URL to which the question did not come in time.
pub(super) fn late<T>() -> Result<T> {
    let text = format!("admit: no answer within {} s", PATIENCE.as_secs());
    Err(Error::new(ErrorKind::Timeout, text).during("admit"))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc as blocking;

    use causeway_sdk::DynStorage;

    use super::*;

    /// Takes everything, but does not come back from paths that say so until it is let go.
    struct Slow(Mutex<blocking::Receiver<()>>);

    impl Storages for Slow {
        fn storage_for(&self, url: &Url) -> Result<Arc<dyn DynStorage>> {
            if url.path() == "/stay" {
                // Let go when the other end is dropped.
                assert!(self.0.lock().recv().is_err());
            }
            Err(Error::new(ErrorKind::Unsupported, "find it"))
        }
    }

    fn urls(paths: &[&str]) -> Vec<Url> {
        let url = |path: &&str| format!("slow://h/{path}").parse().unwrap();
        paths.iter().map(url).collect()
    }

    #[tokio::test]
    async fn who_does_not_come_back_is_waited_for_once() {
        let (let_go, stays) = blocking::channel::<()>();
        let storages: Arc<dyn Storages> = Arc::new(Slow(Mutex::new(stays)));
        let admissions = Admissions::default();
        let asked = urls(&["one", "stay", "three", "stay"]);
        // The only thread of this runtime: it would not come here if it was held.
        let answers = admissions
            .ask_within(Duration::from_millis(300), &storages, &asked)
            .await;
        let kinds: Vec<_> = answers
            .iter()
            .map(|it| it.as_ref().err().map(Error::kind))
            .collect();
        let late = Some(ErrorKind::Timeout);
        assert_eq!(kinds, [None, late, late, late]);
        // Others are answered meanwhile.
        let answers = admissions.ask(&storages, &urls(&["a", "b"])).await;
        assert_eq!(answers.len(), 2);
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        drop(let_go);
    }

    /// Looks whether it is asked while the list of turns is held.
    struct Looks(Arc<Admissions>);

    impl Storages for Looks {
        fn storage_for(&self, _: &Url) -> Result<Arc<dyn DynStorage>> {
            assert!(!self.0.by_scheme.is_locked(), "others wait for it");
            Err(Error::new(ErrorKind::Unsupported, "find it"))
        }
    }

    #[test]
    fn the_list_of_turns_is_free_while_a_storage_is_asked() {
        let admissions = Arc::new(Admissions::default());
        let storages: Arc<dyn Storages> = Arc::new(Looks(Arc::clone(&admissions)));
        admissions.turns("looks", &storages);
        // Nobody serves it.
        assert!(admissions.by_scheme.lock().is_empty());
    }

    #[tokio::test]
    async fn only_so_many_questions_hold_a_thread() {
        let admissions = Admissions::default();
        let turns = Arc::new(Semaphore::new(0));
        admissions.by_scheme.lock().insert("slow".into(), turns);
        let (_let_go, stays) = blocking::channel::<()>();
        let storages: Arc<dyn Storages> = Arc::new(Slow(Mutex::new(stays)));
        let answers = admissions
            .ask_within(Duration::from_millis(10), &storages, &urls(&["one"]))
            .await;
        assert_eq!(answers[0].as_ref().unwrap_err().kind(), ErrorKind::Timeout);
    }
}
