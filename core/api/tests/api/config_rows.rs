//! `/config/global` and `/config/links`.

use causeway_model::ports::EngineControl;
use serde_json::{Value, json};

use crate::support::Service;

#[tokio::test]
async fn defaults_for_vos() {
    let service = Service::of_operator();
    let general = json!({
        "vo_name": "*", "retry": 0, "max_time_queue": 0, "global_timeout": 0, "sec_per_mb": 0,
        "no_streaming": false, "show_user_dn": false,
    });
    let all = service.get("/config/global").await.ok();
    assert_eq!(all, json!({"*": general}));
    let set = async |body: Value| service.post("/config/global", body).await.ok();
    let all = set(json!({"retry": 3, "no_streaming": true, "max_time_queue": 48})).await;
    assert_eq!(all["*"]["retry"], 3);
    assert_eq!(all["*"]["no_streaming"], true);
    // What is not given stays.
    let all = set(json!({"vo_name": "*", "sec_per_mb": 2})).await;
    assert_eq!(all["*"]["max_time_queue"], 48);
    assert_eq!(all["*"]["sec_per_mb"], 2);
    let body = json!({"vo_name": "atlas", "retry": -1, "show_user_dn": true, "global_timeout": 9});
    let all = set(body).await;
    assert_eq!(
        all["atlas"],
        json!({
            "vo_name": "atlas", "retry": -1, "max_time_queue": null, "global_timeout": 9,
            "sec_per_mb": null, "no_streaming": null, "show_user_dn": true,
        })
    );
    let all = set(json!({"vo_name": "atlas", "global_timeout": null})).await;
    assert_eq!(all["atlas"]["global_timeout"], Value::Null);
    service
        .refuses(
            "/config/global",
            &[
                (json!({"bogus": 1}), "Field bogus unknown"),
                (json!({"retry": "3"}), "Field retry is expected to be int"),
                (json!({"retry": true}), "Field retry is expected to be int"),
                (json!({"retry": 1.5}), "Field retry is expected to be int"),
                (json!({"vo_name": 5}), "Field vo_name is expected to be str"),
                (json!({"vo_name": ""}), "a name is empty"),
                (
                    json!({"no_streaming": 1}),
                    "Field no_streaming is expected to be bool",
                ),
                (
                    json!({"sec_per_mb": -1}),
                    "Field sec_per_mb must not be negative",
                ),
                (
                    json!({"retry": 3_000_000_000_u64}),
                    "Field retry is too large",
                ),
                // Nothing of it, not even what is right.
                (json!({"retry": 7, "bogus": 1}), "Field bogus unknown"),
            ],
        )
        .await;
    let missing = service.delete("/config/global").await;
    missing.is_error(400, "Missing VO name");
    let text = "The configuration for all VOs can not be removed";
    service
        .delete("/config/global?vo_name=*")
        .await
        .is_error(400, text);
    service
        .delete("/config/global?vo_name=atlas")
        .await
        .is_empty_204();
    let all = service.get("/config/global").await.ok();
    assert_eq!(all.as_object().unwrap().len(), 1);
    assert_eq!(service.audited().await, ["set-globals"; 5]);
}

#[tokio::test]
async fn links_by_name() {
    let service = Service::of_operator();
    let list = service.get("/config/links").await.ok();
    assert_eq!(
        list,
        json!([{
            "symbolicname": "*", "source": "*", "destination": "*", "min_active": 2,
            "max_active": 130, "optimizer_mode": 2, "tcp_buffer_size": null, "nostreams": 0,
            "no_delegation": false,
        }])
    );
    let set = async |body: Value| service.post("/config/links", body).await.ok();
    let body = json!({
        "symbolicname": "to/tape", "source": "mock://a", "min_active": 3, "max_active": "20",
        "optimizer_mode": 9, "tcp_buffer_size": 4096, "nostreams": 4, "no_delegation": true,
    });
    let stored = json!({
        "symbolicname": "to/tape", "source": "mock://a", "destination": "*", "min_active": 3,
        "max_active": 20, "optimizer_mode": 3, "tcp_buffer_size": 4096, "nostreams": 4,
        "no_delegation": true,
    });
    assert_eq!(set(body).await, stored);
    assert_eq!(service.get("/config/links/to%2Ftape").await.ok(), stored);
    let limit = |a, b| service.engine.settings().link(a, b).unwrap().max_active;
    assert_eq!(
        (limit("mock://a", "mock://z"), limit("mock://z", "mock://a")),
        (20, 130)
    );
    // What is not given stays; a null takes back; the own mode is 4.
    let changed = set(json!({"symbolicname": "to/tape", "nostreams": null, "optimizer_mode": 4}));
    let changed = changed.await;
    assert_eq!(changed["nostreams"], Value::Null);
    assert_eq!(
        (&changed["optimizer_mode"], &changed["max_active"]),
        (&json!(4), &json!(20))
    );
    assert_eq!(set(json!({"symbolicname": "d"})).await["max_active"], 2);
    // It took the place of the general link, which comes back.
    assert_eq!(limit("mock://z", "mock://a"), 2);
    service.delete("/config/links/d").await.is_empty_204();
    assert_eq!(limit("mock://z", "mock://a"), 130);
    refused_links(&service).await;
    service
        .delete("/config/links/to%2Ftape")
        .await
        .is_empty_204();
    service
        .delete("/config/links/to%2Ftape")
        .await
        .is_empty_204();
    let gone = service.get("/config/links/to%2Ftape").await;
    gone.is_error(404, "Link to/tape does not exist");
}

async fn refused_links(service: &Service) {
    let with = |name: &str, value: Value| {
        let mut body =
            json!({"symbolicname": "l", "source": "mock://a", "destination": "mock://b"});
        body[name] = value;
        body
    };
    let missing = "Missing source and/or destination";
    let order = "max_active is lower than min_active";
    service
        .refuses(
            "/config/links",
            &[
                (json!({}), "Missing symbolicname"),
                (json!({"symbolicname": ""}), "Missing symbolicname"),
                (
                    with("symbolicname", json!(5)),
                    "Field symbolicname is expected to be str",
                ),
                (with("source", json!("")), missing),
                (with("destination", json!(" ")), missing),
                (with("bogus", json!(1)), "Field bogus unknown"),
                (with("min_active", json!(3)), order),
                (
                    with("max_active", json!("x")),
                    "Active must be an integer (max_active is \"x\")",
                ),
                (
                    with("min_active", json!(1.5)),
                    "Active must be an integer (min_active is 1.5)",
                ),
                (
                    with("min_active", json!(-1)),
                    "Field min_active must not be negative",
                ),
                (
                    with("optimizer_mode", json!("2")),
                    "Field optimizer_mode is expected to be int",
                ),
                (
                    with("nostreams", json!(true)),
                    "Field nostreams is expected to be int",
                ),
                (
                    with("tcp_buffer_size", json!(0.5)),
                    "Field tcp_buffer_size is expected to be int",
                ),
                (
                    with("no_delegation", json!("on")),
                    "Field no_delegation is expected to be bool",
                ),
            ],
        )
        .await;
}
