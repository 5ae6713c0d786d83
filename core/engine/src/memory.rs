//! Free memory: with too little of it nothing new starts.

use std::time::Duration;

use crate::alarm::{Alarm, Check};
use crate::dispatcher::Dispatcher;

/// How often free memory is looked at while work is taken up.
const MEMORY_CHECK: Duration = Duration::from_secs(30);
/// The same after there was too little.
const MEMORY_RECHECK: Duration = Duration::from_secs(300);

impl Dispatcher {
    /// Looks how much memory is free, and when to look again.
    pub(crate) fn check_memory(&mut self) {
        let least = self.config.min_required_free_ram_bytes;
        if least == 0 {
            // Any amount will do.
            return;
        }
        let free = free_memory();
        let low = free.is_some_and(|free| free < least);
        if low != self.low_memory {
            tracing::warn!(free, least, "free memory: work is taken up: {}", !low);
            self.low_memory = low;
            self.tell_closure();
        }
        let wait = if low { MEMORY_RECHECK } else { MEMORY_CHECK };
        self.set_alarm(wait, Alarm::Check(Check::Memory));
    }
}

/// Bytes of memory that could be used; `None` where the system does not tell.
fn free_memory() -> Option<u64> {
    // Not a file on a disk: the kernel writes it as it is read.
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    available(&text)
}

fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find(|it| it.starts_with("MemAvailable:"))?;
    let kib: u64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_memory_is_what_could_be_used() {
        let text = "MemTotal:  32768 kB\nMemFree:  10 kB\nMemAvailable:   2048 kB\n";
        assert_eq!(available(text), Some(2 << 20));
        assert_eq!(available("MemTotal: 1 kB\n"), None);
    }
}
