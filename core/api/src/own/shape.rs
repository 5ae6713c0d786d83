//! Members that several of our own answers share: reasons, and what a credential is good for.

use causeway_model::explain::Wait;
use causeway_model::{Job, Timestamp};
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::state::ApiState;

/// Members of reasons that are points in time.
const TIMES: [&str; 4] = ["until", "at", "expires", "since"];

/// A reason with its sentence. Points in time are written as everywhere else on the wire.
pub(super) fn wait(wait: &Wait) -> Result<Value, ApiError> {
    let mut shape = serde_json::to_value(wait).map_err(|error| {
        tracing::error!(%error, "a reason has no JSON form");
        ApiError::internal("Internal error")
    })?;
    for name in TIMES {
        if let Some(millis) = shape.get(name).and_then(Value::as_i64) {
            shape[name] = time(Some(Timestamp(millis)));
        }
    }
    shape["text"] = json!(wait.to_string());
    Ok(shape)
}

/// Reasons with their sentences.
pub(super) fn waits(waits: &[Wait]) -> Result<Vec<Value>, ApiError> {
    waits.iter().map(wait).collect()
}

/// A point in time.
pub(super) fn time(time: Option<Timestamp>) -> Value {
    json!(time.map(|it| it.to_string()))
}

/// What a job runs with.
#[derive(Clone, Copy)]
pub(super) struct Means {
    /// When its credential expires; `None` when there is none.
    pub(super) expires: Option<Timestamp>,
    /// It cannot run without.
    pub(super) needed: bool,
}

impl Means {
    /// From the vault.
    pub(super) async fn of(state: &ApiState, job: &Job) -> Result<Self, ApiError> {
        let stored = state.vault.credential(&job.cred_id, &job.user_dn).await?;
        Ok(Self {
            expires: stored.map(|it| it.termination_time),
            needed: state.config.require_delegation,
        })
    }

    /// The reason that lies in the credential, if one does.
    pub(super) fn obstacle(self, now: Timestamp) -> Option<Wait> {
        let lacks = match self.expires {
            Some(expires) => expires <= now,
            None => self.needed,
        };
        lacks.then_some(Wait::Credential {
            expires: self.expires,
        })
    }

    /// True when it is good until then.
    pub(super) fn outlives(self, end: Timestamp) -> bool {
        match self.expires {
            Some(expires) => expires > end,
            None => !self.needed,
        }
    }
}

/// When a transfer has ended at the latest that starts when it is thought to.
pub(super) fn latest_end(now: Timestamp, start: Option<Timestamp>, seconds: u64) -> Timestamp {
    let millis = i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
    start.unwrap_or(now).max(now).plus_millis(millis)
}

/// Reasons of a queue, and one that lies elsewhere.
pub(super) fn join(waits: &mut Vec<Wait>, other: Option<Wait>) {
    if let Some(other) = other {
        waits.retain(|it| *it != Wait::Next);
        waits.push(other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_everywhere() {
        let at = Timestamp::from_seconds(1_558_516_162);
        let shape = wait(&Wait::RetryAt { at }).unwrap();
        assert_eq!(
            shape,
            json!({
                "kind": "retry_at", "at": "2019-05-22T09:09:22",
                "text": "The last attempt failed; the next one starts after 2019-05-22T09:09:22.",
            })
        );
        assert_eq!(
            wait(&Wait::Staging { since: None }).unwrap()["since"],
            json!(null)
        );
    }
}
