//! Names in the comma form of RFC 2253 (most specific first) turned into the slash form.
//!
//! Operators write the host's name either way; comparing happens in slash form only.

use super::{attributes, push_escaped};

/// The slash form of a name given in slash form already or in comma form.
///
/// Comma form is read as RFC 2253 defines it, so its order is turned round. Type names are brought
/// to this crate's spelling (`E=`, `Email=` become `emailAddress=`) in comma form only: a slash
/// form is returned untouched, because slash forms are compared byte by byte.
pub fn normalise(name: &str) -> String {
    let name = name.trim();
    if name.is_empty() || name.starts_with('/') {
        return name.to_owned();
    }
    let mut out = String::new();
    for rdn in split_unescaped(name, &[',', ';']).iter().rev() {
        for pair in split_unescaped(rdn, &['+']) {
            let (kind, value) = pair.split_once('=').unwrap_or((pair, ""));
            out.push('/');
            out.push_str(attributes::canonical_name(kind.trim()));
            out.push('=');
            push_escaped(&mut out, &unescape(value));
        }
    }
    out
}

/// Cuts at separators that are neither escaped by a backslash nor inside quotes.
fn split_unescaped<'a>(text: &'a str, separators: &[char]) -> Vec<&'a str> {
    let mut pieces = Vec::new();
    let (mut start, mut escaped, mut quoted) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ if !quoted && separators.contains(&c) => {
                pieces.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    pieces.push(&text[start..]);
    pieces
}

/// The bytes of a value: outer blanks and quotes gone, `\,` and `\C3` resolved.
fn unescape(value: &str) -> Vec<u8> {
    let bytes = trim_unescaped(value).as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1), bytes.get(at + 2)) {
            (b'\\', Some(&high), Some(&low))
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                out.push(hex_digit(high) << 4 | hex_digit(low));
                at += 3;
            }
            (b'\\', Some(&next), _) => {
                out.push(next);
                at += 2;
            }
            (b'"', _, _) => at += 1,
            (byte, _, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

/// Blanks around a value mean nothing unless the last one is escaped.
fn trim_unescaped(value: &str) -> &str {
    let start = value.trim_start();
    let end = start.trim_end();
    let backslashes = end.bytes().rev().take_while(|byte| *byte == b'\\').count();
    if backslashes % 2 == 1 && end.len() < start.len() {
        &start[..=end.len()]
    } else {
        end
    }
}

fn hex_digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        _ => byte.wrapping_sub(b'A').wrapping_add(10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comma_form_is_turned_round() {
        assert_eq!(
            normalise("CN=fts.cern.ch,OU=computers,DC=cern,DC=ch"),
            "/DC=ch/DC=cern/OU=computers/CN=fts.cern.ch"
        );
        assert_eq!(normalise(" cn = a , dc = ch "), "/DC=ch/CN=a");
        assert_eq!(normalise("/DC=ch/CN=a"), "/DC=ch/CN=a");
        assert_eq!(normalise(""), "");
    }

    #[test]
    fn escapes_and_quotes_are_resolved() {
        assert_eq!(normalise(r"CN=Doe\, John,O=x"), "/O=x/CN=Doe, John");
        assert_eq!(normalise(r#"CN="a,b",O=x"#), "/O=x/CN=a,b");
        assert_eq!(normalise(r"CN=Zo\C3\AB,O=x"), r"/O=x/CN=Zo\xC3\xAB");
        assert_eq!(normalise("CN=Zoë,O=x"), r"/O=x/CN=Zo\xC3\xAB");
        assert_eq!(normalise("CN=a+OU=b,E=x@y"), "/emailAddress=x@y/CN=a/OU=b");
        assert_eq!(normalise(r"CN=a\ ,O=x"), "/O=x/CN=a ");
    }
}
