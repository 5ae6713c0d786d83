//! A copy between two servers in the names of two users: each server is told whom to expect at the
//! other end of the data connection (`DCAU S`).

mod support;

use std::sync::Arc;

use causeway_gridftp_wire::copy::{CopyPlan, copy};
use causeway_gridftp_wire::data::{Dcau, Progress, Protection};
use causeway_gridftp_wire::{Endpoint, Options, Result, Session};
use support::Server;

const ALICE: &str = "/DC=test/DC=lab/CN=Alice Tester";
const BOB: &str = "/DC=test/DC=lab/CN=Bob Outsider";

/// A server that knows Bob as well.
fn server() -> Server {
    Server::start_with("gridftp", &[("CAUSEWAY_LAB_ALSO_MAPPED", BOB)])
}

async fn session(server: &Server, who: &str, dcau: Dcau, protection: Protection) -> Session {
    let options = Options {
        dcau,
        protection,
        ..Options::default()
    };
    let endpoint: Endpoint = server.endpoint(server.credential(who));
    Session::open(&endpoint, Arc::new(options)).await.unwrap()
}

async fn run(from: &mut Session, to: &mut Session, source: &str, destination: &str) -> Result<()> {
    let plan = CopyPlan {
        source: source.to_owned(),
        destination: destination.to_owned(),
        streams: 2,
        ..CopyPlan::default()
    };
    let mut progress = Progress::new(None);
    copy(from, to, &plan, &mut progress, &mut |_| {}).await
}

#[tokio::test]
async fn each_server_is_told_the_subject_of_the_other_user() {
    let (one, other) = (server(), server());
    let bytes: Vec<u8> = (0..700_000_u32).map(|it| (it % 251) as u8).collect();
    std::fs::write(one.path("a"), &bytes).unwrap();
    for protection in [Protection::Clear, Protection::Private] {
        let mut from = session(&one, "alice.proxy", Dcau::SelfIdentity, protection).await;
        let mut to = session(&other, "bob.proxy", Dcau::SelfIdentity, protection).await;
        run(&mut from, &mut to, &one.path("a"), &other.path("b"))
            .await
            .unwrap_or_else(|why| panic!("{protection:?}: {why}"));
        assert!(std::fs::read(other.path("b")).unwrap() == bytes);
        std::fs::remove_file(other.path("b")).unwrap();
        from.quit().await;
        to.quit().await;
    }
    for (server, whom) in [(&one, BOB), (&other, ALICE)] {
        let told = format!("[CLIENT]: DCAU S {whom}");
        let log = server.log_with("LOG", &told).await;
        assert_eq!(log.matches(&told).count(), 2, "{log}");
    }
}

/// The name counts: with that of somebody else the servers do not get together.
#[tokio::test]
async fn a_server_refuses_whom_it_was_not_told_of() {
    let (one, other) = (server(), server());
    let nobody = Dcau::Subject("/DC=test/DC=lab/CN=Nobody".to_owned());
    let mut from = session(&one, "alice.proxy", nobody, Protection::Clear).await;
    let alice = Dcau::Subject(ALICE.to_owned());
    let mut to = session(&other, "bob.proxy", alice, Protection::Clear).await;
    let refused = run(&mut from, &mut to, &one.path("file"), &other.path("b")).await;
    let why = refused.unwrap_err().to_string();
    assert!(why.contains("CN=Bob Outsider"), "{why}");
    assert!(why.contains("CN=Nobody) do not match"), "{why}");
}
