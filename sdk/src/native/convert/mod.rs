//! Between the SDK's types and those of `causeway-abi`: one place per type, used on both sides.
//!
//! Codes and texts from the other side are checked here. An unknown code becomes something
//! harmless; what cannot be understood at all becomes an error of the call. What every call and
//! every chunk passes through is inlined into the caller: answers are large, and are then converted
//! field by field where they lie.

mod call;
mod entry;
mod sinks;
mod staging;
mod text;
mod value;

pub use call::{
    algorithm, algorithm_code, copy_request, copy_request_ref, ctx, ctx_handle, held, held_abi,
    outcome, outcome_code, page, page_ref, read_options, read_options_ref, stage_request,
    stage_request_ref, turl_request, turl_request_ref, url, url_ref, url_refs, urls, write_options,
    write_options_abi,
};
pub(crate) use call::{credential, credential_ref};
pub(crate) use sinks::{contained, level_code, level_of};
pub use sinks::{host, host_abi, progress_sink, progress_sink_abi};
pub use value::Crossing;
