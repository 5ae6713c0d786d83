//! Bodies of messages, member for member as consumers of the field read them.
//!
//! Numbers are JSON numbers, flags are JSON booleans, metadata are JSON values and null when there
//! are none. Points in time are milliseconds since 1970 and 0 when there is none, except where a
//! member says otherwise.
//!
//! | message | members in |
//! |---|---|
//! | start | [`start`] |
//! | complete | [`complete`] |
//! | state, and a job's state | [`state`] |
//! | optimizer | [`optimizer`] |

mod complete;
mod optimizer;
mod start;
mod state;
#[cfg(test)]
#[path = "../tests/shape.rs"]
mod tests;

use causeway_model::{FileId, Job, JobId, JsonText, Timestamp};
use causeway_sdk::Url;
use serde_json::{Map, Value};

pub use complete::complete;
pub use optimizer::optimizer;
pub use start::start;
pub use state::{State, job, state};

use crate::Voice;

/// A body that grows.
#[derive(Default)]
pub(crate) struct Body(Map<String, Value>);

impl Body {
    pub(crate) fn put(&mut self, name: &str, value: impl Into<Value>) -> &mut Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn text(self) -> String {
        Value::Object(self.0).to_string()
    }
}

/// Metadata as JSON; text that is none stays text.
pub(crate) fn metadata(text: Option<&JsonText>) -> Value {
    match text.map(|it| it.0.as_str()) {
        None | Some("") => Value::Null,
        Some(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
    }
}

/// Milliseconds, 0 for no time.
pub(crate) fn millis(time: Option<Timestamp>) -> i64 {
    time.map_or(0, |it| it.0)
}

/// Whole seconds, 0 for no time.
pub(crate) fn seconds(time: Option<Timestamp>) -> i64 {
    time.map_or(0, Timestamp::seconds)
}

/// The user's DN where the VO lets it be shown.
pub(crate) fn user_dn(voice: &Voice, job: &Job) -> Value {
    match voice.shows_dn(&job.vo_name) {
        true => Value::from(job.user_dn.as_ref()),
        false => Value::from(""),
    }
}

/// `source__destination`, the name of a link.
pub(crate) fn channel(source: &Url, destination: &Url) -> String {
    format!("{}__{}", source.host(), destination.host())
}

/// The name of an attempt: day and minute, link, transfer, job. Consumers cut the job's id off its
/// end.
pub(crate) fn attempt_name(
    begun: Timestamp,
    (source, destination): (&Url, &Url),
    file: FileId,
    job: JobId,
) -> String {
    let time = begun.to_string();
    // 2026-11-22T03:15:00
    let (day, hour, minute) = (&time[..10], &time[11..13], &time[14..16]);
    let link = channel(source, destination);
    format!("{day}-{hour}{minute}__{link}__{file}__{job}")
}
