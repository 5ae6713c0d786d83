//! What a frame of the journal or of a snapshot says.
//!
//! Records are post-images in postcard, which does not describe itself: when a row of the model
//! changes its shape, [`FORMAT`] must grow. `the_format_is_what_it_was` fails until it does.

use std::sync::Arc;

use causeway_model::events::Event;
use causeway_model::ports::{StoreError, Transaction};
use causeway_model::settings::{AuditRow, Change};
use causeway_model::{Deletion, EvolutionRow, Job, OptimizerRow, RetryLog, Transfer};
use serde::{Deserialize, Serialize};

/// Version of everything this crate writes, rows included.
pub(crate) const FORMAT: u32 = 3;

/// Rows as they are read.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Rows {
    pub(crate) jobs: Vec<Arc<Job>>,
    pub(crate) files: Vec<Arc<Transfer>>,
    pub(crate) deletions: Vec<Arc<Deletion>>,
    pub(crate) retries: Vec<RetryLog>,
}

impl From<Rows> for Transaction {
    fn from(rows: Rows) -> Self {
        Self {
            jobs: rows.jobs,
            files: rows.files,
            deletions: rows.deletions,
            retries: rows.retries,
            // Told by the feed, and by nobody when a start reads them.
            events: Vec::new(),
        }
    }
}

/// Rows as they are written.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct RowsRef<'a> {
    pub(crate) jobs: &'a [Arc<Job>],
    pub(crate) files: &'a [Arc<Transfer>],
    pub(crate) deletions: &'a [Arc<Deletion>],
    pub(crate) retries: &'a [RetryLog],
}

impl RowsRef<'_> {
    pub(crate) const NONE: RowsRef<'static> = RowsRef {
        jobs: &[],
        files: &[],
        deletions: &[],
        retries: &[],
    };
}

impl<'a> From<&'a Transaction> for RowsRef<'a> {
    fn from(rows: &'a Transaction) -> Self {
        Self {
            jobs: &rows.jobs,
            files: &rows.files,
            deletions: &rows.deletions,
            retries: &rows.retries,
        }
    }
}

/// A record as it is read.
#[derive(Debug, Deserialize)]
pub(crate) enum Record {
    /// A job that was not there.
    Insert(Rows),
    /// Changes of jobs that were there.
    Apply(Rows),
    /// Numbers below this may have been given out.
    Mark(u64),
    /// The snapshot is complete and has so many jobs.
    End(u64),
    /// Settings, and who changed them.
    Settings(Vec<Change>, Vec<AuditRow>),
    /// Values of links.
    Optimizer(Vec<OptimizerRow>),
    /// What happened, of rows in the changes before it.
    Events(Vec<Event>),
    /// What the optimizer decided, for readers of the feed; the history has it, too.
    Decided(Vec<EvolutionRow>),
}

