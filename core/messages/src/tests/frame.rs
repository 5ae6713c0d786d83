//! Frames on the wire, sound and otherwise.

use proptest::prelude::*;

use super::*;

fn written(frame: &Frame) -> BytesMut {
    let mut out = BytesMut::new();
    frame.write(&mut out);
    out
}

fn read_all(bytes: &[u8]) -> Result<Vec<Frame>, Nonsense> {
    let mut from = BytesMut::from(bytes);
    let mut found = Vec::new();
    while let Some(frame) = Frame::read(&mut from)? {
        found.push(frame);
    }
    Ok(found)
}

#[test]
fn a_message_on_the_wire() {
    let mut frame = Frame::new("SEND")
        .with("destination", "/topic/a")
        .with("note", "a:b\\c\nd");
    frame.body = b"{}".to_vec();
    let wire = b"SEND\ndestination:/topic/a\nnote:a\\cb\\\\c\\nd\ncontent-length:2\n\n{}\0";
    assert_eq!(written(&frame), wire[..]);
}

#[test]
fn secrets_of_connecting_are_not_escaped() {
    let frame = Frame::new("CONNECT").with("passcode", "a:b\\c");
    assert_eq!(written(&frame), b"CONNECT\npasscode:a:b\\c\n\n\0"[..]);
}

#[test]
fn brokers_end_lines_as_they_like() {
    let wire = b"\n\r\nRECEIPT\r\nreceipt-id:1\r\n\r\n\0\nERROR\nmessage:no\n\nwhy\0\n";
    let found = read_all(wire).unwrap();
    assert_eq!(found[0].header("receipt-id"), Some("1"));
    assert_eq!(
        (found[1].command.as_str(), &found[1].body[..]),
        ("ERROR", &b"why"[..])
    );
    assert_eq!(found.len(), 2);
}

#[test]
fn the_first_of_two_headers_counts() {
    let found = read_all(b"MESSAGE\na:1\na:2\n\n\0").unwrap();
    assert_eq!(found[0].header("a"), Some("1"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    assert_eq!(read_all(b"hello\n\n\0"), Err(Nonsense::Head));
    assert_eq!(read_all(b"ERROR\nno header\n\n\0"), Err(Nonsense::Head));
    assert_eq!(read_all(b"ERROR\na:\\x\n\n\0"), Err(Nonsense::Head));
    let short = b"ERROR\ncontent-length:1\n\nab\0";
    assert_eq!(read_all(short), Err(Nonsense::Body));
    let long = b"ERROR\ncontent-length:99999999999\n\n";
    assert_eq!(read_all(long), Err(Nonsense::LongBody));
    assert_eq!(read_all(&[b'A'; HEAD_MAX + 1]), Err(Nonsense::LongHead));
    let mut body = b"ERROR\n\n".to_vec();
    body.resize(BODY_MAX + 100, b'x');
    assert_eq!(read_all(&body), Err(Nonsense::LongBody));
}

proptest! {
    #[test]
    fn frames_survive_the_wire(
        headers in prop::collection::vec(("[^\\x00]{1,12}", "[^\\x00]{0,20}"), 0..6),
        body in prop::collection::vec(any::<u8>(), 1..200),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut frame = Frame::new("SEND");
        for (name, value) in headers {
            if name != "content-length" {
                frame = frame.with(&name, value);
            }
        }
        frame.body = body;
        let wire = written(&frame);
        // In two pieces, cut anywhere.
        let cut = cut.index(wire.len());
        let mut from = BytesMut::from(&wire[..cut]);
        prop_assert_eq!(Frame::read(&mut from), Ok(None));
        from.extend_from_slice(&wire[cut..]);
        let mut found = Frame::read(&mut from).unwrap().unwrap();
        prop_assert!(from.is_empty());
        found.headers.retain(|it| it.0 != "content-length");
        prop_assert_eq!(found, frame);
    }

    #[test]
    fn nonsense_is_refused_or_waited_for(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        // Whatever it is: no panic, and never an endless loop.
        let _either_way = read_all(&bytes).is_ok();
    }
}
