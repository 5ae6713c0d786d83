//! Texts from the other side: of any length, of any bytes, with anything in them.
//!
//! The type says UTF-8, the plugin may say otherwise; what is written here goes into records, into
//! answers and onto terminals. Only errors are cut and cleaned: a name or a version must stay what it
//! is, as long as it is a text at all.

use causeway_abi::abi_stable::std_types::RString;

/// Longest text of an error, in bytes: a reason of a transfer takes no more.
const LONGEST: usize = 2000;

/// A text that is UTF-8 even if the plugin's was not.
pub(super) fn valid(text: RString) -> String {
    String::from_utf8(text.into_string().into_bytes())
        .unwrap_or_else(|source| String::from_utf8_lossy(source.as_bytes()).into_owned())
}

/// One line of an error: bounded, without control characters and without what turns a line around.
pub(super) fn line(text: &str) -> String {
    let bytes = text.as_bytes();
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST)]);
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            it if disturbs(it) => line.push(' '),
            it => line.push(it),
        }
    }
    line.truncate(line.trim_end().len());
    line
}

fn disturbs(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_bounded_and_harmless() {
        assert_eq!(
            line("no such file: d\u{e9}j\u{e0} vu"),
            "no such file: d\u{e9}j\u{e0} vu"
        );
        assert_eq!(line("a\r\nb\u{1b}[2J\0\u{202e}c\n"), "a  b [2J  c");
        assert_eq!(line(&"x".repeat(1 << 20)).len(), LONGEST);
        // A cut in the middle of a letter is no panic.
        assert!(line(&"\u{20ac}".repeat(LONGEST)).len() <= LONGEST + 3);
    }

    #[test]
    fn names_stay_as_they_are() {
        let name = " odd\nname \u{1f30a}";
        assert_eq!(valid(RString::from(name)), name);
    }
}
