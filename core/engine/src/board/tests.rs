//! Late reports, and transactions.

use super::*;

/// A row as a worker's report would find it; only the state matters here.
fn row(state: &str) -> Arc<Transfer> {
    let job_id = JobId(uuid::Uuid::nil());
    let text = serde_json::json!({
        "file_id": 1, "file_index": 0, "job_id": job_id, "state": state,
        "source_surl": "mock://a/f", "dest_surl": "mock://b/f",
        "source_se": "mock://a", "dest_se": "mock://b",
        "vo_name": "v", "activity": "default", "priority": 3, "hashed_id": 0,
        "user_filesize": 0, "retry": 0, "destination_cleared": false,
    });
    Arc::new(serde_json::from_value(text).unwrap())
}

fn board(state: &str) -> (Board, FileId) {
    let row = row(state);
    let id = row.file_id;
    let mut board = Board::default();
    let entry = FileEntry {
        row,
        place: Place::Resting,
        dirty: false,
    };
    board.files.insert(id, entry);
    (board, id)
}

#[test]
fn a_late_report_changes_nothing() {
    for state in ["Finished", "Failed", "Canceled"] {
        let (mut board, id) = board(state);
        for next in FileState::ALL {
            assert!(!board.move_file(id, *next, |row| row.reason = Some("late".into())));
        }
        assert!(board.file(id).unwrap().row.reason.is_none());
        assert!(!board.has_changes());
    }
}

#[test]
fn changes_are_handed_over_once_and_as_they_are_then() {
    let (mut board, id) = board("Ready");
    assert!(board.move_file(id, FileState::Active, |row| row.pid = Some(1)));
    assert!(board.move_file(id, FileState::Finished, |_| {}));
    let (transaction, _) = board.take(Timestamp(0));
    assert_eq!(transaction.files.len(), 1);
    assert_eq!(transaction.files[0].state, FileState::Finished);
    assert_eq!(transaction.files[0].pid, Some(1));
    assert!(board.take(Timestamp(0)).0.is_empty());
}

fn job(row: &Transfer) -> Arc<Job> {
    let text = serde_json::json!({
        "job_id": row.job_id, "state": "Active", "job_type": "Normal", "cancel_job": false,
        "user_dn": "/CN=u", "cred_id": "c", "vo_name": "v", "submit_host": "h",
        "submit_time": 1, "priority": 3, "retry": 0, "retry_delay": 0, "space_token": "",
        "source_space_token": "", "copy_params": causeway_model::CopyParams::default(),
        "overwrite": "No", "copy_pin_lifetime": -1, "bring_online": -1,
        "verify_checksum": causeway_model::ChecksumMode::BOTH, "archive_timeout": -1,
        "dst_file_report": false,
    });
    Arc::new(serde_json::from_value(text).unwrap())
}

#[test]
fn what_happened_goes_with_the_rows() {
    let row = row("Ready");
    let (id, mut board) = (row.file_id, Board::default());
    board.adopt(JobView {
        job: job(&row),
        files: vec![row],
        deletions: Vec::new(),
    });
    board.move_file(id, FileState::Active, |_| {});
    // A start takes a transfer up in the state it has: nothing happened.
    board.move_file(id, FileState::Active, |_| {});
    board.move_file(id, FileState::Finished, |_| {});
    let (transaction, _) = board.take(Timestamp(5));
    let finished = causeway_model::JobState::Finished;
    let told: Vec<_> = transaction
        .events
        .iter()
        .map(|event| match event {
            Event::File(it) => {
                assert_eq!((it.job_state, it.at), (finished, Timestamp(5)));
                format!("{} {}", it.from, it.to)
            }
            Event::Job(it) => format!("job {}", it.state),
            Event::Attempt(_) => "attempt".to_owned(),
        })
        .collect();
    assert_eq!(told, ["READY ACTIVE", "ACTIVE FINISHED", "job FINISHED"]);
    assert!(board.take(Timestamp(6)).0.events.is_empty());
}
