//! Replies of GridFTP servers: whatever is said becomes a reply or an error, and so does whatever is
//! read out of it.

use std::net::{IpAddr, Ipv4Addr};

use causeway_gridftp_wire::data::address;
use causeway_gridftp_wire::{Facts, Reply};

const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Input: the text of a reply.
pub fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let Ok(reply) = Reply::read(text) else {
        return false;
    };
    assert!((100..700).contains(&reply.code()));
    assert_eq!(reply.lines().len(), text.lines().count());
    assert!(reply.text().len() <= text.len());
    if let Ok(addresses) = address::parse(&reply.text(), SERVER) {
        assert!(addresses.len() <= address::MAX_ADDRESSES);
        for it in addresses {
            assert!(it.port() > 0 && !it.ip().is_unspecified() && !it.ip().is_multicast());
        }
    }
    for line in reply.inner() {
        if let Ok(facts) = Facts::parse(line) {
            assert!(facts.segment().len() <= line.len());
        }
    }
    true
}
