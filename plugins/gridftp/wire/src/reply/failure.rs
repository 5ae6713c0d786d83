//! What a refusal means: one table from replies to kinds of errors.
//!
//! Codes vary between servers and between commands of one server, so they decide last. First comes
//! what servers say to machines (`GridFTP-Errno`, `GlobusError: c=`), then what they say to people.

use super::Reply;
use crate::{Error, ErrorKind};

/// `c=` of `GlobusError`.
const CAUSES: &[(&str, ErrorKind)] = &[
    ("PATH_NOT_FOUND", ErrorKind::NotFound),
    ("PATH_EXISTS", ErrorKind::Exists),
    ("PERMISSION_DENIED", ErrorKind::Denied),
    ("NOT_A_DIRECTORY", ErrorKind::NotDirectory),
    ("IS_A_DIRECTORY", ErrorKind::IsDirectory),
    ("DIRECTORY_NOT_EMPTY", ErrorKind::NotEmpty),
    ("NO_SPACE", ErrorKind::NoSpace),
    ("QUOTA_EXCEEDED", ErrorKind::NoSpace),
    ("INTERNAL_ERROR", ErrorKind::Refused),
];

/// Linux error numbers.
const NUMBERS: &[(u32, ErrorKind)] = &[
    (1, ErrorKind::Denied),
    (2, ErrorKind::NotFound),
    (13, ErrorKind::Denied),
    (16, ErrorKind::Busy),
    (17, ErrorKind::Exists),
    (20, ErrorKind::NotDirectory),
    (21, ErrorKind::IsDirectory),
    (22, ErrorKind::Invalid),
    (28, ErrorKind::NoSpace),
    (30, ErrorKind::Denied),
    (36, ErrorKind::Invalid),
    (39, ErrorKind::NotEmpty),
    (95, ErrorKind::Unsupported),
    (122, ErrorKind::NoSpace),
];

/// Pieces of text, in lower case; the first that occurs decides.
const TEXTS: &[(&str, ErrorKind)] = &[
    ("certificate has expired", ErrorKind::CredentialExpired),
    ("credential has expired", ErrorKind::CredentialExpired),
    ("credentials have expired", ErrorKind::CredentialExpired),
    ("credentials expired", ErrorKind::CredentialExpired),
    ("proxy expired", ErrorKind::CredentialExpired),
    ("proxy is expired", ErrorKind::CredentialExpired),
    ("context expired", ErrorKind::CredentialExpired),
    ("no local mapping", ErrorKind::NotMapped),
    ("gridmap", ErrorKind::NotMapped),
    ("grid-mapfile", ErrorKind::NotMapped),
    ("mapping", ErrorKind::NotMapped),
    ("no such file", ErrorKind::NotFound),
    ("not found", ErrorKind::NotFound),
    ("does not exist", ErrorKind::NotFound),
    ("no such", ErrorKind::NotFound),
    ("not empty", ErrorKind::NotEmpty),
    ("file exists", ErrorKind::Exists),
    ("already exists", ErrorKind::Exists),
    ("directory exists", ErrorKind::Exists),
    ("is a directory", ErrorKind::IsDirectory),
    ("not a file", ErrorKind::IsDirectory),
    ("not a plain file", ErrorKind::IsDirectory),
    ("not a directory", ErrorKind::NotDirectory),
    ("permission denied", ErrorKind::Denied),
    ("permission", ErrorKind::Denied),
    ("not authorized", ErrorKind::Denied),
    ("access denied", ErrorKind::Denied),
    ("read-only", ErrorKind::Denied),
    ("no space", ErrorKind::NoSpace),
    ("quota", ErrorKind::NoSpace),
    ("space exceeded", ErrorKind::NoSpace),
    ("disk full", ErrorKind::NoSpace),
    ("too many connections", ErrorKind::Busy),
    ("too many", ErrorKind::Busy),
    ("busy", ErrorKind::Busy),
    ("try again", ErrorKind::Busy),
    ("temporarily", ErrorKind::Busy),
    ("not online", ErrorKind::NotOnline),
    ("nearline", ErrorKind::NotOnline),
    ("unknown checksum algorithm", ErrorKind::Unsupported),
    ("checksum", ErrorKind::Integrity),
    ("timed out", ErrorKind::TimedOut),
    ("timeout", ErrorKind::TimedOut),
    ("an end-of-file was reached", ErrorKind::Io),
    ("connection reset", ErrorKind::Io),
    ("connection refused", ErrorKind::Io),
    ("connection timed out", ErrorKind::Io),
    ("broken pipe", ErrorKind::Io),
    ("not supported", ErrorKind::Unsupported),
    ("not implemented", ErrorKind::Unsupported),
    ("unsupported", ErrorKind::Unsupported),
];

/// Most characters of a server's text that go into an error.
const LONGEST_TEXT: usize = 600;

/// The error that a refusal stands for.
pub(super) fn of(reply: &Reply) -> Error {
    let kind = by_number(reply)
        .or_else(|| by_cause(reply))
        .or_else(|| by_text(reply))
        .unwrap_or_else(|| by_code(reply.code));
    let text = format!("server said {} {}", reply.code, said(reply));
    Error::new(kind, text.trim_end()).with_code(reply.code)
}

