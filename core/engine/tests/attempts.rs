//! One transfer on the mock: a table of scenarios, hours in moments.

mod support;

use causeway_model::{ChecksumMode, FileState, Overwrite};
use support::{Bench, checksum};

const SOURCE: &str = "mock://a/path/file?size=10";

fn reason(file: &causeway_model::Transfer) -> &str {
    file.reason.as_deref().unwrap_or("")
}

#[tokio::test(start_paused = true)]
async fn a_copy_finishes() {
    let bench = Bench::mock().await;
    let file = bench
        .run(SOURCE, "mock://b/path/file?size_post=10&time=2")
        .await;
    assert_eq!(file.state, FileState::Finished, "{file:#?}");
    assert_eq!((file.filesize, file.transferred), (Some(10), Some(10)));
    assert_eq!(file.tx_duration, Some(2.0));
    let throughput = file.throughput.unwrap();
    assert!(
        (throughput - 5.0 / 1_048_576.0).abs() < 1e-9,
        "{throughput}"
    );
    assert_eq!(
        file.internal_file_params.as_deref(),
        Some("nostreams:1,timeout:601,buffersize:0")
    );
    assert_eq!(file.transfer_host.as_deref(), Some("node1"));
    assert_eq!(file.pid, Some(std::process::id()));
    assert!(file.finish_time > file.start_time);
    assert_eq!(
        (file.reason.as_deref(), file.recoverable),
        (None, Some(false))
    );
    let view = bench.view(file.job_id).await;
    assert_eq!(view.job.state.name(), "FINISHED");
    assert!(view.job.job_finished.is_some());
    assert!(view.job.reason.is_none());
}

#[tokio::test(start_paused = true)]
async fn another_size_at_the_destination() {
    let bench = Bench::mock().await;
    let file = bench.run(SOURCE, "mock://b/p?size_post=20&time=1").await;
    assert_eq!(file.state, FileState::Failed);
    assert_eq!(
        reason(&file),
        "DESTINATION [22] Source and destination file size mismatch"
    );
    assert_eq!(file.recoverable, Some(true));
}

#[tokio::test(start_paused = true)]
async fn no_source() {
    let bench = Bench::mock().await;
    let file = bench.run("mock://a/p?errno=2", "mock://b/p?time=1").await;
    assert_eq!(file.state, FileState::Failed);
    assert_eq!(reason(&file), "SOURCE [2] No such file or directory");
    assert_eq!(file.recoverable, Some(false));
    let view = bench.view(file.job_id).await;
    assert_eq!(
        view.job.reason.as_deref(),
        Some(causeway_model::derive::SOME_FAILED)
    );
}

#[tokio::test(start_paused = true)]
async fn a_directory_is_no_source() {
    let bench = Bench::mock().await;
    let file = bench
        .run("mock://a/p?list=x:0644:1", "mock://b/p?time=1")
        .await;
    assert_eq!(reason(&file), "SOURCE [21] Is a directory");
}

