//! When a request is worth sending again, and when. Only where the gateway could not do it as well:
//! one part of thousands that failed must not cost all the others.

use std::time::Duration;

use causeway_sdk::{Error, ErrorKind, Retry};

/// How often one request of an upload is tried.
pub(crate) const ATTEMPTS: u32 = 4;

/// How long to wait before the n-th attempt after a failure: what the server said, else a little
/// more each time.
pub(crate) fn pause(error: &Error, attempt: u32) -> Duration {
    const LONGEST: Duration = Duration::from_secs(30);
    let own = Duration::from_millis(200 << attempt.min(6));
    match error.retry() {
        Retry::After(wait) => wait.min(LONGEST),
        _ => own,
    }
}

/// Whether the same request may work the next time.
pub(crate) fn is_passing(error: &Error) -> bool {
    use ErrorKind::{Busy, Network, Remote, Throttled, Timeout};
    let kinds = [Busy, Throttled, Timeout, Network, Remote];
    kinds.contains(&error.kind()) && error.retry() != Retry::Never
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_decides_how_long_to_wait() {
        let error = Error::new(ErrorKind::Throttled, "x");
        assert!(pause(&error, 0) < pause(&error, 1));
        let named = error
            .clone()
            .with_retry(Retry::After(Duration::from_secs(5)));
        assert_eq!(pause(&named, 3), Duration::from_secs(5));
        let far = error.with_retry(Retry::After(Duration::from_secs(3600)));
        assert_eq!(pause(&far, 0), Duration::from_secs(30));
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let passes = |kind| is_passing(&Error::new(kind, "x"));
        assert!(passes(ErrorKind::Network) && passes(ErrorKind::Busy));
        assert!(!passes(ErrorKind::Denied) && !passes(ErrorKind::AuthExpired));
        assert!(!passes(ErrorKind::Integrity) && !passes(ErrorKind::Conflict));
        let never = Error::new(ErrorKind::Network, "x").with_retry(Retry::Never);
        assert!(!is_passing(&never));
    }
}
