//! Copies between two real servers: the bytes go from one to the other.

mod support;

use causeway_gridftp_wire::copy::{CopyPlan, News, Part, copy, copy_many};
use causeway_gridftp_wire::data::{Dcau, Progress, Protection, Ranges};
use causeway_gridftp_wire::{ErrorKind, Options, Session};
use support::Server;

fn payload(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect()
}

fn plan(source: String, destination: String) -> CopyPlan {
    CopyPlan {
        source,
        destination,
        streams: 4,
        ..CopyPlan::default()
    }
}

async fn run(
    source: &mut Session,
    destination: &mut Session,
    plan: &CopyPlan,
) -> causeway_gridftp_wire::Result<u64> {
    let mut progress = Progress::new(plan.size);
    copy(source, destination, plan, &mut progress, &mut |_| {}).await?;
    Ok(progress.bytes())
}

#[tokio::test]
async fn a_file_goes_from_one_server_to_the_other() {
    let (one, other) = (Server::start("gridftp"), Server::start("gridftp"));
    let bytes = payload(3_000_001);
    std::fs::write(one.path("a"), &bytes).unwrap();
    let (mut from, mut to) = (one.session().await, other.session().await);
    let moved = run(&mut from, &mut to, &plan(one.path("a"), other.path("b")))
        .await
        .unwrap();
    assert_eq!(moved, bytes.len() as u64);
    assert!(std::fs::read(other.path("b")).unwrap() == bytes);
    assert!(from.is_idle() && to.is_idle());
}

#[tokio::test]
async fn many_files_go_over_the_same_data_connections() {
    let (one, other) = (Server::start("gridftp"), Server::start("gridftp"));
    let (mut from, mut to) = (one.session().await, other.session().await);
    for number in 0..20_usize {
        let bytes = payload(number * 5000);
        std::fs::write(one.path("a"), &bytes).unwrap();
        let to_name = other.path(&format!("b{number}"));
        run(&mut from, &mut to, &plan(one.path("a"), to_name.clone()))
            .await
            .unwrap();
        assert!(std::fs::read(to_name).unwrap() == bytes, "{number}");
    }
    to.quit().await;
    let log = other.log_with("LOG", "226").await;
    assert_eq!(log.matches("227 Entering").count(), 1, "{log}");
    assert!(log.contains("reusing existing data connection"), "{log}");
}

#[tokio::test]
async fn both_ends_of_data_connections_show_the_delegated_credential() {
    let (one, other) = (Server::start("gridftp"), Server::start("gridftp"));
    let bytes = payload(700_000);
    std::fs::write(one.path("a"), &bytes).unwrap();
    for protection in [Protection::Clear, Protection::Private] {
        let options = || Options {
            dcau: Dcau::SelfIdentity,
            protection,
            ..Options::default()
        };
        let (mut from, mut to) = (
            one.session_with(options()).await,
            other.session_with(options()).await,
        );
        for name in ["b", "c"] {
            run(&mut from, &mut to, &plan(one.path("a"), other.path(name)))
                .await
                .unwrap();
            assert!(std::fs::read(other.path(name)).unwrap() == bytes);
            std::fs::remove_file(other.path(name)).unwrap();
        }
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_by_the_side_that_knows() {
    let (one, other) = (Server::start("gridftp"), Server::start("gridftp"));
    let (mut from, mut to) = (one.session().await, other.session().await);
    let missing = run(&mut from, &mut to, &plan(one.path("none"), other.path("b")))
        .await
        .unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound, "{missing}");
    assert!(missing.to_string().contains("source"), "{missing}");

    let (mut from, mut to) = (one.session().await, other.session().await);
    let nowhere = run(
        &mut from,
        &mut to,
        &plan(one.path("file"), other.path("no/b")),
    )
    .await
    .unwrap_err();
    assert_eq!(nowhere.kind(), ErrorKind::NotFound, "{nowhere}");
    assert!(nowhere.to_string().contains("destination"), "{nowhere}");
}

#[tokio::test]
async fn commands_of_many_files_are_sent_ahead() {
    let (one, other) = (Server::start("gridftp"), Server::start("gridftp"));
    let (mut from, mut to) = (one.session().await, other.session().await);
    let name = |number: usize| format!("file{number}");
    let plans: Vec<CopyPlan> = (0..60)
        .map(|number| {
            std::fs::write(one.path(&name(number)), payload(number * 700)).unwrap();
            plan(one.path(&name(number)), other.path(&name(number)))
        })
        .collect();
    let mut heard = Vec::new();
    let mut begun = Vec::new();
    let mut hear = |number, news: News<'_>| match news {
        News::Begun => begun.push(number),
        News::Complete(told) => heard.push((number, told)),
        News::Asked | News::Refused | News::Marker(_) => {}
    };
    copy_many(&mut from, &mut to, &plans, &mut hear)
        .await
        .unwrap();
    // The receiver told each size unasked, that of the empty file, too.
    let sizes = (0..60).map(|number| (number, Some(number as u64 * 700)));
    assert_eq!(heard, sizes.collect::<Vec<_>>());
    assert_eq!(begun, (0..60).collect::<Vec<_>>());
    assert!(from.is_idle() && to.is_idle());
    for number in 0..60 {
        assert!(
            std::fs::read(other.path(&name(number))).unwrap() == payload(number * 700),
            "{number}"
        );
    }
    // And once more, with one that is not there.
    std::fs::remove_file(one.path(&name(20))).unwrap();
    let broken = copy_many(&mut from, &mut to, &plans, &mut |_, _| {})
        .await
        .unwrap_err();
    assert_eq!(
        (broken.failed, broken.error.kind()),
        (20, ErrorKind::NotFound),
        "{broken:?}"
    );
    assert!(broken.complete <= 20, "{broken:?}");
    assert!(!from.is_idle() || !to.is_idle());
}