#[tokio::test(start_paused = true)]
async fn an_existing_destination() {
    let bench = Bench::mock().await;
    let destination = "mock://b/p?exists=1&size_pre=10&size_post=10&time=1";
    let file = bench.run(SOURCE, destination).await;
    assert_eq!(
        reason(&file),
        "DESTINATION [17] Destination file exists and overwrite is not enabled"
    );
    assert_eq!(file.recoverable, Some(false));
    let overwrite = |mode| {
        move |job: &mut causeway_model::Job, _: &mut causeway_model::Transfer| job.overwrite = mode
    };
    let file = bench
        .run_with(SOURCE, destination, overwrite(Overwrite::Yes))
        .await;
    assert_eq!(file.state, FileState::Finished, "{}", reason(&file));
    for mode in [
        Overwrite::OnRetry,
        Overwrite::Hop,
        Overwrite::WhenOnlyOnDisk,
    ] {
        let file = bench.run_with(SOURCE, destination, overwrite(mode)).await;
        assert_eq!(
            reason(&file),
            "DESTINATION [17] Destination file exists and overwrite is not enabled",
            "{mode:?}"
        );
    }
    let on_disk = format!("{destination}&user.status=ONLINE");
    let file = bench
        .run_with(SOURCE, &on_disk, overwrite(Overwrite::WhenOnlyOnDisk))
        .await;
    assert_eq!(file.state, FileState::Finished, "{}", reason(&file));
    for places in ["NEARLINE", "ONLINE_AND_NEARLINE"] {
        let on_tape = format!("{destination}&user.status={places}");
        let file = bench
            .run_with(SOURCE, &on_tape, overwrite(Overwrite::WhenOnlyOnDisk))
            .await;
        assert_eq!(
            reason(&file),
            "DESTINATION [17] Destination file exists and is on tape"
        );
        assert_eq!(file.recoverable, Some(false));
        // Where tape does not matter, the tape is not why.
        let file = bench.run(SOURCE, &on_tape).await;
        assert_eq!(
            reason(&file),
            "DESTINATION [17] Destination file exists and overwrite is not enabled"
        );
    }
    // Removing looks first, and there is nothing of that size.
    let file = bench
        .run_with(
            SOURCE,
            "mock://b/p?exists=1&size_post=10&time=1",
            overwrite(Overwrite::Yes),
        )
        .await;
    assert_eq!(reason(&file), "DESTINATION [2] No such file or directory");
}

#[tokio::test(start_paused = true)]
async fn the_destination_is_described_when_asked() {
    let bench = Bench::mock().await;
    let destination = "mock://b/p?exists=1&size_pre=7&checksum=42&user.status=ONLINE";
    let file = bench
        .run_with(SOURCE, destination, |job, _| job.dst_file_report = true)
        .await;
    assert_eq!(file.state, FileState::Failed);
    let metadata = &file.file_metadata.as_ref().unwrap().0;
    let metadata: serde_json::Value = serde_json::from_str(metadata).unwrap();
    assert_eq!(
        metadata["dst_file"],
        serde_json::json!({
            "file_size": 7,
            "checksum_type": "ADLER32",
            "checksum_value": "00000042",
            "file_on_tape": false,
            "file_on_disk": true,
        })
    );
}

#[tokio::test(start_paused = true)]
async fn recoverable_failures_are_retried() {
    let bench = Bench::mock().await;
    let destination = "mock://b/p?size_post=10&time=5&transfer_errno=110";
    let file = bench
        .run_with(SOURCE, destination, |job, _| job.retry = 2)
        .await;
    assert_eq!(file.state, FileState::Failed);
    assert_eq!(reason(&file), "TRANSFER [110] Connection timed out");
    assert_eq!((file.retry, file.recoverable), (2, Some(true)));
    let retries = bench.retries(file.job_id, 0).await;
    assert_eq!(
        retries.iter().map(|it| it.attempt).collect::<Vec<_>>(),
        [1, 2]
    );
    for retry in &retries {
        assert_eq!(retry.reason, "TRANSFER [110] Connection timed out");
        assert_eq!(retry.transfer_host.as_deref(), Some("node1"));
    }
    // One second of copy, then the default delay.
    let between = retries[1].datetime.seconds_since(retries[0].datetime);
    assert!((121.0..122.0).contains(&between), "{between}");
}

#[tokio::test(start_paused = true)]
async fn a_waiting_transfer_looks_as_clients_expect() {
    let bench = Bench::mock().await;
    let mut view = bench.job(&[(SOURCE, "mock://b/p?size_post=10&time=5&transfer_errno=110")]);
    support::change_rows(&mut view, |job, _| {
        job.retry = 1;
        job.retry_delay = 600;
    });
    let id = bench.submit(view).await;
    let view = bench
        .until(id, |view| {
            view.files[0].state == FileState::Submitted && view.files[0].retry == 1
        })
        .await;
    let file = &view.files[0];
    assert_eq!(file.recoverable, Some(true));
    assert_eq!(
        (&file.start_time, &file.transfer_host, &file.log_file),
        (&None, &None, &None)
    );
    assert_eq!(file.throughput, Some(0.0));
    let wait = file
        .retry_timestamp
        .unwrap()
        .seconds_since(view.job.submit_time);
    assert!((601.0..602.0).contains(&wait), "{wait}");
    assert_eq!(view.job.state.name(), "ACTIVE");
}

