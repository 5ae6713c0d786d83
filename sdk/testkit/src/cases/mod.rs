//! The cases, one file per operation. Each checks one promise and cleans up after nobody: the run
//! has a directory of its own.

mod abort;
mod checksum;
mod concurrency;
mod copy;
mod deadline;
mod describe;
mod directories;
mod errors;
mod faults;
mod list;
mod names;
mod overwrite;
mod positional;
mod read;
mod remove;
mod rename;
mod resume;
mod secrets;
mod space;
mod staging;
mod stat;
mod turl;
mod write;

use std::sync::Arc;

use causeway_sdk::BoxFuture;

use crate::need::Need;
use crate::probe::Probe;
use crate::verdict::Verdict;

type Run = fn(Arc<Probe>) -> BoxFuture<'static, Verdict>;

/// One case.
pub(crate) struct Definition {
    /// `<operation>/<promise>`.
    pub(crate) name: &'static str,
    /// What it needs to run.
    pub(crate) needs: &'static [Need],
    /// The case itself.
    pub(crate) run: Run,
}

/// Lists cases: name, what they need, function.
macro_rules! cases {
    ($( $name:literal [ $($need:expr),* ] $run:path; )*) => {
        pub(super) fn all() -> Vec<$crate::cases::Definition> {
            vec![$( $crate::cases::Definition {
                name: $name,
                needs: &[$($need),*],
                run: |probe| Box::pin(async move { $run(&probe).await }),
            } ),*]
        }
    };
}
pub(crate) use cases;

/// Every case, in the order they run.
pub(crate) fn all() -> Vec<Definition> {
    [
        describe::all(),
        stat::all(),
        read::all(),
        write::all(),
        positional::all(),
        resume::all(),
        overwrite::all(),
        abort::all(),
        names::all(),
        list::all(),
        directories::all(),
        remove::all(),
        rename::all(),
        checksum::all(),
        space::all(),
        copy::all(),
        staging::all(),
        turl::all(),
        errors::all(),
        secrets::all(),
        deadline::all(),
        concurrency::all(),
        faults::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_say_what_they_are_about() {
        let mut names: Vec<&str> = all().iter().map(|it| it.name).collect();
        assert!(names.iter().all(|it| it.split('/').count() == 2));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
