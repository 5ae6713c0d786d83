//! [`Session`]: a control connection that is logged in, and what the server was told on it.
//!
//! Verbs live beside this file, by kind: names (`namespace`), listings, settings of transfers
//! (`settings`), and, in `copy`, transfers between two servers.
//!
//! # Invariants
//! - Between sending a command and reading its last reply the session is busy. A session that
//!   somebody let go of while it was busy is never used again ([`Session::is_idle`]).
//! - A wait for a last reply has one limit, however many preliminary replies come before it
//!   (`tests/hostile_patience.rs`).

mod data;
mod listing;
mod namespace;
mod settings;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::control::{Channel, login};
use crate::features::Features;
use crate::reply::Reply;
use crate::transfer::Kept;
use crate::{Endpoint, Error, Options, Result};

pub use listing::Listing;
use settings::Told;
pub(crate) use settings::{Mode, Wanted};

/// A connection to one server in one name.
#[derive(Debug)]
pub struct Session {
    pub(crate) channel: Channel,
    endpoint: Endpoint,
    options: Arc<Options>,
    features: Arc<Features>,
    /// What the server was told of transfers.
    pub(crate) told: Told,
    /// Data connections that are still up from the last transfer, by a number that the other end
    /// has as well.
    pub(crate) link: Option<u64>,
    /// Data connections of our own that are still up.
    pub(crate) kept: Kept,
    /// Commands whose last reply has not been read.
    owed: usize,
}

impl Session {
    /// Connects, logs in, and asks what the server can do.
    ///
    /// # Errors
    /// Whatever can fail: the network, TLS, trust, the credential, the account.
    pub async fn open(endpoint: &Endpoint, options: Arc<Options>) -> Result<Self> {
        Self::open_knowing(endpoint, options, None).await
    }

    /// The same for a server whose features are known.
    pub(crate) async fn open_knowing(
        endpoint: &Endpoint,
        options: Arc<Options>,
        features: Option<Arc<Features>>,
    ) -> Result<Self> {
        let channel = login::open(endpoint, options.reply).await?;
        let mut session = Self {
            channel,
            endpoint: endpoint.clone(),
            options,
            features: Arc::default(),
            told: Told::default(),
            link: None,
            kept: Kept::default(),
            owed: 0,
        };
        session.introduce(features).await?;
        Ok(session)
    }

    /// Says who is calling, asks for features, and sets what no transfer ever changes: one trip.
    async fn introduce(&mut self, features: Option<Arc<Features>>) -> Result<()> {
        let client = self.options.client.replace(['"', ';', '\r', '\n'], "");
        let (name, version) = client.split_once('/').unwrap_or((&client, ""));
        let info =
            format!("SITE CLIENTINFO scheme=gsiftp;appname=\"{name}\";appver=\"{version}\";");
        let mut commands = vec!["TYPE I"];
        if features.is_none() {
            commands.push("FEAT");
        }
        if !name.is_empty() {
            commands.push(&info);
        }
        self.send(&commands).await?;
        self.receive().await?.success("set the type")?;
        self.features = match features {
            Some(known) => known,
            None => Arc::new(Features::read(&self.receive().await?)),
        };
        if !name.is_empty() {
            // A server that does not want to know is as good as one that does.
            self.receive().await?;
        }
        Ok(())
    }

    /// Which server, in whose name.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What the server can do.
    pub fn features(&self) -> &Arc<Features> {
        &self.features
    }

    /// Settings.
    pub fn options(&self) -> &Arc<Options> {
        &self.options
    }

    /// Version of TLS around commands, as `TLSv1_3`; nothing without security.
    pub fn tls_version(&self) -> Option<&'static str> {
        self.channel.tls_version()
    }

    /// True when it may be used for something else: nothing is owed, nothing is broken.
    pub fn is_idle(&mut self) -> bool {
        self.owed == 0 && !self.channel.has_gone()
    }

    /// True when no further command makes sense.
    pub fn is_broken(&self) -> bool {
        self.channel.is_broken()
    }

    /// True while a command has not been answered for good.
    pub(crate) fn owes(&self) -> bool {
        self.owed > 0
    }

    /// The server's end of the control connection.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn peer(&self) -> Result<SocketAddr> {
        self.channel.peer()
    }

    /// Sends commands at once. Each owes one last reply.
    pub(crate) async fn send(&mut self, commands: &[&str]) -> Result<()> {
        self.owed += commands.len();
        self.channel.send(commands).await
    }

    /// The next reply that is not preliminary, within the usual time.
    pub(crate) async fn receive(&mut self) -> Result<Reply> {
        self.receive_within(self.options.reply).await
    }

    /// The same within some other time. Preliminary replies do not make it longer.
    pub(crate) async fn receive_within(&mut self, limit: Duration) -> Result<Reply> {
        let deadline = Instant::now() + limit;
        loop {
            let reply = self.next_reply_by(deadline, limit).await?;
            if !reply.is_preliminary() {
                return Ok(reply);
            }
        }
    }

    /// The next reply of any kind. Giving up waiting loses nothing.
    pub(crate) async fn next_reply(&mut self, limit: Duration) -> Result<Reply> {
        self.next_reply_by(Instant::now() + limit, limit).await
    }

    /// The same at a deadline that several replies share.
    pub(crate) async fn next_reply_by(
        &mut self,
        deadline: Instant,
        limit: Duration,
    ) -> Result<Reply> {
        let reply = self.channel.reply_by(deadline, limit).await?;
        if !reply.is_preliminary() {
            self.owed = self.owed.saturating_sub(1);
        }
        if reply.code() == 421 {
            return Err(Error::new(
                crate::ErrorKind::Io,
                format!(
                    "read a reply: the server closes the connection: {}",
                    reply.text()
                ),
            ));
        }
        Ok(reply)
    }

    /// Sends a command and reads its last reply.
    pub(crate) async fn ask(&mut self, command: &str) -> Result<Reply> {
        self.send(&[command]).await?;
        self.receive().await
    }

    /// Says goodbye, without waiting long for the answer.
    pub async fn quit(mut self) {
        if self.is_idle() && self.send(&["QUIT"]).await.is_ok() {
            // The connection goes away in any case.
            drop(self.receive_within(Duration::from_secs(1)).await);
        }
    }
}