#[tokio::test(start_paused = true)]
async fn final_failures_are_not_retried() {
    let bench = Bench::mock().await;
    let destination = "mock://b/p?size_post=10&time=5&transfer_errno=1";
    let file = bench
        .run_with(SOURCE, destination, |job, _| job.retry = 2)
        .await;
    assert_eq!((file.state, file.retry), (FileState::Failed, 0));
    assert_eq!(reason(&file), "TRANSFER [1] Operation not permitted");
    assert!(bench.retries(file.job_id, 0).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_reference_copies_in_no_time_whatever_the_errno() {
    let bench = Bench::mock().await;
    let destination = "mock://b/p?size_post=10&time=0&transfer_errno=110";
    let file = bench.run(SOURCE, destination).await;
    assert_eq!(file.state, FileState::Finished);
}

#[tokio::test(start_paused = true)]
async fn checksum_modes() {
    use FileState::{Failed, Finished};
    const S: ChecksumMode = ChecksumMode::SOURCE;
    const T: ChecksumMode = ChecksumMode::TARGET;
    const B: ChecksumMode = ChecksumMode::BOTH;
    const N: ChecksumMode = ChecksumMode::NONE;
    let rows = [
        (S, "42", "24", "ADLER32:42", Finished, ""),
        (
            S,
            "24",
            "42",
            "ADLER32:42",
            Failed,
            "SOURCE [5] Source and user-defined ADLER32 checksum do not match (00000024 != 00000042)",
        ),
        (S, "24", "42", "ADLER32", Finished, ""),
        (T, "24", "42", "42", Finished, ""),
        (
            T,
            "42",
            "24",
            "42",
            Failed,
            "DESTINATION [5] User-defined and destination ADLER32 checksum do not match \
             (00000042 != 00000024)",
        ),
        (T, "24", "42", "", Finished, ""),
        (B, "0042", "42", "ADLER32:00000042", Finished, ""),
        (B, "ab", "AB", "", Finished, ""),
        (
            B,
            "24",
            "42",
            "",
            Failed,
            "DESTINATION [5] Source and destination ADLER32 checksum do not match \
             (00000024 != 00000042)",
        ),
        (
            B,
            "42",
            "24",
            "42",
            Failed,
            "DESTINATION [5] User-defined and destination ADLER32 checksum do not match \
             (00000042 != 00000024)",
        ),
        (
            B,
            "24",
            "42",
            "42",
            Failed,
            "SOURCE [5] Source and user-defined ADLER32 checksum do not match (00000024 != 00000042)",
        ),
        (
            B,
            "abc",
            "abd",
            "MD5",
            Failed,
            "DESTINATION [5] Source and destination MD5 checksum do not match (abc != abd)",
        ),
        (N, "24", "42", "1", Finished, ""),
    ];
    let bench = Bench::mock().await;
    for (mode, source, destination, user, state, text) in rows {
        let case = format!("{mode:?} {source} {destination} {user}");
        let source = format!("{SOURCE}&checksum={source}");
        let destination = format!("mock://b/p?size_post=10&checksum={destination}&time=1");
        let file = bench
            .run_with(&source, &destination, checksum(mode, user))
            .await;
        assert_eq!((file.state, reason(&file)), (state, text), "{case}");
        if state == Failed {
            assert_eq!(file.recoverable, Some(false), "{case}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_only_parent() {
    let bench = Bench::mock().await;
    let destination = "mock://host/path/file?size_post=10&time=1&rd_path=mock://host/path";
    let file = bench.run(SOURCE, destination).await;
    assert_eq!(reason(&file), "DESTINATION [1] Operation not permitted");
    assert_eq!(file.recoverable, Some(false));
}

#[tokio::test(start_paused = true)]
async fn other_access_errors_end_it() {
    let bench = Bench::mock().await;
    let file = bench.run(SOURCE, "mock://b/p?access_errno=13&time=1").await;
    assert_eq!(reason(&file), "DESTINATION [13] Permission denied");
}

#[tokio::test(start_paused = true)]
async fn strict_copies_only() {
    let bench = Bench::mock().await;
    let strict = |job: &mut causeway_model::Job, file: &mut causeway_model::Transfer| {
        job.copy_params.strict = true;
        job.verify_checksum = ChecksumMode::BOTH;
        file.user_filesize = 77;
    };
    let destination = "mock://b/p/f?exists=1&size_post=20&checksum=1&time=1&rd_path=mock://b/p";
    let file = bench
        .run_with("mock://a/p?errno=2&checksum=2", destination, strict)
        .await;
    assert_eq!(file.state, FileState::Finished, "{}", reason(&file));
    assert_eq!(file.filesize, Some(77));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_scheme() {
    let bench = Bench::mock().await;
    let file = bench.run("nix://a/p", "mock://b/p?time=1").await;
    assert_eq!(reason(&file), "SOURCE [93] no plugin serves this scheme");
    let file = bench.run(SOURCE, "nix://b/p").await;
    assert_eq!(
        reason(&file),
        "DESTINATION [93] no plugin serves this scheme"
    );
    assert_eq!(file.recoverable, Some(false));
}

#[tokio::test(start_paused = true)]
async fn timeouts_by_job_and_by_size() {
    let bench = Bench::mock().await;
    let slow = "mock://b/p?size_post=10&time=3600";
    let file = bench
        .run_with(SOURCE, slow, |job, _| {
            job.copy_params.timeout_seconds = Some(100)
        })
        .await;
    assert_eq!(
        reason(&file),
        "TRANSFER [110] Transfer timed out after 160 seconds"
    );
    assert_eq!(file.tx_duration, Some(160.0));
    assert_eq!(
        file.internal_file_params.as_deref(),
        Some("nostreams:1,timeout:100,buffersize:0")
    );
    // 600 + 2 * 100 MiB + 60 of grace.
    let file = bench
        .run(
            "mock://a/p?size=104857600",
            "mock://b/p?size_post=104857600&time=3600",
        )
        .await;
    assert_eq!(file.tx_duration, Some(860.0));
}

#[tokio::test(start_paused = true)]
async fn progress_shows_while_it_runs() {
    let bench = Bench::mock().await;
    let view = bench.job(&[(
        "mock://a/p?size=104857600",
        "mock://b/p?time=100&size_post=104857600",
    )]);
    let id = bench.submit(view).await;
    let view = bench
        .until(id, |view| view.files[0].transferred > Some(20 << 20))
        .await;
    let file = &view.files[0];
    assert_eq!(
        (file.state, view.job.state.name()),
        (FileState::Active, "ACTIVE")
    );
    assert!(
        (file.throughput.unwrap() - 1.0).abs() < 0.3,
        "{:?}",
        file.throughput
    );
    assert_eq!(file.filesize, Some(104_857_600));
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_never_answers_costs_its_attempt_only() {
    let bench = Bench::mock().await;
    let file = bench
        .run(
            "mock://a/p?size=10&wait=100000",
            "mock://b/p?size_post=10&time=1",
        )
        .await;
    assert_eq!(file.state, FileState::Failed);
    assert_eq!(
        reason(&file),
        "SOURCE [110] operation timeout: stat gave no answer within 180 s"
    );
    assert_eq!(file.recoverable, Some(true));
}
