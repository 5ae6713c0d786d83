//! Messages to the first broker that answers.
//!
//! Every message asks for a receipt; as many as the window allows are on their way at the same time.
//! What has no receipt when a connection breaks is sent again on the next one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::connection::{Connection, Greeting, Trouble, Wire, refusal};
use super::frame::Frame;
use crate::config::MessagesConfig;
use crate::message::{Kind, Message};
use crate::pump::{Refusal, Sink};

/// A broker.
#[derive(Clone, Debug)]
struct Broker {
    host: String,
    /// `host:port`
    address: String,
}

/// Sends messages to brokers.
pub struct StompSink {
    config: Arc<MessagesConfig>,
    brokers: Vec<Broker>,
    /// The one that answered last.
    current: usize,
    tls: Option<TlsConnector>,
    user: Option<(String, causeway_sdk::Secret)>,
    connection: Option<Connection>,
    receipts: u64,
}

impl StompSink {
    /// One that is not connected yet. `tls` is there when the configuration wants it.
    ///
    /// # Errors
    /// A broker that is no `host:port`.
    pub fn new(
        config: Arc<MessagesConfig>,
        tls: Option<TlsConnector>,
        password: Option<causeway_sdk::Secret>,
    ) -> Result<Self, String> {
        let brokers = config.brokers.iter().map(|it| broker(it));
        let brokers = brokers.collect::<Result<Vec<_>, _>>()?;
        let user = match config.username.as_str() {
            "" => None,
            name => Some((name.to_owned(), password.unwrap_or_default())),
        };
        Ok(Self {
            config,
            brokers,
            current: 0,
            tls,
            user,
            connection: None,
            receipts: 0,
        })
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(self.config.timeout_seconds.max(1))
    }

    /// Connects to the first broker that lets us in, beginning with the last one that did.
    async fn connect(&mut self) -> Result<Connection, Trouble> {
        let mut last = Trouble::Setup("no broker is configured".to_owned());
        for step in 0..self.brokers.len() {
            let at = (self.current + step) % self.brokers.len();
            let broker = self.brokers[at].clone();
            match self.connect_to(&broker).await {
                Ok(connection) => {
                    self.current = at;
                    tracing::info!(broker = broker.address, "connected to the broker");
                    return Ok(connection);
                }
                Err(trouble) => {
                    tracing::debug!(broker = broker.address, %trouble, "no connection");
                    last = Trouble::Setup(format!("{}: {trouble}", broker.address));
                }
            }
        }
        // The next round begins with another one.
        self.current = (self.current + 1) % self.brokers.len().max(1);
        Err(last)
    }

    async fn connect_to(&self, broker: &Broker) -> Result<Connection, Trouble> {
        let opening = async {
            let stream = TcpStream::connect(&broker.address).await?;
            stream.set_nodelay(true)?;
            let wire: Box<dyn Wire> = match &self.tls {
                None => Box::new(stream),
                Some(tls) => {
                    let name = rustls_pki_types::ServerName::try_from(broker.host.clone());
                    let name = name.map_err(|error| Trouble::Setup(error.to_string()))?;
                    Box::new(tls.connect(name, stream).await?)
                }
            };
            Ok::<_, Trouble>(wire)
        };
        let wire = timeout(self.patience(), opening).await;
        let wire = wire.map_err(|_| Trouble::Silent)??;
        let host = match self.config.virtual_host.as_str() {
            "" => broker.host.clone(),
            name => name.to_owned(),
        };
        let greeting = Greeting {
            host,
            user: self.user.clone(),
            heartbeat: Duration::from_secs(self.config.heartbeat_seconds),
            patience: self.patience(),
        };
        Connection::open(wire, &greeting).await
    }

