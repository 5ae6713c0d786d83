//! What the commands print: for people, or as JSON.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

/// Prints one JSON document.
///
/// # Errors
/// Standard output is gone.
pub fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// True when the job has ended.
pub fn is_terminal(job: &Value) -> bool {
    matches!(
        job["job_state"].as_str(),
        Some("FINISHED" | "FAILED" | "CANCELED" | "FINISHEDDIRTY")
    )
}

/// Prints some members of an object, one a line.
pub fn pairs(object: &Value, keys: &[&str]) {
    for key in keys {
        match &object[*key] {
            Value::Null => {}
            Value::String(text) => println!("{key:<16} {text}"),
            Value::Array(items) => {
                let texts: Vec<_> = items
                    .iter()
                    .map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned))
                    .collect();
                println!("{key:<16} {}", texts.join(", "));
            }
            other => println!("{key:<16} {other}"),
        }
    }
}

/// Prints a job for people.
///
/// # Errors
/// Never; the form fits the JSON printer's.
pub fn job_lines(job: &Value) -> anyhow::Result<()> {
    let keys = [
        "job_id",
        "job_state",
        "job_type",
        "user_dn",
        "vo_name",
        "source_se",
        "dest_se",
        "submit_time",
        "job_finished",
        "priority",
        "reason",
    ];
    pairs(job, &keys);
    Ok(())
}

/// Prints jobs as a table.
///
/// # Errors
/// Never; the form fits the JSON printer's.
pub fn job_table(jobs: &Value) -> anyhow::Result<()> {
    let jobs = jobs.as_array().map_or(&[] as &[Value], Vec::as_slice);
    if jobs.is_empty() {
        println!("no jobs");
        return Ok(());
    }
    println!(
        "{:<36}  {:<13}  {:<19}  {:<12}  link",
        "job", "state", "submitted", "vo"
    );
    for job in jobs {
        let text = |key: &str| job[key].as_str().unwrap_or("-").to_owned();
        println!(
            "{:<36}  {:<13}  {:<19}  {:<12}  {} > {}",
            text("job_id"),
            text("job_state"),
            text("submit_time"),
            text("vo_name"),
            text("source_se"),
            text("dest_se")
        );
    }
    Ok(())
}

/// Prints the transfers of a job.
pub fn file_lines(files: &Value) {
    for file in files.as_array().into_iter().flatten() {
        let text = |key: &str| file[key].as_str().unwrap_or("");
        println!(
            "{:<10} {} > {}",
            text("file_state"),
            text("source_surl"),
            text("dest_surl")
        );
        println!("           {}", measures(file));
        if !text("reason").is_empty() {
            println!("           {}", text("reason"));
        }
    }
}

/// Prints how a job ended, with checksum, throughput and duration of each transfer.
pub fn job_result(job: &Value, files: &Value) {
    println!(
        "{} {}",
        job["job_id"].as_str().unwrap_or("-"),
        job["job_state"].as_str().unwrap_or("-")
    );
    file_lines(files);
}

fn measures(file: &Value) -> String {
    let size = file["filesize"]
        .as_u64()
        .map_or_else(|| "size unknown".to_owned(), bytes);
    let mut parts = vec![size];
    if let Some(duration) = file["tx_duration"].as_f64() {
        parts.push(format!("{duration:.3} s"));
    }
    if let Some(throughput) = file["throughput"].as_f64() {
        parts.push(rate(throughput));
    }
    if let Some(checksum) = file["checksum"].as_str().filter(|it| it.contains(':')) {
        parts.push(checksum.to_owned());
    }
    parts.join(", ")
}

/// A number of bytes for people.
pub fn bytes(count: u64) -> String {
    indicatif::HumanBytes(count).to_string()
}

/// MiB a second in the unit that fits: small files are slow.
pub fn rate(mib_per_second: f64) -> String {
    let bytes_per_second = mib_per_second * f64::from(1 << 20);
    // Never negative, and what is more than fits is no rate.
    format!(
        "{}/s",
        indicatif::HumanBytes(bytes_per_second.round() as u64)
    )
}

/// A bar on a terminal, lines on change elsewhere, nothing when quiet.
pub struct JobBar {
    bar: Option<ProgressBar>,
    last: std::cell::RefCell<String>,
    quiet: bool,
}

impl JobBar {
    /// A bar that waits for its first numbers.
    pub fn new(quiet: bool) -> Self {
        let fancy = !quiet && std::io::stderr().is_terminal();
        let bar = fancy.then(|| {
            let bar = ProgressBar::new(0);
            let form = "{msg:10} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
            if let Ok(style) = ProgressStyle::with_template(form) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar
        });
        Self {
            bar,
            last: std::cell::RefCell::default(),
            quiet,
        }
    }

    /// Shows the state of a job.
    pub fn show(&self, job: &Value, files: &Value) {
        let state = job["job_state"].as_str().unwrap_or("-").to_owned();
        let (mut total, mut done, mut ended, mut all) = (0, 0, 0, 0);
        for file in files.as_array().into_iter().flatten() {
            let size = file["filesize"]
                .as_u64()
                .or(file["user_filesize"].as_u64())
                .unwrap_or(0);
            let finished = file["file_state"].as_str() == Some("FINISHED");
            total += size;
            done += if finished {
                size
            } else {
                file["transferred"].as_u64().unwrap_or(0)
            };
            ended += u64::from(matches!(
                file["file_state"].as_str(),
                Some("FINISHED" | "FAILED" | "CANCELED")
            ));
            all += 1;
        }
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(state);
        } else if !self.quiet {
            let line = format!("{state} {ended}/{all} transfers");
            if *self.last.borrow() != line {
                eprintln!("{line}");
                *self.last.borrow_mut() = line;
            }
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_of_small_files_are_not_nothing() {
        assert_eq!(rate(0.0), "0 B/s");
        assert_eq!(rate(16.0 / 0.05 / 1_048_576.0), "320 B/s");
        assert_eq!(rate(0.25), "256.00 KiB/s");
        assert_eq!(rate(1234.5), "1.21 GiB/s");
    }
}
