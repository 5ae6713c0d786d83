//! The job's id: random, or from the VO and a name of the user.

use causeway_model::JobId;

use super::document::Object;
use super::value::text;
use crate::error::ApiError;

/// How the id is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum IdRule {
    Random,
    Named(String),
}

impl IdRule {
    pub(super) fn read(params: &Object<'_>) -> Result<Self, ApiError> {
        let generator = match params.get("id_generator") {
            Some(raw) => text(raw)?.unwrap_or_default(),
            None => Default::default(),
        };
        if generator != "deterministic" {
            return Ok(Self::Random);
        }
        let sid = match params.get("sid") {
            Some(raw) => match text(raw)? {
                Some(text) => text.into_owned(),
                None => raw.get().to_owned(),
            },
            None => String::new(),
        };
        if sid.is_empty() {
            return Err(ApiError::bad_request(
                "Need sid for deterministic job id generation",
            ));
        }
        Ok(Self::Named(sid))
    }

    pub(super) fn make(&self, vo: &str) -> JobId {
        match self {
            Self::Random => JobId::random(),
            Self::Named(sid) => JobId::deterministic(vo, sid),
        }
    }
}
