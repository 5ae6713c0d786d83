//! Bytes that are no attributes, or lack a part: each with what is said of it.

use causeway_identity::issue::Extension;

use crate::world::{Site, proxy_with, refusal, signed};

/// One extension that is no list of attribute certificates at all.
fn garbage(value: Vec<u8>) -> String {
    let extension = Extension::new("1.3.6.1.4.1.8005.100.100.5", false, value);
    refusal(&Site::new().read(&proxy_with(extension)))
}

#[test]
fn garbage_and_bottomless_nesting() {
    let list = "read vo attributes: not a sequence of attribute certificates";
    assert_eq!(garbage(b"junk".to_vec()), list);
    assert_eq!(garbage(Vec::new()), list);
    assert_eq!(garbage(vec![0x30, 0]), list);
    assert_eq!(
        garbage(vec![0x30, 2, 0x30, 0]),
        "read vo attributes: there is no attribute certificate"
    );
    let mut cut = vec![0x30, 0x82, 0xff, 0xff];
    cut.extend_from_slice(&signed(|_| {})[..100]);
    assert_eq!(garbage(cut), list);
    // As deep as a certificate is long.
    let mut deep: Vec<u8> = vec![0x30, 0];
    for _ in 0..5000 {
        let length = (deep.len() as u16).to_be_bytes();
        deep = [&[0x30, 0x82][..], &length, &deep].concat();
        if deep.len() > 20_000 {
            break;
        }
    }
    assert!(garbage(deep).starts_with("read vo attributes: "));
    let many = vec![signed(|_| {}); 17];
    let found = Site::new().read(&proxy_with(Extension::vo_attributes(&many)));
    assert_eq!(
        refusal(&found),
        "read vo attributes: more than 16 attribute certificates"
    );
}

#[test]
fn parts_that_are_missing_or_of_another_kind() {
    let site = Site::new();
    let good = signed(|_| {});
    // The version stands right behind the heads of the two sequences around it.
    let version = good.windows(3).position(|it| it == [2, 1, 1]).unwrap();
    let mut first = good;
    first[version + 2] = 0;
    assert_eq!(site.refusal(first), "read vo attributes: not of version 2");
    let too_many = signed(|fields| fields.fqans = vec!["/testvo".to_owned(); 1001]);
    assert_eq!(
        site.refusal(too_many),
        "read vo attributes: more than 1000 attributes"
    );
    let overloaded = signed(|fields| {
        for arc in 0..65 {
            let oid = format!("1.2.3.{arc}");
            fields
                .extensions
                .push(Extension::new(&oid, false, vec![5, 0]));
        }
    });
    assert_eq!(
        site.refusal(overloaded),
        "read vo attributes: more than 64 extensions"
    );
}
