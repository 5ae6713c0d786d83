//! What a user reads when an attempt failed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest reason kept, in characters.
pub const REASON_MAX: usize = 2048;

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// The source storage.
    Source,
    /// The destination storage.
    Destination,
    /// The copy between them.
    Transfer,
    /// None of them: a dead worker, a defect.
    General,
    /// Bringing online.
    Staging,
    /// Waiting for the tape copy.
    Archiving,
    /// Quality of service.
    Qos,
}

impl Scope {
    /// Name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "SOURCE",
            Self::Destination => "DESTINATION",
            Self::Transfer => "TRANSFER",
            Self::General => "GENERAL_FAILURE",
            Self::Staging => "STAGING",
            Self::Archiving => "ARCHIVING",
            Self::Qos => "QOS",
        }
    }
}

/// When it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Before bytes move.
    Preparation,
    /// While they move.
    Transfer,
    /// After they moved.
    Finalization,
    /// In the engine.
    Service,
}

impl Phase {
    /// Name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Preparation => "TRANSFER_PREPARATION",
            Self::Transfer => "TRANSFER",
            Self::Finalization => "TRANSFER_FINALIZATION",
            Self::Service => "TRANSFER_SERVICE",
        }
    }
}

/// Why an attempt failed. `Display` gives the reason text: `SOURCE [2] No such file or directory`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Whose fault.
    pub scope: Scope,
    /// When.
    pub phase: Phase,
    /// Linux errno.
    pub errno: i32,
    /// Text for the user.
    pub message: String,
}

impl Fault {
    /// A fault; URL queries in the text are left out, since they may carry signatures.
    pub fn new(scope: Scope, phase: Phase, errno: i32, message: impl AsRef<str>) -> Self {
        Self {
            scope,
            phase,
            errno,
            message: causeway_sdk::secret::mask(message.as_ref()),
        }
    }

    /// True when the user or an operator ended the attempt.
    pub fn is_cancellation(&self) -> bool {
        self.errno == ECANCELED
    }

    /// Whether another attempt makes sense: the first rule that fits decides, as in FTS.
    pub fn is_recoverable(&self) -> bool {
        // Storages of tape speak in texts of their own; only the number counts.
        if self.scope == Scope::Staging {
            return RECOVERABLE_STAGING.contains(&self.errno);
        }
        if RECOVERABLE_TEXTS
            .iter()
            .any(|text| self.message.contains(text))
            || self.errno == ETIMEDOUT
        {
            return true;
        }
        if self.errno == ECANCELED || FINAL_TEXTS.iter().any(|text| self.message.contains(text)) {
            return false;
        }
        match self.scope {
            Scope::Source => !FINAL_AT_SOURCE.contains(&self.errno),
            Scope::Destination => !FINAL_AT_DESTINATION.contains(&self.errno),
            Scope::Transfer | Scope::General | Scope::Staging | Scope::Archiving | Scope::Qos => {
                !FINAL_ELSEWHERE.contains(&self.errno)
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{} [{}] {}", self.scope.name(), self.errno, self.message);
        match text.char_indices().nth(REASON_MAX) {
            Some((end, _)) => f.write_str(&text[..end]),
            None => f.write_str(&text),
        }
    }
}

const EPERM: i32 = 1;
const ENOENT: i32 = 2;
const E2BIG: i32 = 7;
const EAGAIN: i32 = 11;
const EACCES: i32 = 13;
const EFAULT: i32 = 14;
const EBUSY: i32 = 16;
const EEXIST: i32 = 17;
const ENOTDIR: i32 = 20;
const EISDIR: i32 = 21;
const EFBIG: i32 = 27;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;
const ENAMETOOLONG: i32 = 36;
const EPROTONOSUPPORT: i32 = 93;
const ECONNABORTED: i32 = 103;
const ECONNRESET: i32 = 104;
const ETIMEDOUT: i32 = 110;
const ECONNREFUSED: i32 = 111;
const ECANCELED: i32 = 125;

const RECOVERABLE_TEXTS: [&str; 8] = [
    "performance marker",
    "Name or service not known",
    "Connection timed out",
    "end-of-file was reached",
    "end of file occurred",
    "SRM_INTERNAL_ERROR",
    "was forcefully killed",
    "operation timeout",
];

const FINAL_TEXTS: [&str; 19] = [
    "proxy expired",
    "with an error 550 File not found",
    "File exists and overwrite",
    "No such file or directory",
    "SRM_INVALID_PATH",
    "The certificate has expired",
    "The available CRL has expired",
    "SRM Authentication failed",
    "SRM_DUPLICATION_ERROR",
    "SRM_AUTHENTICATION_FAILURE",
    "SRM_NO_FREE_SPACE",
    "digest too big for rsa key",
    "Can not determine address of local host",
    "Permission denied",
    "System error in write into HDFS",
    "File exists",
    "checksum do not match",
    "CHECKSUM MISMATCH",
    "The source file is not ONLINE",
];

const FINAL_AT_SOURCE: [i32; 8] = [
    ENOENT,
    EPERM,
    EACCES,
    EISDIR,
    ENAMETOOLONG,
    E2BIG,
    ENOTDIR,
    EPROTONOSUPPORT,
];
const FINAL_AT_DESTINATION: [i32; 9] = [
    EPERM,
    EACCES,
    EISDIR,
    E2BIG,
    EROFS,
    EFAULT,
    ENAMETOOLONG,
    EPROTONOSUPPORT,
    EEXIST,
];
const FINAL_ELSEWHERE: [i32; 8] = [
    ENOSPC,
    EPERM,
    EACCES,
    EEXIST,
    EFBIG,
    EROFS,
    ENAMETOOLONG,
    EPROTONOSUPPORT,
];
const RECOVERABLE_STAGING: [i32; 6] = [
    ETIMEDOUT,
    ECONNABORTED,
    ECONNREFUSED,
    ECONNRESET,
    EAGAIN,
    EBUSY,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(scope: Scope, errno: i32, message: &str) -> Fault {
        Fault::new(scope, Phase::Transfer, errno, message)
    }

    #[test]
    fn reason_text() {
        let it = fault(Scope::Source, 2, "No such file or directory");
        assert_eq!(it.to_string(), "SOURCE [2] No such file or directory");
        let long = fault(Scope::Transfer, 5, &"é".repeat(4000));
        assert_eq!(long.to_string().chars().count(), REASON_MAX);
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let yes = |scope, errno, message: &str| {
            assert!(fault(scope, errno, message).is_recoverable(), "{message}")
        };
        let no = |scope, errno, message: &str| {
            assert!(!fault(scope, errno, message).is_recoverable(), "{message}")
        };
        yes(Scope::Source, EPERM, "no performance marker for 60 s");
        yes(Scope::Destination, ETIMEDOUT, "Permission denied, late");
        no(Scope::Transfer, ECANCELED, "Transfer canceled");
        no(
            Scope::Transfer,
            5,
            "Source and destination ADLER32 checksum do not match (1 != 2)",
        );
        no(Scope::Source, ENOENT, "gone");
        yes(Scope::Destination, ENOENT, "gone");
        no(Scope::Destination, EEXIST, "taken");
        no(Scope::Transfer, ENOSPC, "full");
        yes(Scope::General, 4, "Transfer process died with: signal 11");
        yes(
            Scope::Destination,
            22,
            "Source and destination file size mismatch",
        );
        no(Scope::Staging, 5, "lost");
        yes(Scope::Staging, EBUSY, "busy");
        no(Scope::Staging, 70, "Connection timed out");
        yes(Scope::Staging, EBUSY, "No such file or directory");
    }
}
