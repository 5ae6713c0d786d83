//! An answer that weighs much more than the memory of its instance: every name in it is the same text.

// What makes it wrong is what it is for: nobody but the gateway reads the names.
#![allow(unsafe_code)]

use causeway_sdk::{DirPage, Entry, Stat};

const NAME: usize = 1 << 20;
const ENTRIES: usize = 2_000;

/// Two gigabytes in one megabyte.
pub(crate) fn page() -> DirPage {
    let text = "n".repeat(NAME).leak().as_mut_ptr();
    let entry = |_| Entry {
        // SAFETY: there is none. The text is leaked and lives on, and these names own it all; they are
        // handed over whole, and the instance ends before anybody gives them back.
        name: unsafe { String::from_raw_parts(text, NAME, NAME) },
        stat: Stat::file(1),
    };
    DirPage {
        entries: (0..ENTRIES).map(entry).collect(),
        next: None,
    }
}
