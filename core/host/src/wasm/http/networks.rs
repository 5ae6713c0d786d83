//! Networks: which addresses are private, and which of those a grant names.

use std::net::IpAddr;

/// `10.0.0.0/8`: private addresses that names may resolve to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network(IpAddr, u8);

impl Network {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.trim().split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let bits: u8 = bits.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        (bits <= most).then_some(Self(address, bits))
    }

    pub(super) fn holds(&self, address: IpAddr) -> bool {
        let same = |mine: u128, other: u128, width: u32| {
            let shift = width - u32::from(self.1);
            shift >= width || mine >> shift == other >> shift
        };
        match (self.0, address) {
            (IpAddr::V4(mine), IpAddr::V4(other)) => {
                same(mine.to_bits().into(), other.to_bits().into(), 32)
            }
            (IpAddr::V6(mine), IpAddr::V6(other)) => same(mine.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}

/// An address of this machine or of a network that the world cannot reach.
pub(super) fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(it) => {
            let [a, b, ..] = it.octets();
            it.is_private()
                || it.is_loopback()
                || it.is_link_local()
                || it.is_unspecified()
                || it.is_broadcast()
                || it.is_multicast()
                || a == 0
                || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(it) => {
            let first = it.segments()[0];
            it.is_loopback()
                || it.is_unspecified()
                || it.is_multicast()
                || first & 0xfe00 == 0xfc00
                || first & 0xffc0 == 0xfe80
        }
    }
}
