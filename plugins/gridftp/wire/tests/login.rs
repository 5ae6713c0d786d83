//! Logging in to a real server: what works, and what is refused and how.

mod support;

use std::sync::Arc;

use causeway_gridftp_wire::{
    Credential, Endpoint, ErrorKind, Options, PeerRule, Security, Session, Trust,
};
use support::Server;

async fn refused(endpoint: &Endpoint) -> causeway_gridftp_wire::Error {
    Session::open(endpoint, Arc::new(Options::default()))
        .await
        .unwrap_err()
}

fn with_peer(server: &Server, host: &str, peer: PeerRule) -> Endpoint {
    let security = Security::Gsi {
        credential: server.voms(),
        peer,
        delegate: None,
    };
    Endpoint::new(host, server.port(), security)
}

#[tokio::test]
async fn a_proxy_logs_in_delegates_and_asks_for_a_size() {
    let server = Server::start("gridftp");
    let mut session = server.session().await;
    assert_eq!(session.size(&server.path("file")).await.unwrap(), 8);
    let facts = session.stat(&server.path("file")).await.unwrap();
    assert_eq!((facts.size, facts.segment()), (Some(8), "file"));
    let missing = session.size(&server.path("nothing")).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound, "{missing}");
    assert!(session.is_idle());
    assert!(session.features().has("MLSC"), "{:?}", session.features());
    session.quit().await;
}

#[tokio::test]
async fn older_tls_goes_through_the_same_exchange() {
    let variables = [("GLOBUS_GSSAPI_MAX_TLS_PROTOCOL", "TLS1_2_VERSION")];
    let server = Server::start_with("gridftp", &variables);
    for delegate in [None, Some(3600)] {
        let security = Security::Gsi {
            credential: server.voms(),
            peer: PeerRule::Host("localhost".into()),
            delegate,
        };
        let endpoint = Endpoint::new("localhost", server.port(), security);
        let options = Arc::new(Options::default());
        let mut session = Session::open(&endpoint, options).await.unwrap();
        assert_eq!(session.tls_version(), Some("TLSv1_2"));
        assert_eq!(session.size(&server.path("file")).await.unwrap(), 8);
    }
    let current = Server::start("gridftp");
    let session = current.session().await;
    assert_eq!(session.tls_version(), Some("TLSv1_3"));
}

#[tokio::test]
async fn proxies_of_all_kinds_and_plain_certificates_are_taken() {
    let server = Server::start("gridftp");
    for name in [
        "alice.proxy",
        "alice.limited.proxy",
        "alice.second.proxy",
        "alice.bundle.pem",
    ] {
        let endpoint = server.endpoint(server.credential(name));
        let mut session = Session::open(&endpoint, Arc::new(Options::default()))
            .await
            .unwrap();
        assert_eq!(
            session.size(&server.path("file")).await.unwrap(),
            8,
            "{name}"
        );
        assert_eq!(
            endpoint.credential().unwrap().identity(),
            "/DC=test/DC=lab/CN=Alice Tester"
        );
    }
}

#[tokio::test]
async fn strangers_and_expired_proxies_are_refused_by_name() {
    let server = Server::start("gridftp");
    for (name, kind) in [
        ("bob.proxy", ErrorKind::NotMapped),
        ("mallory.proxy", ErrorKind::AuthRefused),
        ("alice.expired.proxy", ErrorKind::CredentialExpired),
    ] {
        let error = refused(&server.endpoint(server.credential(name))).await;
        assert_eq!(error.kind(), kind, "{name}: {error}");
    }
}

#[tokio::test]
async fn the_server_must_be_who_it_should_be() {
    let server = Server::start("gridftp");
    let host = |name: &str| PeerRule::Host(name.to_owned());
    let subject = |name: &str| PeerRule::Subject(name.to_owned());
    for (dialled, rule) in [
        ("localhost", host("localhost")),
        ("127.0.0.1", host("127.0.0.1")),
        ("127.0.0.1", host("localhost")),
        ("localhost", subject("/DC=test/DC=lab/CN=localhost")),
    ] {
        let endpoint = with_peer(&server, dialled, rule.clone());
        let opened = Session::open(&endpoint, Arc::new(Options::default())).await;
        assert!(opened.is_ok(), "{rule:?}: {opened:?}");
    }
    for rule in [
        host("se.example.org"),
        subject("/DC=test/DC=lab/CN=other"),
        PeerRule::SameIdentity,
    ] {
        let error = refused(&with_peer(&server, "localhost", rule.clone())).await;
        assert_eq!(error.kind(), ErrorKind::PeerUntrusted, "{rule:?}: {error}");
    }
    let other_ca = std::path::Path::new(server.key("PKI")).join("rogueca.pem");
    let pem = std::fs::read(server.key("VOMS_PROXY")).unwrap();
    let credential = Credential::from_pem(&pem, Trust::read(&[&other_ca]).unwrap()).unwrap();
    let error = refused(&server.endpoint(credential)).await;
    assert_eq!(error.kind(), ErrorKind::PeerUntrusted, "{error}");
}

#[tokio::test]
async fn servers_without_security_are_reached_in_clear() {
    let server = Server::start("gridftp-clear");
    let endpoint = Endpoint::anonymous("localhost", server.port());
    let mut session = Session::open(&endpoint, Arc::new(Options::default()))
        .await
        .unwrap();
    assert_eq!(session.size(&server.path("file")).await.unwrap(), 8);
    assert!(session.list(&server.path("")).await.is_ok());
    assert_eq!(session.tls_version(), None);
    // The other way round neither side speaks to the other.
    let error = refused(&server.endpoint(Server::start("gridftp").voms())).await;
    assert!(error.is_reply(), "{error}");
}
