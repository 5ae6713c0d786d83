//! Offers [`Endpoint`]: which server, and in whose name.

use std::fmt;

use crate::{Credential, PeerRule};

/// Port of GridFTP servers.
pub const DEFAULT_PORT: u16 = 2811;

/// How to approach a server.
#[derive(Clone)]
pub enum Security {
    /// GSI with this credential.
    Gsi {
        /// In whose name.
        credential: Credential,
        /// Who the server must be.
        peer: PeerRule,
        /// Seconds that a proxy left with the server may live; none is left without. The server
        /// needs one to authenticate data connections in the caller's name.
        delegate: Option<u64>,
    },
    /// Nothing: a name and a password in clear, as anonymous servers want them.
    None {
        /// Account.
        user: String,
        /// Password.
        password: String,
    },
}

/// A server and a way to approach it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Endpoint {
    host: String,
    port: u16,
    security: Security,
}

impl Endpoint {
    /// A server approached with a credential, which is also delegated for `lifetime` seconds. Its
    /// certificate must be the host's.
    pub fn gsi(host: &str, port: u16, credential: Credential, lifetime: u64) -> Self {
        let peer = PeerRule::Host(host.to_owned());
        let security = Security::Gsi {
            credential,
            peer,
            delegate: Some(lifetime),
        };
        Self::new(host, port, security)
    }

    /// A server without security.
    pub fn anonymous(host: &str, port: u16) -> Self {
        let security = Security::None {
            user: "anonymous".to_owned(),
            password: "user@".to_owned(),
        };
        Self::new(host, port, security)
    }

    /// A server approached in that way.
    pub fn new(host: &str, port: u16, security: Security) -> Self {
        Self {
            host: host.to_ascii_lowercase(),
            port,
            security,
        }
    }

    /// Host name or address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Port of the control channel.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// In whose name.
    pub fn security(&self) -> &Security {
        &self.security
    }

    /// The credential, if there is one.
    pub fn credential(&self) -> Option<&Credential> {
        match &self.security {
            Security::Gsi { credential, .. } => Some(credential),
            Security::None { .. } => None,
        }
    }

    /// True when a proxy is left with the server.
    pub fn delegates(&self) -> bool {
        matches!(
            self.security,
            Security::Gsi {
                delegate: Some(_),
                ..
            }
        )
    }

    /// Equal for sessions that may stand for each other; holds no secret but is as long as needed
    /// to tell two callers apart.
    pub fn key(&self) -> String {
        let who = match &self.security {
            Security::Gsi {
                credential,
                peer,
                delegate,
            } => {
                let print: String = credential
                    .fingerprint()
                    .iter()
                    .map(|it| format!("{it:02x}"))
                    .collect();
                format!("gsi {print} {peer:?} {}", delegate.is_some())
            }
            Security::None { user, password } => {
                let digest =
                    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, password.as_bytes());
                format!("none {user} {:?}", digest.as_ref())
            }
        };
        format!("{}:{} {who}", self.host, self.port)
    }
}

impl fmt::Debug for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gsi {
                credential,
                peer,
                delegate,
            } => f
                .debug_struct("Gsi")
                .field("credential", credential)
                .field("peer", peer)
                .field("delegate", delegate)
                .finish(),
            Self::None { user, .. } => f
                .debug_struct("None")
                .field("user", user)
                .finish_non_exhaustive(),
        }
    }
}
