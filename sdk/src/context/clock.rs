//! The time that deadlines are counted in: the machine's own, or in a component the gateway's, since
//! a component has no clock.

#[cfg(not(target_family = "wasm"))]
pub(super) use std::time::Instant as Moment;

#[cfg(target_family = "wasm")]
pub(super) use guest::Moment;

#[cfg(target_family = "wasm")]
mod guest {
    use std::time::Duration;

    /// Time since the gateway's clock began to count.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Moment(Duration);

    impl Moment {
        pub(in super::super) fn now() -> Self {
            Self(crate::component::clock())
        }

        pub(in super::super) fn checked_add(self, more: Duration) -> Option<Self> {
            self.0.checked_add(more).map(Self)
        }

        pub(in super::super) fn saturating_duration_since(self, earlier: Self) -> Duration {
            self.0.saturating_sub(earlier.0)
        }
    }
}
