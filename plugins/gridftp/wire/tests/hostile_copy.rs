//! Two servers that lie, contradict each other or fall silent while they copy: each time a clear
//! error, soon, and what the receiver had confirmed is known.

use std::sync::Arc;
use std::time::Duration;

use causeway_gridftp_wire::copy::{CopyPlan, News, copy, copy_many};
use causeway_gridftp_wire::data::{Progress, Ranges};
use causeway_gridftp_wire::{Endpoint, Error, ErrorKind, Options, Session};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

const SIZE: u64 = 5000;

/// Logs anybody in, agrees to everything, and answers `STOR` and `RETR` with the script.
async fn double(script: &'static str) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        serve(BufReader::new(socket), script).await;
    });
    Endpoint::anonymous("127.0.0.1", port)
}

async fn serve(mut control: BufReader<TcpStream>, script: &str) {
    let mut answer = "220 ready.\r\n";
    let mut line = String::new();
    loop {
        // The client may have left already: that is what is tested.
        drop(control.get_mut().write_all(answer.as_bytes()).await);
        line.clear();
        if !matches!(control.read_line(&mut line).await, Ok(1..)) {
            return;
        }
        answer = match line.split_whitespace().next().unwrap_or_default() {
            "USER" => "331 Password required.\r\n",
            "PASS" => "230 Logged in.\r\n",
            "FEAT" => "211-Extensions\r\n MLSC\r\n211 End.\r\n",
            "PASV" => "227 Entering Passive Mode (127,0,0,1,9,9)\r\n",
            "STOR" | "RETR" => script,
            "ABOR" => "226 Abort successful.\r\n",
            _ => "200 yes.\r\n",
        };
    }
}

fn options() -> Arc<Options> {
    Arc::new(Options {
        reply: Duration::from_secs(5),
        stall: Duration::from_millis(500),
        ..Options::default()
    })
}

/// Why a copy between two such servers failed, and what was confirmed.
async fn failure(source: &'static str, destination: &'static str) -> (Error, Ranges) {
    let mut from = Session::open(&double(source).await, options())
        .await
        .unwrap();
    let mut to = Session::open(&double(destination).await, options())
        .await
        .unwrap();
    let plan = CopyPlan {
        source: "/a".to_owned(),
        destination: "/b".to_owned(),
        size: Some(SIZE),
        ..CopyPlan::default()
    };
    let mut progress = Progress::new(plan.size);
    let mut ignore = |_: News<'_>| {};
    let copying = copy(&mut from, &mut to, &plan, &mut progress, &mut ignore);
    let copied = tokio::time::timeout(Duration::from_secs(30), copying).await;
    let error = copied.expect("no hang").expect_err("no success");
    (error, progress.safe().clone())
}

const DONE: &str = "150 go.\r\n226 done.\r\n";

#[tokio::test]
async fn a_success_of_one_side_is_none() {
    let (error, _) = failure(DONE, "150 go.\r\n452 No space left on device\r\n").await;
    assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
    let (error, _) = failure("550 /a: No such file\r\n", DONE).await;
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let (error, _) = failure(DONE, "150 go.\r\n").await;
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
}

#[tokio::test]
async fn the_side_that_knows_is_believed() {
    let source = "150 go.\r\n426 Data connection closed.\r\n";
    let (error, _) = failure(source, "150 go.\r\n550 /b: Permission denied\r\n").await;
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
}

#[tokio::test]
async fn what_was_confirmed_before_it_broke_is_known() {
    let broken =
        "150 go.\r\n111 Range Marker 0-1000\r\n111 Range Marker 2000-3000\r\n426 gone.\r\n";
    let (error, safe) = failure("150 go.\r\n", broken).await;
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    assert_eq!(safe.to_string(), "0-1000,2000-3000");
    // Also what is only said after the other side broke.
    let late = "150 go.\r\n111 Range Marker 0-1000\r\n426 gone.\r\n";
    let (error, safe) = failure("150 go.\r\n426 gone.\r\n", late).await;
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    assert_eq!(safe.to_string(), "0-1000");
}

#[tokio::test]
async fn markers_that_cannot_be_are_refused() {
    for lie in [
        "150 go.\r\n111 Range Marker 0-5001\r\n226 done.\r\n",
        "150 go.\r\n111 Range Marker 9-1\r\n226 done.\r\n",
        "150 go.\r\n112-Perf Marker\r\n Stripe Index: 0\r\n Stripe Bytes Transferred: 6000\r\n Total Stripe Count: 1\r\n112 End.\r\n226 done.\r\n",
        "150 go.\r\nnonsense\r\n226 done.\r\n",
        "99 too small\r\n",
    ] {
        let (error, _) = failure(DONE, lie).await;
        assert_eq!(error.kind(), ErrorKind::Protocol, "{lie}: {error}");
    }
}

