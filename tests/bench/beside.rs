//! Programs beside each other: the same work in turns, and what it cost.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use causeway_tests::Grid;
use serde_json::{Value, json};

use crate::processes::{cpu_seconds, resident_kib};
use crate::report::{Report, median};

/// How often everything is done; the middle counts.
pub(crate) const ROUNDS: usize = 5;
/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// What one run cost, or the middle of several: seconds, and the most memory that was seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
    /// Of several runs the one that took least. On a virtual machine who touches memory first also
    /// pays for the host's finding it, seconds for a GiB, and which run that is nobody can choose.
    pub(crate) least_cpu: f64,
    pub(crate) peak_mib: f64,
}

impl Cost {
    /// Adds its figures under a name.
    pub(crate) fn report(&self, report: &mut Report, name: &str) {
        report.add(&format!("{name}: wall"), self.wall, "s");
        report.add(&format!("{name}: CPU"), self.cpu, "s");
        report.add(&format!("{name}: least CPU"), self.least_cpu, "s");
        report.add(&format!("{name}: peak memory"), self.peak_mib, "MiB");
    }

    /// Adds how many times as much somebody else took.
    pub(crate) fn ratios(&self, report: &mut Report, other: &Self, name: &str) {
        report.add(&format!("{name}, wall"), other.wall / self.wall, "ratio");
        report.add(&format!("{name}, CPU"), other.cpu / self.cpu, "ratio");
        let least = other.least_cpu / self.least_cpu;
        report.add(&format!("{name}, least CPU"), least, "ratio");
        let memory = other.peak_mib / self.peak_mib;
        report.add(&format!("{name}, peak memory"), memory, "ratio");
    }
}

/// What a shell line costs, children included. A line that begins with `exec` is one process.
pub(crate) fn timed(line: &str, env: &[(String, String)]) -> Cost {
    let before = children_cpu();
    let start = Instant::now();
    let mut child = Command::new("sh")
        .args(["-c", line])
        .stderr(Stdio::null())
        // Would replace what a program trusts by itself.
        .env_remove("AWS_CA_BUNDLE")
        .envs(env.iter().map(|(key, value)| (key, value)))
        .stdout(Stdio::null())
        .spawn()
        .expect("sh can be started");
    let mut peak = 0.0_f64;
    let status = loop {
        if let Some(status) = child.try_wait().expect("the child is ours") {
            break status;
        }
        peak = peak.max(resident_kib(child.id()));
        std::thread::sleep(LOOK);
    };
    assert!(status.success(), "{line} failed");
    let cpu = children_cpu() - before;
    Cost {
        wall: start.elapsed().as_secs_f64(),
        cpu,
        least_cpu: cpu,
        peak_mib: peak / 1024.0,
    }
}

/// What a job with these files costs a gateway and its workers.
pub(crate) async fn of_job(grid: &Grid, files: Vec<Value>) -> Cost {
    const LIMIT: Duration = Duration::from_secs(600);
    let (gateway, job) = (&grid.gateway, json!({ "files": files, "params": {} }));
    let before = cpu_seconds(gateway.pid());
    let start = Instant::now();
    let answer = grid.submit_as("alice.proxy", &job).expect(200);
    let id = answer["job_id"].as_str().expect("a job").to_owned();
    let mut peak = 0.0_f64;
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        peak = peak.max(resident_kib(gateway.pid()));
        let state = gateway.get(&format!("/jobs/{id}")).await["job_state"].clone();
        if state == "FINISHED" {
            break;
        }
        assert!(state != "FAILED" && start.elapsed() < LIMIT, "{state}");
    }
    let cpu = cpu_seconds(gateway.pid()) - before;
    Cost {
        wall: start.elapsed().as_secs_f64(),
        cpu,
        least_cpu: cpu,
        peak_mib: peak / 1024.0,
    }
}

/// CPU seconds of all children that have ended.
fn children_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux tells the CPU time");
    let fields = stat.rsplit(')').next().unwrap_or("").split_whitespace();
    let fields: Vec<f64> = fields.map(|it| it.parse().unwrap_or(0.0)).collect();
    // cutime and cstime, counted from the field behind the name, in hundredths of a second.
    fields.iter().skip(13).take(2).sum::<f64>() / 100.0
}

/// Runs the lines in turn, several rounds, and gives the median cost of each.
pub(crate) fn in_turn(
    lines: &[(&str, String)],
    env: &[(String, String)],
    clean: impl Fn(),
) -> Vec<Cost> {
    let mut all = vec![Vec::new(); lines.len()];
    for _ in 0..ROUNDS {
        for ((_, line), costs) in lines.iter().zip(&mut all) {
            clean();
            costs.push(timed(line, env));
        }
    }
    all.iter().map(|costs| middle(costs)).collect()
}

/// The median of each part, and the least CPU time.
pub(crate) fn middle(costs: &[Cost]) -> Cost {
    let of = |part: fn(&Cost) -> f64| median(&mut costs.iter().map(part).collect::<Vec<_>>());
    let least_cpu = costs.iter().map(|it| it.cpu).fold(f64::INFINITY, f64::min);
    Cost {
        wall: of(|it| it.wall),
        cpu: of(|it| it.cpu),
        least_cpu,
        peak_mib: of(|it| it.peak_mib),
    }
}
