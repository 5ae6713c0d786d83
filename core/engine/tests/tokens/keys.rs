//! Storages that know their users by keys: whose keys an attempt uses.

use causeway_model::clouds::{CloudGrant, CloudHolder, CloudStorage, CloudStorageStore};
use causeway_model::ports::Clock;
use causeway_sdk::Secret;
use causeway_sdk::capability::CredentialKind;

use crate::world::{World, world_with};

const BY_KEYS: [CredentialKind; 2] = [CredentialKind::Keys, CredentialKind::None];

async fn grant(world: &World, storage: &str, holder: CloudHolder, access: &str) {
    let vault = &*world.vault;
    vault.put_cloud(&CloudStorage::new(storage)).await.unwrap();
    let grant = CloudGrant {
        storage: storage.to_owned(),
        holder,
        access_token: Secret::new(access),
        access_token_secret: Secret::new("hush"),
    };
    vault.put_cloud_grant(&grant).await.unwrap();
}

/// DN and VO of whoever submits.
async fn submitter(world: &World) -> (CloudHolder, CloudHolder) {
    let id = world.submit(|_| ()).await;
    let job = world.end(id).await.job;
    world.witness.seen.lock().unwrap().clear();
    let (user, vo) = (job.user_dn.to_string(), job.vo_name.to_string());
    (CloudHolder::User(user), CloudHolder::Vo(vo))
}

/// Runs a job later than any answer is remembered, and tells what was seen.
async fn seen(world: &World) -> Vec<String> {
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    // A name of its own for what is made.
    let new = format!("probe://b/{}", world.clock.now().0);
    let id = world
        .submit(|file| file.dest_surl = new.parse().unwrap())
        .await;
    world.end(id).await;
    let seen = world.witness.seen();
    world.witness.seen.lock().unwrap().clear();
    seen
}

#[tokio::test(start_paused = true)]
async fn each_side_is_approached_with_the_keys_for_it() {
    let world = world_with(&BY_KEYS).await;
    let (user, vo) = submitter(&world).await;
    // Nobody gave any: no proxy is sent where none is understood.
    let nobody = seen(&world).await;
    assert!(nobody.iter().all(|it| it.ends_with("None")), "{nobody:?}");
    // Capitals as operators write them.
    grant(&world, "PROBE:A", vo, "of-vo").await;
    let ones = seen(&world).await;
    assert!(ones.contains(&"a: keys of-vo hush".to_owned()), "{ones:?}");
    assert!(ones.contains(&"b: None".to_owned()), "{ones:?}");
    grant(&world, "PROBE:A", user.clone(), "of-user").await;
    grant(&world, "probe", user, "anywhere").await;
    let both = seen(&world).await;
    let copy = "copy: keys anywhere hush, with keys of-user hush".to_owned();
    assert!(
        both.contains(&"a: keys of-user hush".to_owned()),
        "{both:?}"
    );
    assert!(both.contains(&copy), "{both:?}");
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_takes_certificates_gets_the_proxy() {
    let world = world_with(&[CredentialKind::X509, CredentialKind::Keys]).await;
    let (user, _) = submitter(&world).await;
    grant(&world, "PROBE:A", user, "of-user").await;
    let seen = seen(&world).await;
    assert!(seen.contains(&"a: proxy".to_owned()), "{seen:?}");
    assert!(!seen.iter().any(|it| it.contains("keys")), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_waits_for_keys_at_both_sides_begins_once() {
    let world = world_with(&BY_KEYS).await;
    submitter(&world).await;
    assert_eq!(world.begun.lock().unwrap().len(), 1);
    // A minute later nothing of it is remembered.
    seen(&world).await;
    assert_eq!(world.begun.lock().unwrap().len(), 2);
}
