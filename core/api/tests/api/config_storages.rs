//! `/config/se` and `/config/shares`.

use serde_json::{Value, json};

use crate::support::Service;

#[tokio::test]
async fn storages_and_their_operations() {
    let service = Service::of_operator();
    let body = json!({"test.example.org": {
        "se_info": {"ipv6": true, "udt": 1, "outbound_max_active": 55, "inbound_max_active": 11,
                    "inbound_max_throughput": 33, "outbound_max_throughput": 44.5,
                    "se_metadata": "metadata", "site": "A-SITE", "debug_level": 2},
        "operations": {"atlas": {"delete": 22, "staging": 32},
                       "dteam": {"delete": 10, "staging": 11}},
    }});
    let info = json!({
        "ipv6": true, "udt": true, "outbound_max_active": 55, "inbound_max_active": 11,
        "inbound_max_throughput": 33.0, "outbound_max_throughput": 44.5,
        "se_metadata": "metadata", "site": "A-SITE", "debug_level": 2, "eviction": null,
        "tpc_support": null, "skip_eviction": null, "tape_endpoint": null,
        "overwrite_disk_enabled": null,
    });
    let operations = body["test.example.org"]["operations"].clone();
    let answer = service.post("/config/se", &body).await.ok();
    assert_eq!(answer, json!([info, operations]));
    let one = json!({"test.example.org": {"se_info": info, "operations": operations}});
    assert_eq!(
        service.get("/config/se?se=test.example.org").await.ok(),
        one
    );
    assert_eq!(service.get("/config/se?se=nobody").await.ok(), json!({}));
    let all = service.get("/config/se").await.ok();
    assert_eq!(all["*"]["se_info"]["inbound_max_active"], 200);
    assert_eq!(all["test.example.org"], one["test.example.org"]);
    // Only what is given changes; 0 takes a limit away; the whole answer can be sent back.
    let body = json!({"test.example.org": {
        "se_info": {"tpc_support": "pull", "metadata": "m"}, "operations": {"atlas": {"delete": 0}},
    }});
    let answer = service.post("/config/se", body).await.ok();
    assert_eq!(
        (&answer[0]["tpc_support"], &answer[0]["se_metadata"]),
        (&json!("PULL"), &json!("m"))
    );
    assert_eq!(answer[0]["inbound_max_active"], 11);
    assert_eq!(answer[1]["atlas"], json!({"staging": 32}));
    let same = service.get("/config/se").await.ok();
    service.post("/config/se", &same).await.ok();
    assert_eq!(service.get("/config/se").await.ok(), same);
    // One that has operations only.
    let body = json!({"tape": {"operations": {"atlas": {"staging": 5}}}});
    let answer = service.post("/config/se", body).await.ok();
    assert_eq!(answer, json!([null, {"atlas": {"staging": 5}}]));
    let all = service.get("/config/se").await.ok();
    assert_eq!(
        all["tape"],
        json!({"se_info": {}, "operations": {"atlas": {"staging": 5}}})
    );
    refused_storages(&service).await;
    let missing = service.delete("/config/se").await;
    missing.is_error(400, "Missing storage (se)");
    service
        .delete("/config/se?se=test.example.org")
        .await
        .is_empty_204();
    service
        .delete("/config/se?se=test.example.org")
        .await
        .is_empty_204();
    assert_eq!(
        service.get("/config/se?se=test.example.org").await.ok(),
        json!({})
    );
    let audited = service.audited().await;
    assert!(audited.contains(&"set-se-limits".to_owned()));
    assert!(audited.contains(&"set-se-config".to_owned()));
}

