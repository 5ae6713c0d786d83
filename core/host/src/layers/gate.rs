//! Answers for operations that a plugin does not list, without calling it.

use causeway_sdk::{BoxFuture, Capabilities, Ctx, Error, Operation, Result};

use super::Layer;

pub(super) struct Gate(Capabilities);

impl Gate {
    pub(super) fn new(capabilities: Capabilities) -> Self {
        Self(capabilities)
    }
}

impl Layer for Gate {
    fn call<'a, T: Send + 'a>(
        &'a self,
        operation: Operation,
        _cx: &'a Ctx,
        call: impl FnOnce() -> BoxFuture<'a, Result<T>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T>> {
        if self.0.can(operation) {
            return call();
        }
        Box::pin(std::future::ready(Err(Error::unsupported(
            operation.name(),
        ))))
    }

    fn describe(&self) -> Option<Capabilities> {
        Some(self.0.clone())
    }
}
