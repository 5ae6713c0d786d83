//! `/config/authorize`, `/config/activity_shares`, `/config/cloud_storage`: for certificates only.

use causeway_model::clouds::{CloudHolder, CloudStorageStore};
use causeway_model::ports::EngineControl;
use serde_json::{Value, json};

use crate::support::{OTHER_DN, Service};

#[tokio::test]
async fn rights_of_single_users() {
    let service = Service::of_operator();
    assert_eq!(service.get("/config/authorize").await.ok(), json!([]));
    let row = |operation: &str| json!({"dn": OTHER_DN, "operation": operation});
    for operation in ["config", "transfer"] {
        let answer = service.post("/config/authorize", row(operation)).await;
        assert_eq!(answer.ok(), row(operation));
    }
    let other = json!({"dn": "/CN=third", "operation": "config"});
    service.post("/config/authorize", &other).await.ok();
    let list = async |query: &str| {
        let path = format!("/config/authorize?{query}");
        service.get(&path).await.ok()
    };
    let both = json!([row("config"), row("transfer")]);
    assert_eq!(list("dn=%2FDC%3Dch%2FDC%3Dcern%2FCN%3DOther").await, both);
    assert_eq!(
        list("operation=config").await,
        json!([other, row("config")])
    );
    assert_eq!(list("operation=config&dn=/CN=third").await, json!([other]));
    assert_eq!(list("dn=/CN=nobody").await, json!([]));
    let settings = service.engine.settings();
    assert_eq!(settings.operations_given_to(OTHER_DN).count(), 2);
    let missing = "Missing dn and/or operation";
    service
        .refuses(
            "/config/authorize",
            &[
                (json!({}), missing),
                (json!({"dn": "/CN=x"}), missing),
                (json!({"operation": "config"}), missing),
                (
                    json!({"dn": "/CN=x", "operation": "fly"}),
                    "Operation fly can not be granted",
                ),
                (
                    json!({"dn": 5, "operation": "config"}),
                    "Field dn is expected to be str",
                ),
            ],
        )
        .await;
    let body = json!({"dn": "/CN=x", "operation": "admin"});
    let answer = service.post("/config/authorize", body).await;
    answer.is_error(403, "Operation admin can not be granted");
    let missing = service.delete("/config/authorize?operation=config").await;
    missing.is_error(400, "Missing DN parameter");
    let dn = OTHER_DN.replace(' ', "%20");
    let one = format!("/config/authorize?dn={dn}&operation=transfer");
    service.delete(&one).await.is_empty_204();
    service.delete(&one).await.is_empty_204();
    assert_eq!(list("").await, json!([other, row("config")]));
    let all = format!("/config/authorize?dn={dn}");
    service.delete(&all).await.is_empty_204();
    assert_eq!(list("").await, json!([other]));
    let expected = ["revoke", "revoke", "authorize", "authorize", "authorize"];
    assert_eq!(service.audited().await, expected);
}

#[tokio::test]
async fn activities_of_vos() {
    let service = Service::of_operator();
    let path = "/config/activity_shares";
    let body = json!({"vo": "dteam", "share": {"production": 0.6, "default": 0.4}});
    assert_eq!(
        service.post(path, body).await.ok(),
        json!({"vo": "dteam", "active": true,
               "activity_share": [{"default": 0.4}, {"production": 0.6}]})
    );
    let body = json!({"vo": "atlas", "active": false, "share": [{"b": 0.5}, {"a": 1}]});
    let stored = service.post(path, body).await.ok();
    assert_eq!(stored["activity_share"], json!([{"b": 0.5}, {"a": 1.0}]));
    let dteam = json!({"share": {"production": 0.6, "default": 0.4}, "active": true});
    assert_eq!(
        service.get(path).await.ok(),
        json!({"dteam": dteam, "atlas": {"share": {"a": 1.0, "b": 0.5}, "active": false}})
    );
    assert_eq!(
        service.get("/config/activity_shares/dteam").await.ok(),
        dteam
    );
    let none = "No activity shares for nobody";
    let nobody = "/config/activity_shares/nobody";
    service.get(nobody).await.is_error(404, none);
    service.delete(nobody).await.is_error(404, none);
    let long = json!({"vo": "v", "share": {"x".repeat(1100): 1}});
    let weight = "Share weight must be a number";
    service
        .refuses(
            path,
            &[
                (json!({}), "Missing VO"),
                (json!({"share": {"a": 1}}), "Missing VO"),
                (json!({"vo": "v"}), "Missing share"),
                (json!({"vo": "v", "share": {}}), "Missing share"),
                (json!({"vo": "v", "share": {"a": "1"}}), weight),
                (json!({"vo": "v", "share": {"a": null}}), weight),
                (json!({"vo": "v", "share": [{"a": true}]}), weight),
                (json!({"vo": "v", "share": {"a": -1}}), weight),
                (
                    json!({"vo": "v", "share": "a"}),
                    "Field share is expected to be dict",
                ),
                (
                    json!({"vo": "v", "share": {"a": 1}, "active": 1}),
                    "Field active is expected to be bool",
                ),
                (
                    json!({"vo": "v", "share": {"a": 1}, "bogus": 1}),
                    "Field bogus unknown",
                ),
                (long, "The share is longer than 1024 characters"),
            ],
        )
        .await;
    service
        .delete("/config/activity_shares/dteam")
        .await
        .is_empty_204();
    let left = service.get(path).await.ok();
    assert_eq!(left.as_object().unwrap().len(), 1);
    assert_eq!(service.audited().await, ["activity-share"; 3]);
}

