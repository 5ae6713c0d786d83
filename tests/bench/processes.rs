//! What the kernel says of a gateway and its workers.

use causeway_tests::processes::children_of;

/// Resident memory of a process and its children in KiB.
pub(crate) fn resident_kib(pid: u32) -> f64 {
    family(pid).map(|it| resident(it).unwrap_or(0.0)).sum()
}

/// CPU time of a process and its children in seconds, of those that have ended, too.
pub(crate) fn cpu_seconds(pid: u32) -> f64 {
    family(pid).map(|it| cpu(it).unwrap_or(0.0)).sum()
}

fn family(pid: u32) -> impl Iterator<Item = u32> {
    std::iter::once(pid).chain(children_of(pid))
}

/// `None` for one that has just ended.
fn resident(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn cpu(pid: u32) -> Option<f64> {
    /// Of the kernel's interface, whatever its own clock does.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything; utime is the 14th field, then stime, cutime, cstime.
    let fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(4);
    let ticks: f64 = fields.filter_map(|it| it.parse::<f64>().ok()).sum();
    Some(ticks / TICKS_PER_SECOND)
}
