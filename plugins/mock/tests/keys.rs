//! Every key of the URL query does what the README says. The clock is turned, not waited for.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use causeway_plugin_mock::MockStorage;
use causeway_sdk::{
    Algorithm, CopyRequest, Credential, Ctx, Direction, EntryKind, Error, ErrorKind, Host,
    Locality, Page, ProgressSink, ReadBody as _, ReadOptions, StageRequest, StagingState,
    Storage as _, Url, WriteBody as _, WriteOptions,
};
use tokio::time::Instant;

fn mock() -> MockStorage {
    MockStorage::create("", Host::silent()).unwrap()
}

fn cx() -> Ctx {
    Ctx::new("attempt-1")
}

fn url(query: &str) -> Url {
    format!("mock://host/path/file?{query}").parse().unwrap()
}

fn shows(error: &Error, errno: i32, text: &str) {
    assert_eq!((error.errno(), error.message()), (errno, text));
}

#[tokio::test]
async fn errno_fails_metadata_calls_with_the_systems_text() {
    let (mock, at) = (mock(), url("errno=2"));
    let text = "No such file or directory";
    shows(&mock.stat(&cx(), &at).await.unwrap_err(), 2, text);
    shows(&mock.unlink(&cx(), &at).await.unwrap_err(), 2, text);
    let sum = mock.checksum(&cx(), &at, Algorithm::Adler32).await;
    shows(&sum.unwrap_err(), 2, text);
    let list = mock.list(&cx(), &at, Page::default()).await;
    shows(&list.unwrap_err(), 2, text);
    let read = mock.open_read(&cx(), &at, ReadOptions::default()).await;
    shows(&read.err().unwrap(), 2, text);
    let stat = mock.stat(&cx(), &url("errno=1")).await.unwrap_err();
    shows(&stat, 1, "Operation not permitted");
    assert_eq!(stat.kind(), ErrorKind::Denied);
}

#[tokio::test(start_paused = true)]
async fn wait_delay_and_their_sum() {
    let (mock, start) = (mock(), Instant::now());
    mock.stat(&cx(), &url("wait=600")).await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(600));
    let start = Instant::now();
    mock.mkdir(&cx(), &url("delay_ms=250&wait=9"), true)
        .await
        .unwrap();
    assert_eq!(start.elapsed(), Duration::from_millis(250));
}

#[tokio::test]
async fn a_source_has_its_size_and_mode() {
    let stat = mock().stat(&cx(), &url("size=10")).await.unwrap();
    assert_eq!((stat.kind, stat.size), (EntryKind::File, Some(10)));
    assert_eq!(stat.mode, Some(0o100_755));
    let stat = mock().stat(&cx(), &url("")).await.unwrap();
    assert_eq!(stat.size, Some(0));
}

#[tokio::test]
async fn a_destination_looks_different_after_the_bytes_came() {
    let (mock, at) = (mock(), url("size_pre=5&size_post=10"));
    let size = async |request: &str| mock.stat(&Ctx::new(request), &at).await.map(|it| it.size);
    assert_eq!(size("a").await.unwrap(), Some(5));
    let options = WriteOptions::default();
    let mut body = mock.open_write(&Ctx::new("a"), &at, options).await.unwrap();
    body.write(0, "0123456789".into()).await.unwrap();
    assert_eq!(mock.commits().of(&at), 0);
    body.commit().await.unwrap();
    assert_eq!(size("a").await.unwrap(), Some(10));
    assert_eq!(size("b").await.unwrap(), Some(5), "another attempt");
    assert_eq!((mock.commits().of(&at), mock.commits().total()), (1, 1));
    mock.unlink(&Ctx::new("a"), &at).await.unwrap();
    assert_eq!(size("a").await.unwrap(), Some(5));
    let absent = mock.stat(&cx(), &url("size_pre=0&size_post=10")).await;
    shows(&absent.unwrap_err(), 2, "No such file or directory");
}

#[tokio::test]
async fn a_streamed_file_has_the_size_that_came_unless_told() {
    let (mock, at) = (mock(), url("time=1"));
    let mut body = mock
        .open_write(&cx(), &at, WriteOptions::default())
        .await
        .unwrap();
    body.write(3, "345".into()).await.unwrap();
    body.write(0, "012".into()).await.unwrap();
    assert_eq!(body.commit().await.unwrap().bytes, 6);
    assert_eq!(mock.stat(&cx(), &at).await.unwrap().size, Some(6));
    let announced = WriteOptions {
        size: Some(7),
        ..WriteOptions::default()
    };
    let body = mock.open_write(&cx(), &at, announced).await.unwrap();
    assert_eq!(
        body.commit().await.unwrap_err().kind(),
        ErrorKind::Integrity
    );
}

