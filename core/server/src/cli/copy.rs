//! `causeway copy`: one attempt of the engine's worker in this process, no gateway, no store.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{anyhow, bail};
use causeway_engine::Worker;
use causeway_engine::messages::{
    AttemptEvent, AttemptId, AttemptLimits, AttemptResult, AttemptSpec, Order, Replace, Report,
};
use causeway_model::ports::SystemClock;
use causeway_model::{ChecksumMode, CopyParams, FileId, JobId};
use causeway_sdk::LogLevel;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::sync::mpsc;

use super::args::CopyArgs;
use super::local::{config, credential, url};
use super::output;
use crate::plugins::{LivePlugins, load_for};

/// How long a copy that was interrupted may take to remove what it had written.
const CLEANUP: Duration = Duration::from_secs(30);

/// Copies one file.
///
/// # Errors
/// The fault of the attempt, as a job would show it.
pub async fn copy(args: &CopyArgs) -> anyhow::Result<()> {
    let config = config(&args.local)?;
    let spec = AttemptSpec {
        attempt: AttemptId(1),
        file_id: FileId(1),
        job_id: JobId::random(),
        retry: 0,
        source: url(&args.source)?,
        destination: url(&args.destination)?,
        user_filesize: 0,
        checksum_mode: if args.checksum.is_some() {
            ChecksumMode::BOTH
        } else {
            ChecksumMode::NONE
        },
        checksum: args.checksum.clone(),
        replace: if args.overwrite {
            Replace::Always
        } else {
            Replace::Never
        },
        leftover_is_ours: false,
        commit_intent: None,
        resume: None,
        params: CopyParams::default(),
        limits: AttemptLimits::of(&config.engine, &CopyParams::default()),
        avoid: Vec::new(),
        source_space_token: String::new(),
        space_token: String::new(),
        credential: credential(&args.local)?,
        destination_credential: None,
        bringonline_token: None,
        activity: "default".to_owned(),
        dst_file_report: false,
        log: true,
        trace: None,
        session: None,
        only_clean_up: false,
    };
    let host = load_for(&config.plugins, &[&spec.source, &spec.destination]);
    let host = Arc::new(LivePlugins::from(host));
    let (orders, inbox) = mpsc::unbounded_channel();
    let (outbox, reports) = mpsc::channel(64);
    let worker = Worker::new(host, Arc::new(SystemClock), outbox);
    tokio::spawn(worker.run(inbox));
    orders
        .send(Order::Start(Box::new(spec)))
        .map_err(|_| anyhow!("start the copy: the worker is gone"))?;

    let bar = bar(args);
    let outcome = watch(reports, &orders, &bar).await;
    bar.finish_and_clear();
    let result = outcome?;
    report(args, &result)
}

async fn watch(
    mut reports: mpsc::Receiver<Report>,
    orders: &mpsc::UnboundedSender<Order>,
    bar: &ProgressBar,
) -> anyhow::Result<AttemptResult> {
    let mut interrupted = false;
    loop {
        let report = tokio::select! {
            report = reports.recv() => report,
            _ = tokio::signal::ctrl_c(), if !interrupted => {
                interrupted = true;
                orders.send(Order::Cancel(AttemptId(1))).map_err(|_| anyhow!("cancel: the worker is gone"))?;
                continue;
            }
            () = tokio::time::sleep(CLEANUP), if interrupted => bail!("interrupted, and cleaning up took too long"),
        };
        let Some(report) = report else {
            bail!("the worker ended without a word")
        };
        match report.event {
            AttemptEvent::Parameters {
                size: Some(size), ..
            } => bar.set_length(size),
            AttemptEvent::Progress { bytes, .. } => bar.set_position(bytes),
            AttemptEvent::Cleared | AttemptEvent::Committing(_) => {
                // There is no journal to wait for.
                orders
                    .send(Order::CommitGranted(AttemptId(1)))
                    .map_err(|_| anyhow!("the worker is gone"))?;
            }
            AttemptEvent::Log(lines) => {
                // An error comes back as the fault of the attempt; said once is enough.
                for line in lines.iter().filter(|it| it.level == LogLevel::Warn) {
                    bar.suspend(|| eprintln!("{}", line.text));
                }
            }
            AttemptEvent::Finished(result) => return Ok(result),
            AttemptEvent::Failed(failure) => return Err(anyhow!("copy: {}", failure.fault)),
            _ => {}
        }
    }
}

fn bar(args: &CopyArgs) -> ProgressBar {
    if args.local.json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) =
        ProgressStyle::with_template("[{bar:40}] {bytes}/{total_bytes} {bytes_per_sec} {eta}")
    {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

fn report(args: &CopyArgs, result: &AttemptResult) -> anyhow::Result<()> {
    let seconds = result.duration_seconds;
    let size = result.size.unwrap_or(0);
    let rate = if seconds > 0.0 {
        size as f64 / seconds / f64::from(1 << 20)
    } else {
        0.0
    };
    let checksum = result.checksum.as_ref().map(ToString::to_string);
    if args.local.json {
        return output::print_json(&json!({
            "source": args.source,
            "destination": args.destination,
            "filesize": result.size,
            "tx_duration": seconds,
            "throughput": rate,
            "checksum": checksum,
            "mode": result.rung,
        }));
    }
    let mode = result
        .rung
        .map_or_else(String::new, |rung| format!(", {rung:?}").to_lowercase());
    let checksum = checksum.map_or_else(String::new, |it| format!(", {it}"));
    println!(
        "copied {} in {seconds:.3} s, {}{checksum}{mode}",
        output::bytes(size),
        output::rate(rate)
    );
    Ok(())
}
