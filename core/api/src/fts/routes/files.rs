//! `/files`: transfers of all jobs, by condition.

use causeway_model::Level;
use causeway_model::ports::FileQuery;

use super::jobs::filter::{NOTHING, states_in, time_window};
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire::{self, FileShape};

/// Most transfers in one answer.
const LIMIT_MAX: i64 = 1000;

/// `GET /files`
pub async fn list(call: Call) -> Outcome {
    let Some(query) = query(&call)? else {
        return wire::json(NOTHING);
    };
    let files = call.state.store.list_files(&query).await?;
    let shapes: Vec<FileShape<'_>> = files.iter().map(|it| FileShape::new(it)).collect();
    wire::json(&shapes)
}

/// The conditions; `None` when they contradict what the caller may see.
fn query(call: &Call) -> Result<Option<FileQuery>, ApiError> {
    let given = |name| call.query.given(name).map(str::to_owned);
    let wanted = given("vo_name");
    let vo_name = match call.level("transfer")? {
        Level::All => wanted,
        Level::Vo | Level::Private => {
            let own = call.principal().primary_vo();
            if wanted.is_some_and(|it| it != own) {
                return Ok(None);
            }
            Some(own.to_owned())
        }
    };
    let limit = match call.query.given("limit") {
        None => LIMIT_MAX,
        Some(text) => text
            .trim()
            .parse()
            .map_err(|_| ApiError::bad_request("Invalid limit value"))?,
    };
    let states = call.query.given("state_in").map(states_in);
    let finished_since = match call.query.given("time_window") {
        Some(text) => Some(time_window(text, call.state.clock.now())?),
        None => None,
    };
    Ok(Some(FileQuery {
        vo_name,
        unfinished_only: states.is_none() && finished_since.is_none(),
        states,
        source_se: given("source_se"),
        dest_se: given("dest_se"),
        dest_surl: given("dest_surl"),
        finished_since,
        limit: limit.clamp(1, LIMIT_MAX) as usize,
    }))
}
