//! Writes that are taken up again by a storage that takes no care.

use std::sync::Arc;

use causeway_sdk::{
    BoxFuture, Bytes, Checksum, Ctx, DynStorage, DynWrite, Result, Url, WriteOptions, Written,
};
use causeway_testkit::Layer;

use super::{memory, must_fail};

/// Keeps whatever it is asked to keep, or forgets what was suspended.
struct Careless {
    inner: Arc<dyn DynStorage>,
    gullible: bool,
}

impl Layer for Careless {
    fn inner(&self) -> &dyn DynStorage {
        &*self.inner
    }

    fn open_write<'a>(
        &'a self,
        cx: &'a Ctx,
        at: &'a Url,
        options: WriteOptions,
    ) -> BoxFuture<'a, Result<Box<dyn DynWrite>>> {
        Box::pin(async move {
            let inner = self.inner.open_write(cx, at, options).await?;
            let gullible = self.gullible;
            Ok(Box::new(CarelessBody { inner, gullible }) as Box<dyn DynWrite>)
        })
    }
}

struct CarelessBody {
    inner: Box<dyn DynWrite>,
    gullible: bool,
}

impl causeway_sdk::WriteBody for CarelessBody {
    async fn write(&mut self, offset: u64, chunk: Bytes) -> Result<()> {
        self.inner.write(offset, chunk).await
    }

    async fn commit(self) -> Result<Written> {
        self.inner.commit().await
    }

    async fn abort(self) {
        self.inner.abort().await;
    }

    fn held(&self) -> u64 {
        self.inner.held()
    }

    async fn keep(&mut self, offset: u64, len: u64, expected: Checksum) -> Result<bool> {
        Ok(self.inner.keep(offset, len, expected).await? || self.gullible)
    }

    async fn suspend(self) {
        match self.gullible {
            true => self.inner.suspend().await,
            false => self.inner.abort().await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keeping_what_is_damaged_and_forgetting_what_is_not() {
    let careless = |gullible| Careless {
        inner: memory(),
        gullible,
    };
    must_fail(careless(true), &["resume/damage_is_found"]).await;
    must_fail(careless(false), &["resume/goes_on"]).await;
}
