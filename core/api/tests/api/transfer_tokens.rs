//! Submissions that bring tokens for their storages: what is refused, what is kept, and that it is
//! never shown.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use causeway_api::ApiConfig;
use causeway_api::config::SubmitConfig;
use causeway_model::FileState;
use causeway_model::oauth::{TokenId, TransferTokens};
use serde_json::{Value, json};

use crate::support::{Answer, NOW, Service, entry};

const TOKEN: &str = "good.sub-1.transfer";

fn service() -> Service {
    let submit = SubmitConfig {
        token_life_min_seconds: 60,
        ..SubmitConfig::default()
    };
    Service::with(ApiConfig {
        submit,
        ..ApiConfig::default()
    })
}

fn claims() -> Value {
    json!({
        "iss": "https://plain.example/", "sub": "s", "aud": "https://se.example",
        "scope": "storage.read:/", "nbf": NOW - 1, "exp": NOW + 3600,
    })
}

/// A token that says this; nobody looks at its signature.
fn jwt(claims: &Value) -> String {
    let text = |it: &Value| URL_SAFE_NO_PAD.encode(it.to_string());
    format!(
        "{}.{}.c2VjcmV0",
        text(&json!({"alg": "RS256"})),
        text(claims)
    )
}

fn with(name: &str, value: Value) -> String {
    let mut all = claims();
    match value {
        Value::Null => drop(all.as_object_mut().unwrap().remove(name)),
        value => all[name] = value,
    }
    jwt(&all)
}

fn body(sources: Value, destinations: Value) -> Value {
    let mut file = entry(&["mock://a/f"], &["mock://b/f"]);
    file["source_tokens"] = sources;
    file["destination_tokens"] = destinations;
    json!({"files": [file]})
}

async fn submit(service: &Service, body: &Value) -> Answer {
    service.with_token("POST", "/jobs", TOKEN, body).await
}

#[tokio::test]
async fn tokens_go_into_the_vault_and_their_ids_into_the_rows() {
    let service = service();
    let (source, destination) = (jwt(&claims()), with("scope", json!("storage.create:/")));
    let answer = submit(&service, &body(json!([source]), json!([destination]))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let id = answer.json()["job_id"].as_str().unwrap().to_owned();
    let file = service.view(&id).await.files[0].clone();
    assert_eq!(file.state, FileState::Submitted);
    let (from, to) = (TokenId::of(&source), TokenId::of(&destination));
    assert_eq!(
        (file.src_token_id, file.dst_token_id),
        (Some(from), Some(to))
    );
    let kept = service
        .transfer_tokens
        .transfer_token(from)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept.access_token.expose(), source);
    assert_eq!(
        (kept.issuer.as_str(), kept.scope.as_str()),
        ("https://plain.example/", "storage.read:/")
    );
    assert_eq!(kept.expires.seconds(), NOW + 3600);

    let shown = service.get(&format!("/jobs/{id}/files")).await.json();
    assert_eq!(shown[0]["src_token_id"], from.to_string());
    assert_eq!(shown[0]["dst_token_id"], to.to_string());
    for path in [
        format!("/jobs/{id}?files=file_state,source_surl"),
        format!("/jobs/{id}/files"),
        "/jobs".to_owned(),
        "/files".to_owned(),
    ] {
        let text = service.get(&path).await.text().to_owned();
        for token in [&source, &destination] {
            assert!(!text.contains(token.as_str()), "{path}: {text}");
        }
    }
}

