//! How large the pages are that the system gives a process.
//!
//! The server's memory is many small rows that come and go. With transparent huge pages the system
//! clears two megabytes where a few kilobytes are touched, which was a third of the time of a bulk
//! submission. Workers move bytes through large buffers and keep what the system does by itself.

use rustix::thread::disable_transparent_huge_pages;

/// Small pages only, for this process and those that it starts.
pub(crate) fn small() {
    set(true);
}

/// What the system does by itself.
pub(crate) fn as_usual() {
    set(false);
}

fn set(small: bool) {
    if let Err(error) = disable_transparent_huge_pages(small) {
        tracing::debug!(%error, "the size of pages stays as it is");
    }
}

#[cfg(test)]
mod tests {
    use rustix::thread::transparent_huge_pages_are_disabled;

    #[test]
    fn they_can_be_switched() {
        super::small();
        assert!(transparent_huge_pages_are_disabled().unwrap());
        super::as_usual();
        assert!(!transparent_huge_pages_are_disabled().unwrap());
    }
}
