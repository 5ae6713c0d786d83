//! A user's way to a grant at a provider, and what can be done with it.

use causeway_model::clouds::{CloudHolder, CloudStorageStore};
use serde_json::json;

use crate::drive::{APP_SECRET, DRIVE};
use crate::support::{Answer, DN, OTHER_DN, Service};

const UNKNOWN: &str = "The user has not registered for the given service";
const NO_TOKEN: &str = "No token for the given storage";
const NOT_ASKED: &str = "No access has been requested";
const NOT_CONFIGURED: &str = "The storage has not been properly configured";
const AWAY: &str = "The provider cannot be asked now";

async fn service() -> Service {
    let service = Service::new();
    service.configure_drive(APP_SECRET).await;
    service
}

/// The token in the answer to the first step, cut out of it as the field's pages do.
fn request_token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.headers["content-type"], "text/plain");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let parts: Vec<_> = answer.text().split('&').collect();
    assert!(
        parts[0].starts_with("oauth_token_secret=hush%2D"),
        "{parts:?}"
    );
    let token = parts[1].split('=').nth(1).unwrap();
    token.replace("%2B", "+")
}

async fn access(service: &Service) {
    let token = request_token(&service.get("/cs/access_request/drive/request").await);
    service.drive.agree(&token);
    let answer = service.get("/cs/access_grant/drive").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn from_nothing_to_a_grant_and_back() {
    let service = service().await;
    assert_eq!(service.get("/cs/registered/drive").await.ok(), false);
    service
        .get("/cs/access_request/drive")
        .await
        .is_error(404, UNKNOWN);
    service
        .get("/cs/access_grant/drive")
        .await
        .is_error(400, NOT_ASKED);
    let asked = service.get("/cs/access_request/drive/request").await;
    let token = request_token(&asked);
    // The name as operators wrote it, with a slash at the end or without.
    for path in ["/cs/access_request/drive", "/cs/access_request/DRIVE/"] {
        assert_eq!(service.get(path).await.ok(), DRIVE);
    }
    assert_eq!(service.get("/cs/registered/drive").await.ok(), false);
    service.drive.agree(&token);
    let granted = service.get("/cs/access_grant/drive").await;
    assert_eq!((granted.status.as_u16(), granted.text()), (200, "access+2"));
    assert_eq!(granted.headers["content-type"], "text/plain");
    assert_eq!(granted.headers["cache-control"], "no-store");
    assert_eq!(service.get("/cs/registered/drive").await.ok(), true);
    // A page looks here before it looks whether there is a token.
    assert_eq!(service.get("/cs/access_request/drive").await.ok(), DRIVE);
    service
        .get("/cs/access_grant/drive")
        .await
        .is_error(400, NOT_ASKED);
    // A transfer of the user finds it.
    let kept = service
        .clouds
        .cloud_grant_for(DRIVE, DN, "testvo")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept.holder, CloudHolder::User(DN.into()));
    assert_eq!(kept.access_token_secret.expose(), "hush-access+2");
    service
        .delete("/cs/access_grant/drive")
        .await
        .is_empty_204();
    assert_eq!(service.get("/cs/registered/drive").await.ok(), false);
    let again = service.delete("/cs/access_grant/drive").await;
    again.is_error(404, "No token for the user");
}

#[tokio::test]
async fn what_the_provider_has() {
    let service = service().await;
    for path in ["/cs/remote_content/drive", "/cs/file_urllink/drive/f"] {
        service.get(path).await.is_error(403, NO_TOKEN);
    }
    access(&service).await;
    let directories = [
        ("", ""),
        ("?surl=/", ""),
        ("?surl=/d/e%20f/", "d/e f"),
        ("?surl=x://host/d", "d"),
    ];
    for (query, path) in directories {
        let answer = service
            .get(&format!("/cs/remote_content/drive{query}"))
            .await;
        assert_eq!(answer.ok(), json!({"path": path, "contents": []}));
    }
    for path in ["d/f", "d%2Ff", "/d/f"] {
        let answer = service.get(&format!("/cs/file_urllink/drive/{path}")).await;
        assert_eq!(answer.ok(), json!({"url": "https://direct.example/d/f"}));
    }
    let missing = service.get("/cs/remote_content/drive?surl=/nowhere").await;
    missing.is_error(404, "There is nothing of that name");
    let up = service.get("/cs/remote_content/drive?surl=/../f").await;
    up.is_error(400, "The path goes up");
    service.drive.go_away(true);
    service
        .get("/cs/remote_content/drive")
        .await
        .is_error(503, AWAY);
    service
        .get("/cs/file_urllink/drive/f")
        .await
        .is_error(503, AWAY);
}

