//! Data connections of our own: opened to where the server listens, while the server is heard.

use super::{Mode, Wanted};
use crate::data::{DataSecurity, DataStream, Dcau, Protection, address, connect};
use crate::{Error, ErrorKind, PeerRule, Result, Session};

impl Session {
    /// Opens a data connection in stream mode and starts `command` on it, after `before`. The last
    /// reply to the command is owed when this returns.
    pub(crate) async fn open_stream(
        &mut self,
        what: &str,
        command: &str,
        before: &[&str],
    ) -> Result<DataStream> {
        self.link = None;
        let (dcau, protection) = self.data_protection()?;
        let wanted = Wanted {
            mode: Mode::Stream,
            dcau,
            protection,
            streams: 0,
            buffer: self.options().sockets.buffer,
        };
        self.settle(&wanted).await?;
        let to = self.passive_address(what).await?;
        for command in before {
            self.ask(command).await?.expect(what, &[200, 350])?;
        }
        self.send(&[command]).await?;
        self.connect_while_asked(what, to).await
    }

    /// How data connections to ourselves are protected. Where the control channel is not, there is
    /// nobody to authenticate. Without delegation a server cannot show our identity.
    pub(crate) fn data_protection(&self) -> Result<(Dcau, Protection)> {
        let options = self.options();
        let endpoint = self.endpoint();
        match &options.dcau {
            _ if endpoint.credential().is_none() => Ok((Dcau::None, Protection::Clear)),
            Dcau::SelfIdentity if !endpoint.delegates() => {
                let text = "authenticate data connections: nothing is delegated to the server";
                Err(Error::new(ErrorKind::Invalid, text))
            }
            dcau => Ok((dcau.clone(), options.protection)),
        }
    }

    /// What happens on a fresh data connection to ourselves.
    pub(crate) fn data_security(&self) -> Result<DataSecurity> {
        let (dcau, protection) = self.data_protection()?;
        let peer = match dcau {
            Dcau::None => return Ok(DataSecurity::none()),
            Dcau::SelfIdentity => PeerRule::SameIdentity,
            Dcau::Subject(subject) => PeerRule::Subject(subject),
        };
        match self.endpoint().credential() {
            Some(credential) => DataSecurity::new(credential, peer, protection),
            None => Ok(DataSecurity::none()),
        }
    }

    /// Where the server listens for a data connection.
    pub(crate) async fn passive_address(&mut self, what: &str) -> Result<std::net::SocketAddr> {
        let server = self.peer()?.ip().to_canonical();
        let (command, code) = if server.is_ipv6() {
            ("EPSV", 229)
        } else {
            ("PASV", 227)
        };
        let reply = self.ask(command).await?.expect(what, &[code])?;
        let told = address::parse(&reply.text(), server)?;
        Ok(told[0])
    }

    /// Connects for data; a server that refuses the command meanwhile is heard.
    async fn connect_while_asked(
        &mut self,
        what: &str,
        to: std::net::SocketAddr,
    ) -> Result<DataStream> {
        let security = self.data_security()?;
        let options = self.options().clone();
        let connecting = connect(to, &options.sockets, &security, &options.data);
        self.while_asked(what, connecting).await
    }

    /// Waits for data connections of a command that was sent, and for its refusal.
    pub(crate) async fn while_asked<T>(
        &mut self,
        what: &str,
        connecting: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let limit = self.options().data.open;
        tokio::pin!(connecting);
        let mut begun = false;
        loop {
            tokio::select! {
                biased;
                said = self.next_reply(limit), if !begun => {
                    let reply = said?;
                    if !reply.is_preliminary() {
                        return Err(reply.refusal(what));
                    }
                    begun = true;
                }
                stream = &mut connecting => match stream {
                    Ok(stream) => return Ok(stream),
                    Err(why) => return Err(self.better_reason(what, why).await),
                },
            }
        }
    }

    /// What the server says about a data connection that failed, if it says anything soon.
    pub(crate) async fn better_reason(&mut self, what: &str, why: Error) -> Error {
        let soon = std::time::Duration::from_secs(2);
        let said = tokio::time::timeout(soon, self.next_reply(soon)).await;
        match said {
            Ok(Ok(reply)) if reply.code() >= 400 => reply.refusal(what),
            _ => why.during(what),
        }
    }

    /// The last word on a transfer over a data connection of our own. Preliminary replies are
    /// passed over.
    pub(crate) async fn last_word(&mut self, what: &str) -> Result<()> {
        let limit = self.options().stall;
        self.receive_within(limit).await?.success(what).map(drop)
    }
}
