//! Addresses of data connections, as replies tell them and as commands take them.
//!
//! | reply | to | form |
//! |---|---|---|
//! | 227, 127 | `PASV` | `(h1,h2,h3,h4,p1,p2)` |
//! | 229, 129 | `EPSV` | <code>(&#124;&#124;&#124;port&#124;)</code>, or with family and address |
//! | 229 of several lines | `SPAS` | one of either form a line |
//!
//! A server that does not say where it is (`EPSV`, or `0.0.0.0` in a `PASV`) is where its control
//! connection is.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::ranges::decimal;
use crate::{Error, Result};

/// Most addresses in a reply that are believed.
pub const MAX_ADDRESSES: usize = 256;

/// The addresses in the text of a reply to `PASV`, `EPSV` or `SPAS`, one for each stripe. `server`
/// is the other end of the control connection.
///
/// # Errors
/// [`crate::ErrorKind::Protocol`] when there is none, or one that cannot be connected to.
pub fn parse(text: &str, server: IpAddr) -> Result<Vec<SocketAddr>> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line = without_code(line);
        let Some(address) = in_line(line) else {
            continue;
        };
        if found.len() == MAX_ADDRESSES {
            return Err(wrong("too many addresses"));
        }
        found.push(completed(address, server)?);
    }
    match found.is_empty() {
        true => Err(wrong("no address")),
        false => Ok(found),
    }
}

/// Argument of `PORT`, and of `SPOR` for each address: `h1,h2,h3,h4,p1,p2`.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] for IPv6, which takes `EPRT`.
pub fn port_argument(address: SocketAddr) -> Result<String> {
    let IpAddr::V4(host) = address.ip().to_canonical() else {
        return Err(Error::new(
            crate::ErrorKind::Invalid,
            "name an address of IPv6 in a PORT command",
        ));
    };
    let [a, b, c, d] = host.octets();
    let [high, low] = address.port().to_be_bytes();
    Ok(format!("{a},{b},{c},{d},{high},{low}"))
}

/// Argument of `EPRT`: `|1|127.0.0.1|40000|`.
pub fn eprt_argument(address: SocketAddr) -> String {
    let ip = address.ip().to_canonical();
    let family = if ip.is_ipv4() { 1 } else { 2 };
    format!("|{family}|{ip}|{}|", address.port())
}

/// Argument of `SPOR`: as for `PORT`, separated by blanks.
///
/// # Errors
/// As [`port_argument`].
pub fn spor_argument(addresses: &[SocketAddr]) -> Result<String> {
    let each: Result<Vec<String>> = addresses.iter().map(|it| port_argument(*it)).collect();
    Ok(each?.join(" "))
}

/// What a line says: perhaps no host.
type Told = (Option<IpAddr>, u64);

/// Lines of a reply begin with `229-` or `229 `; an address that does is `229,0,0,1,..`.
fn without_code(line: &str) -> &str {
    match line.as_bytes() {
        [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'-' | b' ', ..] => &line[4..],
        _ => line,
    }
}

fn in_line(line: &str) -> Option<Told> {
    // Servers write words and perhaps brackets around it.
    bars(line).or_else(|| commas(line))
}

/// `|family|host|port|`, family and host perhaps empty, with any other sign than the bar.
fn bars(line: &str) -> Option<Told> {
    let inner = match line.split_once('(') {
        Some((_, rest)) => rest.split(')').next()?,
        None => line.trim(),
    };
    let mark = inner
        .chars()
        .next()
        .filter(|it| it.is_ascii_punctuation())?;
    let mut parts = inner[mark.len_utf8()..].split(mark);
    let (family, host, port) = (parts.next()?, parts.next()?, parts.next()?);
    let ends_well = parts.next() == Some("") && parts.next().is_none();
    if !ends_well || !matches!(family, "" | "1" | "2") {
        return None;
    }
    let host = match host {
        "" => None,
        _ => Some(host.parse().ok()?),
    };
    Some((host, decimal(port)?))
}

