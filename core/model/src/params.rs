//! Parameters that users give with a job and that are kept as they were given.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A JSON value as text, so that it comes back exactly as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonText(pub String);

/// What happens when something stands at the destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Overwrite {
    /// The transfer fails.
    #[default]
    No,
    /// It is replaced.
    Yes,
    /// It is replaced from the second attempt on.
    OnRetry,
    /// It is replaced at every hop but the last.
    Hop,
    /// It is replaced if it is on disk and not on tape.
    WhenOnlyOnDisk,
    /// Both of the above.
    HopAndOnlyOnDisk,
}

impl Overwrite {
    /// The letter on the wire for the variants that a boolean cannot say.
    pub fn letter(self) -> Option<char> {
        match self {
            Self::No | Self::Yes => None,
            Self::OnRetry => Some('R'),
            Self::Hop => Some('M'),
            Self::WhenOnlyOnDisk => Some('D'),
            Self::HopAndOnlyOnDisk => Some('Q'),
        }
    }
}

/// Preferred address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IpFamily {
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

/// How to copy, as the user asked. `Display` gives the `internal_job_params` of the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyParams {
    /// Parallel streams.
    pub streams: Option<u32>,
    /// Seconds for the copy; 0 means by size.
    pub timeout_seconds: Option<u64>,
    /// TCP buffer in bytes; 0 means the system's.
    pub buffer_bytes: Option<u64>,
    /// Copy only: no stat, no checksum, no size check, no mkdir.
    pub strict: bool,
    /// Leave the destination as it is when the copy fails.
    pub disable_cleanup: bool,
    /// Address family.
    pub ip: Option<IpFamily>,
    /// Path-style S3 URLs.
    pub s3_alternate: bool,
}

impl CopyParams {
    /// True when the user asked for nothing special.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for CopyParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.streams.map(|n| format!("nostreams:{n}")));
        parts.extend(self.timeout_seconds.map(|n| format!("timeout:{n}")));
        parts.extend(self.buffer_bytes.map(|n| format!("buffersize:{n}")));
        parts.extend(self.strict.then(|| "strict".to_owned()));
        parts.extend(self.disable_cleanup.then(|| "disable-cleanup".to_owned()));
        parts.extend(self.ip.map(|ip| match ip {
            IpFamily::V4 => "ipv4".to_owned(),
            IpFamily::V6 => "ipv6".to_owned(),
        }));
        parts.extend(self.s3_alternate.then(|| "s3alternate".to_owned()));
        f.write_str(&parts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_read_as_on_the_wire() {
        let params = CopyParams {
            streams: Some(4),
            timeout_seconds: Some(1800),
            buffer_bytes: Some(1025),
            strict: true,
            ip: Some(IpFamily::V4),
            ..CopyParams::default()
        };
        assert_eq!(
            params.to_string(),
            "nostreams:4,timeout:1800,buffersize:1025,strict,ipv4"
        );
        assert!(CopyParams::default().is_empty());
    }
}
