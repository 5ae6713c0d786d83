//! Against Azurite: who may, and how that is shown: keys, signatures, variables, links.

mod support;

use causeway_sdk::{Access, Credential, Ctx, ErrorKind, Page, Storage, TurlRequest};
use support::lab::Server;
use support::*;

fn config(server: &Server) -> String {
    format!(
        r#"{{{},"azure":{{"endpoint":"{}"}},"attempts":2}}"#,
        server.trust(),
        server.key("ENDPOINT")
    )
}

fn owner(server: &Server) -> Ctx {
    with(keys(server.key("ACCOUNT"), server.key("KEY")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn azurite_lets_in_who_may() {
    let server = Server::start("azurite");
    signatures(&server).await;
    variables(&server).await;
    links(&server).await;
}

async fn signatures(server: &Server) {
    let (storage, log) = storage_with_log(&config(server));
    let at = server.url("/signed");
    for given in [bearer(server.key("SAS")), keys(server.key("SAS"), "")] {
        let cx = with(given);
        write(&storage, &cx, &at, b"by signature").await.unwrap();
        assert_eq!(read(&storage, &cx, &at).await.unwrap(), b"by signature");
        storage
            .list(&cx, &server.url("/"), Page::default())
            .await
            .unwrap();
        storage
            .rename(&cx, &at, &server.url("/moved"), true)
            .await
            .unwrap();
    }
    let at = server.url("/moved");
    let of = |name: &str| server.key(name).split("sig=").nth(1).unwrap().to_owned();
    // "wrong canary key", in Base64.
    let wrong_key = "d3JvbmcgY2FuYXJ5IGtleQ==";
    for (given, secret) in [
        (bearer(server.key("SAS_READ")), of("SAS_READ")),
        (bearer(server.key("SAS_EXPIRED")), of("SAS_EXPIRED")),
        (keys("a", wrong_key), wrong_key.to_owned()),
        (Credential::None, "nothing to see".to_owned()),
    ] {
        let error = write(&storage, &with(given), &at, b"x").await.unwrap_err();
        // Azurite says the same whatever is wrong with a signature.
        let kinds = [
            ErrorKind::AuthExpired,
            ErrorKind::AuthRequired,
            ErrorKind::Denied,
        ];
        assert!(kinds.contains(&error.kind()), "{error:?}");
        let json = serde_json::to_string(&error).unwrap();
        let said = format!("{error:?} {json} {}", log.lock().unwrap());
        assert!(!said.contains(&secret), "{said}");
    }
    let cx = with(bearer(server.key("SAS_READ")));
    assert_eq!(read(&storage, &cx, &at).await.unwrap(), b"by signature");
}

async fn variables(server: &Server) {
    let line = format!(
        "AccountName={0};AccountKey={1};BlobEndpoint={2}/{0};",
        server.key("ACCOUNT"),
        server.key("KEY"),
        server.key("ENDPOINT")
    );
    let config = format!(r#"{{{},"environment_credentials":true}}"#, server.trust());
    let get = |name: &str| (name == "AZURE_STORAGE_CONNECTION_STRING").then(|| line.clone());
    let storage = storage_in(&config, get);
    let (cx, at) = (Ctx::new("t"), server.url("/moved"));
    assert_eq!(read(&storage, &cx, &at).await.unwrap(), b"by signature");
    // Its key is for its own account.
    let other = storage
        .stat(&cx, &url("azure://otheraccount/lab/moved"))
        .await;
    assert!(matches!(
        kind(other),
        ErrorKind::AuthRequired | ErrorKind::NotFound | ErrorKind::Invalid
    ));
}

async fn links(server: &Server) {
    let (storage, at) = (storage(&config(server)), server.url("/links/a%20b"));
    let (cx, data) = (owner(server), pattern(1000));
    write(&storage, &cx, &at, &data).await.unwrap();
    let wanted = TurlRequest {
        access: Access::Read,
        schemes: vec!["davs".into(), "https".into()],
        size: None,
        overwrite: false,
    };
    let turl = storage.resolve(&cx, &at, wanted.clone()).await.unwrap();
    assert_eq!(turl.url.scheme(), "davs");
    let link = turl.url.as_str().replacen("davs", "https", 1);
    let ca = format!("{}/ca.pem", server.key("PKI"));
    assert!(fetched(&link, Some(&ca)).await == data);
    // A signature is no key: what it lets others do is not this one's to give on.
    let signed = with(bearer(server.key("SAS")));
    let outcome = storage.resolve(&signed, &at, wanted).await;
    assert_eq!(kind(outcome), ErrorKind::Unsupported);
}