/// Six numbers with commas.
fn commas(line: &str) -> Option<Told> {
    let is_inner = |it: char| it.is_ascii_digit() || it == ',';
    let list = line
        .split(|it| !is_inner(it))
        .find(|it| it.matches(',').count() == 5)?;
    let mut numbers = [0_u8; 6];
    for (number, text) in numbers.iter_mut().zip(list.split(',')) {
        *number = decimal(text).and_then(|it| it.try_into().ok())?;
    }
    let [a, b, c, d, high, low] = numbers;
    let host = Ipv4Addr::new(a, b, c, d);
    Some((
        Some(host.into()),
        u64::from(u16::from_be_bytes([high, low])),
    ))
}

fn completed((host, port): Told, server: IpAddr) -> Result<SocketAddr> {
    let host = host.map(|it| it.to_canonical());
    let host = host.filter(|it| !it.is_unspecified()).unwrap_or(server);
    let port = u16::try_from(port).ok().filter(|it| *it > 0);
    let port = port.ok_or_else(|| wrong("a port that is none"))?;
    if host.is_multicast() || host == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Err(wrong("an address that is nobody's"));
    }
    Ok(SocketAddr::new(host, port))
}

fn wrong(what: &str) -> Error {
    Error::protocol(format!("read where to connect: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

    fn one(text: &str) -> String {
        let found = parse(text, SERVER).unwrap();
        assert_eq!(found.len(), 1, "{text}");
        found[0].to_string()
    }

    #[test]
    fn reads_what_servers_send() {
        let pasv = "227 Entering Passive Mode (127,0,0,1,88,245)";
        assert_eq!(one(pasv), "127.0.0.1:22773");
        assert_eq!(
            one("227 Entering Passive Mode 127,0,0,1,88,245"),
            "127.0.0.1:22773"
        );
        let epsv = "229 Entering Extended Passive Mode (|||22758|)";
        assert_eq!(one(epsv), "192.0.2.7:22758");
        assert_eq!(one("229 Ok (|2|::1|22758|)"), "[::1]:22758");
        assert_eq!(
            one("127 Entering Passive Mode (0,0,0,0,1,2)"),
            "192.0.2.7:258"
        );
        let spas =
            "229-Entering Striped Passive Mode.\r\n 127,0,0,1,88,245\r\n |2|::1|9|\r\n229 End\r\n";
        let found = parse(spas, SERVER).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[1], "[::1]:9".parse().unwrap());
    }

    #[test]
    fn refuses_other_texts() {
        for text in [
            "",
            "229 End",
            "227 Entering Passive Mode (127,0,0,1,0,0)",
            "227 Entering Passive Mode (127,0,0,256,1,1)",
            "227 Entering Passive Mode (224,0,0,1,1,1)",
            "229 Entering Extended Passive Mode (|||65536|)",
            "229 Entering Extended Passive Mode (|||0|)",
            "229 (|3|::1|7|)",
        ] {
            assert!(parse(text, SERVER).is_err(), "{text}");
        }
        let many = " 127,0,0,1,88,245\n".repeat(MAX_ADDRESSES + 1);
        assert!(parse(&many, SERVER).is_err());
    }

    #[test]
    fn writes_what_servers_take() {
        let four = "127.0.0.1:40000".parse().unwrap();
        let six = "[::1]:40000".parse().unwrap();
        assert_eq!(port_argument(four).unwrap(), "127,0,0,1,156,64");
        assert!(port_argument(six).is_err());
        assert_eq!(eprt_argument(four), "|1|127.0.0.1|40000|");
        assert_eq!(eprt_argument(six), "|2|::1|40000|");
        let both = spor_argument(&[four, four]).unwrap();
        assert_eq!(both, "127,0,0,1,156,64 127,0,0,1,156,64");
    }

    proptest! {
        #[test]
        fn never_panics(text in "(\\PC|\n|[0-9]{1,6}|,|\\||\\(|\\)|::1|127,0,0,1,){0,30}") {
            drop(parse(&text, SERVER));
        }

        #[test]
        fn what_is_written_is_read(host in any::<[u8; 4]>(), port in 1_u16..) {
            let address = SocketAddr::from((host, port));
            if let Ok(found) = parse(&eprt_argument(address), SERVER) {
                prop_assert!(found == [address] || host == [0; 4]);
                prop_assert_eq!(found, parse(&port_argument(address).unwrap(), SERVER).unwrap());
            }
        }
    }
}
