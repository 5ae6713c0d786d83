//! `/autocomplete`: names that begin as the one that is being typed. Answered from sorted indexes
//! that are kept as rows change.

use crate::error::Outcome;
use crate::extract::Call;
use crate::fts::wire;

/// Most names in one answer.
const NAMES: usize = 1000;
/// Where the search begins when nothing was typed.
const FIRST_DN: &str = "/DC=cern.ch";
/// The same for storages.
const FIRST_STORAGE: &str = "srm://";

fn term<'a>(call: &'a Call, default: &'a str) -> &'a str {
    call.query.get("term").unwrap_or(default)
}

/// `GET /autocomplete/dn?term=`: users with a credential.
pub async fn dn(call: Call) -> Outcome {
    let names = &call.operations()?.user_names;
    wire::json(&names.names(term(&call, FIRST_DN), NAMES).await?)
}

/// `GET /autocomplete/source?term=`: storages that a configured link begins at.
pub async fn source(call: Call) -> Outcome {
    let now = call.operations()?.now();
    wire::json(&now.link_sources(term(&call, FIRST_STORAGE), NAMES))
}

/// `GET /autocomplete/destination?term=`: storages that a configured link ends at.
pub async fn destination(call: Call) -> Outcome {
    let now = call.operations()?.now();
    wire::json(&now.link_destinations(term(&call, FIRST_STORAGE), NAMES))
}

/// `GET /autocomplete/storage?term=`: either.
pub async fn storage(call: Call) -> Outcome {
    let now = call.operations()?.now();
    let term = term(&call, FIRST_STORAGE);
    let mut names = now.link_sources(term, NAMES);
    names.extend(now.link_destinations(term, NAMES));
    names.sort_unstable();
    names.dedup();
    names.truncate(NAMES);
    wire::json(&names)
}

/// `GET /autocomplete/vo?term=`: VOs with jobs; all of them when nothing was typed, because their
/// names have no common beginning.
pub async fn vo(call: Call) -> Outcome {
    let names = &call.operations()?.vo_names;
    wire::json(&names.names(term(&call, ""), NAMES).await?)
}
