//! Credentials: kept, forgotten, and never readable on disk.

use std::path::Path;

use causeway_model::Timestamp;
use causeway_model::ports::{CredentialVault, PendingDelegation, StoreError, StoredCredential};
use causeway_sdk::Secret;
use causeway_store::{EncryptedVault, MemoryVault};

const DN: &str = "/DC=org/DC=example/CN=A User";
const KEY_TEXT: &str = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n";

fn pending() -> PendingDelegation {
    PendingDelegation {
        request_pem: "-----BEGIN CERTIFICATE REQUEST-----\n".into(),
        private_key_pem: Secret::new(KEY_TEXT),
        key_bits: 2048,
        voms_attrs: "/atlas/Role=production".into(),
    }
}

fn credential() -> StoredCredential {
    StoredCredential {
        proxy_pem: Secret::new(KEY_TEXT.repeat(3000)),
        voms_attrs: "/atlas/Role=production".into(),
        termination_time: Timestamp(1_900_000_000_000),
    }
}

async fn keeps_and_forgets(vault: &dyn CredentialVault) {
    assert!(vault.pending("id", DN).await.unwrap().is_none());
    vault.put_pending("id", DN, &pending()).await.unwrap();
    let found = vault.pending("id", DN).await.unwrap().unwrap();
    assert_eq!(found.private_key_pem.expose(), KEY_TEXT);
    assert_eq!(
        (found.key_bits, found.request_pem),
        (2048, pending().request_pem)
    );
    assert!(vault.credential("id", DN).await.unwrap().is_none());

    vault.put_credential("id", DN, &credential()).await.unwrap();
    let found = vault.credential("id", DN).await.unwrap().unwrap();
    assert_eq!(found.proxy_pem, credential().proxy_pem);
    assert_eq!(found.termination_time, credential().termination_time);
    for (id, dn) in [
        ("id", "/CN=other"),
        ("other", DN),
        ("id/", "DC=org/DC=example/CN=A User"),
    ] {
        assert!(
            vault.credential(id, dn).await.unwrap().is_none(),
            "{id} {dn}"
        );
    }
    assert!(vault.delete_credential("id", DN).await.unwrap());
    assert!(!vault.delete_credential("id", DN).await.unwrap());
    assert!(vault.credential("id", DN).await.unwrap().is_none());
    assert!(vault.pending("id", DN).await.unwrap().is_some());
}

fn open(dir: &Path) -> Result<EncryptedVault, StoreError> {
    EncryptedVault::open(&dir.join("vault"), &dir.join("vault.key"))
}

#[tokio::test]
async fn both_vaults_keep_and_forget() {
    keeps_and_forgets(&MemoryVault::new()).await;
    let dir = tempfile::tempdir().unwrap();
    keeps_and_forgets(&open(dir.path()).unwrap()).await;
    let vault = open(dir.path()).unwrap();
    assert!(vault.pending("id", DN).await.unwrap().is_some());
}

fn files_below(dir: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files_below(&path)),
            false => found.push(std::fs::read(&path).unwrap()),
        }
    }
    found
}

#[tokio::test]
async fn nothing_readable_is_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let vault = open(dir.path()).unwrap();
    vault
        .put_pending("delegation-id", DN, &pending())
        .await
        .unwrap();
    vault
        .put_credential("delegation-id", DN, &credential())
        .await
        .unwrap();
    drop(vault);
    let files = files_below(dir.path());
    assert!(
        files.iter().map(Vec::len).sum::<usize>() > 100_000,
        "nothing was written"
    );
    for text in [
        "PRIVATE KEY",
        "MIIEvQ",
        "Role=production",
        "CN=A User",
        "delegation-id",
    ] {
        for bytes in &files {
            let found = bytes.windows(text.len()).any(|it| it == text.as_bytes());
            assert!(!found, "{text} is on disk");
        }
    }
}

#[tokio::test]
async fn a_wrong_key_opens_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let vault = open(dir.path()).unwrap();
    vault.put_credential("id", DN, &credential()).await.unwrap();
    drop(vault);
    std::fs::write(dir.path().join("vault.key"), [1; 32]).unwrap();
    let text = open(dir.path()).unwrap_err().to_string();
    assert!(text.contains("written with another key"), "{text}");
    std::fs::remove_file(dir.path().join("vault.key")).unwrap();
    let text = open(dir.path()).unwrap_err().to_string();
    assert!(text.contains("it is missing"), "{text}");
    assert!(
        !dir.path().join("vault.key").exists(),
        "a useless key was made"
    );
}

#[tokio::test]
async fn debug_shows_no_secret() {
    let vault = MemoryVault::new();
    vault.put_credential("id", DN, &credential()).await.unwrap();
    assert!(!format!("{vault:?}").contains("MIIE"));
}
