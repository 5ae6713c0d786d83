//! Applications, codes and tokens: kept over a restart, given out once, not readable on disk.

use std::path::Path;
use std::sync::Arc;

use causeway_model::Timestamp;
use causeway_model::oauth::{
    OAuthApp, OAuthCode, OAuthStore, OAuthToken, OAuthUser, TokenHash, TokenId, TransferToken,
    TransferTokens,
};
use causeway_model::ports::CredentialVault;
use causeway_sdk::Secret;
use causeway_store::{EncryptedVault, MemoryTokens, OAuthRows};

const DN: &str = "/DC=org/DC=example/CN=A User";
const SECRET: &str = "the-secret-of-the-application";

fn open(dir: &Path) -> (EncryptedVault, OAuthRows) {
    let vault = EncryptedVault::open(&dir.join("vault"), &dir.join("vault.key")).unwrap();
    let rows = OAuthRows::open(&vault).unwrap();
    (vault, rows)
}

fn app(id: &str, name: &str) -> OAuthApp {
    OAuthApp {
        client_id: id.to_owned(),
        client_secret: Secret::new(SECRET),
        owner: DN.to_owned(),
        name: name.to_owned(),
        description: "d".to_owned(),
        website: "w".to_owned(),
        redirect_to: "r".to_owned(),
        scope: vec!["transfer".to_owned()],
    }
}

fn user() -> OAuthUser {
    OAuthUser {
        user_dn: DN.to_owned(),
        delegation_id: "d".to_owned(),
        voms_cred: vec!["/dteam".to_owned()],
    }
}

fn code(client_id: &str) -> OAuthCode {
    OAuthCode {
        client_id: client_id.to_owned(),
        user: user(),
        redirect_uri: "r".to_owned(),
        scope: vec!["transfer".to_owned()],
        expires: Timestamp(1000),
        challenge: None,
    }
}

fn token(client_id: &str, number: u8) -> OAuthToken {
    OAuthToken {
        client_id: client_id.to_owned(),
        user: user(),
        scope: vec!["transfer".to_owned()],
        expires: Timestamp(1000),
        refresh: refresh(number),
        refresh_expires: Timestamp(2000),
    }
}

fn hash(number: u8) -> TokenHash {
    TokenHash([number; 32])
}

fn refresh(number: u8) -> TokenHash {
    TokenHash([number ^ 0xff; 32])
}

async fn the_life_of_an_application(rows: &dyn OAuthStore) {
    assert!(rows.add_app(app("a", "one")).await.unwrap());
    assert!(
        !rows.add_app(app("b", "one")).await.unwrap(),
        "the name is taken"
    );
    assert!(
        !rows.add_app(app("a", "two")).await.unwrap(),
        "the id is taken"
    );
    assert!(rows.add_app(app("b", "two")).await.unwrap());
    assert_eq!(rows.apps_of(DN).await.unwrap().len(), 2);
    assert!(rows.apps_of("/CN=other").await.unwrap().is_empty());
    let mut changed = app("a", "one");
    changed.website = "elsewhere".to_owned();
    assert!(rows.change_app(changed.clone()).await.unwrap());
    assert!(!rows.change_app(app("c", "three")).await.unwrap());
    assert_eq!(rows.app("a").await.unwrap(), Some(changed));

    rows.put_code(hash(1), code("a"), Timestamp(0))
        .await
        .unwrap();
    assert_eq!(
        rows.take_code(hash(1), "b").await.unwrap(),
        None,
        "another's"
    );
    assert_eq!(rows.take_code(hash(1), "a").await.unwrap(), Some(code("a")));
    assert_eq!(rows.take_code(hash(1), "a").await.unwrap(), None, "once");

    for (number, client) in [(1, "a"), (2, "a"), (3, "b")] {
        let row = token(client, number);
        rows.put_token(hash(number), row, Timestamp(0))
            .await
            .unwrap();
    }
    assert_eq!(rows.token(hash(1)).await.unwrap(), Some(token("a", 1)));
    assert_eq!(rows.token(refresh(1)).await.unwrap(), None);
    assert_eq!(rows.tokens_of(DN).await.unwrap().len(), 3);
    assert_eq!(
        rows.take_refresh(refresh(1), "b").await.unwrap(),
        None,
        "another's"
    );
    assert_eq!(
        rows.take_refresh(hash(1), "a").await.unwrap(),
        None,
        "no refresh token"
    );
    assert_eq!(
        rows.take_refresh(refresh(1), "a").await.unwrap(),
        Some(token("a", 1))
    );
    assert_eq!(
        rows.take_refresh(refresh(1), "a").await.unwrap(),
        None,
        "once"
    );
    assert_eq!(rows.token(hash(1)).await.unwrap(), None);
    assert_eq!(rows.revoke("b", "/CN=other").await.unwrap(), 0);
    assert_eq!(rows.revoke("b", DN).await.unwrap(), 1);
    assert_eq!(rows.token(hash(3)).await.unwrap(), None);
    assert!(rows.delete_app("a").await.unwrap());
    assert!(!rows.delete_app("a").await.unwrap());
    assert_eq!(rows.token(hash(2)).await.unwrap(), None);
    assert!(rows.tokens_of(DN).await.unwrap().is_empty());
}

