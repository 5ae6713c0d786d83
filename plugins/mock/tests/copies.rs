//! Third-party copies between two mocks, and the worker's table as far as a plugin shows it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use causeway_plugin_mock::MockStorage;
use causeway_sdk::{
    Algorithm, CancelToken, Copied, CopyRequest, Credential, Ctx, Direction, Error, ErrorKind,
    Host, ProgressSink, Storage as _, Url,
};
use tokio::time::Instant;

fn mock() -> MockStorage {
    MockStorage::create("", Host::silent()).unwrap()
}

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn request(source: &str, destination: &str) -> CopyRequest {
    CopyRequest {
        direction: Direction::Pull,
        source: url(source),
        destination: url(destination),
        peer_credential: Credential::None,
        overwrite: false,
        streams: 0,
        size: None,
        expect: None,
    }
}

async fn copy(mock: &MockStorage, destination: &str) -> Result<Copied, Error> {
    let request = request("mock://a/f?size=10&checksum=42", destination);
    mock.copy(&Ctx::new("1"), request, ProgressSink::ignore())
        .await
}

#[tokio::test(start_paused = true)]
async fn a_copy_takes_its_time_reports_and_shows_afterwards() {
    let (mock, at) = (mock(), "mock://b/f?size_post=10&time=5");
    let reports = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&reports);
    let sink = ProgressSink::new(move |it| seen.lock().unwrap().push((Instant::now(), it.bytes)));
    let start = Instant::now();
    let cx = Ctx::new("1");
    mock.copy(&cx, request("mock://a/f?size=10", at), sink)
        .await
        .unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    let reports = reports.lock().unwrap().clone();
    assert!(
        reports
            .windows(2)
            .all(|it| it[1].0 - it[0].0 <= Duration::from_secs(1))
    );
    assert!(reports.windows(2).all(|it| it[1].1 >= it[0].1));
    assert_eq!(reports.last().unwrap().1, 10);
    assert_eq!(mock.stat(&cx, &url(at)).await.unwrap().size, Some(10));
    assert_eq!(mock.commits().of(&url(at)), 1);
}

#[tokio::test(start_paused = true)]
async fn push_is_the_same() {
    let mock = mock();
    let request = CopyRequest {
        direction: Direction::Push,
        ..request("mock://a/f?size=10", "mock://b/f?time=2")
    };
    let start = Instant::now();
    mock.copy(&Ctx::new("1"), request, ProgressSink::ignore())
        .await
        .unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn errors_come_after_the_first_second() {
    let (mock, start) = (mock(), Instant::now());
    let error = copy(&mock, "mock://b/f?size_post=10&time=5&transfer_errno=110")
        .await
        .unwrap_err();
    assert_eq!(
        (error.errno(), error.message()),
        (110, "Connection timed out")
    );
    assert_eq!(start.elapsed(), Duration::from_secs(1));
    let error = copy(&mock, "mock://b/f?time=5&transfer_errno=1")
        .await
        .unwrap_err();
    assert_eq!(
        (error.errno(), error.message()),
        (1, "Operation not permitted")
    );
    assert_eq!(mock.commits().total(), 0);
    let at = "mock://b/f?size_post=10&time=0&transfer_errno=1";
    copy(&mock, at).await.unwrap();
    assert_eq!(mock.commits().of(&url(at)), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_time_it_is_random_within_the_options() {
    let start = Instant::now();
    copy(&mock(), "mock://b/f?size_post=10").await.unwrap();
    let taken = start.elapsed();
    assert!(
        taken >= Duration::from_secs(10) && taken <= Duration::from_secs(101),
        "{taken:?}"
    );
    let quick = r#"{"min_seconds":0,"max_seconds":0}"#;
    let mock = MockStorage::create(quick, Host::silent()).unwrap();
    let start = Instant::now();
    copy(&mock, "mock://b/f?size_post=10").await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn throughput_sets_the_time() {
    let start = Instant::now();
    let request = request("mock://a/f?size=1000", "mock://b/f?throughput=100");
    mock()
        .copy(&Ctx::new("1"), request, ProgressSink::ignore())
        .await
        .unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_it_at_once() {
    let mock = mock();
    let token = CancelToken::default();
    let cx = Ctx::new("1").with_cancel(token.clone());
    let start = Instant::now();
    let request = request("mock://a/f?size=10", "mock://b/f?time=600");
    let copying = mock.copy(&cx, request, ProgressSink::ignore());
    let canceling = async {
        tokio::time::sleep(Duration::from_millis(2500)).await;
        token.cancel();
    };
    let (result, ()) = tokio::join!(copying, canceling);
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Canceled, 125));
    assert_eq!(error.message(), "Transfer canceled");
    assert_eq!(start.elapsed(), Duration::from_millis(2500));
    assert_eq!(mock.commits().total(), 0);
}

#[tokio::test]
async fn the_sizes_of_a_failing_transfer_differ() {
    let (mock, at) = (mock(), "mock://b/f?size_post=20&time=0");
    copy(&mock, at).await.unwrap();
    assert_eq!(
        mock.stat(&Ctx::new("1"), &url(at)).await.unwrap().size,
        Some(20)
    );
    // What the URL does not tell is zero, as in the reference.
    let at = "mock://b/g?time=0";
    copy(&mock, at).await.unwrap();
    assert_eq!(
        mock.stat(&Ctx::new("1"), &url(at)).await.unwrap().size,
        Some(0)
    );
}

#[tokio::test]
async fn the_checksum_of_a_copy_is_told_or_that_of_the_source() {
    let mock = mock();
    let sum = async |at: &str| {
        let cx = Ctx::new("1");
        mock.checksum(&cx, &url(at), Algorithm::Adler32)
            .await
            .unwrap()
            .normalized()
    };
    let told = "mock://b/f?checksum=24&time=0";
    copy(&mock, told).await.unwrap();
    assert_eq!(sum(told).await, "00000024");
    let untold = "mock://b/f?time=0";
    copy(&mock, untold).await.unwrap();
    assert_eq!(sum(untold).await, "00000042");
    let computed = request("mock://a/f?size=1000", "mock://b/g?time=0");
    mock.copy(&Ctx::new("1"), computed, ProgressSink::ignore())
        .await
        .unwrap();
    assert_eq!(
        sum("mock://b/g?time=0").await,
        sum("mock://a/f?size=1000").await
    );
}

#[tokio::test]
async fn the_middle_of_a_chain_is_a_source_with_its_later_size() {
    let stat = mock()
        .stat(&Ctx::new("hop-2"), &url("mock://b/f?size_post=10&time=1"))
        .await;
    assert_eq!(stat.unwrap().size, Some(10));
}

#[tokio::test]
async fn other_schemes_are_not_copied() {
    let request = request("other://a/f", "mock://b/f?time=0");
    let error = mock()
        .copy(&Ctx::new("1"), request, ProgressSink::ignore())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn ten_thousand_copies_are_counted_and_cheap_in_memory() {
    let mock = Arc::new(mock());
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..10_000 {
        let mock = Arc::clone(&mock);
        tasks.spawn(async move {
            let at = format!("mock://b/f{n}?size_post=10&time=0");
            copy(&mock, &at).await.unwrap();
            assert_eq!(mock.commits().of(&url(&at)), 1);
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(mock.commits().total(), 10_000);
}
