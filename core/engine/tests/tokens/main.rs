//! Transfers that bring tokens: made ready before they are queued, used for their side alone, and
//! never replaced by anything else.

mod keys;
#[path = "../support/mod.rs"]
mod support;
mod world;

use std::sync::Arc;
use std::time::Duration;

use causeway_model::oauth::{TokenId, TokenTrouble};
use causeway_model::ports::{Clock, JobControl, JobView};
use causeway_model::{FileState, JobType};

use support::job;
use world::{waiting, world};

/// What became of the first transfer: its state, and why.
fn fate(view: &JobView) -> (FileState, String) {
    let file = &view.files[0];
    (file.state, file.reason.clone().unwrap_or_default())
}

#[tokio::test(start_paused = true)]
async fn each_side_is_approached_with_its_own_token() {
    let it = world().await;
    it.desk.has(1, Ok("source"));
    it.desk.has(2, Ok("destination"));
    let id = it.submit(waiting).await;
    let view = it.end(id).await;
    assert_eq!(fate(&view), (FileState::Finished, String::new()));
    assert_eq!(view.files[0].file_state_initial, None);
    assert_eq!(it.desk.prepared(), 2);
    // It waited for both, and began when the second was there.
    assert_eq!(it.begun.lock().unwrap().len(), 1);
    assert_eq!(
        it.witness.seen(),
        [
            "a: token source",
            "b: token destination",
            "copy: token destination, with token source"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_side_without_a_token_is_approached_with_the_proxy() {
    let it = world().await;
    it.desk.has(2, Ok("destination"));
    let id = it.submit(|file| file.dst_token_id = Some(TokenId(2))).await;
    assert_eq!(fate(&it.end(id).await).0, FileState::Finished);
    // It was queued at once: nothing had to be made ready.
    assert_eq!(it.desk.prepared(), 0);
    assert_eq!(
        it.witness.seen(),
        [
            "a: proxy",
            "b: token destination",
            "copy: token destination, with proxy"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_over_is_replaced_by_nothing() {
    let it = world().await;
    it.desk.has(1, Ok("source"));
    it.desk
        .has(2, Err(TokenTrouble::Never("the token has ended".into())));
    let id = it.submit(waiting).await;
    let (state, reason) = fate(&it.end(id).await);
    assert_eq!(state, FileState::Failed);
    let expected = "no token for the destination: the token has ended";
    assert!(reason.contains(expected), "{reason}");
    assert!(it.witness.seen().is_empty(), "{:?}", it.witness.seen());
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_is_away_is_asked_again() {
    let it = world().await;
    it.desk.has(1, Ok("source"));
    it.desk.has(2, Ok("destination"));
    let later = || Err(TokenTrouble::Later("the issuer is away".into()));
    it.desk.prepares(1, vec![later(), later(), Ok(())]);
    let id = it.submit(waiting).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(fate(&it.view(id).await).0, FileState::TokenPrep);
    assert_eq!(fate(&it.end(id).await).0, FileState::Finished);
    assert_eq!(it.desk.prepared(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_made_ready_fails() {
    let never = || Err(TokenTrouble::Never("it was refused".into()));
    let later = || Err(TokenTrouble::Later("the issuer is away".into()));
    for (answer, reason) in [(never(), "it was refused"), (later(), "the issuer is away")] {
        let it = world().await;
        it.desk.prepares(2, vec![answer]);
        let id = it.submit(waiting).await;
        let (state, text) = fate(&it.end(id).await);
        assert_eq!(state, FileState::Failed);
        assert!(
            text.contains(&format!("make the token ready: {reason}")),
            "{text}"
        );
        assert!(it.witness.seen().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_transfer_is_cancelled_while_it_waits_for_its_tokens() {
    let it = world().await;
    let later = || Err(TokenTrouble::Later("the issuer is away".into()));
    it.desk.prepares(1, vec![later()]);
    let id = it.submit(waiting).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    it.engine.cancel_job(id).await.unwrap().unwrap();
    assert_eq!(fate(&it.end(id).await).0, FileState::Canceled);
    let before = it.desk.prepared();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(it.desk.prepared(), before);
}

#[tokio::test(start_paused = true)]
async fn many_transfers_are_seen_to_a_few_at_a_time_and_all_of_them() {
    let it = world().await;
    it.desk.has(1, Ok("source"));
    it.desk.has(2, Ok("destination"));
    let pairs: Vec<(String, String)> = (0..100)
        .map(|number| ("probe://a/f".to_owned(), format!("probe://b/f{number}")))
        .collect();
    let pairs: Vec<(&str, &str)> = pairs
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let mut view = job(&*it.store, it.clock.now(), &pairs);
    for file in &mut view.files {
        waiting(Arc::make_mut(file));
    }
    let id = view.job.job_id;
    it.engine.submit(view).await.unwrap();
    let view = it.end(id).await;
    assert!(view.files.iter().all(|it| it.state == FileState::Finished));
    assert_eq!(it.desk.prepared(), 200);
}

#[tokio::test(start_paused = true)]
async fn tokens_of_replicas_are_made_ready_with_those_of_the_first() {
    let it = world().await;
    for id in 1..=4 {
        it.desk.has(id, Ok("t"));
    }
    let pairs = [
        ("probe://a/missing", "probe://b/f"),
        ("probe://a/f", "probe://b/f"),
    ];
    let mut view = job(&*it.store, it.clock.now(), &pairs);
    Arc::make_mut(&mut view.job).job_type = Some(JobType::MultiReplica);
    for (index, file) in view.files.iter_mut().enumerate() {
        let file = Arc::make_mut(file);
        file.file_index = 0;
        waiting(file);
        file.src_token_id = Some(TokenId(3 + index as u64));
        if index > 0 {
            file.state = FileState::NotUsed;
            file.file_state_initial = None;
        }
    }
    let id = view.job.job_id;
    it.engine.submit(view).await.unwrap();
    let view = it.end(id).await;
    let states: Vec<_> = view.files.iter().map(|it| it.state).collect();
    assert_eq!(states, [FileState::Failed, FileState::Finished]);
    let mut prepared = it.desk.prepared.lock().unwrap().clone();
    prepared.sort();
    assert_eq!(prepared, [TokenId(2), TokenId(3), TokenId(4)]);
}
