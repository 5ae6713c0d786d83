//! From nothing to a session: name, connection, greeting, TLS, login, and what all transfers need.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use causeway_sdk::trust::Trust;
use causeway_sdk::{Error, ErrorKind, Result};
use rustls::client::Resumption;
use suppaftp::{FtpError, FtpResult, Mode};
use tokio::net::{TcpStream, lookup_host};

use crate::Config;
use crate::account::Account;
use crate::config::{Passive, Paths};
use crate::error::{from_control, from_io, late};
use crate::features::Features;
use crate::place::{Place, Security};
use crate::reply::Reply;
use crate::session::{Control, PassiveState, Session, ask, rejected};
use crate::tls::{Connector, Trouble};
use crate::veil::{PASSWORD, USER, Veil};

/// TLS sessions remembered, by servers; a control connection has one.
const SESSIONS: usize = 2;

/// Whom to reach and how.
pub(crate) struct Door<'a> {
    pub(crate) config: &'a Config,
    pub(crate) trust: &'a Trust,
    pub(crate) place: &'a Place,
    pub(crate) security: Security,
    pub(crate) account: &'a Account,
    /// What the server said it can do, when it was asked before.
    pub(crate) features: Option<Arc<Features>>,
}

impl Door<'_> {
    /// Opens a session.
    pub(crate) async fn open(&self) -> Result<Session> {
        let opened = self.reach(self.security).await;
        let (control, trouble) = match opened {
            // Refused politely: without TLS then. The library has used the connection up.
            Err(error) if self.security == Security::Tried && is_without_tls(&error) => {
                self.reach(Security::None).await?
            }
            other => other?,
        };
        let greeting = tokio::time::timeout(self.limit(), self.introduce(control, trouble));
        match greeting.await {
            Ok(session) => session,
            Err(_) => Err(late(&self.what("log in to"), self.limit())),
        }
    }

    fn limit(&self) -> std::time::Duration {
        self.config.limits().reply
    }

    fn what(&self, doing: &str) -> String {
        format!("{doing} {}", self.origin())
    }

    fn origin(&self) -> String {
        let scheme = match self.security {
            Security::Implicit => "ftps",
            _ => "ftp",
        };
        let Place { host, port, .. } = self.place;
        match host.contains(':') {
            true => format!("{scheme}://[{host}]:{port}"),
            false => format!("{scheme}://{host}:{port}"),
        }
    }

    /// A connection that has been greeted, and secured where that is wanted.
    async fn reach(&self, security: Security) -> Result<(Control, Trouble)> {
        let what = self.what("connect to");
        let addresses = lookup_host((self.place.host.as_str(), self.place.port));
        let addresses = tokio::time::timeout(self.config.limits().connect, addresses);
        let addresses = addresses
            .await
            .map_err(|_| late(&what, self.config.limits().connect))?
            .map_err(|source| from_io(&what, &source))?;
        let mut failure = Error::new(ErrorKind::Network, format!("{what}: it has no address"));
        for address in addresses {
            match self.reach_one(address, security, &what).await {
                Ok(reached) => return Ok(reached),
                // It was the server that spoke; it will not say otherwise at another address.
                Err(error) if error.remote_status().is_some() => return Err(error),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn reach_one(
        &self,
        address: SocketAddr,
        security: Security,
        what: &str,
    ) -> Result<(Control, Trouble)> {
        let limits = self.config.limits();
        let trouble = Trouble::default();
        let limit = limits.connect + limits.reply;
        let greeted = async {
            if security == Security::Implicit {
                let connector = self.connector(what, &trouble)?;
                let host = self.place.host.as_str();
                let control = Control::connect_secure_implicit(address, connector, host).await;
                return Ok::<_, Error>(control);
            }
            let stream = tokio::time::timeout(limits.connect, TcpStream::connect(address)).await;
            let stream = stream
                .map_err(|_| late(what, limits.connect))?
                .map_err(|source| from_io(what, &source))?;
            let plain = Control::connect_with_stream(stream).await;
            match (plain, security) {
                (Ok(plain), Security::Tried | Security::Required) => {
                    let connector = self.connector(what, &trouble)?;
                    Ok(plain.into_secure(connector, &self.place.host).await)
                }
                (plain, _) => Ok(plain),
            }
        };
        let control = tokio::time::timeout(limit, greeted).await;
        let control = control.map_err(|_| late(what, limit))??;
        let control = control.map_err(|source| self.unreachable(what, source, &trouble))?;
        let socket = control.get_ref().await;
        socket
            .set_nodelay(true)
            .map_err(|source| from_io(what, &source))?;
        drop(socket);
        Ok((control, trouble))
    }

    fn connector(&self, what: &str, trouble: &Trouble) -> Result<Connector> {
        let mut tls = self.trust.client(None)?;
        // Servers want to see that a data connection belongs to its control connection, and some
        // know the TLS sessions of that one only; so no two control connections share theirs.
        tls.resumption = Resumption::in_memory_sessions(SESSIONS);
        Ok(Connector::new(tls, what, trouble.clone()))
    }

    fn unreachable(&self, what: &str, source: FtpError, trouble: &Trouble) -> Error {
        match source {
            FtpError::UnexpectedResponse(response) => rejected(what, &Reply::new(&response)),
            other => trouble.take().unwrap_or_else(|| from_control(what, other)),
        }
    }

    /// Logs in and sets up what every session has.
    async fn introduce(&self, mut control: Control, trouble: Trouble) -> Result<Session> {
        let what = self.what("log in to");
        let broken = |source| from_control(&what, source);
        control.set_encoding(Veil::new(self.account)).await;
        if self.security == Security::Implicit {
            for line in ["PBSZ 0", "PROT P"] {
                let reply = ask(&mut control, line).await.map_err(broken)?;
                if !reply.is_good() {
                    return Err(rejected(&what, &reply));
                }
            }
        }
        let reply = log_in(&mut control).await.map_err(broken)?;
        let reply = reply.without(self.account.password.expose());
        let reply = match self.account.is_anonymous() {
            true => reply,
            false => reply.without(self.account.user.expose()),
        };
        if !reply.is_good() {
            return Err(rejected(&what, &reply));
        }
        let features = match &self.features {
            Some(known) => known.clone(),
            None => Arc::new(Features::read(
                &ask(&mut control, "FEAT").await.map_err(broken)?,
            )),
        };
        if features.has_utf8 {
            // Servers that speak nothing else may refuse it.
            ask(&mut control, "OPTS UTF8 ON").await.map_err(broken)?;
        }
        let reply = ask(&mut control, "TYPE I").await.map_err(broken)?;
        if !reply.is_good() {
            return Err(rejected(&what, &reply));
        }
        let home = match self.config.paths {
            Paths::Absolute => String::new(),
            Paths::Home => {
                let reply = ask(&mut control, "PWD").await.map_err(broken)?;
                home_in(&reply).ok_or_else(|| rejected(&what, &reply))?
            }
        };
        let passive = self.prepare_data(&mut control).await;
        Ok(Session {
            control,
            features,
            home,
            limits: self.config.limits(),
            origin: self.origin(),
            trouble,
            passive,
            in_step: true,
            is_logged_out: false,
            used: Instant::now(),
        })
    }

    /// Says how data connections are to be made.
    async fn prepare_data(&self, control: &mut Control) -> PassiveState {
        // Whatever address a server tells, it is reached where it was reached: a data connection
        // to somewhere else would be a request in the server's name.
        control.set_passive_nat_workaround(true);
        let peer = control.get_ref().await.peer_addr();
        let is_v4 = peer.is_ok_and(|it| it.ip().to_canonical().is_ipv4());
        match self.config.passive {
            Passive::Plain => {
                control.set_mode(Mode::Passive);
                PassiveState::Settled
            }
            Passive::Auto if is_v4 => {
                control.set_mode(Mode::ExtendedPassive);
                PassiveState::Trying
            }
            Passive::Auto | Passive::Extended => {
                control.set_mode(Mode::ExtendedPassive);
                PassiveState::Settled
            }
        }
    }
}

/// Whether a server said that it has no TLS.
fn is_without_tls(error: &Error) -> bool {
    matches!(
        error.remote_status(),
        Some(500 | 501 | 502 | 504 | 530 | 534)
    )
}

async fn log_in(control: &mut Control) -> FtpResult<Reply> {
    let reply = ask(control, &format!("USER {USER}")).await?;
    match reply.code {
        331 => ask(control, &format!("PASS {PASSWORD}")).await,
        _ => Ok(reply),
    }
}

/// The directory in an answer to PWD: quoted, with quotes in it doubled.
fn home_in(reply: &Reply) -> Option<String> {
    if reply.code != 257 {
        return None;
    }
    let (_, quoted) = reply.first().split_once('"')?;
    let mut home = String::new();
    let mut rest = quoted.chars().peekable();
    while let Some(one) = rest.next() {
        match one {
            '"' if rest.peek() == Some(&'"') => {
                rest.next();
                home.push('"');
            }
            '"' => return home.starts_with('/').then_some(home),
            other => home.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::reply;

    #[test]
    fn homes_are_unquoted() {
        for (text, home) in [
            ("257 \"/\" is the current directory\r\n", Some("/")),
            ("257 \"/home/a \"\"b\"\"\"\r\n", Some("/home/a \"b\"")),
            ("257 \"relative\"\r\n", None),
            ("257 \"/open\r\n", None),
            ("550 \"/\"\r\n", None),
        ] {
            assert_eq!(home_in(&reply(text)).as_deref(), home, "{text}");
        }
    }
}
