//! Markers of GridFTP servers: none makes more of a file than it has, or memory without bound.

use causeway_gridftp_wire::data::{MAX_RANGES, Marker, Progress, Ranges};

const SIZE: u64 = 1 << 20;

/// Input: the texts of markers, separated by zero bytes; the first byte of each says which kind.
pub fn run(data: &[u8]) -> bool {
    let mut progress = Progress::new(Some(SIZE));
    let mut is_accepted = false;
    for piece in data.split(|byte| *byte == 0) {
        let Some((kind, text)) = piece.split_first() else {
            continue;
        };
        let text = String::from_utf8_lossy(text);
        let code = 111 + u16::from(kind % 2);
        if let Ok(marker) = Marker::parse(code, &text) {
            is_accepted |= progress.add(&marker).is_ok();
        }
        if let Ok(ranges) = Ranges::parse(&text) {
            assert!(ranges.len() <= MAX_RANGES);
            let again = ranges.to_string();
            assert!(ranges.is_empty() || Ranges::parse(&again).as_ref() == Ok(&ranges));
        }
    }
    assert!(progress.safe().end() <= SIZE);
    is_accepted
}
