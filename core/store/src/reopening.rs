//! Opening a tree file again right after it was closed.
//!
//! The threads of sled keep the lock of the file for a moment after the last handle is gone, so who
//! closes a store and opens it again in one process may be too quick. Another process cannot be the
//! one who has it: whoever comes here holds the lock of the whole directory.

use std::thread::sleep;
use std::time::Duration;

/// Times that a lock is asked for, and the pause in between.
const ATTEMPTS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(10);

/// Opens it as soon as it is free.
pub(crate) fn open(config: &sled::Config) -> sled::Result<sled::Db> {
    for _ in 1..ATTEMPTS {
        match config.open() {
            Err(error) if is_about_the_lock(&error) => sleep(PAUSE),
            opened => return opened,
        }
    }
    config.open()
}

/// The library gives this error no kind of its own.
fn is_about_the_lock(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(io) if io.to_string().contains("could not acquire lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let config = sled::Config::new().path(dir.path());
        let first = config.open().unwrap();
        assert!(is_about_the_lock(&config.open().unwrap_err()));
        let closing = std::thread::spawn(move || {
            sleep(PAUSE * 5);
            drop(first);
        });
        open(&config).unwrap();
        closing.join().unwrap();
    }
}
