//! Other processes as the kernel shows them: who started them, whether they live, what they have
//! mapped, and a way to end one by its number.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::programs::clean;

/// Processes that a process started and that have not ended.
pub fn children_of(parent: u32) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").expect("Linux has /proc");
    let pids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let mut found: Vec<u32> = pids
        .filter(|pid| stat(*pid).is_some_and(|(state, of)| of == parent && state != 'Z'))
        .collect();
    found.sort_unstable();
    found
}

/// State and parent; `None` when there is no such process.
fn stat(pid: u32) -> Option<(char, u32)> {
    let text = std::fs::read_to_string(PathBuf::from(format!("/proc/{pid}/stat"))).ok()?;
    // The name in brackets may hold anything.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.next()?.parse().ok()?))
}

/// True as long as a process runs.
pub fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != 'Z')
}

/// Files that a process has mapped, as the kernel lists them.
pub fn maps(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default()
}

/// Sends a signal to one process; false when there is none.
pub fn signal(pid: u32, name: &str) -> bool {
    let mut kill = clean("kill");
    kill.args([format!("-{name}"), pid.to_string()]);
    kill.stderr(std::process::Stdio::null());
    kill.status().expect("kill can be started").success()
}

/// Waits until something holds.
pub fn until(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < limit, "it never came: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
