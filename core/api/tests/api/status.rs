//! `/status/hosts`: what this node is doing.

use causeway_model::{AuthMethod, FileState, Level};
use serde_json::json;

use crate::engine::HOST;
use crate::support::{Service, one_file};

#[tokio::test]
async fn counts_of_what_runs() {
    let mut service = Service::of_operator();
    let both = |active: u64, staging: u64| json!({HOST: {"active": active, "staging": staging}});
    assert_eq!(service.get("/status/hosts").await.ok(), both(0, 0));
    for state in [
        FileState::Active,
        FileState::Active,
        FileState::Started,
        FileState::Submitted,
    ] {
        let id = service.submit(one_file()).await;
        service.change(&id, |_| {}, |file| file.state = state).await;
    }
    assert_eq!(service.get("/status/hosts").await.ok(), both(2, 1));
    service.acting_as(|it| {
        it.method = AuthMethod::Oauth2;
        it.level.insert("config".into(), Level::All);
    });
    let answer = service.get("/status/hosts").await;
    answer.is_error(403, "Certificate required");
    service.acting_as(|_| {});
    let answer = service.get("/status/hosts").await;
    answer.is_error(403, "Not enough permissions");
}
