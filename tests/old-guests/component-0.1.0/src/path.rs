//! URLs as this plugin reads them.

/// Path without the escapes of a URL and without a slash at its end.
pub fn path(at: &str) -> String {
    let rest = at.split_once("://").map_or(at, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let raw = rest.find('/').map_or("", |begin| &rest[begin..]).as_bytes();
    let digit = |at: usize| raw.get(at).and_then(|it| char::from(*it).to_digit(16));
    let (mut bytes, mut next) = (Vec::new(), 0);
    while next < raw.len() {
        match (raw[next], digit(next + 1), digit(next + 2)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                next += 3;
            }
            (byte, ..) => {
                bytes.push(byte);
                next += 1;
            }
        }
    }
    String::from_utf8_lossy(&bytes)
        .trim_end_matches('/')
        .to_owned()
}
