//! GSI by hand: TLS records in base64, the delegation flag, wrapped commands and replies.
//!
//! The TLS library is driven over buffers. One token is all records that one side has to send at a
//! moment. When the handshake is over and nothing is left to send, one byte says whether a
//! delegation follows; with TLS 1.3, where our last flight leaves the server nothing to send, it
//! sends a zero byte first so that the exchange goes on.
//!
//! # Invariants
//! - A token never grows the plaintext beyond the limit of replies (`unwrap`).

use std::io::{ErrorKind as IoKind, Read as _, Write as _};

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use rustls::ClientConnection;
use rustls_pki_types::ServerName;

use crate::{Credential, Error, PeerRule, Result};

const AGREE: &str = "agree on security";

/// Servers pad; some do not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Where the exchange stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Handshake,
    /// The flag was sent, and a request for a certificate must come.
    Request,
    /// Nothing more of ours to send.
    Done,
}

/// One security context.
#[derive(Debug)]
pub(super) struct Gsi {
    tls: ClientConnection,
    credential: Credential,
    /// Seconds a delegated proxy may live; nothing is delegated without.
    delegate: Option<u64>,
    step: Step,
}

impl Gsi {
    pub(super) fn new(
        credential: &Credential,
        host: &str,
        peer: PeerRule,
        delegate: Option<u64>,
    ) -> Result<Self> {
        let config = credential.client_config(peer)?;
        let name =
            ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(|_| {
                Error::new(
                    crate::ErrorKind::Invalid,
                    format!("connect to {host}: not a host name"),
                )
            })?;
        let mut tls = ClientConnection::new(config, name).map_err(|why| Error::tls(AGREE, &why))?;
        tls.set_buffer_limit(None);
        Ok(Self {
            tls,
            credential: credential.clone(),
            delegate,
            step: Step::Handshake,
        })
    }

    /// True when everything was sent that this side has to say before the server's last word.
    pub(super) fn is_done(&self) -> bool {
        self.step == Step::Done
    }

    /// Name of the version that was agreed on.
    pub(super) fn version(&self) -> Option<&'static str> {
        self.tls.protocol_version()?.as_str()
    }

    /// The next token, after what the server said last (nothing at first).
    pub(super) fn step(&mut self, said: Option<&str>) -> Result<String> {
        let plain = match said {
            Some(token) => self.take(token, MAX_TOKEN)?,
            None => Vec::new(),
        };
        match self.step {
            Step::Handshake if self.tls.is_handshaking() || self.tls.wants_write() => {}
            Step::Handshake => self.flag()?,
            Step::Request => {
                let proxy = self
                    .credential
                    .sign_delegation(&plain, self.delegate.unwrap_or(0))?;
                self.put(&proxy)?;
                self.step = Step::Done;
            }
            Step::Done => {
                return Err(Error::protocol(format!(
                    "{AGREE}: the server wants more than there is"
                )));
            }
        }
        let token = self.out()?;
        if token.is_empty() {
            return Err(Error::protocol(format!(
                "{AGREE}: the server sent less than a whole message"
            )));
        }
        Ok(BASE64.encode(token))
    }

    fn flag(&mut self) -> Result<()> {
        let (flag, step) = match self.delegate {
            Some(_) => (b"D", Step::Request),
            None => (b"0", Step::Done),
        };
        self.step = step;
        self.put(flag)
    }

    /// What may come with the server's last word.
    pub(super) fn finish(&mut self, said: &str) -> Result<()> {
        self.take(said, MAX_TOKEN).map(drop)
    }

    /// A command, ready to be sent behind `ENC`.
    pub(super) fn wrap(&mut self, command: &str) -> Result<String> {
        self.put(command.as_bytes())?;
        Ok(BASE64.encode(self.out()?))
    }

    /// The plain text in one protected line of a reply.
    pub(super) fn unwrap(&mut self, token: &str, limit: usize) -> Result<Vec<u8>> {
        self.take(token, limit)
    }

    fn put(&mut self, plain: &[u8]) -> Result<()> {
        let written = self.tls.writer().write_all(plain);
        written.map_err(|why| Error::io(AGREE, &why))
    }

    fn out(&mut self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        while self.tls.wants_write() {
            let written = self.tls.write_tls(&mut out);
            written.map_err(|why| Error::io(AGREE, &why))?;
        }
        Ok(out)
    }

    /// Gives a token to TLS and takes the plain text out.
    fn take(&mut self, token: &str, limit: usize) -> Result<Vec<u8>> {
        let records = BASE64
            .decode(token.trim())
            .map_err(|_| Error::protocol("read a protected reply: it is not base64"))?;
        let mut rest = &records[..];
        let mut plain = Vec::new();
        while !rest.is_empty() {
            let taken = self
                .tls
                .read_tls(&mut rest)
                .map_err(|why| Error::io(AGREE, &why))?;
            let processed = self.tls.process_new_packets();
            processed.map_err(|why| Error::tls(AGREE, &why))?;
            self.drain(&mut plain)?;
            if plain.len() > limit {
                return Err(Error::protocol(format!(
                    "read a reply: it is longer than {limit} bytes"
                )));
            }
            if taken == 0 {
                break;
            }
        }
        Ok(plain)
    }

    fn drain(&mut self, plain: &mut Vec<u8>) -> Result<()> {
        match self.tls.reader().read_to_end(plain) {
            Ok(_) => Ok(()), // the peer said that nothing follows; what it said before counts
            Err(why) if why.kind() == IoKind::WouldBlock => Ok(()),
            Err(why) => Err(Error::io(AGREE, &why)),
        }
    }

    /// An alert for the server, when TLS has one to send.
    pub(super) fn alert(&mut self) -> Option<String> {
        let out = self.out().ok()?; // the failure that is being reported came first
        (!out.is_empty()).then(|| BASE64.encode(out))
    }
}

/// Plain text within one token of the exchange: a request for a certificate is below 4 kB.
const MAX_TOKEN: usize = 64 * 1024;
