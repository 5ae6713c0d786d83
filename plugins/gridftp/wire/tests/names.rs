//! Names on a real server: directories, listings both ways, renaming, checksums, errors.

mod support;

use causeway_gridftp_wire::facts::Kind;
use causeway_gridftp_wire::{Endpoint, ErrorKind, Facts, Pool, PoolLimits, Session};
use support::Server;

async fn listed(session: &mut Session, path: &str) -> Vec<String> {
    let mut listing = session.list(path).await.unwrap();
    let mut names = Vec::new();
    while let Some(facts) = listing.next(session).await.unwrap() {
        names.push(facts.name);
    }
    names.sort();
    names
}

fn names(facts: &[Facts]) -> Vec<String> {
    let mut names: Vec<String> = facts.iter().map(|it| it.name.clone()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn several_names_are_looked_up_in_one_go() {
    let server = Server::start("gridftp");
    let mut session = server.session().await;
    let (file, none, top) = (server.path("file"), server.path("none"), server.path(""));
    let paths = [file.as_str(), &none, &top, &file];
    let answers = session.stat_each(&paths).await.unwrap();
    let [one, missing, dir, again] = answers.try_into().unwrap();
    assert_eq!(one.unwrap().size, Some(8));
    assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(dir.unwrap().kind, Kind::Directory);
    assert_eq!(again.unwrap().size, Some(8));
    assert!(session.is_idle());
    assert!(session.stat_each(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn directories_are_listed_both_ways() {
    let server = Server::start("gridftp");
    let mut session = server.session().await;
    let dir = server.path("dir");
    session.mkdir(&dir).await.unwrap();
    let mut expected: Vec<String> = (0..500).map(|it| format!("a name; {it} \u{eb}")).collect();
    expected.sort();
    for name in &expected {
        std::fs::write(format!("{dir}/{name}"), name).unwrap();
    }
    assert_eq!(listed(&mut session, &dir).await, expected);
    assert_eq!(names(&session.list_inside(&dir).await.unwrap()), expected);
    assert!(session.is_idle());
    let again = session.mkdir(&dir).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Exists, "{again}");
    let full = session.rmdir(&dir).await.unwrap_err();
    assert_eq!(full.kind(), ErrorKind::NotEmpty, "{full}");
    assert_eq!(session.stat(&dir).await.unwrap().kind, Kind::Directory);
    assert!(session.list_inside(&server.path("none")).await.is_err());
    // The server connects before it looks.
    let missing = match session.list(&server.path("none")).await {
        Ok(mut listing) => listing.next(&mut session).await.unwrap_err(),
        Err(why) => why,
    };
    assert_eq!(missing.kind(), ErrorKind::NotFound, "{missing}");
    assert!(session.is_idle());
}

#[tokio::test]
async fn files_are_renamed_removed_and_summed() {
    let server = Server::start("gridftp");
    let mut session = server.session().await;
    let (file, other) = (server.path("file"), server.path("other"));
    let sum = session.checksum(&file, "adler32", 0, None).await.unwrap();
    assert_eq!(sum, "0d300299");
    let unknown = session.checksum(&file, "crc32", 0, None).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::Unsupported, "{unknown}");
    session.chmod(&file, 0o600).await.unwrap();
    assert_eq!(session.stat(&file).await.unwrap().mode, Some(0o600));
    session.rename(&file, &other).await.unwrap();
    assert_eq!(session.size(&other).await.unwrap(), 8);
    assert!(session.modified(&other).await.unwrap() > 1_600_000_000);
    assert!(!session.stat_lines(&other).await.unwrap().is_empty());
    session.delete(&other).await.unwrap();
    for failure in [
        session.delete(&other).await.unwrap_err(),
        session.rename(&other, &file).await.unwrap_err(),
        session.rmdir(&other).await.unwrap_err(),
        session.stat(&other).await.unwrap_err(),
    ] {
        assert_eq!(failure.kind(), ErrorKind::NotFound, "{failure}");
    }
    let broken = session.delete("/a\r\nDELE /b").await.unwrap_err();
    assert_eq!(broken.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn sessions_are_used_again_unless_something_is_owed() {
    let server = Server::start("gridftp");
    let pool = Pool::new(Default::default(), PoolLimits::default());
    let endpoint = server.endpoint(server.voms());
    drop(pool.session(&endpoint).await.unwrap());
    assert_eq!(pool.idle_sessions(), 1);
    let mut session = pool.session(&endpoint).await.unwrap();
    assert_eq!(pool.idle_sessions(), 0);
    // Given up between command and reply.
    let file = server.path("file");
    tokio::select! {
        biased;
        _ = session.size(&file) => panic!("nothing answers that fast"),
        () = std::future::ready(()) => {}
    }
    drop(session);
    assert_eq!(pool.idle_sessions(), 0);
    // Another credential of the same person is another caller.
    drop(pool.session(&endpoint).await.unwrap());
    let plain = server.endpoint(server.credential("alice.proxy"));
    let _other = pool.session(&plain).await.unwrap();
    assert_eq!(pool.idle_sessions(), 1);
    // Features are asked for once, whoever comes.
    let log = server.log("LOG");
    assert_eq!(log.matches("[CLIENT]: TYPE I").count(), 3, "{log}");
    assert_eq!(log.matches("[CLIENT]: FEAT").count(), 1, "{log}");
}

#[tokio::test]
async fn small_things_of_many_share_few_sessions() {
    let server = Server::start("gridftp-clear");
    let pool = Pool::new(Default::default(), PoolLimits::default());
    let endpoint = Endpoint::anonymous("localhost", server.port());
    let file = server.path("file");
    let asking: Vec<_> = (0..50)
        .map(|_| {
            let (pool, endpoint, file) = (pool.clone(), endpoint.clone(), file.clone());
            tokio::spawn(async move {
                for _ in 0..10 {
                    let mut session = pool.brief(&endpoint).await.unwrap();
                    assert_eq!(session.size(&file).await.unwrap(), 8);
                }
            })
        })
        .collect();
    for it in asking {
        it.await.unwrap();
    }
    let log = server.log_with("LOG", "SIZE").await;
    let sessions = log.matches("New connection").count();
    assert!((1..50).contains(&sessions), "{sessions}");
    // Those that are out for long keep nobody waiting.
    let mut out = Vec::new();
    while pool.idle_sessions() > 0 {
        out.push(pool.session(&endpoint).await.unwrap());
    }
    assert!(pool.brief(&endpoint).await.unwrap().noop().await.is_ok());
}
