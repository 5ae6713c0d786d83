//! [`DataSecurity`]: who the other end of a data connection must be (`DCAU`) and what protects the
//! bytes (`PROT`), carried out on a fresh connection.
//!
//! | | on the socket |
//! |---|---|
//! | `DCAU N` | the data, at once |
//! | `DCAU A` or `S`, `PROT C` | a handshake, then the data in clear: [`super::gsi`] |
//! | `DCAU A` or `S`, `PROT S` or `P` | TLS, the data inside |
//!
//! The end that connects is the TLS client, whichever of the two is the FTP client.
//!
//! A Globus server that connects names whom it expects in its first message: the last common name of
//! its subject, as if it were a host. The TLS library ends the connection when that cannot be one
//! ("Alice Tester"), so with such a name this end must be the one that connects:
//! [`DataSecurity::can_accept`].

use std::fmt;
use std::sync::Arc;

use rustls::{ClientConfig, ServerConfig};
use rustls_pki_types::{DnsName, ServerName};
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::gsi;
use super::socket::DataStream;
use crate::{Credential, Error, PeerRule, Result};

/// Bytes that TLS reads from a socket at once, several records.
const TLS_READ_AHEAD: usize = 64 * 1024;

/// Argument of `DCAU`: whom the server is to expect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dcau {
    /// Nobody in particular: no authentication.
    None,
    /// The owner of the delegated credential.
    SelfIdentity,
    /// This subject.
    Subject(String),
}

impl fmt::Display for Dcau {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("N"),
            Self::SelfIdentity => f.write_str("A"),
            Self::Subject(subject) => write!(f, "S {subject}"),
        }
    }
}

/// Argument of `PROT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protection {
    /// `C`: as it is.
    #[default]
    Clear,
    /// `S`: nobody changes it. Encrypted all the same: no cipher without encryption is offered.
    Safe,
    /// `P`: nobody reads it.
    Private,
}

impl Protection {
    /// As `PROT` takes it.
    pub fn letter(self) -> char {
        match self {
            Self::Clear => 'C',
            Self::Safe => 'S',
            Self::Private => 'P',
        }
    }
}

/// Which end of a data connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Connects,
    Accepts,
}

/// What happens on a fresh data connection before its first byte of data. Cheap to clone.
#[derive(Clone, Default)]
pub struct DataSecurity(Option<Arc<Handshake>>);

struct Handshake {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    protection: Protection,
    can_accept: bool,
}

impl fmt::Debug for DataSecurity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protection = self.0.as_ref().map(|it| it.protection);
        f.debug_tuple("DataSecurity").field(&protection).finish()
    }
}

impl DataSecurity {
    /// `DCAU N`.
    pub fn none() -> Self {
        Self(None)
    }

    /// Both ends show who they are: this one `credential`, the other one whoever `peer` says.
    ///
    /// # Errors
    /// As [`Credential::client_config`].
    pub fn new(credential: &Credential, peer: PeerRule, protection: Protection) -> Result<Self> {
        let can_accept = match &peer {
            PeerRule::Host(_) => true,
            PeerRule::Subject(subject) => ends_like_a_host(subject),
            PeerRule::SameIdentity => ends_like_a_host(credential.identity()),
        };
        Ok(Self(Some(Arc::new(Handshake {
            can_accept,
            client: credential.client_config(peer.clone())?,
            server: credential.server_config(peer)?,
            protection,
        }))))
    }

    /// What protects the bytes.
    pub fn protection(&self) -> Protection {
        let handshake = self.0.as_ref();
        handshake.map_or(Protection::Clear, |it| it.protection)
    }

    /// False when a server that connects would be refused for the name it expects here.
    pub fn can_accept(&self) -> bool {
        self.0.as_ref().is_none_or(|it| it.can_accept)
    }

    /// Makes a data connection of a socket.
    pub(crate) async fn secure(&self, mut socket: TcpStream, role: Role) -> Result<DataStream> {
        let Some(handshake) = &self.0 else {
            return Ok(DataStream::clear(socket));
        };
        if handshake.protection == Protection::Clear {
            let tls = handshake.begin(&socket, role)?;
            gsi::authenticate(&mut socket, tls, role).await?;
            return Ok(DataStream::clear(socket));
        }
        handshake.wrap(socket, role).await
    }
}

impl Handshake {
    fn begin(&self, socket: &TcpStream, role: Role) -> Result<rustls::Connection> {
        let failed = |source| Error::tls(AGREE, &source);
        Ok(match role {
            Role::Connects => {
                let client = rustls::ClientConnection::new(self.client.clone(), name_of(socket)?);
                client.map_err(failed)?.into()
            }
            Role::Accepts => {
                let server = rustls::ServerConnection::new(self.server.clone());
                server.map_err(failed)?.into()
            }
        })
    }

    async fn wrap(&self, socket: TcpStream, role: Role) -> Result<DataStream> {
        let name = name_of(&socket)?;
        let socket = BufReader::with_capacity(TLS_READ_AHEAD, socket);
        let wrapped = match role {
            Role::Connects => TlsConnector::from(self.client.clone())
                .connect(name, socket)
                .await
                .map(TlsStream::from),
            Role::Accepts => TlsAcceptor::from(self.server.clone())
                .accept(socket)
                .await
                .map(TlsStream::from),
        };
        let stream = wrapped.map_err(|source| Error::io(AGREE, &source))?;
        Ok(DataStream::tls(stream))
    }
}

const AGREE: &str = "agree on the security of a data connection";

/// Whether the last common name of a subject could be that of a host.
fn ends_like_a_host(subject: &str) -> bool {
    let name = subject.rsplit_once("/CN=").map_or("", |(_, name)| name);
    DnsName::try_from(name).is_ok()
}

/// The rule judges the certificate; TLS wants a name all the same.
fn name_of(socket: &TcpStream) -> Result<ServerName<'static>> {
    let peer = socket.peer_addr();
    let peer = peer.map_err(|source| Error::io(AGREE, &source))?;
    Ok(ServerName::IpAddress(peer.ip().to_canonical().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_people_are_no_hosts() {
        assert!(ends_like_a_host("/DC=test/CN=localhost"));
        assert!(ends_like_a_host("/DC=test/CN=x/CN=jdoe"));
        for subject in [
            "/DC=test/CN=Alice Tester",
            "/CN=x/CN=1234567",
            "/CN=host/a.b",
            "/O=a",
            "",
        ] {
            assert!(!ends_like_a_host(subject), "{subject}");
        }
    }

    #[test]
    fn arguments_are_as_servers_take_them() {
        assert_eq!(Dcau::None.to_string(), "N");
        assert_eq!(Dcau::SelfIdentity.to_string(), "A");
        let subject = Dcau::Subject("/DC=test/CN=x".to_owned());
        assert_eq!(subject.to_string(), "S /DC=test/CN=x");
        let letters = [Protection::Clear, Protection::Safe, Protection::Private];
        assert_eq!(letters.map(Protection::letter), ['C', 'S', 'P']);
    }
}