#[tokio::test]
async fn directories_list_what_they_are_told() {
    let at = url("list=a:644:10,sub:40755:0,b:0600:3");
    assert!(mock().stat(&cx(), &at).await.unwrap().is_directory());
    let page = mock()
        .list(
            &cx(),
            &at,
            Page {
                cursor: None,
                limit: 2,
            },
        )
        .await
        .unwrap();
    let names: Vec<_> = page
        .entries
        .iter()
        .map(|it| (it.name.as_str(), it.stat.kind))
        .collect();
    assert_eq!(
        names,
        [("a", EntryKind::File), ("sub", EntryKind::Directory)]
    );
    let rest = Page {
        cursor: page.next,
        limit: 2,
    };
    let page = mock().list(&cx(), &at, rest).await.unwrap();
    assert_eq!((page.entries.len(), page.next), (1, None));
    let file = mock().list(&cx(), &url("size=1"), Page::default()).await;
    assert_eq!(file.unwrap_err().kind(), ErrorKind::NotDirectory);
}

#[tokio::test]
async fn checksums_are_as_told_or_those_of_the_bytes() {
    let (mock, algorithm) = (mock(), Algorithm::Adler32);
    let told = mock
        .checksum(&cx(), &url("size=10&checksum=0042"), algorithm)
        .await;
    assert_eq!(told.unwrap().hex, "0042");
    let at = url("size=3000000");
    let mut body = mock
        .open_read(&cx(), &at, ReadOptions::default())
        .await
        .unwrap();
    let mut hasher = algorithm.hasher();
    while let Some(chunk) = body.next().await.unwrap() {
        hasher.update(&chunk);
    }
    assert_eq!(
        mock.checksum(&cx(), &at, algorithm).await.unwrap(),
        hasher.finish()
    );
}

#[tokio::test]
async fn sums_of_what_was_written_are_made_when_asked_for() {
    let (mock, at) = (mock(), url("sum_writes=md5"));
    let mut body = mock
        .open_write(&cx(), &at, WriteOptions::default())
        .await
        .unwrap();
    body.write(0, "1234".into()).await.unwrap();
    body.write(4, "56789".into()).await.unwrap();
    body.commit().await.unwrap();
    let sum = mock.checksum(&cx(), &at, Algorithm::Md5).await.unwrap();
    assert_eq!(sum.hex, "25f9e794323b453885f5181f1b624d0b");
}

#[tokio::test]
async fn existence_is_decided_by_its_own_keys() {
    let exists = async |query: &str| mock().exists(&cx(), &url(query)).await;
    assert!(exists("exists=1").await.unwrap());
    assert!(exists("access=1").await.unwrap());
    assert!(!exists("size=10&size_pre=10").await.unwrap());
    assert!(!exists("access_errno=2").await.unwrap());
    shows(
        &exists("access_errno=13").await.unwrap_err(),
        13,
        "Permission denied",
    );
}

#[tokio::test]
async fn unlink_looks_at_the_size_before() {
    let unlink = async |query: &str| mock().unlink(&cx(), &url(query)).await;
    unlink("exists=1&size_pre=10&size_post=10").await.unwrap();
    unlink("size=10").await.unwrap();
    unlink("").await.unwrap();
    for query in ["exists=1", "exists=1&size_post=10", "size_pre=0", "time=1"] {
        shows(
            &unlink(query).await.unwrap_err(),
            2,
            "No such file or directory",
        );
    }
    assert_eq!(
        unlink("list=a:644:1").await.unwrap_err().kind(),
        ErrorKind::IsDirectory
    );
}

#[tokio::test]
async fn a_read_only_directory_refuses_to_be_made() {
    let mkdir = async |text: &str| mock().mkdir(&cx(), &text.parse().unwrap(), true).await;
    let refused = mkdir("mock://host/path?rd_path=mock://host/path").await;
    shows(&refused.unwrap_err(), 1, "Operation not permitted");
    let second = "mock://host/path/?rd_path=mock://x/y&rd_path=mock://host/path/deeper";
    assert!(mkdir(second).await.is_err());
    mkdir("mock://host/other?rd_path=mock://host/path")
        .await
        .unwrap();
    mkdir("mock://host/path").await.unwrap();
}

#[tokio::test]
async fn what_it_never_could() {
    let (at, to) = (url("size=1"), url("size=2"));
    let rename = mock().rename(&cx(), &at, &to, true).await.unwrap_err();
    shows(&rename, 93, "Protocol not supported");
    assert_eq!(mock().rmdir(&cx(), &at).await.unwrap_err().errno(), 93);
}