#[tokio::test]
async fn everybody_has_their_own() {
    let mut service = service().await;
    access(&service).await;
    service.acting_as(|it| it.user_dn = OTHER_DN.into());
    assert_eq!(service.get("/cs/registered/drive").await.ok(), false);
    service
        .get("/cs/access_request/drive")
        .await
        .is_error(404, UNKNOWN);
    service
        .get("/cs/remote_content/drive")
        .await
        .is_error(403, NO_TOKEN);
    service
        .get("/cs/access_grant/drive")
        .await
        .is_error(400, NOT_ASKED);
    assert_eq!(service.delete("/cs/access_grant/drive").await.status, 404);
    service.acting_as(|_| ());
    assert_eq!(service.get("/cs/registered/drive").await.ok(), true);
}

#[tokio::test]
async fn a_user_who_does_not_agree_begins_again() {
    let service = service().await;
    request_token(&service.get("/cs/access_request/drive/request").await);
    let refused = service.get("/cs/access_grant/drive").await;
    let text = "The provider does not grant access: request it again, and agree";
    refused.is_error(400, text);
    service
        .get("/cs/access_request/drive")
        .await
        .is_error(404, UNKNOWN);
    access(&service).await;
}

#[tokio::test]
async fn a_provider_that_is_away_costs_nothing() {
    let service = service().await;
    service.drive.go_away(true);
    service
        .get("/cs/access_request/drive/request")
        .await
        .is_error(503, AWAY);
    service.drive.go_away(false);
    let token = request_token(&service.get("/cs/access_request/drive/request").await);
    service.drive.agree(&token);
    service.drive.go_away(true);
    service
        .get("/cs/access_grant/drive")
        .await
        .is_error(503, AWAY);
    service.drive.go_away(false);
    assert_eq!(service.get("/cs/access_grant/drive").await.status, 200);
}

#[tokio::test]
async fn a_request_lasts_a_day() {
    let service = service().await;
    let token = request_token(&service.get("/cs/access_request/drive/request").await);
    service.drive.agree(&token);
    service.advance(24 * 3600);
    service
        .get("/cs/access_request/drive")
        .await
        .is_error(404, UNKNOWN);
    service
        .get("/cs/access_grant/drive")
        .await
        .is_error(400, NOT_ASKED);
}

#[tokio::test]
async fn keys_that_the_provider_does_not_know() {
    let service = Service::new();
    for (path, status) in [
        ("/cs/access_request/drive/request", 403),
        ("/cs/access_grant/drive", 404),
    ] {
        service.get(path).await.is_error(status, NOT_CONFIGURED);
    }
    service.configure_drive("wrong").await;
    let refused = service.get("/cs/access_request/drive/request").await;
    refused.is_error(403, "The provider does not accept the keys of this service");
    service.let_use_drive(DN).await;
    service.configure_drive("wrong").await;
    let refused = service.get("/cs/remote_content/drive").await;
    refused.is_error(403, "The provider does not accept the token");
}

#[tokio::test]
async fn nobodies_are_asked_who_they_are() {
    let mut service = service().await;
    service.caller = None;
    let answer = service.get("/cs/registered/drive").await;
    answer.is_error(401, "Authentication required");
    assert_eq!(answer.headers["www-authenticate"], "Bearer");
}