fn by_number(reply: &Reply) -> Option<ErrorKind> {
    let mut lines = reply.lines.iter();
    let number = lines.find_map(|it| field(it, "GridFTP-Errno:"))?;
    let number: u32 = number.parse().ok()?; // not a number: the next way decides
    NUMBERS
        .iter()
        .find(|(it, _)| *it == number)
        .map(|(_, kind)| *kind)
}

fn by_cause(reply: &Reply) -> Option<ErrorKind> {
    let mut lines = reply.lines.iter();
    let cause = lines.find_map(|it| field(it, "GlobusError:"))?;
    let mut words = cause.split_whitespace();
    let cause = words.find_map(|word| word.strip_prefix("c="))?;
    CAUSES
        .iter()
        .find(|(it, _)| *it == cause)
        .map(|(_, kind)| *kind)
}

fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.trim_start().strip_prefix(name).map(str::trim)
}

fn by_text(reply: &Reply) -> Option<ErrorKind> {
    // A command that is not known is told by its code; the text repeats what was sent.
    if matches!(reply.code, 502 | 504) {
        return None;
    }
    let text = reply.text().to_ascii_lowercase();
    TEXTS
        .iter()
        .find(|(piece, _)| text.contains(piece))
        .map(|(_, kind)| *kind)
}

fn by_code(code: u16) -> ErrorKind {
    match code {
        421 | 450 | 451 => ErrorKind::Busy,
        425 | 426 => ErrorKind::Io,
        452 | 552 => ErrorKind::NoSpace,
        500 | 502 | 504 | 536 => ErrorKind::Unsupported,
        501 => ErrorKind::Invalid,
        530 => ErrorKind::NotMapped,
        532..=535 => ErrorKind::AuthRefused,
        _ => ErrorKind::Refused,
    }
}

/// What it says to people, in one line: without the lines for machines and the closing one.
fn said(reply: &Reply) -> String {
    let is_told = |line: &&str| {
        !line.is_empty()
            && *line != "End."
            && *line != "End"
            && !line.starts_with("GlobusError:")
            && !line.starts_with("GridFTP-Errno:")
    };
    let lines = reply.lines.iter().map(|it| it.trim());
    let told: Vec<&str> = lines.filter(is_told).collect();
    let text: String = told.join("; ");
    let printable = text.chars().filter(|it| !it.is_control());
    printable.take(LONGEST_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(code: u16, lines: &[&str]) -> ErrorKind {
        let lines = lines.iter().map(|it| (*it).to_owned()).collect();
        of(&Reply { code, lines }).kind()
    }

    #[test]
    fn numbers_and_causes_decide_before_codes() {
        let enoent = [
            "GlobusError: v=1 c=PATH_NOT_FOUND",
            "GridFTP-Errno: 2",
            "End.",
        ];
        for code in [500, 550, 553] {
            assert_eq!(kind(code, &enoent), ErrorKind::NotFound);
        }
        assert_eq!(
            kind(553, &["GlobusError: v=1 c=PATH_EXISTS"]),
            ErrorKind::Exists
        );
        assert_eq!(kind(500, &["GridFTP-Errno: 28"]), ErrorKind::NoSpace);
        assert_eq!(
            kind(500, &["GridFTP-Errno: x", "No such file"]),
            ErrorKind::NotFound
        );
    }

    #[test]
    fn texts_decide_where_machines_are_told_nothing() {
        for (code, text, expected) in [
            (
                500,
                "Command failed. : No such file or directory",
                ErrorKind::NotFound,
            ),
            (550, "/x: Permission denied", ErrorKind::Denied),
            (451, "No space left on device", ErrorKind::NoSpace),
            (
                530,
                "globus_gss_assist: Gridmap lookup failure",
                ErrorKind::NotMapped,
            ),
            (
                530,
                "The proxy credential: x with subject: y has expired; credential has expired",
                ErrorKind::CredentialExpired,
            ),
            (
                500,
                "Unknown checksum algorithm requested.",
                ErrorKind::Unsupported,
            ),
            (421, "Too many connections", ErrorKind::Busy),
        ] {
            assert_eq!(kind(code, &[text]), expected, "{text}");
        }
    }

    #[test]
    fn codes_decide_last() {
        assert_eq!(kind(500, &["Invalid command."]), ErrorKind::Unsupported);
        assert_eq!(kind(530, &["Login incorrect."]), ErrorKind::NotMapped);
        assert_eq!(kind(550, &["no"]), ErrorKind::Refused);
        assert_eq!(kind(426, &[]), ErrorKind::Io);
    }

    #[test]
    fn the_text_is_kept_in_one_line() {
        let lines = [
            "GlobusError: v=1",
            "GridFTP-Reason: System error in stat",
            "a\tb",
            "End.",
        ];
        let lines = lines.iter().map(|it| (*it).to_owned()).collect();
        let error = of(&Reply { code: 550, lines });
        assert_eq!(
            error.to_string(),
            "server said 550 GridFTP-Reason: System error in stat; ab"
        );
        assert_eq!(error.code(), Some(550));
    }
}