#[tokio::test]
async fn tokens_that_are_useless_for_certain() {
    let service = service();
    let good = jwt(&claims());
    for (token, part) in [
        (with("iss", Value::Null), "the claim iss"),
        (with("iss", json!("https://evil.example/")), "the claim iss"),
        (with("exp", Value::Null), "the claim exp"),
        (with("exp", json!(NOW - 1)), "the claim exp"),
        (with("exp", json!(NOW + 60)), "the claim exp"),
        (with("nbf", json!(NOW + 1)), "the claim nbf"),
        (with("scope", Value::Null), "the claim scope"),
        (with("scope", json!(" ")), "the claim scope"),
        (with("aud", Value::Null), "the claim aud"),
        (with("aud", json!([])), "the claim aud"),
        ("abc".to_owned(), "JSON web token"),
        ("a.b.c".to_owned(), "JSON web token"),
        (String::new(), "JSON web token"),
    ] {
        for (body, name) in [
            (body(json!([token]), json!([good])), "source_tokens[0]"),
            (body(json!([good]), json!([token])), "destination_tokens[0]"),
        ] {
            let answer = submit(&service, &body).await;
            assert_eq!(answer.status, 400, "{part}");
            let message = answer.message();
            assert!(
                message.contains(part) && message.contains(name),
                "{message}"
            );
            assert!(token.is_empty() || !message.contains(&token), "{message}");
        }
    }
    for (sources, destinations) in [
        (json!([good, good]), json!([good])),
        (json!([good]), json!([good, good])),
        (json!(good), json!([good])),
        (json!([1]), json!([good])),
        (json!({}), json!([good])),
    ] {
        let answer = submit(&service, &body(sources, destinations)).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(!answer.message().contains(&good), "{}", answer.message());
    }
    assert_eq!(service.stored_jobs(), 0);
    let kept = service
        .transfer_tokens
        .transfer_token(TokenId::of(&good))
        .await
        .unwrap();
    assert!(kept.is_none(), "nothing of a refused submission is kept");
}

#[tokio::test]
async fn certificates_bring_no_tokens() {
    let service = service();
    let good = jwt(&claims());
    let answer = service
        .post("/jobs", body(json!([good]), json!([good])))
        .await;
    assert_eq!(answer.status, 400);
    assert!(
        answer
            .message()
            .contains("source_tokens needs a submission by token")
    );
    // Without tokens, or with none, nothing is different.
    for nothing in [json!(null), json!([])] {
        let answer = service.post("/jobs", body(nothing.clone(), nothing)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[tokio::test]
async fn work_that_takes_days_is_refused() {
    let service = service();
    let good = jwt(&claims());
    for params in [
        json!({"bring_online": 3600}),
        json!({"copy_pin_lifetime": 3600}),
        json!({"archive_timeout": 0}),
        json!({"target_qos": "TAPE"}),
    ] {
        let mut body = body(json!([good]), json!([good]));
        body["params"] = params.clone();
        let answer = submit(&service, &body).await;
        assert_eq!(answer.status, 400, "{params}");
        assert!(
            answer.message().contains("not supported"),
            "{}",
            answer.message()
        );
    }
}

#[tokio::test]
async fn transfers_wait_for_tokens_that_can_be_renewed_unless_asked_not_to() {
    let service = service();
    let token = with("iss", json!("https://renewing.example"));
    let plain = jwt(&claims());
    for (sources, params, state) in [
        (&token, json!(null), FileState::TokenPrep),
        (
            &token,
            json!({"unmanaged_tokens": true}),
            FileState::Submitted,
        ),
        (&plain, json!(null), FileState::Submitted),
    ] {
        let mut body = body(json!([sources]), json!([plain]));
        body["params"] = params.clone();
        let answer = submit(&service, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let id = answer.json()["job_id"].as_str().unwrap().to_owned();
        let file = service.view(&id).await.files[0].clone();
        assert_eq!(file.state, state, "{params}");
        let waits = state == FileState::TokenPrep;
        assert_eq!(
            file.file_state_initial,
            waits.then_some(FileState::Submitted)
        );
        let shown = service.get(&format!("/jobs/{id}")).await.json();
        assert_eq!(shown["job_state"], "SUBMITTED");
    }
}

#[tokio::test]
async fn every_pair_has_the_tokens_of_its_ends() {
    let service = service();
    let token = |number: i64| with("exp", json!(NOW + 1000 + number));
    let mut file = entry(&["mock://a/1", "mock://b/2"], &["mock://c/f"]);
    file["source_tokens"] = json!([token(1), token(2)]);
    file["destination_tokens"] = json!([token(3)]);
    let answer = submit(&service, &json!({"files": [file]})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let id = answer.json()["job_id"].as_str().unwrap().to_owned();
    let files = service.view(&id).await.files;
    let ids: Vec<_> = files
        .iter()
        .map(|it| (it.src_token_id, it.dst_token_id))
        .collect();
    let of = |number| Some(TokenId::of(&token(number)));
    assert_eq!(ids, [(of(1), of(3)), (of(2), of(3))]);
}
