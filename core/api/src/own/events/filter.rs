//! Which events a listener gets: those about jobs it may read, and of those the ones it asked for.

use std::sync::Arc;

use causeway_messages::{Kind, Message};
use causeway_model::JobId;

use crate::error::ApiError;
use crate::extract::{Call, Caller};

/// What a listener gets.
pub(super) struct Filter {
    caller: Arc<Caller>,
    kinds: Vec<Kind>,
    job: Option<JobId>,
    vo: Option<String>,
}

impl Filter {
    /// As the caller asked for and may.
    pub(super) fn of(call: &Call) -> Result<Self, ApiError> {
        let kinds = match call.query.given("types") {
            None => Kind::ALL.to_vec(),
            Some(names) => names.split(',').map(kind).collect::<Result<_, _>>()?,
        };
        let job = call.query.given("job_id").map(|text| {
            let id = text.parse::<JobId>();
            id.map_err(|_| ApiError::bad_request(format!("{text:?} is no job id")))
        });
        Ok(Self {
            caller: call.caller.clone(),
            kinds,
            job: job.transpose()?,
            vo: call.query.given("vo_name").map(str::to_owned),
        })
    }

    /// Whether a message is for this listener.
    pub(super) fn lets(&self, message: &Message) -> bool {
        if !self.kinds.contains(&message.kind) {
            return false;
        }
        let caller = &self.caller.principal;
        let Some(job) = &message.job else {
            // Links belong to nobody: only operators look at them.
            let asked_for_less = self.job.is_some() || self.vo.is_some();
            return !asked_for_less && caller.level("config").is_some();
        };
        self.job.is_none_or(|it| it == job.job_id)
            && self
                .vo
                .as_deref()
                .is_none_or(|it| it == job.vo_name.as_ref())
            && caller.may("transfer", Some(&job.user_dn), Some(&job.vo_name))
    }
}

fn kind(name: &str) -> Result<Kind, ApiError> {
    let found = Kind::from_name(name.trim());
    found.ok_or_else(|| {
        let known = Kind::ALL.map(Kind::name).join(", ");
        ApiError::bad_request(format!("{name:?} is no type of events; there are {known}"))
    })
}