/// A record as it is written; variants as in [`Record`].
#[derive(Debug, Serialize)]
pub(crate) enum RecordRef<'a> {
    Insert(RowsRef<'a>),
    Apply(RowsRef<'a>),
    Mark(u64),
    End(u64),
    Settings(&'a [Change], &'a [AuditRow]),
    Optimizer(&'a [OptimizerRow]),
    Events(&'a [Event]),
    Decided(&'a [EvolutionRow]),
}

impl RecordRef<'_> {
    /// Appends it to a frame.
    pub(crate) fn encode(&self, into: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        postcard::to_extend(self, into)
            .map_err(|e| StoreError::Failed(format!("encode a record: {e}")))
    }
}

/// Takes a frame apart.
pub(crate) fn decode_all(
    mut payload: &[u8],
    mut each: impl FnMut(Record) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    while !payload.is_empty() {
        let (record, rest) = postcard::take_from_bytes(payload)
            .map_err(|e| StoreError::Failed(format!("decode a record: {e}")))?;
        each(record)?;
        payload = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use causeway_model::events::{AttemptEnded, FileMoved, JobMoved};
    use causeway_model::observe::StepTimes;
    use causeway_model::settings::{
        ActivityShareRow, AuthorizationRow, BanStatus, HostRow, LinkRow, Operation,
        OperationLimitRow, ShareRow, StorageBanRow, StorageRow, TpcSupport, UserBanRow, VoRow,
    };
    use causeway_model::{
        Fault, FileId, FileState, JobId, JobState, Phase, Rung, Scope, Timestamp,
    };

    use super::*;
    use crate::rows;

    fn sample() -> Transaction {
        let view = rows::view(JobId::deterministic("vo", "sid"), 1, 1..3);
        let mut end = rows::finished(&view, 2);
        end.retries.push(rows::retry(&view, 1));
        end.deletions.push(Arc::new(rows::deletion(&view.job, 9)));
        end
    }

    fn every_setting() -> Vec<Change> {
        let ban = StorageBanRow {
            se: "s".into(),
            message: "m".into(),
            addition_time: Timestamp(1),
            admin_dn: "a".into(),
            vo: Some("v".into()),
            status: BanStatus::WaitAndSubmit,
            wait_timeout: 9,
        };
        let share = ShareRow {
            source: "s".into(),
            destination: "d".into(),
            vo: "v".into(),
            active: 1,
        };
        let storage = StorageRow {
            outbound_max_throughput: Some(1.5),
            tpc_support: Some(TpcSupport::None),
            overwrite_disk_enabled: Some(true),
            ..StorageRow::new("s")
        };
        let right = AuthorizationRow {
            dn: "d".into(),
            operation: "config".into(),
        };
        vec![
            Change::PutLink(LinkRow::new("l", "s", "d")),
            Change::DeleteLink("l".into()),
            Change::PutStorage(storage),
            Change::DeleteStorage("s".into()),
            Change::PutShare(share),
            Change::DeleteShare {
                source: "s".into(),
                destination: "d".into(),
                vo: "v".into(),
            },
            Change::PutActivityShare(ActivityShareRow {
                vo: "v".into(),
                active: true,
                shares: vec![("a".into(), 1.5)],
            }),
            Change::DeleteActivityShare("v".into()),
            Change::PutOperationLimit(OperationLimitRow {
                vo_name: "v".into(),
                host: "s".into(),
                operation: Operation::Staging,
                concurrent_ops: 3,
            }),
            Change::PutVo(VoRow::new("v")),
            Change::DeleteVo("v".into()),
            Change::BanStorage(ban),
            Change::UnbanStorage("s".into()),
            Change::BanUser(UserBanRow {
                dn: "d".into(),
                message: "m".into(),
                addition_time: Timestamp(1),
                admin_dn: "a".into(),
            }),
            Change::UnbanUser("d".into()),
            Change::PutHost(HostRow {
                hostname: "h".into(),
                drain: true,
            }),
            Change::DeleteHost("h".into()),
            Change::Authorize(right.clone()),
            Change::Revoke(right),
        ]
    }

    fn audit() -> AuditRow {
        AuditRow::new(Timestamp(1), "d", "link", "{}")
    }

    fn value() -> OptimizerRow {
        OptimizerRow {
            source_se: "s".into(),
            dest_se: "d".into(),
            datetime: Timestamp(1),
            ema: 1.5,
            active: 2,
            nostreams: 3,
        }
    }

    #[test]
    fn records_come_back_as_they_were() {
        let rows = sample();
        let bytes = RecordRef::Apply(RowsRef::from(&rows))
            .encode(Vec::new())
            .unwrap();
        let bytes = RecordRef::Mark(7).encode(bytes).unwrap();
        let mut found = Vec::new();
        decode_all(&bytes, |it| {
            found.push(it);
            Ok(())
        })
        .unwrap();
        let [Record::Apply(back), Record::Mark(7)] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!((&back.jobs, &back.files), (&rows.jobs, &rows.files));
        assert_eq!(
            (&back.deletions, &back.retries),
            (&rows.deletions, &rows.retries)
        );
    }

    /// Fails when a row changed its shape. Stores written before cannot be read then: let
    /// [`FORMAT`] grow by one and put the new numbers here.
    #[test]
    fn the_format_is_what_it_was() {
        let bytes = RecordRef::Insert(RowsRef::from(&sample()))
            .encode(Vec::new())
            .unwrap();
        let bytes = RecordRef::Settings(&every_setting(), &[audit()])
            .encode(bytes)
            .unwrap();
        let bytes = RecordRef::Optimizer(&[value()]).encode(bytes).unwrap();
        let found = (FORMAT, bytes.len(), crc32c::crc32c(&bytes));
        assert_eq!(found, (3, 1013, 2_484_036_031));
    }

    /// Fails when an event changed its shape: what readers of the feed have not read yet cannot be
    /// read then. Let [`FORMAT`] grow by one and put the new numbers here.
    #[test]
    fn events_are_written_as_they_were() {
        let job_id = JobId::deterministic("vo", "sid");
        let moved = Event::File(FileMoved {
            job_id,
            file_id: FileId(1),
            from: FileState::Ready,
            to: FileState::Active,
            job_state: JobState::Active,
            retry: 2,
            at: Timestamp(3),
        });
        let ended = Event::Attempt(Box::new(AttemptEnded {
            job_id,
            file_id: FileId(1),
            job_state: JobState::Active,
            retry: 2,
            started: Some(Timestamp(1)),
            at: Timestamp(3),
            fault: Some(Fault::new(Scope::Source, Phase::Transfer, 5, "m")),
            canceled: false,
            last_hop: true,
            rung: Some(Rung::Pull),
            copy_seconds: 1.5,
            steps: StepTimes([1, 2, 3, 4, 5, 6]),
            params: Some("p".into()),
            size: Some(7),
            transferred: None,
        }));
        let job = Event::Job(JobMoved {
            job_id,
            state: JobState::Finished,
            at: Timestamp(3),
        });
        let bytes = RecordRef::Events(&[moved, ended, job])
            .encode(Vec::new())
            .unwrap();
        let decided = EvolutionRow {
            datetime: Timestamp(1),
            source_se: "s".into(),
            dest_se: "d".into(),
            active: 2,
            throughput: 1.5,
            success: 99.5,
            rationale: "r".into(),
            diff: -1,
            actual_active: 3,
            queue_size: 4,
            ema: 2.5,
            filesize_avg: 3.5,
            filesize_stddev: 4.5,
        };
        let bytes = RecordRef::Decided(&[decided]).encode(bytes).unwrap();
        assert_eq!((bytes.len(), crc32c::crc32c(&bytes)), (153, 605_206_580));
    }
}
