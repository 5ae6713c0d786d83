//! `/autocomplete`: names that begin as typed.

use causeway_model::ports::{CredentialVault, StoredCredential};
use causeway_model::{Level, Timestamp};
use causeway_sdk::Secret;
use serde_json::{Value, json};

use crate::support::{Service, one_file};

async fn link(service: &Service, name: &str, source: &str, destination: &str) {
    let body = json!({"symbolicname": name, "source": source, "destination": destination});
    service.post("/config/links", body).await.ok();
}

#[tokio::test]
async fn storages_of_links() {
    let service = Service::of_operator();
    link(&service, "1", "srm://a", "davs://c").await;
    link(&service, "2", "srm://b", "davs://b").await;
    link(&service, "3", "davs://b", "*").await;
    let ask = async |path: &str| service.get(&format!("/autocomplete/{path}")).await.ok();
    assert_eq!(ask("source").await, json!(["srm://a", "srm://b"]));
    assert_eq!(ask("source?term=davs%3A%2F%2F").await, json!(["davs://b"]));
    assert_eq!(
        ask("destination?term=davs").await,
        json!(["davs://b", "davs://c"])
    );
    assert_eq!(ask("destination").await, json!([]));
    assert_eq!(ask("storage?term=davs://b").await, json!(["davs://b"]));
    let all = json!(["davs://b", "davs://c", "srm://a", "srm://b"]);
    assert_eq!(ask("storage?term=").await, all);
    service.delete("/config/links/1").await.is_empty_204();
    assert_eq!(ask("source").await, json!(["srm://b"]));
}

#[tokio::test]
async fn vos_of_jobs() {
    let mut service = Service::of_operator();
    let ask = async |service: &Service, term: &str| {
        let path = format!("/autocomplete/vo{term}");
        service.get(&path).await.ok()
    };
    assert_eq!(ask(&service, "").await, json!([]));
    for vo in ["atlas", "alice", "cms", "atlas"] {
        service.acting_as(|it| {
            it.vos = vec![vo.into()];
            it.level.insert("config".into(), Level::All);
        });
        service.submit(one_file()).await;
    }
    assert_eq!(ask(&service, "").await, json!(["alice", "atlas", "cms"]));
    assert_eq!(ask(&service, "?term=a").await, json!(["alice", "atlas"]));
    assert_eq!(ask(&service, "?term=at").await, json!(["atlas"]));
    assert_eq!(ask(&service, "?term=x").await, json!([]));
}

#[tokio::test]
async fn users_with_credentials() {
    let service = Service::of_operator();
    let credential = StoredCredential {
        proxy_pem: Secret::new("proxy"),
        voms_attrs: String::new(),
        termination_time: Timestamp(1),
    };
    for (id, dn) in [
        ("1", "/DC=cern.ch/CN=b"),
        ("2", "/DC=cern.ch/CN=a"),
        ("3", "/DC=org/CN=a"),
    ] {
        service
            .clouds
            .put_credential(id, dn, &credential)
            .await
            .unwrap();
    }
    let ask = async |term: &str| -> Value {
        let path = format!("/autocomplete/dn{term}");
        service.get(&path).await.ok()
    };
    assert_eq!(
        ask("").await,
        json!(["/DC=cern.ch/CN=a", "/DC=cern.ch/CN=b"])
    );
    assert_eq!(ask("?term=/DC=org").await, json!(["/DC=org/CN=a"]));
    let mut other = Service::new();
    for path in ["dn", "source", "destination", "storage", "vo"] {
        let path = format!("/autocomplete/{path}");
        other.acting_as(|_| {});
        other
            .get(&path)
            .await
            .is_error(403, "Not enough permissions");
    }
}
