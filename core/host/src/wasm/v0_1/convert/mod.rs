//! Values of this version to the SDK's and back.
//!
//! Records and enumerations are tables of names; what is not the same under another name has a
//! function of its own. What a guest says is taken with care: texts of errors are cut, URLs are parsed.

mod enums;
mod errors;
mod records;

use causeway_sdk as sdk;

pub(super) use enums::{credential_kind_out, direction_out, level};
pub(super) use errors::{error, error_out, millis};
pub(super) use records::{copy_request_out, secret_out};

/// What a guest said, as the SDK says it; an error when it makes no sense.
pub(super) trait Inward<T> {
    fn inward(self) -> sdk::Result<T>;
}

/// What the SDK says, for a guest; an error when this version has no word for it.
pub(super) trait Outward<T> {
    fn outward(self) -> sdk::Result<T>;
}

/// Both sides say it alike.
macro_rules! alike {
    ($trait:ident, $method:ident, [$($ty:ty),*]) => { $(
        impl $trait<$ty> for $ty {
            fn $method(self) -> sdk::Result<$ty> {
                Ok(self)
            }
        }
    )* };
}

alike!(Inward, inward, [(), bool, u32, u64, i64, String]);
alike!(Outward, outward, [bool, u32, u64, String]);
alike!(
    Outward,
    outward,
    [Option<u64>, Option<String>, Vec<String>]
);

impl<T: Inward<U>, U> Inward<Option<U>> for Option<T> {
    fn inward(self) -> sdk::Result<Option<U>> {
        self.map(Inward::inward).transpose()
    }
}

impl<T: Inward<U>, U> Inward<Vec<U>> for Vec<T> {
    fn inward(self) -> sdk::Result<Vec<U>> {
        self.into_iter().map(Inward::inward).collect()
    }
}

impl Inward<sdk::Url> for String {
    fn inward(self) -> sdk::Result<sdk::Url> {
        self.parse().map_err(|_| {
            let text = "understand the plugin's answer: it has a URL that is none";
            sdk::Error::new(sdk::ErrorKind::Internal, text)
        })
    }
}

impl Outward<String> for sdk::Url {
    fn outward(self) -> sdk::Result<String> {
        Ok(self.as_str().to_owned())
    }
}

impl Outward<Vec<String>> for Vec<sdk::Url> {
    fn outward(self) -> sdk::Result<Vec<String>> {
        self.into_iter().map(Outward::outward).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_url_is_the_plugins_defect() {
        let url: sdk::Result<sdk::Url> = "no url".to_owned().inward();
        assert_eq!(url.unwrap_err().kind(), sdk::ErrorKind::Internal);
    }
}