#[tokio::test]
async fn both_kinds_keep_and_forget_alike() {
    the_life_of_an_application(&OAuthRows::in_memory()).await;
    let dir = tempfile::tempdir().unwrap();
    the_life_of_an_application(&open(dir.path()).1).await;
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    {
        let (_vault, rows) = open(dir.path());
        rows.add_app(app("a", "one")).await.unwrap();
        rows.add_app(app("b", "two")).await.unwrap();
        rows.put_code(hash(1), code("a"), Timestamp(0))
            .await
            .unwrap();
        rows.put_token(hash(2), token("a", 2), Timestamp(0))
            .await
            .unwrap();
        rows.put_token(hash(3), token("b", 3), Timestamp(0))
            .await
            .unwrap();
        rows.delete_app("b").await.unwrap();
    }
    let (_vault, rows) = open(dir.path());
    assert_eq!(rows.app("a").await.unwrap(), Some(app("a", "one")));
    assert_eq!(rows.app("b").await.unwrap(), None);
    assert_eq!(rows.token(hash(2)).await.unwrap(), Some(token("a", 2)));
    assert_eq!(rows.token(hash(3)).await.unwrap(), None);
    assert_eq!(
        rows.take_refresh(refresh(2), "a").await.unwrap(),
        Some(token("a", 2))
    );
    assert_eq!(rows.take_code(hash(1), "a").await.unwrap(), Some(code("a")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_ask_at_the_same_time_one_gets_it() {
    let dir = tempfile::tempdir().unwrap();
    let rows = Arc::new(open(dir.path()).1);
    rows.put_code(hash(1), code("a"), Timestamp(0))
        .await
        .unwrap();
    rows.put_token(hash(2), token("a", 2), Timestamp(0))
        .await
        .unwrap();
    let mut asking = Vec::new();
    for _ in 0..20 {
        let rows = rows.clone();
        asking.push(tokio::spawn(async move {
            let code = rows.take_code(hash(1), "a").await.unwrap();
            let token = rows.take_refresh(refresh(2), "a").await.unwrap();
            (usize::from(code.is_some()), usize::from(token.is_some()))
        }));
    }
    let mut got = (0, 0);
    for one in asking {
        let (code, token) = one.await.unwrap();
        got = (got.0 + code, got.1 + token);
    }
    assert_eq!(got, (1, 1));
}

fn transfer_token(text: &str, end: i64) -> TransferToken {
    TransferToken {
        id: TokenId::of(text),
        access_token: Secret::new(text),
        expires: Timestamp(end),
        refresh_token: None,
        issuer: "https://issuer.example/".to_owned(),
        scope: "storage.read:/".to_owned(),
        audience: vec!["https://se.example".to_owned()],
    }
}

async fn tokens_of_transfers(tokens: &dyn TransferTokens) {
    let (one, other) = (transfer_token("one", 1000), transfer_token("other", 1000));
    tokens
        .add_tokens(vec![one.clone(), other.clone()])
        .await
        .unwrap();
    let renewed = TransferToken {
        access_token: Secret::new("newer"),
        refresh_token: Some(Secret::new("again")),
        expires: Timestamp(1500),
        ..one.clone()
    };
    tokens
        .renew_token(renewed.clone(), Timestamp(9000))
        .await
        .unwrap();
    // The same token in another submission takes nothing back.
    tokens.add_tokens(vec![one.clone()]).await.unwrap();
    assert_eq!(tokens.transfer_token(one.id).await.unwrap(), Some(renewed));
    assert_eq!(tokens.transfer_token(other.id).await.unwrap(), Some(other));
    assert_eq!(tokens.transfer_token(TokenId(1)).await.unwrap(), None);
}

#[tokio::test]
async fn tokens_of_transfers_are_kept_as_long_as_they_can_be_used() {
    tokens_of_transfers(&MemoryTokens::default()).await;
    let dir = tempfile::tempdir().unwrap();
    let (vault, _rows) = open(dir.path());
    tokens_of_transfers(&vault).await;
    assert_eq!(vault.delete_expired(Timestamp(1001)).await.unwrap(), 1);
    let of = |text: &str| vault.transfer_token(TokenId::of(text));
    assert!(of("other").await.unwrap().is_none());
    assert!(of("one").await.unwrap().is_some());
    assert_eq!(vault.delete_expired(Timestamp(9001)).await.unwrap(), 1);
    assert!(of("one").await.unwrap().is_none());
}

#[tokio::test]
async fn nothing_of_it_can_be_read_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    {
        let (vault, rows) = open(dir.path());
        rows.add_app(app("a", "one")).await.unwrap();
        rows.put_token(hash(2), token("a", 2), Timestamp(0))
            .await
            .unwrap();
        let text = "the-token-of-a-transfer";
        vault
            .add_tokens(vec![transfer_token(text, 1000)])
            .await
            .unwrap();
    }
    let mut files = vec![dir.path().to_owned()];
    let mut read = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|it| it.unwrap().path()),
            );
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        read += bytes.len();
        for secret in [SECRET, "the-token-of-a-transfer", DN] {
            let found = bytes
                .windows(secret.len())
                .any(|it| it == secret.as_bytes());
            assert!(!found, "{secret} is in {}", path.display());
        }
    }
    assert!(read > 0);
}
