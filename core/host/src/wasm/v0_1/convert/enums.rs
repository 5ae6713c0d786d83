//! Enumerations: the same names on both sides, case by case.

use causeway_sdk as sdk;
use causeway_sdk::capability::CredentialKind;

use super::{Inward, Outward};
use crate::wasm::v0_1::wit::causeway::storage::types as wit;
use crate::wasm::v0_1::wit::exports::causeway::storage::{peer_copy, turl};

macro_rules! inward {
    ($name:ident, $wit:ty, $sdk:ty, [$($case:ident),* $(,)?]) => {
        pub(in crate::wasm::v0_1) fn $name(it: $wit) -> $sdk {
            match it { $( <$wit>::$case => <$sdk>::$case, )* }
        }

        impl Inward<$sdk> for $wit {
            fn inward(self) -> sdk::Result<$sdk> {
                Ok($name(self))
            }
        }
    };
}

macro_rules! outward {
    ($name:ident, $sdk:ty, $wit:ty, [$($case:ident),* $(,)?]) => {
        pub(in crate::wasm::v0_1) fn $name(it: $sdk) -> Option<$wit> {
            match it {
                $( <$sdk>::$case => Some(<$wit>::$case), )*
                // What the SDK learned after this version was published.
                #[allow(unreachable_patterns)]
                _ => None,
            }
        }
    };
}

macro_rules! both {
    ($in:ident, $out:ident, $wit:ty, $sdk:ty, $cases:tt) => {
        inward!($in, $wit, $sdk, $cases);
        outward!($out, $sdk, $wit, $cases);
    };
}

both!(
    kind,
    kind_out,
    wit::ErrorKind,
    sdk::ErrorKind,
    [
        Invalid,
        NotFound,
        Exists,
        NotEmpty,
        IsDirectory,
        NotDirectory,
        Denied,
        AuthRequired,
        AuthExpired,
        Unsupported,
        Busy,
        Throttled,
        Timeout,
        Canceled,
        Network,
        Remote,
        Integrity,
        NoSpace,
        NotOnline,
        Conflict,
        Internal,
    ]
);
both!(
    algorithm,
    algorithm_out,
    wit::Algorithm,
    sdk::Algorithm,
    [Adler32, Crc32, Crc32c, Md5, Sha1, Sha256]
);
both!(access, access_out, turl::Access, sdk::Access, [Read, Write]);
inward!(
    entry_kind,
    wit::EntryKind,
    sdk::EntryKind,
    [File, Directory, Symlink, Other]
);
inward!(
    locality,
    wit::Locality,
    sdk::Locality,
    [Unknown, Online, Nearline, OnlineAndNearline, Lost]
);
inward!(
    level,
    wit::LogLevel,
    sdk::LogLevel,
    [Debug, Info, Warn, Error]
);
outward!(outcome_out, sdk::Outcome, turl::Outcome, [Done, Aborted]);
outward!(
    direction_out,
    sdk::Direction,
    peer_copy::Direction,
    [Pull, Push]
);
outward!(
    credential_kind_out,
    CredentialKind,
    wit::CredentialKind,
    [None, Bearer, X509, Keys]
);

fn unknown(what: &dyn std::fmt::Display) -> sdk::Error {
    let text = format!("{what} is not known to a plugin of this age");
    sdk::Error::new(sdk::ErrorKind::Unsupported, text)
}

impl Outward<wit::Algorithm> for sdk::Algorithm {
    fn outward(self) -> sdk::Result<wit::Algorithm> {
        algorithm_out(self).ok_or_else(|| unknown(&self))
    }
}

impl Outward<turl::Access> for sdk::Access {
    fn outward(self) -> sdk::Result<turl::Access> {
        access_out(self).ok_or_else(|| unknown(&"this kind of access"))
    }
}

impl Outward<turl::Outcome> for sdk::Outcome {
    fn outward(self) -> sdk::Result<turl::Outcome> {
        outcome_out(self).ok_or_else(|| unknown(&"this outcome"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_has_its_name_here_unless_it_is_younger() {
        let (known, younger) = sdk::Algorithm::ALL.split_at(6);
        for it in known {
            assert_eq!(algorithm(it.outward().unwrap()), *it);
        }
        for it in younger {
            let refused = it.outward().unwrap_err();
            assert_eq!(refused.kind(), sdk::ErrorKind::Unsupported, "{it}");
        }
    }
}