#[tokio::test(start_paused = true)]
async fn bring_online_takes_its_time_and_survives_a_restart() {
    let files = [
        url("staging_time=30"),
        url("staging_time=10&staging_errno=5"),
        url("size=1"),
    ];
    let request = StageRequest {
        files: files.to_vec(),
        pin: Duration::ZERO,
        timeout: Duration::ZERO,
        metadata: Vec::new(),
    };
    let first = mock();
    let staged = first.bring_online(&cx(), request).await.unwrap();
    let states = async |mock: &MockStorage| {
        let states = mock
            .poll_online(&cx(), &staged.token, &files)
            .await
            .unwrap();
        states.into_iter().map(|it| it.state).collect::<Vec<_>>()
    };
    use StagingState::{Done, Failed, Pending};
    assert_eq!(states(&first).await, [Pending, Pending, Done]);
    tokio::time::advance(Duration::from_secs(11)).await;
    assert!(matches!(
        &states(&first).await[..],
        [Pending, Failed(_), Done]
    ));
    tokio::time::advance(Duration::from_secs(20)).await;
    assert!(matches!(&states(&first).await[..], [Done, Failed(_), Done]));
    // Another process knows the token, too; its own clock has not moved.
    assert_eq!(states(&mock()).await, [Pending, Pending, Done]);
    let unknown = first.poll_online(&cx(), "x", &files).await;
    assert_eq!(unknown.unwrap_err().kind(), ErrorKind::Invalid);
    let files = [url("release_errno=13"), url("")];
    let states = first.release(&cx(), &staged.token, &files).await.unwrap();
    assert!(matches!(&states[0].state, Failed(error) if error.errno() == 13));
    assert_eq!(states[1].state, Done);
}

#[tokio::test(start_paused = true)]
async fn archiving_takes_its_time() {
    let mock = mock();
    let files = [url("archiving_time=60"), url("archiving_errno=28"), url("")];
    let poll = async || mock.poll_archived(&cx(), &files).await.unwrap();
    let states = poll().await;
    assert_eq!(states[0].state, StagingState::Pending);
    assert!(matches!(&states[1].state, StagingState::Failed(it) if it.errno() == 28));
    assert_eq!(states[2].state, StagingState::Done);
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(poll().await[0].state, StagingState::Done);
}

#[tokio::test(start_paused = true)]
async fn streams_fail_and_wait_as_told() {
    let open = async |query: &str| {
        mock()
            .open_read(&cx(), &url(query), ReadOptions::default())
            .await
    };
    shows(
        &open("open_errno=13").await.err().unwrap(),
        13,
        "Permission denied",
    );
    let mut body = open("size=5&read_errno=5").await.unwrap();
    shows(&body.next().await.unwrap_err(), 5, "Input/output error");
    let start = Instant::now();
    let mut body = open("size=5&read_wait=7").await.unwrap();
    assert_eq!(body.next().await.unwrap().unwrap().len(), 5);
    assert_eq!(start.elapsed(), Duration::from_secs(7));
    let write = mock()
        .open_write(&cx(), &url("open_errno=28"), WriteOptions::default())
        .await;
    shows(&write.err().unwrap(), 28, "No space left on device");
}

#[tokio::test(start_paused = true)]
async fn throughput_paces_reads_and_writes() {
    let (mock, start) = (mock(), Instant::now());
    let at = url("size=10485760&throughput=1048576");
    let mut body = mock
        .open_read(&cx(), &at, ReadOptions::default())
        .await
        .unwrap();
    while body.next().await.unwrap().is_some() {}
    assert_eq!(start.elapsed(), Duration::from_secs(10));
    let start = Instant::now();
    let mut body = mock
        .open_write(&cx(), &at, WriteOptions::default())
        .await
        .unwrap();
    body.write(0, vec![0; 2_097_152].into()).await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(2));
}

#[tokio::test]
async fn locality_is_the_extended_attribute() {
    let expected = [
        ("ONLINE", Locality::Online),
        ("NEARLINE", Locality::Nearline),
        ("ONLINE_AND_NEARLINE", Locality::OnlineAndNearline),
        ("", Locality::Unknown),
    ];
    for (status, locality) in expected {
        let stat = mock()
            .stat(&cx(), &url(&format!("user.status={status}")))
            .await;
        assert_eq!(stat.unwrap().locality, locality);
    }
}