const CLOUD: &str = "/config/cloud_storage/S3%3Ahost";

#[tokio::test]
async fn providers_and_their_users() {
    let service = Service::of_operator();
    let path = "/config/cloud_storage";
    assert_eq!(service.get(path).await.ok(), json!([]));
    let body = json!({"storage_name": "S3:host", "app_key": "key", "app_secret": "hush",
                      "service_api_url": "https://s3.example.org"});
    let answer = service.post(path, body).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (201, json!("S3:host"))
    );
    let user = json!({"user_dn": OTHER_DN, "access_token": "id", "access_token_secret": "hush",
                      "request_token": "r", "request_token_secret": "hush"});
    let answer = service.post(CLOUD, user).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let named = json!({"storage_name": "S3:host", "user_dn": OTHER_DN, "vo_name": null});
    assert_eq!(answer.json(), named);
    let vo = json!({"vo_name": "atlas", "access_key": "id2", "secret_key": "hush"});
    let answer = service.post(CLOUD, vo).await;
    assert_eq!(answer.json()["vo_name"], "atlas");
    let users = json!([
        {"storage_name": "S3:host", "user_dn": OTHER_DN, "vo_name": null, "access_token": "id"},
        {"storage_name": "S3:host", "user_dn": null, "vo_name": "atlas", "access_token": "id2"},
    ]);
    assert_eq!(service.get(CLOUD).await.ok(), users);
    let all = service.get(path).await;
    assert!(!all.text().contains("hush"), "{}", all.text());
    assert_eq!(
        all.ok(),
        json!([{"storage_name": "S3:host", "app_key": "key", "users": users,
                "service_api_url": "https://s3.example.org"}])
    );
    kept(&service).await;
    // What is not given stays.
    let body = json!({"storage_name": "S3:host", "app_key": "other"});
    assert_eq!(service.post(path, body).await.status, 201);
    let cloud = service.clouds.cloud("S3:host").await.unwrap().unwrap();
    assert_eq!(
        (cloud.app_key.as_str(), cloud.app_secret.expose()),
        ("other", "hush")
    );
    let audit = service.get("/config/audit").await;
    assert!(!audit.text().contains("hush"), "{}", audit.text());
    assert_eq!(service.audited().await, ["cloud-storage"; 4]);
    let one = format!("{CLOUD}/{}", OTHER_DN.replace('/', "%2F"));
    service.delete(&one).await.is_empty_204();
    let text = "The user or VO does not exist";
    service.delete(&one).await.is_error(404, text);
    service.delete(CLOUD).await.is_empty_204();
    assert!(
        service
            .clouds
            .cloud_grants("S3:host")
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(service.get(path).await.ok(), json!([]));
}

/// What the flow of a provider finds afterwards.
async fn kept(service: &Service) {
    let clouds = &service.clouds;
    let holder = CloudHolder::User(OTHER_DN.into());
    let grant = clouds.cloud_grant("S3:host", &holder).await.unwrap();
    let secret = grant.unwrap().access_token_secret;
    assert_eq!(secret.expose(), "hush");
    let request = clouds.take_cloud_request("S3:host", OTHER_DN).await;
    assert_eq!(request.unwrap().unwrap().token.expose(), "r");
}

#[tokio::test]
async fn providers_that_are_refused() {
    let service = Service::of_operator();
    service
        .refuses(
            "/config/cloud_storage",
            &[
                (json!({}), "Missing storage name"),
                (json!({"storage_name": ""}), "Missing storage name"),
                (
                    json!({"storage_name": 5}),
                    "Field storage_name is expected to be str",
                ),
                (
                    json!({"storage_name": "x", "app_key": 5}),
                    "Field app_key is expected to be str",
                ),
                (
                    json!({"storage_name": "x", "bogus": 5}),
                    "Field bogus unknown",
                ),
            ],
        )
        .await;
    assert_eq!(service.get("/config/cloud_storage").await.ok(), json!([]));
    let body = json!({"user_dn": "/CN=x", "access_token": "a"});
    let text = "The storage does not exist";
    service.post(CLOUD, &body).await.is_error(404, text);
    service.get(CLOUD).await.is_error(404, text);
    service.delete(CLOUD).await.is_error(404, text);
    service
        .delete(&format!("{CLOUD}/x"))
        .await
        .is_error(404, text);
    let body = json!({"storage_name": "S3:host"});
    service.post("/config/cloud_storage", body).await;
    let none = "One of user_dn or vo_name must be specified";
    let both = "Only one of user_dn or vo_name must be specified";
    let name = |it: Value| {
        let mut body = json!({"user_dn": "/CN=x"});
        body["access_token"] = it;
        body
    };
    service
        .refuses(
            CLOUD,
            &[
                (json!({}), none),
                (json!({"user_dn": "", "vo_name": null}), none),
                (json!({"user_dn": "/CN=x", "vo_name": "v"}), both),
                (name(json!(5)), "Field access_token is expected to be str"),
                (
                    json!({"user_dn": "/CN=x", "bogus": 1}),
                    "Field bogus unknown",
                ),
            ],
        )
        .await;
    assert_eq!(service.get(CLOUD).await.ok(), json!([]));
}
