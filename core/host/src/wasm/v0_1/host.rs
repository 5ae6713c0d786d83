//! What a component of this version may call, apart from HTTP.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use causeway_sdk::{Error, ErrorKind, LogLevel, Progress};
use wasmtime::Result;
use wasmtime::component::{Accessor, HasSelf, Linker, Resource};

use super::convert as c;
use super::wit::Gateway;
use super::wit::causeway::storage as wit;
use crate::wasm::state::{Call, Held, State};

/// Most random bytes at a time.
const RANDOM: u32 = 65_536;
/// Longest log line, in characters.
const LINE: usize = 4096;
/// Longest name of a log line's target.
const TARGET: usize = 64;

/// Puts everything a component of this version may import into a linker.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    Gateway::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

fn line(text: &str) -> String {
    text.chars()
        .take(LINE)
        .map(|it| if it.is_control() { ' ' } else { it })
        .collect()
}

impl wit::types::Host for State {}
impl wit::http_types::Host for State {}

impl wit::types::HostCredential for State {
    fn kind(&mut self, it: Resource<Held>) -> Result<wit::types::CredentialKind> {
        let kind = self.table.get(&it)?.0.kind();
        Ok(c::credential_kind_out(kind).unwrap_or(wit::types::CredentialKind::None))
    }

    fn reveal(
        &mut self,
        it: Resource<Held>,
    ) -> Result<Result<wit::types::Secret, wit::types::Error>> {
        let held = self.table.get(&it)?;
        if self.about.reveal {
            return Ok(Ok(c::secret_out(&held.0)));
        }
        let name = &self.about.name;
        // A manifest may ask for it; that is no grant.
        let text = format!(
            "reveal a credential: plugin {name} was not granted that: the operator's configuration has no \
             credential_reveal = true in plugins.{name}.grants"
        );
        Ok(Err(c::error_out(&Error::new(ErrorKind::Denied, text))))
    }

    fn drop(&mut self, it: Resource<Held>) -> Result<()> {
        self.table.delete(it)?;
        Ok(())
    }
}

impl wit::types::HostCallContext for State {
    fn request_id(&mut self, it: Resource<Call>) -> Result<String> {
        Ok(self.table.get(&it)?.cx.request_id().to_owned())
    }

    fn trace_parent(&mut self, it: Resource<Call>) -> Result<String> {
        Ok(self.table.get(&it)?.cx.trace_parent().to_owned())
    }

    fn remaining_ms(&mut self, it: Resource<Call>) -> Result<Option<u64>> {
        Ok(self.table.get(&it)?.cx.remaining().map(c::millis))
    }

    fn credential(&mut self, it: Resource<Call>) -> Result<Resource<Held>> {
        let held = Held(self.table.get(&it)?.cx.credential().clone());
        Ok(self.table.push(held)?)
    }

    fn options(&mut self, it: Resource<Call>) -> Result<Vec<(String, String)>> {
        let options = self.table.get(&it)?.cx.options().iter();
        Ok(options
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }

    fn is_cancelled(&mut self, it: Resource<Call>) -> Result<bool> {
        Ok(self.table.get(&it)?.is_cancelled())
    }

    fn log(
        &mut self,
        it: Resource<Call>,
        level: wit::types::LogLevel,
        message: String,
    ) -> Result<()> {
        let text = causeway_sdk::secret::mask(&line(&message));
        self.table.get(&it)?.cx.log(c::level(level), &text);
        Ok(())
    }

    fn drop(&mut self, it: Resource<Call>) -> Result<()> {
        self.table.delete(it)?;
        Ok(())
    }
}

impl wit::host::Host for State {
    fn log(&mut self, level: wit::types::LogLevel, target: String, message: String) -> Result<()> {
        let target: String = target.chars().take(TARGET).collect();
        let text = match target.is_empty() {
            true => line(&message),
            false => line(&format!("{target}: {message}")),
        };
        self.log_line(c::level(level), &text);
        Ok(())
    }

    fn config(&mut self) -> Result<String> {
        Ok(self.about.config.clone())
    }

    fn now_ms(&mut self) -> Result<u64> {
        // A clock before 1970 is a broken one, and zero says so.
        Ok(SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, c::millis))
    }

    fn monotonic_ns(&mut self) -> Result<u64> {
        Ok(u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn random(&mut self, len: u32) -> Result<Vec<u8>> {
        if len > RANDOM {
            return Err(wasmtime::Error::msg(
                "it asked for too many random bytes at once",
            ));
        }
        let mut bytes = vec![0; len as usize];
        rand::fill(&mut bytes[..]);
        Ok(bytes)
    }

    fn counter_add(&mut self, name: String, value: u64) -> Result<()> {
        self.about.counters.add(&name, value);
        Ok(())
    }
}

impl State {
    fn log_line(&self, level: LogLevel, text: &str) {
        self.log(level, text);
    }
}

impl wit::progress::Host for State {
    fn report(&mut self, it: Resource<Call>, bytes: u64) -> Result<()> {
        self.table.get(&it)?.progress.report(Progress { bytes });
        Ok(())
    }
}

impl wit::timer::Host for State {}

impl wit::timer::HostWithStore<State> for HasSelf<State> {
    async fn sleep_ms(at: &Accessor<State, Self>, ms: u64) -> Result<()> {
        at.with(|mut store| store.get().pulse.pause());
        tokio::time::sleep(Duration::from_millis(ms)).await;
        at.with(|mut store| store.get().pulse.beat());
        Ok(())
    }

    async fn cancelled(at: &Accessor<State, Self>, it: Resource<Call>) -> Result<()> {
        let call = at.with(|mut store| {
            store.get().pulse.pause();
            store.get().table.get(&it).cloned()
        })?;
        call.cancelled().await;
        Ok(())
    }
}

impl wit::timer_poll::Host for State {
    async fn sleep_ms(&mut self, ms: u64) -> Result<()> {
        self.pulse.pause();
        tokio::time::sleep(Duration::from_millis(ms)).await;
        self.pulse.beat();
        Ok(())
    }
}
