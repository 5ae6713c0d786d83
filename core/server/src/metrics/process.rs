//! What this process takes from its machine, as the kernel tells.

use rustix::time::{ClockId, clock_gettime};

/// A look at the process; what cannot be read is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Process {
    /// Processor time, in seconds.
    pub cpu_seconds: f64,
    /// Resident memory, in bytes.
    pub memory_bytes: Option<i64>,
    /// Open files.
    pub open_files: Option<i64>,
    /// Threads.
    pub threads: Option<i64>,
}

impl Process {
    /// Looks.
    pub fn look() -> Self {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let files = std::fs::read_dir("/proc/self/fd").map(Iterator::count);
        Self {
            cpu_seconds: cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9,
            memory_bytes: number(&status, "VmRSS:").map(|kib| kib * 1024),
            threads: number(&status, "Threads:"),
            // One of them is the directory that is being read. Without `/proc` there is no number.
            open_files: files
                .ok()
                .and_then(|it| i64::try_from(it).ok())
                .map(|it| it - 1),
        }
    }
}

fn number(status: &str, key: &str) -> Option<i64> {
    let line = status.lines().find_map(|it| it.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_kernel_are_understood() {
        let status = "Name:\tx\nVmRSS:\t  1234 kB\nThreads:\t7\n";
        assert_eq!(number(status, "VmRSS:"), Some(1234));
        assert_eq!(number(status, "Threads:"), Some(7));
        assert_eq!(number(status, "VmSwap:"), None);
    }

    #[test]
    fn this_process_uses_something() {
        let look = Process::look();
        assert!(look.memory_bytes.is_some_and(|it| it > 1 << 20), "{look:?}");
        assert!(look.open_files.is_some_and(|it| it > 0), "{look:?}");
        assert!(look.threads.is_some_and(|it| it > 0), "{look:?}");
    }
}
