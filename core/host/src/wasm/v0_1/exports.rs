//! What a component exports: found once for a component, loaded for each instance.
//!
//! A component of the world `plugin` or `plugin-full` exports `storage`, one of `plugin-poll` exports
//! `storage-poll`; what else there is it may leave out.

use bytes::Bytes;
use wasmtime::component::{Instance, InstancePre, ResourceAny, TypedFunc};
use wasmtime::{AsContextMut, Result};

use super::wit::causeway::storage::types::Error;
use super::wit::exports::causeway::storage as exports;
use crate::wasm::state::State;

/// Places of what a component exports.
pub(crate) struct Indices {
    storage: CoreIndices,
    copy: Option<exports::peer_copy::GuestIndices>,
    staging: Option<exports::staging::GuestIndices>,
    turl: Option<exports::turl::GuestIndices>,
}

enum CoreIndices {
    Streams(exports::storage::GuestIndices),
    Poll(exports::storage_poll::GuestIndices),
}

/// What one instance exports.
pub(crate) struct Exports {
    pub(super) storage: Core,
    pub(super) copy: Option<exports::peer_copy::Guest>,
    pub(super) staging: Option<exports::staging::Guest>,
    pub(super) turl: Option<exports::turl::Guest>,
}

/// The part that every storage has.
pub(super) enum Core {
    Streams(Box<exports::storage::Guest>, Write),
    Poll(Box<exports::storage_poll::Guest>, Write),
}

/// Takes the chunk as it is, so that it is copied once.
pub(super) type Write = TypedFunc<(ResourceAny, u64, Bytes), (Result<(), Error>,)>;

impl Indices {
    /// Finds the exports; an error when there is no storage among them.
    pub(crate) fn new(pre: &InstancePre<State>) -> Result<Self> {
        let storage = match exports::storage_poll::GuestIndices::new(pre) {
            Ok(poll) => CoreIndices::Poll(poll),
            Err(_) => CoreIndices::Streams(exports::storage::GuestIndices::new(pre)?),
        };
        // These a component may leave out, and then has not that ability.
        Ok(Self {
            storage,
            copy: exports::peer_copy::GuestIndices::new(pre).ok(),
            staging: exports::staging::GuestIndices::new(pre).ok(),
            turl: exports::turl::GuestIndices::new(pre).ok(),
        })
    }

    /// Name of the world the exports belong to.
    pub(crate) fn world(&self) -> &'static str {
        let full = self.copy.is_some() || self.staging.is_some() || self.turl.is_some();
        match &self.storage {
            CoreIndices::Poll(_) => "plugin-poll",
            CoreIndices::Streams(_) if full => "plugin-full",
            CoreIndices::Streams(_) => "plugin",
        }
    }

    /// It takes one call at a time.
    pub(crate) fn is_serial(&self) -> bool {
        matches!(self.storage, CoreIndices::Poll(_))
    }

    /// The exports of one instance.
    pub(crate) fn load(
        &self,
        mut store: impl AsContextMut<Data = State>,
        instance: &Instance,
    ) -> Result<Exports> {
        macro_rules! load {
            ($indices:expr) => {
                $indices
                    .as_ref()
                    .map(|it| it.load(&mut store, instance))
                    .transpose()?
            };
        }
        let (copy, staging, turl) = (load!(self.copy), load!(self.staging), load!(self.turl));
        macro_rules! core {
            ($kind:ident, $indices:expr) => {{
                let guest = $indices.load(&mut store, instance)?;
                let write = guest.writer().func_write().func().typed(&store)?;
                Core::$kind(Box::new(guest), write)
            }};
        }
        let storage = match &self.storage {
            CoreIndices::Streams(it) => core!(Streams, it),
            CoreIndices::Poll(it) => core!(Poll, it),
        };
        Ok(Exports {
            storage,
            copy,
            staging,
            turl,
        })
    }
}
