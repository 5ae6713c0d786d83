//! The plugin's side of the native boundary: makes any [`Storage`](crate::Storage) callable through
//! the types of `causeway-abi`, and converts between those and the SDK's.
//!
//! Called by [`export_plugin!`](crate::export_plugin) alone; the conversions are used by the host's
//! bridge as well. Nothing here knows a protocol.
//!
//! # Invariants
//! - No code of the author runs before a future is first polled, except in `create`, `describe` and
//!   `admit`, which answer at once.
//! - No panic leaves: calls answer with an error, drops are caught and logged.
//! - Whatever runs, runs inside the runtime of this image: timers and sockets find their reactor.
//! - When a call is given up, its token is raised before its future is dropped.

// The boundary needs raw pins and a raw preamble; each block says what makes it sound.
#![allow(unsafe_code)]

mod adapter;
mod body;
mod call;
mod contain;
pub mod convert;
mod root;
mod runtime;
mod slot;

#[doc(hidden)]
pub use causeway_abi::abi_stable::library::LibHeader;
#[doc(hidden)]
pub use causeway_abi::preamble::Preamble;
#[doc(hidden)]
pub use root::{header, preamble};

pub use adapter::export;
pub use contain::PANIC_KEY;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use causeway_abi::abi_stable::std_types::RResult;

    use super::call::reply;
    use super::contain::Contained;
    use super::convert::{self, Crossing};
    use crate::{CancelToken, Credential, Ctx, Error, ErrorKind, Retry, Secret, Url, dynamic};

    #[test]
    fn every_spelling_of_the_trait_has_the_same_methods() {
        assert_eq!(causeway_abi::METHODS, dynamic::METHODS);
    }

    #[test]
    fn every_kind_of_error_comes_back() {
        for kind in ErrorKind::ALL {
            let error = Error::new(kind, "say it")
                .with_retry(Retry::Soon)
                .with("k", "v");
            assert_eq!(Error::from_abi(error.clone().into_abi()), Ok(error));
        }
        let mut newer = Error::new(ErrorKind::Busy, "new").into_abi();
        newer.kind.0 = 4000;
        let known = Error::from_abi(newer).map(|it| it.kind());
        assert_eq!(known, Ok(ErrorKind::Internal));
    }

    #[test]
    fn every_algorithm_comes_back_and_a_newer_one_is_unsupported() {
        for algorithm in crate::Algorithm::ALL {
            let code = convert::algorithm_code(algorithm);
            assert_eq!(convert::algorithm(code), Ok(algorithm));
        }
        let newer = convert::algorithm(causeway_abi::values::Algorithm(99));
        assert_eq!(newer.map_err(|it| it.kind()), Err(ErrorKind::Unsupported));
    }

    #[test]
    fn a_url_with_ends_that_do_not_fit_is_refused() {
        let url: Url = "mock://h/é?q".parse().unwrap();
        assert_eq!(convert::url(convert::url_ref(&url)), Ok(url.clone()));
        for change in [1_u16, 2, 90, 9999] {
            let mut lent = convert::url_ref(&url);
            lent.path = lent.authority + change;
            let seen = convert::url(lent);
            assert!(seen.is_err() || change == 1, "{change}: {seen:?}");
        }
        let mut lent = convert::url_ref(&url);
        lent.scheme = lent.path + 1;
        assert!(convert::url(lent).is_err());
    }

    #[test]
    fn every_credential_comes_back() {
        for credential in [
            Credential::None,
            Credential::Bearer(Secret::new("t")),
            Credential::X509(Secret::new("pem")),
            Credential::Keys {
                access: "a".into(),
                secret: Secret::new("s"),
                token: Some(Secret::new("t")),
                region: Some("r".into()),
            },
        ] {
            let cx = Ctx::new("1").with_credential(credential.clone());
            assert_eq!(
                convert::ctx(convert::ctx_handle(&cx)).credential(),
                &credential
            );
        }
    }

    #[test]
    fn a_token_reaches_down_and_not_up() {
        let above = CancelToken::default();
        let cx = Ctx::new("1").with_cancel(above.clone());
        let one = convert::ctx(convert::ctx_handle(&cx));
        let two = convert::ctx(convert::ctx_handle(&cx));
        one.cancel().cancel();
        assert!(!above.is_cancelled() && !two.cancel().is_cancelled());
        above.cancel();
        assert!(two.cancel().is_cancelled());
    }

    #[tokio::test]
    async fn who_waits_below_is_woken_from_above() {
        let above = CancelToken::default();
        let cx = Ctx::new("1").with_cancel(above.clone());
        let below = convert::ctx(convert::ctx_handle(&cx));
        let waiter = tokio::spawn(async move { below.cancel().cancelled().await });
        tokio::task::yield_now().await;
        above.cancel();
        waiter.await.unwrap();
    }

    #[test]
    fn no_code_runs_before_the_first_poll_and_the_token_is_raised_before_the_drop() {
        struct Sees(CancelToken, Arc<AtomicUsize>);
        impl Drop for Sees {
            fn drop(&mut self) {
                assert!(self.0.is_cancelled());
                self.1.fetch_add(1, Ordering::SeqCst);
            }
        }
        let (cx, drops) = (Ctx::new("1"), Arc::new(AtomicUsize::new(0)));
        let token = cx.cancel().clone();
        let guard = Sees(token.clone(), Arc::clone(&drops));
        let polls = Arc::new(AtomicUsize::new(0));
        let call = reply("test", Some(cx), {
            let polls = Arc::clone(&polls);
            async move {
                let _guard = guard;
                polls.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
        });
        assert!(!token.is_cancelled());
        drop(call);
        assert!(token.is_cancelled());
        assert_eq!(drops.load(Ordering::SeqCst), 1);
        assert_eq!(polls.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn a_call_that_is_done_does_not_raise_its_token() {
        let cx = Ctx::new("1");
        let done = reply("test", Some(cx.clone()), async { Ok(true) }).await;
        assert!(matches!(done, RResult::ROk(true)));
        assert!(!cx.cancel().is_cancelled());
    }

    #[test]
    fn a_panic_in_a_drop_stays_inside() {
        struct Bad;
        impl Drop for Bad {
            fn drop(&mut self) {
                panic!("as asked");
            }
        }
        drop(Contained::new(Bad, "a test"));
    }
}
