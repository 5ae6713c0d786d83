//! Which destinations may be replaced: four flags of which at most one pair goes together.

use causeway_model::Overwrite;

use crate::error::ApiError;

/// The flags as given.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    pub(super) always: bool,
    pub(super) on_retry: bool,
    pub(super) only_on_disk: bool,
    pub(super) hop: bool,
}

impl Flags {
    pub(super) fn decide(
        self,
        multihop: bool,
        archive_timeout: i64,
    ) -> Result<Overwrite, ApiError> {
        let overwrite = match (self.always, self.on_retry, self.only_on_disk, self.hop) {
            (false, false, false, false) => Overwrite::No,
            (true, false, false, false) => Overwrite::Yes,
            (false, true, false, false) => Overwrite::OnRetry,
            (false, false, true, false) => Overwrite::WhenOnlyOnDisk,
            (false, false, false, true) => Overwrite::Hop,
            (false, false, true, true) => Overwrite::HopAndOnlyOnDisk,
            _ => {
                return Err(ApiError::bad_request(
                    "Incompatible overwrite flags used at the same time",
                ));
            }
        };
        if self.hop && !multihop {
            return Err(ApiError::bad_request(
                "'overwrite-hop' requires multihop job submission",
            ));
        }
        if self.only_on_disk && archive_timeout <= 0 {
            return Err(ApiError::bad_request(
                "'overwrite-when-only-on-disk' requires 'archive-timeout' to be set",
            ));
        }
        Ok(overwrite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_flag_or_the_one_pair() {
        let of = |bits: [bool; 4]| {
            let [always, on_retry, only_on_disk, hop] = bits;
            let flags = Flags {
                always,
                on_retry,
                only_on_disk,
                hop,
            };
            flags.decide(true, 1).ok()
        };
        assert_eq!(of([false; 4]), Some(Overwrite::No));
        assert_eq!(
            of([false, false, true, true]),
            Some(Overwrite::HopAndOnlyOnDisk)
        );
        assert_eq!(of([true, true, false, false]), None);
        assert_eq!(of([true; 4]), None);
    }
}
