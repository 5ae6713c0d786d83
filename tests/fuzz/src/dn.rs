//! Distinguished names: encoded ones as certificates carry them, and written ones as operators
//! write them.

use causeway_identity::dn;

/// Input: the bytes of an encoded name, and once more as a text.
pub fn run(data: &[u8]) -> bool {
    let shown = dn::render(data);
    if let Ok(shown) = &shown {
        assert!(shown.bytes().all(|byte| (0x20..=0x7e).contains(&byte)));
        assert!(shown.is_empty() || shown.starts_with('/'));
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return shown.is_ok();
    };
    let normal = dn::normalise(text);
    assert!(normal.is_empty() || normal.starts_with('/'));
    assert_eq!(dn::normalise(&normal), normal.trim());
    let encoded = dn::encode(text);
    if let Ok(encoded) = &encoded {
        dn::render(encoded).expect("what was encoded here can be read here");
    }
    shown.is_ok() || encoded.is_ok()
}