    fn frame(&self, message: &Message, destination: String, receipt: u64) -> Frame {
        let mut frame = Frame::new("SEND")
            .with("destination", destination)
            .with("content-type", "application/json")
            // Text, not bytes, for consumers that tell them apart.
            .with("amq-msg-type", "text")
            .with("persistent", "true")
            .with("receipt", receipt.to_string());
        if let Some(vo) = message.vo() {
            frame = frame.with("vo", vo);
        }
        if self.config.ttl_seconds > 0 {
            let life = i64::try_from(self.config.ttl_seconds).unwrap_or(i64::MAX);
            let end = message.at.0.saturating_add(life.saturating_mul(1000));
            frame = frame.with("expires", end.to_string());
        }
        frame.body = message.body.clone().into_bytes();
        if self.config.end_of_text {
            frame.body.push(4);
        }
        frame
    }

    /// Sends some messages and waits until each has its receipt. Counts those that have, from the
    /// front.
    async fn exchange(
        &mut self,
        connection: &mut Connection,
        messages: &[Message],
        taken: &mut usize,
    ) -> Result<(), Trouble> {
        let mut frames = Vec::with_capacity(messages.len());
        let first = self.receipts;
        for message in messages {
            // Kinds without a destination are not wanted, so they do not come here.
            let destination = self.config.destination(message.kind).unwrap_or_default();
            frames.push(self.frame(message, destination, self.receipts));
            self.receipts += 1;
        }
        connection.send(&frames).await?;
        let mut open: Vec<bool> = vec![true; messages.len()];
        while *taken < messages.len() {
            let answer = timeout(self.patience(), connection.next_frame()).await;
            let answer = answer.map_err(|_| Trouble::Silent)??;
            match answer.command.as_str() {
                "RECEIPT" => {
                    let id = answer
                        .header("receipt-id")
                        .and_then(|it| it.parse::<u64>().ok());
                    let at = id.and_then(|it| usize::try_from(it.checked_sub(first)?).ok());
                    if let Some(open) = at.and_then(|it| open.get_mut(it)) {
                        *open = false;
                    }
                    *taken = open.iter().take_while(|it| !**it).count();
                }
                "ERROR" => return Err(refusal(&answer)),
                other => tracing::debug!(frame = other, "nothing to do with it"),
            }
        }
        Ok(())
    }

    async fn try_deliver(
        &mut self,
        messages: &[Message],
        taken: &mut usize,
    ) -> Result<(), Trouble> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        for window in messages.chunks(self.config.window.max(1)) {
            let mut here = 0;
            let outcome = self.exchange(&mut connection, window, &mut here).await;
            *taken += here;
            outcome?;
        }
        self.connection = Some(connection);
        Ok(())
    }
}

#[async_trait]
impl Sink for StompSink {
    fn wants(&self, kind: Kind) -> bool {
        self.config.destination(kind).is_some()
    }

    async fn deliver(&mut self, messages: &[Message]) -> (usize, Result<(), Refusal>) {
        let mut taken = 0;
        let outcome = self.try_deliver(messages, &mut taken).await;
        (taken, outcome.map_err(|it| Refusal(it.to_string())))
    }

    /// A broker that cannot be reached, or a wrong password, shows before the first message.
    async fn idle(&mut self) -> Result<(), Refusal> {
        let refused = |it: Trouble| Refusal(it.to_string());
        let Some(connection) = &mut self.connection else {
            self.connection = Some(self.connect().await.map_err(refused)?);
            return Ok(());
        };
        loop {
            match connection.next_frame().await {
                Ok(frame) if frame.command != "ERROR" => {}
                other => {
                    let trouble = other.map_or_else(|it| it, |it| refusal(&it));
                    self.connection = None;
                    return Err(refused(trouble));
                }
            }
        }
    }

    async fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.close().await;
        }
    }
}

/// `host:port`, with brackets around an address of colons.
fn broker(text: &str) -> Result<Broker, String> {
    let wrong = || format!("messages.brokers: {text:?} is not host:port");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port: u16 = port.parse().map_err(|_| wrong())?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() {
        return Err(wrong());
    }
    let address = match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    };
    Ok(Broker {
        host: host.to_owned(),
        address,
    })
}

#[cfg(test)]
#[path = "../tests/stomp.rs"]
mod tests;
