//! Keeping panics in: every piece of the author's code runs, and is dropped, through here.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use causeway_abi::values::EXT_PANIC;

use super::runtime;
use crate::secret::mask;
use crate::{Error, ErrorKind, Result};

/// Key of the context pair that marks an error as a panic that was caught in the plugin.
pub const PANIC_KEY: &str = EXT_PANIC;

/// Runs author's code inside the image's runtime; a panic becomes an error.
pub(super) fn caught<T>(operation: &str, run: impl FnOnce() -> Result<T>) -> Result<T> {
    let _entered = runtime::enter()?;
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| Err(panicked(operation, payload)))
}

/// Drops something of the author's inside the image's runtime. A panic ends here, in a line on
/// stderr.
pub(super) fn dropped(what: &str, drop: impl FnOnce()) {
    quietly(what, || {
        // Without a runtime there is nothing to find; the drop is still due.
        let _entered = runtime::enter();
        drop();
    });
}

/// As [`dropped`], where the runtime has been entered already.
pub(super) fn quietly(what: &str, drop: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(drop)) {
        eprintln!(
            "causeway: {what} panicked while it was dropped: {}",
            mask(&text(payload))
        );
    }
}

/// The error of a call that panicked.
pub(super) fn panicked(operation: &str, payload: Box<dyn Any + Send>) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("plugin panicked: {}", text(payload)),
    )
    .during(operation)
    .with(PANIC_KEY, "caught")
}

fn text(payload: Box<dyn Any + Send>) -> String {
    let text = if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "no text".to_owned()
    };
    // A payload may panic in its own drop; then it is leaked, which is all that can be done.
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    text
}

/// Something of the author's that is dropped inside the runtime and cannot panic out of its drop.
#[derive(Debug)]
pub(super) struct Contained<T> {
    inner: Option<T>,
    what: &'static str,
}

impl<T> Contained<T> {
    pub(super) fn new(inner: T, what: &'static str) -> Self {
        Self {
            inner: Some(inner),
            what,
        }
    }

    pub(super) fn get(&self) -> &T {
        self.inner
            .as_ref()
            .expect("only `take` empties it, which consumes it")
    }

    pub(super) fn get_mut(&mut self) -> &mut T {
        self.inner
            .as_mut()
            .expect("only `take` empties it, which consumes it")
    }

    pub(super) fn take(mut self) -> T {
        self.inner
            .take()
            .expect("only `take` empties it, which consumes it")
    }
}

impl<T> Drop for Contained<T> {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            dropped(self.what, || drop(inner));
        }
    }
}