#[tokio::test]
async fn failures_repeat_for_the_same_attempt() {
    let (mock, at) = (mock(), url("size=5&failure_rate=50&seed=3"));
    let fails = async |attempt: u32| {
        let cx = Ctx::new("job").with_option("attempt", attempt.to_string());
        let mut body = mock
            .open_read(&cx, &at, ReadOptions::default())
            .await
            .unwrap();
        body.next().await.is_err()
    };
    let mut drawn = Vec::new();
    for attempt in 0..64 {
        drawn.push(fails(attempt).await);
        assert_eq!(fails(attempt).await, drawn[attempt as usize]);
    }
    assert!(drawn.contains(&true) && drawn.contains(&false));
}

#[tokio::test]
async fn the_journal_has_a_line_per_commit() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("journal");
    let options = format!(r#"{{"journal":{path:?}}}"#);
    let mock = MockStorage::create(&options, Host::silent()).unwrap();
    for query in ["a=1", "a=2"] {
        let at = url(query);
        let body = mock
            .open_write(&cx(), &at, WriteOptions::default())
            .await
            .unwrap();
        body.commit().await.unwrap();
    }
    let dropped = mock
        .open_write(&cx(), &url(""), WriteOptions::default())
        .await;
    drop(dropped);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines = text.lines().filter(|it| !it.is_empty());
    let lines: Vec<Vec<&str>> = lines.map(|it| it.split('\t').collect()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        lines[1][1..],
        [
            "commit",
            "attempt-1",
            "mock://host/path/file?a=2",
            "0",
            "-",
            "."
        ]
    );
    assert!(lines[0][0].parse::<u64>().is_ok());
    let nowhere = r#"{"journal":"/nowhere/at/all"}"#;
    let refused = MockStorage::create(nowhere, Host::silent()).unwrap_err();
    assert!(refused.message().contains("journal"));
}

#[tokio::test]
async fn with_a_journal_a_copy_outlives_the_process() {
    let scratch = tempfile::tempdir().unwrap();
    let options = format!(r#"{{"journal":{:?}}}"#, scratch.path().join("journal"));
    let life = || MockStorage::create(&options, Host::silent()).unwrap();
    let (source, at) = (url("size=10"), url("size_post=10&time=0"));
    let (before, after) = (life(), life());
    assert!(!before.exists(&cx(), &at).await.unwrap());
    let absent = before.stat(&cx(), &at).await.unwrap_err();
    assert_eq!(absent.kind(), ErrorKind::NotFound);
    let request = CopyRequest {
        direction: Direction::Pull,
        source: source.clone(),
        destination: at.clone(),
        peer_credential: Credential::None,
        overwrite: false,
        streams: 0,
        size: Some(10),
        expect: None,
    };
    before
        .copy(&cx(), request, ProgressSink::ignore())
        .await
        .unwrap();
    let other = Ctx::new("another request");
    for mock in [after, life()] {
        assert!(mock.exists(&other, &at).await.unwrap());
        assert_eq!(mock.stat(&other, &at).await.unwrap().size, Some(10));
        let sum = |at| mock.checksum(&other, at, Algorithm::Adler32);
        let (ours, theirs) = (sum(&at).await.unwrap(), sum(&source).await.unwrap());
        assert_eq!(ours, theirs);
    }
    life().unlink(&other, &at).await.unwrap();
    assert!(!before.exists(&cx(), &at).await.unwrap());
}

/// Set for the process that shall be killed.
const VICTIM: &str = "CAUSEWAY_MOCK_SIGNAL_VICTIM";

#[tokio::test(start_paused = true)]
async fn a_signal_kills_the_process_only_when_allowed() {
    use std::os::unix::process::ExitStatusExt as _;
    let allow = std::env::var_os(VICTIM).is_some();
    if allow {
        let mock = MockStorage::create(r#"{"signals":true}"#, Host::silent()).unwrap();
        drop(mock.stat(&cx(), &url("signal=9")).await);
        unreachable!("it was killed");
    }
    let start = Instant::now();
    mock().stat(&cx(), &url("signal=9")).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
    let own = std::env::current_exe().unwrap();
    let victim = std::process::Command::new(own)
        .args(["--exact", "a_signal_kills_the_process_only_when_allowed"])
        .env(VICTIM, "1")
        .output()
        .unwrap();
    assert_eq!(victim.status.signal(), Some(9), "{victim:?}");
}

#[test]
fn options_that_make_no_sense_are_named() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&lines);
    let host = Host::new(move |_, line| seen.lock().unwrap().push(line.to_owned()));
    let refused = MockStorage::create(r#"{"max_seconds":"x"}"#, host).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(lines.lock().unwrap().is_empty());
}
