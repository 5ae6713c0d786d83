//! Storages whose mood changes: one storage for each host, all of them the mock behind it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use causeway_plugin_mock::MockStorage;
use causeway_sdk::{
    BoxFuture, DynStorage, Erased, Error, ErrorKind, Host, Operation, Result, Storage, Storages,
    Url,
};
use causeway_testkit::{Layer, Layered};
use parking_lot::Mutex;

const REFUSED: i32 = 111;

/// How a storage answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Fine,
    /// Every call fails.
    Refusing,
    /// Calls that begin now never end.
    Hanging,
    Slow,
}

/// A storage with a mood.
struct Moody {
    inner: Arc<dyn DynStorage>,
    mood: Arc<Mutex<Mood>>,
}

impl Layer for Moody {
    fn inner(&self) -> &dyn DynStorage {
        &*self.inner
    }

    fn before<'a>(&'a self, _operation: Operation) -> BoxFuture<'a, Result<()>> {
        let mood = *self.mood.lock();
        Box::pin(async move {
            match mood {
                Mood::Fine => {}
                Mood::Refusing => return Err(Error::from_errno(REFUSED, "")),
                Mood::Hanging => std::future::pending().await,
                Mood::Slow => tokio::time::sleep(Duration::from_secs(3)).await,
            }
            Ok(())
        })
    }
}

/// A storage, and its mood for whoever changes it.
type Place = (Arc<dyn DynStorage>, Arc<Mutex<Mood>>);

/// All storages of a world, by host.
#[derive(Clone, Default)]
pub struct Weather(HashMap<String, Place>);

impl Weather {
    pub fn over(hosts: &[String], seed: u64) -> Self {
        let options = format!(r#"{{"random_seed":{seed}}}"#);
        let mock = MockStorage::create(&options, Host::silent()).unwrap();
        let inner = Erased::shared(mock);
        let storage = |host: &String| {
            let mood = Arc::new(Mutex::new(Mood::Fine));
            let moody = Moody {
                inner: Arc::clone(&inner),
                mood: Arc::clone(&mood),
            };
            let shared: Arc<dyn DynStorage> = Arc::new(Layered(moody));
            (host.clone(), (shared, mood))
        };
        Self(hosts.iter().map(storage).collect())
    }

    pub fn turn(&self, host: &str, mood: Mood) {
        *self.0[host].1.lock() = mood;
    }

    pub fn clear(&self) {
        for (_, mood) in self.0.values() {
            *mood.lock() = Mood::Fine;
        }
    }
}

impl Storages for Weather {
    fn storage_for(&self, url: &Url) -> Result<Arc<dyn DynStorage>> {
        let found = self.0.get(&*url.storage()).map(|it| Arc::clone(&it.0));
        found.ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "no plugin serves this").with_errno(93)
        })
    }
}
