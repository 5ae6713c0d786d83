//! What the vault has beside credentials: whose they are, and what is kept for cloud storages.

use std::path::Path;

use causeway_model::Timestamp;
use causeway_model::clouds::{
    CloudGrant, CloudHolder, CloudRequestToken, CloudStorage, CloudStorageStore,
};
use causeway_model::names::NameIndex;
use causeway_model::ports::{CredentialVault, StoredCredential};
use causeway_sdk::Secret;
use causeway_store::{EncryptedVault, MemoryVault};

const HUSH: &str = "a-secret-that-nobody-may-read";

fn credential(end: i64) -> StoredCredential {
    StoredCredential {
        proxy_pem: Secret::new(HUSH),
        voms_attrs: String::new(),
        termination_time: Timestamp(end),
    }
}

async fn names(vault: &dyn NameIndex, prefix: &str) -> Vec<String> {
    vault.names(prefix, 9).await.unwrap()
}

async fn owners_come_and_go(vault: &(impl CredentialVault + NameIndex)) {
    for (id, dn, end) in [
        ("1", "/O=b", 5),
        ("2", "/O=b", 9),
        ("1", "/O=a", 9),
        ("1", "/O=a", 9),
        ("1", "/X=a", 9),
    ] {
        vault
            .put_credential(id, dn, &credential(end))
            .await
            .unwrap();
    }
    assert_eq!(names(vault, "/O").await, ["/O=a", "/O=b"]);
    assert_eq!(vault.names("/", 2).await.unwrap(), ["/O=a", "/O=b"]);
    assert!(vault.delete_credential("1", "/O=a").await.unwrap());
    assert_eq!(names(vault, "").await, ["/O=b", "/X=a"]);
    // One of two credentials.
    assert_eq!(vault.delete_expired(Timestamp(6)).await.unwrap(), 1);
    assert_eq!(names(vault, "/O").await, ["/O=b"]);
    assert_eq!(vault.delete_expired(Timestamp(10)).await.unwrap(), 2);
    assert!(names(vault, "").await.is_empty());
}

fn cloud(name: &str) -> CloudStorage {
    CloudStorage {
        app_secret: Secret::new(HUSH),
        ..CloudStorage::new(name)
    }
}

fn grant(storage: &str, holder: CloudHolder) -> CloudGrant {
    CloudGrant {
        storage: storage.into(),
        holder,
        access_token: Secret::new("token"),
        access_token_secret: Secret::new(HUSH),
    }
}

fn request(storage: &str) -> CloudRequestToken {
    CloudRequestToken {
        storage: storage.into(),
        user_dn: "/O=a".into(),
        token: Secret::new("request"),
        token_secret: Secret::new(HUSH),
        expires: Timestamp(7),
    }
}

async fn clouds_come_and_go(vault: &dyn CloudStorageStore) {
    let (user, vo) = (
        CloudHolder::User("/O=a".into()),
        CloudHolder::Vo("/O=a".into()),
    );
    for name in ["b", "a"] {
        vault.put_cloud(&cloud(name)).await.unwrap();
        for holder in [vo.clone(), user.clone()] {
            vault.put_cloud_grant(&grant(name, holder)).await.unwrap();
        }
        vault.put_cloud_request(&request(name)).await.unwrap();
    }
    assert_eq!(vault.clouds().await.unwrap(), [cloud("a"), cloud("b")]);
    assert_eq!(vault.cloud("b").await.unwrap(), Some(cloud("b")));
    assert_eq!(vault.cloud("c").await.unwrap(), None);
    let grants = vault.cloud_grants("a").await.unwrap();
    assert_eq!(grants, [grant("a", user.clone()), grant("a", vo.clone())]);
    let one = vault.cloud_grant("a", &vo).await.unwrap();
    assert_eq!(one, Some(grant("a", vo.clone())));
    // A user's own keys come before those of the VO.
    for (dn, found) in [("/O=a", Some(&user)), ("/O=b", Some(&vo))] {
        let grant = vault.cloud_grant_for("a", dn, "/O=a").await.unwrap();
        assert_eq!(grant.as_ref().map(|it| &it.holder), found);
    }
    let nobodys = vault.cloud_grant_for("a", "/O=b", "other").await.unwrap();
    assert_eq!(nobodys, None);
    assert!(vault.delete_cloud_grant("a", &vo).await.unwrap());
    assert!(!vault.delete_cloud_grant("a", &vo).await.unwrap());
    assert_eq!(vault.cloud_grants("a").await.unwrap().len(), 1);
    let known = vault.cloud_request("a", "/O=a").await.unwrap();
    assert_eq!(known, Some(request("a")));
    let taken = vault.take_cloud_request("a", "/O=a").await.unwrap();
    assert_eq!(taken, Some(request("a")));
    assert_eq!(vault.take_cloud_request("a", "/O=a").await.unwrap(), None);
    assert!(vault.delete_cloud("b").await.unwrap());
    assert!(!vault.delete_cloud("b").await.unwrap());
    assert!(vault.cloud_grants("b").await.unwrap().is_empty());
    assert_eq!(vault.cloud_request("b", "/O=a").await.unwrap(), None);
    assert_eq!(vault.cloud_grants("a").await.unwrap().len(), 1);
}

fn open(dir: &Path) -> EncryptedVault {
    EncryptedVault::open(&dir.join("vault"), &dir.join("key")).unwrap()
}

#[tokio::test]
async fn on_disk_as_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let vault = open(dir.path());
    owners_come_and_go(&vault).await;
    clouds_come_and_go(&vault).await;
    let vault = MemoryVault::new();
    owners_come_and_go(&vault).await;
    clouds_come_and_go(&vault).await;
}

#[tokio::test]
async fn what_was_kept_is_there_at_the_next_start_and_never_in_the_clear() {
    let dir = tempfile::tempdir().unwrap();
    let vault = open(dir.path());
    vault
        .put_credential("1", "/O=someone", &credential(9))
        .await
        .unwrap();
    vault
        .put_credential("2", "/O=gone", &credential(9))
        .await
        .unwrap();
    vault.delete_credential("2", "/O=gone").await.unwrap();
    clouds_come_and_go(&vault).await;
    drop(vault);
    let vault = open(dir.path());
    assert_eq!(names(&vault, "").await, ["/O=someone"]);
    assert_eq!(vault.clouds().await.unwrap(), [cloud("a")]);
    assert_eq!(vault.cloud_grants("a").await.unwrap().len(), 1);
    drop(vault);
    for file in std::fs::read_dir(dir.path().join("vault")).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            for text in [HUSH, "/O=someone"] {
                let found = bytes.windows(text.len()).any(|it| it == text.as_bytes());
                assert!(!found, "{text} in {}", path.display());
            }
        }
    }
}
