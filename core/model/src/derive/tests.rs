use super::*;
use FileState as F;
use JobState as J;

type Row = (JobType, &'static [(u32, F)], J);

fn check(current: J, rows: &[Row]) {
    for (job_type, files, expected) in rows {
        let derived = job_state(current, *job_type, files.iter().copied());
        assert_eq!(derived.state, *expected, "{current}: {job_type} {files:?}");
        let ended = derived.state.is_terminal() && derived.state != J::Finished;
        let reason = ended.then_some(SOME_FAILED);
        assert_eq!(derived.reason, reason, "{job_type} {files:?}");
    }
}

use JobType::{MultiReplica as R, Multihop as H, Normal as N, Reuse as Y};

#[test]
fn a_job_that_is_over() {
    check(
        J::Active,
        &[
            // Some finished, some failed.
            (N, &[(0, F::Finished), (1, F::Failed)], J::FinishedDirty),
            (Y, &[(0, F::Finished), (1, F::Failed)], J::FinishedDirty),
            (
                N,
                &[(0, F::Finished), (1, F::Failed), (2, F::Canceled)],
                J::FinishedDirty,
            ),
            (H, &[(0, F::Finished), (1, F::Failed)], J::Failed),
            // All finished.
            (N, &[(0, F::Finished), (1, F::Finished)], J::Finished),
            (H, &[(0, F::Finished), (1, F::Finished)], J::Finished),
            // None finished, some failed.
            (N, &[(0, F::Failed), (1, F::Failed)], J::Failed),
            (N, &[(0, F::Failed), (1, F::Canceled)], J::Failed),
            // None failed, some canceled.
            (N, &[(0, F::Finished), (1, F::Canceled)], J::Canceled),
            (N, &[(0, F::Canceled), (1, F::Canceled)], J::Canceled),
            (Y, &[(0, F::Canceled)], J::Canceled),
        ],
    );
}

#[test]
fn replicas_count_once() {
    check(
        J::Active,
        &[
            (
                R,
                &[(0, F::Failed), (0, F::Finished), (0, F::NotUsed)],
                J::Finished,
            ),
            (R, &[(0, F::Failed), (0, F::Failed)], J::Failed),
            (R, &[(0, F::Failed), (0, F::Canceled)], J::Failed),
            (R, &[(0, F::Canceled), (0, F::NotUsed)], J::Canceled),
            (R, &[(0, F::Failed), (0, F::Active)], J::Active),
            (R, &[(0, F::Archiving), (0, F::NotUsed)], J::Archiving),
        ],
    );
}

#[test]
fn a_chain_is_over_with_its_first_failure() {
    check(
        J::Active,
        &[
            (
                H,
                &[(0, F::Finished), (1, F::Failed), (2, F::NotUsed)],
                J::Failed,
            ),
            (
                H,
                &[(0, F::Finished), (1, F::Failed), (2, F::Canceled)],
                J::Failed,
            ),
            (H, &[(0, F::Failed), (1, F::NotUsed)], J::Failed),
            (H, &[(0, F::Canceled), (1, F::NotUsed)], J::Canceled),
            (
                H,
                &[(0, F::Finished), (1, F::Submitted), (2, F::NotUsed)],
                J::Active,
            ),
            (
                H,
                &[(0, F::Finished), (1, F::Active), (2, F::NotUsed)],
                J::Active,
            ),
            (H, &[(0, F::Finished), (1, F::Archiving)], J::Archiving),
        ],
    );
}

#[test]
fn a_job_on_its_way() {
    check(
        J::Submitted,
        &[
            (N, &[(0, F::Submitted), (1, F::Submitted)], J::Submitted),
            (N, &[(0, F::Ready), (1, F::Submitted)], J::Active),
            (N, &[(0, F::Finished), (1, F::Submitted)], J::Submitted),
        ],
    );
    check(
        J::Active,
        &[
            (N, &[(0, F::Finished), (1, F::Submitted)], J::Active),
            (Y, &[(0, F::Finished), (1, F::Submitted)], J::Active),
            (N, &[(0, F::Archiving), (1, F::Finished)], J::Archiving),
            (N, &[(0, F::Archiving), (1, F::Submitted)], J::Active),
            (N, &[(0, F::Archiving), (1, F::Active)], J::Active),
            (N, &[(0, F::Finished), (1, F::Started)], J::Active),
        ],
    );
    check(
        J::Archiving,
        &[
            (N, &[(0, F::Archiving), (1, F::Failed)], J::Archiving),
            (N, &[(0, F::Finished), (1, F::Failed)], J::FinishedDirty),
        ],
    );
}

#[test]
fn a_staging_job() {
    check(
        J::Staging,
        &[
            (N, &[(0, F::Submitted), (1, F::Started)], J::Staging),
            (N, &[(0, F::Submitted), (1, F::Submitted)], J::Staging),
            (N, &[(0, F::Ready), (1, F::Started)], J::Active),
            (N, &[(0, F::Finished), (1, F::Finished)], J::Finished),
            (Y, &[(0, F::Submitted), (1, F::Started)], J::Staging),
            (Y, &[(0, F::Submitted), (1, F::Submitted)], J::Submitted),
            (H, &[(0, F::Submitted), (1, F::NotUsed)], J::Submitted),
            (R, &[(0, F::Failed), (0, F::Staging)], J::Staging),
            (R, &[(0, F::Submitted), (0, F::NotUsed)], J::Submitted),
        ],
    );
}

#[test]
fn a_terminal_job_keeps_its_state() {
    let it = job_state(J::Canceled, JobType::Normal, [(0, F::Finished)]);
    assert_eq!(it.state, J::Canceled);
}

#[test]
fn deletion_jobs() {
    use DeletionState as D;
    let of = |rows: &[D]| deletion_job_state(J::Delete, rows.iter().copied()).state;
    assert_eq!(of(&[D::Finished, D::Started]), J::Delete);
    assert_eq!(of(&[D::Finished, D::Finished]), J::Finished);
    assert_eq!(of(&[D::Finished, D::Failed]), J::FinishedDirty);
    assert_eq!(of(&[D::Failed]), J::Failed);
    assert_eq!(of(&[D::Failed, D::Canceled]), J::Failed);
    assert_eq!(of(&[D::Finished, D::Canceled]), J::Canceled);
    assert_eq!(of(&[D::Canceled]), J::Canceled);
}
