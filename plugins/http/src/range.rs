//! `Content-Range` (RFC 9110 section 14.4): which bytes of the file an answer holds.

/// `bytes 0-499/1234`, the size may be `*`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ContentRange {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) size: Option<u64>,
}

impl ContentRange {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (range, size) = text.trim().strip_prefix("bytes")?.trim().split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        (first <= last && last < u64::MAX).then(|| Self {
            first,
            last,
            size: size.trim().parse().ok(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges() {
        let range = |first, last, size| Some(ContentRange { first, last, size });
        assert_eq!(
            ContentRange::parse("bytes 0-499/1234"),
            range(0, 499, Some(1234))
        );
        assert_eq!(ContentRange::parse("bytes 5-5/*"), range(5, 5, None));
        for bad in [
            "bytes */10",
            "bytes 8--1/8",
            "bytes 9-1/10",
            "0-1/2",
            "bytes 0-18446744073709551615/*",
        ] {
            assert_eq!(ContentRange::parse(bad), None, "{bad}");
        }
    }
}
