//! The client against a small VOMS server over TLS. The programs people use talk to that server,
//! too, so that it is known to be one.

mod server;

use std::process::{Command, Stdio};

use causeway_identity::pki;
use causeway_identity::voms::parse_commands;
use rustls::pki_types::UnixTime;
use tokio::net::TcpListener;

use self::server::{CA, FQANS, Manner, SERVER, Server, verifier};
use super::*;

fn commands(commands: &[&str]) -> Vec<VomsRequest> {
    let commands: Vec<String> = commands.iter().map(|it| (*it).to_owned()).collect();
    parse_commands(&commands).unwrap()
}

/// From the list of servers to a proxy with attributes, as the delegation route does it.
#[tokio::test]
async fn attributes_are_had_in_the_users_name() {
    let server = Server::start(&["localhost"]).await;
    let client = server.client("/CN=whoever");
    let proxy = server.proxy();
    let requests = commands(&["alias", "alias:/testvo/Role=production"]);
    let answers = client.attributes(&proxy, &requests, 3600).await.unwrap();
    assert_eq!(answers[0].vo, "testvo");
    assert_eq!(
        *server.asked.lock().unwrap(),
        ["/generate-ac?fqans=/testvo,/testvo/Role=production&lifetime=3600"]
    );
    let answers: Vec<_> = answers
        .into_iter()
        .map(|it| (it.vo, it.certificate))
        .collect();
    let extended =
        causeway_identity::delegation::extend(&proxy, &answers, &client.verifier, UnixTime::now())
            .unwrap();
    assert_eq!(extended.voms_attrs, FQANS.join(" "));
}

/// By host name, or by the DN of the list; by nothing else, and only with a good certificate.
#[tokio::test]
async fn the_server_is_who_the_list_says() {
    let server = Server::start(&["voms.example.org"]).await;
    let proxy = server.proxy();
    let requests = commands(&["testvo"]);
    let good = server
        .client(SERVER)
        .attributes(&proxy, &requests, 60)
        .await;
    assert_eq!(good.unwrap().len(), 1);
    for dn in ["/DC=ch/CN=other", ""] {
        let error = server
            .client(dn)
            .attributes(&proxy, &requests, 60)
            .await
            .unwrap_err();
        let expected = format!("VOMS server localhost:{} of testvo: ", server.port);
        assert!(error.starts_with(&expected), "{error}");
        assert!(error.contains("certificate"), "{error}");
    }
    let client = server.client(SERVER);
    std::fs::remove_dir_all(server.path("certificates")).unwrap();
    std::fs::create_dir(server.path("certificates")).unwrap();
    let distrustful = VomsClient::new(client.vomses, verifier(server.dir.path()));
    let error = distrustful
        .attributes(&proxy, &requests, 60)
        .await
        .unwrap_err();
    assert!(error.contains("UnknownIssuer"), "{error}");
}

#[tokio::test]
async fn what_servers_say_and_do_not_say_is_told() {
    let server = Server::start(&["localhost"]).await;
    let client = server.client("");
    let proxy = server.proxy();
    let error = "<voms><error><code>NoSuchUser</code><message>User unknown to this VO.</message></error></voms>";
    for (manner, expected) in [
        (
            Manner::Says(403, error.to_owned()),
            "User unknown to this VO.",
        ),
        (
            Manner::Says(404, "<html/>".to_owned()),
            "it answered 404 Not Found",
        ),
        (
            Manner::Says(200, "<voms/>".to_owned()),
            "it holds no attributes",
        ),
        (
            Manner::Says(200, "x".repeat(2 << 20)),
            "its answer is too long",
        ),
        (Manner::HangsUp, "connection"),
    ] {
        server.behave(manner);
        let told = client
            .attributes(&proxy, &commands(&["testvo"]), 60)
            .await
            .unwrap_err();
        assert!(told.contains(expected), "{told}");
    }
    let unknown = client.attributes(&proxy, &commands(&["atlas"]), 60).await;
    assert_eq!(unknown.unwrap_err(), "No VOMS server is known for atlas");
    let nowhere = VomsClient::new(server.path("nowhere"), verifier(server.dir.path()));
    let told = nowhere
        .attributes(&proxy, &commands(&["testvo"]), 60)
        .await
        .unwrap_err();
    assert!(told.starts_with("read the list of voms servers"), "{told}");
}

/// The second server of a VO answers when the first cannot.
#[tokio::test]
async fn every_server_of_the_vo_is_tried() {
    let server = Server::start(&["localhost"]).await;
    let client = server.client("");
    let own = std::fs::read_to_string(server.path("vomses")).unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = gone.local_addr().unwrap().port();
    drop(gone);
    server.write(
        "vomses",
        &format!("\"a\" \"localhost\" \"{port}\" \"\" \"testvo\"\n{own}"),
    );
    let answers = client
        .attributes(&server.proxy(), &commands(&["testvo"]), 60)
        .await;
    assert_eq!(answers.unwrap().len(), 1);
    server.behave(Manner::HangsUp);
    let told = client
        .attributes(&server.proxy(), &commands(&["testvo"]), 60)
        .await
        .unwrap_err();
    assert_eq!(told.matches("VOMS server localhost:").count(), 2, "{told}");
}

/// `voms-proxy-init` gets attributes from this very server, and `voms-proxy-info` believes them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_programs_people_use_talk_to_this_server() {
    let server = Server::start(&["localhost"]).await;
    server.client(SERVER);
    let person = server.person();
    server.write("user.pem", &pki::chain_to_pem(person.chain()));
    server.write("user.key", person.key_pem().expose());
    server.write(".rnd", &"seed".repeat(256));
    server.write("vomsdir/testvo/localhost.lsc", &format!("{SERVER}\n{CA}\n"));
    let run = |words: &str| {
        let dir = server.dir.path().display();
        let words = words.replace("DIR", &dir.to_string());
        let mut words = words.split_whitespace();
        let output = Command::new(words.next().unwrap())
            .args(words)
            .current_dir(server.dir.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", server.dir.path())
            .env("X509_CERT_DIR", server.path("certificates"))
            .env("X509_VOMS_DIR", server.path("vomsdir"))
            .stdin(Stdio::null())
            .output()
            .expect("run tests/install.sh: the VOMS programs are missing");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(output.status.success(), "{text}");
        text
    };
    let made = tokio::task::block_in_place(|| {
        run(
            "voms-proxy-init -rfc -bits 2048 -cert user.pem -key user.key -out proxy.pem \
             -certdir DIR/certificates -vomses DIR/vomses -voms alias",
        )
    });
    assert!(made.contains("testvo"), "{made}");
    let shown = run("voms-proxy-info -all -file proxy.pem");
    for fqan in FQANS {
        assert!(shown.contains(&format!("attribute : {fqan}")), "{shown}");
    }
    let asked = server.asked.lock().unwrap().clone();
    assert!(
        asked[0].starts_with("/generate-ac?fqans=/testvo"),
        "{asked:?}"
    );
}