async fn refused_storages(service: &Service) {
    let info = |name: &str, value: Value| json!({"s": {"se_info": {name: value}}});
    let malformed = "Malformed configuration";
    service
        .refuses(
            "/config/se",
            &[
                (json!({}), malformed),
                (json!({"": {}}), malformed),
                (json!({"s": 5}), malformed),
                (json!({"s": {"se_info": 5}}), malformed),
                (json!({"s": {"operations": []}}), malformed),
                (json!({"s": {"operations": {"vo": 5}}}), malformed),
                (json!({"s": {"bogus": {}}}), "Field bogus unknown"),
                (info("bogus", json!(1)), "Field bogus unknown"),
                (
                    info("inbound_max_active", json!("5")),
                    "Field inbound_max_active is expected to be int",
                ),
                (
                    info("inbound_max_active", json!(-5)),
                    "Field inbound_max_active must not be negative",
                ),
                (
                    info("outbound_max_throughput", json!("x")),
                    "Field outbound_max_throughput is expected to be float",
                ),
                (
                    info("outbound_max_throughput", json!(-1)),
                    "Field outbound_max_throughput must not be negative",
                ),
                (
                    info("ipv6", json!("yes")),
                    "Field ipv6 is expected to be bool",
                ),
                (info("site", json!(1)), "Field site is expected to be str"),
                (
                    info("tape_endpoint", json!(1)),
                    "Field tape_endpoint is expected to be bool",
                ),
                (
                    info("tpc_support", json!("half")),
                    "Field tpc_support is expected to be one of FULL, PULL, PUSH, NONE",
                ),
                (
                    json!({"s": {"operations": {"vo": {"copy": 5}}}}),
                    "Field copy unknown",
                ),
                (
                    json!({"s": {"operations": {"vo": {"delete": "5"}}}}),
                    "Field delete is expected to be int",
                ),
                (json!({"s": {"operations": {"": {"delete": 5}}}}), malformed),
                // The first is right, and is not stored either.
                (
                    json!({"a": {"se_info": {"site": "A"}}, "b": {"se_info": {"site": 1}}}),
                    "Field site is expected to be str",
                ),
            ],
        )
        .await;
}

#[tokio::test]
async fn shares_of_links() {
    let service = Service::of_operator();
    let body = |share: Value| {
        json!({"source": "gsiftp://Source.example.org:2811/path",
               "destination": "gsiftp://dest.example.org", "vo": "dteam", "share": share})
    };
    let answer = service.post("/config/shares", body(json!(80))).await;
    assert_eq!(answer.ok(), json!(80));
    assert_eq!(
        service.get("/config/shares").await.ok(),
        json!([{"source": "gsiftp://source.example.org", "vo": "dteam", "share": 80,
                "destination": "gsiftp://dest.example.org"}])
    );
    let mut public = body(json!("20"));
    public["vo"] = json!("public");
    assert_eq!(service.post("/config/shares", public).await.ok(), json!(20));
    let with = |name: &str, value: Value| {
        let mut body = body(json!(80));
        body[name] = value;
        body
    };
    let missing = "Missing source, destination, vo and/or share";
    service
        .refuses(
            "/config/shares",
            &[
                (json!({}), missing),
                (body(json!(0)), missing),
                (body(json!(null)), missing),
                (with("vo", json!("")), missing),
                (with("source", json!(null)), missing),
                (body(json!(-1)), "Bad share value"),
                (body(json!(0.5)), "Bad share value"),
                (body(json!("much")), "Bad share value"),
                (body(json!(true)), "Bad share value"),
                (
                    with("source", json!("source.example.org")),
                    "Invalid source",
                ),
                (with("source", json!("gsiftp://")), "Invalid source"),
                (with("destination", json!("dest")), "Invalid destination"),
                (with("bogus", json!(1)), "Field bogus unknown"),
                (with("vo", json!(5)), "Field vo is expected to be str"),
            ],
        )
        .await;
    let path = "/config/shares?source=gsiftp%3A%2F%2Fsource.example.org&vo=dteam";
    let missing = service.delete(path).await;
    missing.is_error(400, "Missing source, destination and/or vo");
    let path = format!("{path}&destination=gsiftp://dest.example.org");
    service.delete(&path).await.is_empty_204();
    service.delete(&path).await.is_empty_204();
    let left = service.get("/config/shares").await.ok();
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(left[0]["vo"], "public");
}