#[tokio::test]
async fn a_copy_is_taken_up_where_the_markers_ended() {
    let (one, other) = (Server::start("gridftp"), Server::start("gridftp"));
    let bytes = payload(3_000_000);
    std::fs::write(one.path("a"), &bytes).unwrap();
    // What is there already is marked, to see that it is not sent again.
    let mut there = bytes.clone();
    there[..1_000_000].fill(b'x');
    there[1_000_000..].fill(0);
    there[2_000_000..2_500_000].fill(b'y');
    std::fs::write(other.path("b"), &there).unwrap();
    let (mut from, mut to) = (one.session().await, other.session().await);
    let mut plan = plan(one.path("a"), other.path("b"));
    plan.done = Ranges::of(0..1_000_000);
    plan.done.insert(2_000_000..2_500_000).unwrap();
    plan.size = Some(3_000_000);
    run(&mut from, &mut to, &plan).await.unwrap();
    let got = std::fs::read(other.path("b")).unwrap();
    let mut expected = bytes;
    expected[..1_000_000].fill(b'x');
    expected[2_000_000..2_500_000].fill(b'y');
    assert!(got == expected);
}

#[tokio::test]
async fn a_part_of_a_file_goes_to_the_same_place() {
    let (one, other) = (Server::start("gridftp"), Server::start("gridftp"));
    let bytes = payload(100_000);
    std::fs::write(one.path("a"), &bytes).unwrap();
    std::fs::write(other.path("b"), vec![0; 100_000]).unwrap();
    let (mut from, mut to) = (one.session().await, other.session().await);
    let mut plan = plan(one.path("a"), other.path("b"));
    plan.part = Some(Part {
        offset: 30_000,
        length: 50_000,
    });
    run(&mut from, &mut to, &plan).await.unwrap();
    let got = std::fs::read(other.path("b")).unwrap();
    assert!(got[30_000..80_000] == bytes[30_000..80_000]);
    assert!(
        got[..30_000]
            .iter()
            .chain(&got[80_000..])
            .all(|it| *it == 0)
    );
}

#[tokio::test]
async fn stripes_take_part_at_either_end() {
    let plain = Server::start("gridftp");
    let (one, other) = (
        Server::start("gridftp-striped"),
        Server::start("gridftp-striped"),
    );
    let bytes = payload(3_000_001);
    std::fs::write(plain.path("a"), &bytes).unwrap();
    for dcau in [Dcau::None, Dcau::SelfIdentity] {
        let options = || Options {
            dcau: dcau.clone(),
            ..Options::default()
        };
        let mut ends = [
            (plain.session_with(options()).await, plain.path("a")),
            (one.session_with(options()).await, one.path("b")),
            (other.session_with(options()).await, other.path("c")),
            (plain.session_with(options()).await, plain.path("d")),
        ];
        for number in 1..ends.len() {
            let (before, after) = ends.split_at_mut(number);
            let (from, source) = before.last_mut().unwrap();
            let (to, destination) = &mut after[0];
            let mut plan = plan(source.clone(), destination.clone());
            plan.striped = true;
            run(from, to, &plan).await.unwrap();
            assert!(std::fs::read(destination).unwrap() == bytes, "{plan:?}");
        }
        for path in [one.path("b"), other.path("c"), plain.path("d")] {
            std::fs::remove_file(path).unwrap();
        }
    }
    let log = other.log_with("TRANSFERS", "STRIPES=2").await;
    assert!(log.contains("STRIPES=2"), "{log}");
}

#[tokio::test]
async fn sizes_of_buffers_are_told_to_both_servers() {
    const SIZE: u32 = 1 << 20;
    let (one, other) = (Server::start("gridftp"), Server::start("gridftp"));
    std::fs::write(one.path("a"), payload(100_000)).unwrap();
    let (mut from, mut to) = (one.session().await, other.session().await);
    let mut plan = plan(one.path("a"), other.path("b"));
    plan.buffer = Some(SIZE);
    run(&mut from, &mut to, &plan).await.unwrap();
    from.quit().await;
    to.quit().await;
    for server in [&one, &other] {
        // The log of a session is written when it ends.
        let log = server.log_with("LOG", "221").await;
        let (_, after) = log.split_once(&format!("[CLIENT]: SBUF {SIZE}")).unwrap();
        let answer = after.split_once("[SERVER]: ").unwrap().1;
        assert!(answer.starts_with("200"), "{log}");
        // The kernel makes it twice as large.
        let buffers = server.log_with("TRANSFERS", "BUFFER=").await;
        let used = buffers.split_once("BUFFER=").unwrap().1;
        let used = used.split_whitespace().next().unwrap();
        assert!(used.parse::<u32>().unwrap() >= SIZE, "{buffers}");
    }
}