#[tokio::test]
async fn silence_and_markers_without_progress_end() {
    for silence in ["", "150 go.\r\n", "150 go.\r\n111 Range Marker 0-10\r\n"] {
        let (error, _) = failure("150 go.\r\n", silence).await;
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{silence}: {error}");
    }
}

#[tokio::test]
async fn a_reply_without_end_is_cut_off() {
    let endless: &'static str = Box::leak("x".repeat(4 << 20).into_boxed_str());
    let (error, _) = failure(DONE, endless).await;
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    let lines: &'static str =
        Box::leak(format!("150-{}", "more\r\n".repeat(400_000)).into_boxed_str());
    let (error, _) = failure(DONE, lines).await;
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
}

#[tokio::test]
async fn a_run_of_files_tells_which_one_failed() {
    let from = double(DONE).await;
    let to = double("150 go.\r\n550 /b: Permission denied\r\n").await;
    let mut from = Session::open(&from, options()).await.unwrap();
    let mut to = Session::open(&to, options()).await.unwrap();
    let plans = vec![CopyPlan::default(), CopyPlan::default()];
    let broken = copy_many(&mut from, &mut to, &plans, &mut |_, _| {})
        .await
        .unwrap_err();
    assert_eq!((broken.complete, broken.failed), (0, 0));
    assert_eq!(broken.error.kind(), ErrorKind::Denied);
}

/// How a run of two files went by what the receiver said: which it began, and what it told of the complete ones.
async fn heard(source: &'static str, destination: &'static str) -> (Vec<usize>, Vec<Option<u64>>) {
    let (from, to) = (double(source).await, double(destination).await);
    let mut from = Session::open(&from, options()).await.unwrap();
    let mut to = Session::open(&to, options()).await.unwrap();
    let plans = vec![CopyPlan::default(), CopyPlan::default()];
    let (mut begun, mut told) = (Vec::new(), Vec::new());
    let mut hear = |number, news: News<'_>| match news {
        News::Begun => begun.push(number),
        News::Complete(bytes) => told.push(bytes),
        News::Asked | News::Refused | News::Marker(_) => {}
    };
    // How it ended is in what was heard.
    drop(copy_many(&mut from, &mut to, &plans, &mut hear).await);
    (begun, told)
}

fn marker(stripe: u32, stripes: u32, bytes: u64) -> String {
    format!(
        "112-Perf Marker\r\n Stripe Index: {stripe}\r\n Stripe Bytes Transferred: {bytes}\r\n Total Stripe Count: {stripes}\r\n112 End.\r\n"
    )
}

#[tokio::test]
async fn a_size_is_told_by_markers_that_agree_and_by_nothing_else() {
    let (zero, all) = (marker(0, 1, 0), marker(0, 1, 10_240));
    let cases = [
        (
            format!("{zero}{all}111 Range Marker 0-10240\r\n"),
            Some(10_240),
        ),
        (format!("{zero}{all}"), Some(10_240)),
        (zero.clone(), Some(0)),
        (format!("{}{}", marker(0, 2, 3), marker(1, 2, 4)), Some(7)),
        (String::new(), None),
        ("111 Range Marker 0-10240\r\n".to_owned(), None),
        (marker(0, 2, 10_240), None),
        (format!("{all}111 Range Marker 0-5,10-10240\r\n"), None),
        (format!("{all}111 Range Marker 1-10241\r\n"), None),
        (format!("{all}{zero}"), None),
        (format!("{all}111 nonsense\r\n"), None),
    ];
    for (said, expected) in cases {
        let script: &'static str = Box::leak(format!("150 go.\r\n{said}226 done.\r\n").into());
        let (begun, told) = heard(DONE, script).await;
        assert_eq!(begun, [0, 1], "{said}");
        // What one file was told of does not count for the next.
        assert_eq!(told, [expected, expected], "{said}");
    }
}

#[tokio::test]
async fn a_file_has_begun_when_the_receiver_said_so() {
    let refused = "550 /b: Permission denied\r\n";
    assert_eq!(heard(DONE, refused).await.0, [0; 0]);
    assert_eq!(heard(DONE, "").await.0, [0; 0]);
    // Also what is only said after the other side has failed.
    let missing = "550 /a: No such file\r\n";
    assert_eq!(heard(missing, "150 go.\r\n").await.0, [0]);
    assert_eq!(heard(missing, refused).await.0, [0; 0]);
}
