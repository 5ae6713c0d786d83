//! Failures by kind, in few words: labels for charts, not decisions.

use causeway_model::Fault;

/// The kind of a failure; a system error nobody thought of is `other`.
pub fn category(fault: &Fault) -> &'static str {
    if fault.message.contains("checksum") || fault.message.contains("size mismatch") {
        return "mismatch";
    }
    match fault.errno {
        1 | 13 => "permission",
        2 => "not_found",
        4 => "interrupted",
        5 => "io",
        11 | 16 => "busy",
        17 => "exists",
        22 => "invalid",
        28 | 122 => "no_space",
        70 => "communication",
        93 | 95 => "unsupported",
        100 | 101 | 103 | 104 | 107 | 111 | 112 | 113 => "connection",
        110 => "timeout",
        125 => "canceled",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use causeway_model::{Phase, Scope};

    use super::*;

    #[test]
    fn numbers_and_texts_become_words() {
        let of = |errno, text| category(&Fault::new(Scope::Source, Phase::Transfer, errno, text));
        assert_eq!(of(2, "No such file or directory"), "not_found");
        assert_eq!(
            of(5, "Source and destination ADLER32 checksum do not match"),
            "mismatch"
        );
        assert_eq!(
            of(22, "Source and destination file size mismatch"),
            "mismatch"
        );
        assert_eq!(of(110, "Connection timed out"), "timeout");
        assert_eq!(of(4711, "?"), "other");
    }
}
