//! The nouns of a storage call.

mod copy;
mod entry;
mod io;
mod staging;
mod turl;
mod url;

pub use copy::{Copied, CopyRequest, Direction, Progress, ProgressSink};
pub use entry::{DirPage, Entry, EntryKind, Locality, Page, Space, Stat};
pub use io::{Opened, ReadOptions, WriteOptions, Written};
pub use staging::{FileState, StageRequest, Staged, StagingState};
pub use turl::{Access, Outcome, TransferUrl, TurlRequest};
pub use url::{Url, UrlError};
