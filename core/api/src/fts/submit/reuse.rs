//! Sharing one session: when it is allowed, and when it is done without being asked for.

use causeway_model::Transfer;

use crate::config::AutoReuse;
use crate::error::ApiError;

/// Refuses a shared session between more than two storages.
pub(super) fn check(one_source: bool, one_destination: bool) -> Result<(), ApiError> {
    if one_source && one_destination {
        return Ok(());
    }
    Err(ApiError::bad_request(
        "Reuse jobs can only contain transfers for the same source and destination storage",
    ))
}

/// Whether many small files shall share a session of their own accord.
pub(super) fn is_worth_it(files: &[Transfer], rule: &AutoReuse) -> bool {
    let count = files.len();
    if !rule.enabled || count <= rule.more_than_files || count > rule.max_files {
        return false;
    }
    let sizes = || files.iter().map(|it| it.user_filesize);
    let small = sizes()
        .filter(|it| (1..=rule.small_bytes).contains(it))
        .count();
    let big = sizes()
        .filter(|it| *it > rule.small_bytes && *it <= rule.big_bytes)
        .count();
    small + 2 > count && big <= rule.max_big
}
