//! What the gateway keeps for one instance, and what the handles of a guest stand for.

use std::sync::Arc;

use causeway_sdk::{CancelToken, Credential, Ctx, LogLevel, ProgressSink};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::counters::Counters;
use super::http::Outbound;
use super::limits::Meter;
use super::print::Printed;
use super::pulse::Pulse;

/// Handles an instance may hold.
const HANDLES: usize = 10_000;

/// What is the same for all instances of a plugin.
pub(super) struct About {
    pub(super) name: String,
    /// Options as JSON.
    pub(super) config: String,
    pub(super) log: causeway_sdk::Host,
    /// It may see credentials themselves.
    pub(super) reveal: bool,
    pub(super) outbound: Outbound,
    pub(super) counters: Arc<Counters>,
}

/// What an instance's store holds.
pub(super) struct State {
    pub(super) table: ResourceTable,
    wasi: WasiCtx,
    pub(super) meter: Meter,
    pub(super) about: Arc<About>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) began: std::time::Instant,
}

impl State {
    pub(super) fn new(about: Arc<About>, meter: Meter, pulse: Arc<Pulse>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        Self {
            table,
            // No arguments, no environment, no files, no sockets, nothing to read.
            wasi: WasiCtxBuilder::new()
                .stdout(Printed::new(&about.log, LogLevel::Info))
                .stderr(Printed::new(&about.log, LogLevel::Warn))
                .build(),
            meter,
            about,
            pulse,
            began: std::time::Instant::now(),
        }
    }

    pub(super) fn log(&self, level: LogLevel, text: &str) {
        self.about.log.log(level, &causeway_sdk::secret::mask(text));
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// What the handle of a call stands for.
// Public because code of the binding macro names it; the module is not.
#[allow(unreachable_pub)]
#[derive(Clone)]
pub struct Call {
    pub(super) cx: Ctx,
    /// Raised when the caller no longer waits.
    pub(super) given_up: CancelToken,
    pub(super) progress: ProgressSink,
}

impl Call {
    pub(super) fn new(cx: &Ctx) -> Self {
        Self {
            cx: cx.clone(),
            given_up: CancelToken::default(),
            progress: ProgressSink::ignore(),
        }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.given_up.is_cancelled() || self.cx.cancel().is_cancelled()
    }

    pub(super) async fn cancelled(&self) {
        tokio::select! {
            () = self.given_up.cancelled() => {}
            () = self.cx.cancel().cancelled() => {}
        }
    }
}

/// What the handle of a credential stands for.
// Public because code of the binding macro names it; the module is not.
#[allow(unreachable_pub)]
pub struct Held(pub(super) Credential);
