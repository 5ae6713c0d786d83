//! What all components of a process share: the engine that compiles and runs them, the threads they
//! run on, and the clock that takes the processor from them.
//!
//! Components have threads of their own. A guest that computes for long, or a call that has to wait
//! for a guest, then never holds a thread of the gateway.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use wasmtime::{Config, Engine};

/// A guest runs so long before others get their turn.
pub(super) const TICK: Duration = Duration::from_millis(10);
/// Stack of a guest's own functions.
const STACK: usize = 512 << 10;
/// Stack of the thread of work a guest runs on, in which the former lies.
const FIBER: usize = 2 << 20;

/// What all components share.
pub(super) struct Shared {
    pub(super) engine: Engine,
    pub(super) runtime: Runtime,
    /// For guests that compute for long: one thread fewer than there are, so that one is always left
    /// for those who only have to answer a question.
    pub(super) long: Arc<Semaphore>,
}

/// Made when the first component is loaded, so a gateway without components has none of it.
pub(super) fn shared() -> Result<&'static Shared, String> {
    static SHARED: OnceLock<Result<Shared, String>> = OnceLock::new();
    SHARED.get_or_init(start).as_ref().map_err(Clone::clone)
}

fn start() -> Result<Shared, String> {
    let engine = Engine::new(&config()).map_err(|source| format!("{source:#}"))?;
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let threads = threads.max(2);
    let runtime = Builder::new_multi_thread()
        .worker_threads(threads)
        // Calls come from other threads. They are looked for after every step of a guest, else two
        // busy guests keep those of the others waiting for some dozen steps.
        .global_queue_interval(1)
        .thread_name("component")
        .enable_all()
        .build()
        .map_err(|source| source.to_string())?;
    let ticking = engine.clone();
    std::thread::Builder::new()
        .name("component-clock".to_owned())
        .spawn(move || {
            loop {
                std::thread::sleep(TICK);
                ticking.increment_epoch();
            }
        })
        .map_err(|source| source.to_string())?;
    let long = Arc::new(Semaphore::new(threads - 1));
    Ok(Shared {
        engine,
        runtime,
        long,
    })
}

/// Memory is taken when an instance starts and given back when it ends: several processes of a
/// gateway run components, and most instances are idle most of the time.
fn config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .wasm_component_model_async(true)
        .max_wasm_stack(STACK)
        .async_stack_size(FIBER);
    config
}

/// Names everything a compiled component depends on apart from its bytes.
pub(super) fn fingerprint(engine: &Engine) -> String {
    use std::hash::{Hash as _, Hasher as _};
    let mut hasher = std::hash::DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
