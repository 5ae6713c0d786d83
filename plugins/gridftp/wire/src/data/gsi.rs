//! The GSI handshake on a data connection whose bytes then go in clear.
//!
//! TLS records stand on the socket as they are. After TLS has finished, one byte says what is to be
//! delegated (always nothing: `0`); with TLS 1.3, where the end that accepts has nothing left to
//! send, it first sends a zero byte so that the exchange goes on. Behind the record with the flag
//! begins the file. Records are therefore read one by one, never a byte too many.
//!
//! # Invariants
//! - Not one byte behind the last record is taken from the socket (`tests/data_security.rs`).

use std::io::{Read as _, Write as _};

use rustls::{Connection, ProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::security::Role;
use crate::{Error, ErrorKind, Result};

const AGREE: &str = "agree on the security of a data connection";

/// Most bytes of a record behind its header.
const MAX_RECORD: usize = 16_384 + 2048;

/// Most records that a peer may need: a chain of many certificates takes some dozen.
const MAX_RECORDS: usize = 64;

/// Says "delegate nothing".
const NO_DELEGATION: u8 = b'0';

/// Runs the handshake and leaves the socket where the data begins.
pub(super) async fn authenticate(
    socket: &mut TcpStream,
    tls: Connection,
    role: Role,
) -> Result<()> {
    let mut exchange = Exchange {
        socket,
        tls,
        records_left: MAX_RECORDS,
    };
    exchange.handshake().await?;
    let is_tls13 = exchange.tls.protocol_version() == Some(ProtocolVersion::TLSv1_3);
    match role {
        Role::Connects => {
            if is_tls13 {
                exchange.expect_byte(0).await?;
            }
            exchange.say(NO_DELEGATION).await
        }
        Role::Accepts => {
            if is_tls13 {
                exchange.say(0).await?;
            }
            exchange.expect_byte(NO_DELEGATION).await
        }
    }
}

struct Exchange<'a> {
    socket: &'a mut TcpStream,
    tls: Connection,
    records_left: usize,
}

impl Exchange<'_> {
    async fn handshake(&mut self) -> Result<()> {
        self.flush().await?;
        while self.tls.is_handshaking() {
            self.take_record().await?;
            self.flush().await?;
        }
        Ok(())
    }

    /// Sends what TLS has to send.
    async fn flush(&mut self) -> Result<()> {
        let mut out = Vec::new();
        while self.tls.wants_write() {
            // Writing to a vector does not fail.
            let written = self.tls.write_tls(&mut out);
            written.map_err(|source| Error::io(AGREE, &source))?;
        }
        let sent = self.socket.write_all(&out).await;
        sent.map_err(|source| Error::io(AGREE, &source))
    }

    async fn say(&mut self, byte: u8) -> Result<()> {
        let written = self.tls.writer().write_all(&[byte]);
        written.map_err(|source| Error::io(AGREE, &source))?;
        self.flush().await
    }

    async fn expect_byte(&mut self, expected: u8) -> Result<()> {
        let mut byte = [0; 2];
        let mut got = 0;
        // Records without data, such as session tickets, may come before.
        while got == 0 {
            self.take_record().await?;
            got = match self.tls.reader().read(&mut byte) {
                Ok(0) => return Err(Error::protocol(format!("{AGREE}: it ended early"))),
                Ok(count) => count,
                Err(why) if why.kind() == std::io::ErrorKind::WouldBlock => 0,
                Err(why) => return Err(Error::io(AGREE, &why)),
            };
        }
        match byte {
            [said, _] if got == 1 && said == expected => Ok(()),
            _ => Err(Error::protocol(format!("{AGREE}: an unknown flag"))),
        }
    }

    /// Reads exactly one record and gives it to TLS.
    async fn take_record(&mut self) -> Result<()> {
        self.records_left = self
            .records_left
            .checked_sub(1)
            .ok_or_else(|| Error::protocol(format!("{AGREE}: it does not end")))?;
        let mut record = vec![0; 5];
        self.read(&mut record).await?;
        let [kind, major, _, high, low] = record[..] else {
            unreachable!("five bytes were asked for");
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if !(20..=23).contains(&kind) || major != 3 || length > MAX_RECORD {
            return Err(Error::protocol(format!(
                "{AGREE}: the peer does not speak TLS"
            )));
        }
        record.resize(5 + length, 0);
        self.read(&mut record[5..]).await?;
        let mut rest = &record[..];
        while !rest.is_empty() {
            let taken = self.tls.read_tls(&mut rest);
            if taken.map_err(|source| Error::io(AGREE, &source))? == 0 {
                break;
            }
            self.process().await?;
        }
        Ok(())
    }

    async fn process(&mut self) -> Result<()> {
        match self.tls.process_new_packets() {
            Ok(_) => Ok(()),
            Err(source) => {
                // The peer shall learn why from the alert; what counts here is the first failure.
                drop(self.flush().await);
                Err(Error::tls(AGREE, &source))
            }
        }
    }

    async fn read(&mut self, into: &mut [u8]) -> Result<()> {
        match self.socket.read_exact(into).await {
            Ok(_) => Ok(()),
            Err(why) if why.kind() == std::io::ErrorKind::UnexpectedEof => Err(Error::new(
                ErrorKind::Io,
                format!("{AGREE}: the peer closed the connection"),
            )),
            Err(why) => Err(Error::io(AGREE, &why)),
        }
    }
}
