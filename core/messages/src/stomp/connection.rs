//! One connection to a broker: signing on, frames out, frames in, signs of life both ways.

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};

use super::frame::{Frame, Nonsense};

/// A stream to a broker, encrypted or not.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Wire for T {}

/// Why a connection is of no use.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The network.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The broker closed it.
    #[error("the broker closed the connection")]
    Closed,
    /// The broker said no.
    #[error("the broker refused: {0}")]
    Refused(String),
    /// It sent something that is no frame.
    #[error("the broker makes no sense: {0}")]
    Nonsense(#[from] Nonsense),
    /// It sent a frame that does not belong there.
    #[error("the broker answered {0} to a greeting")]
    Odd(String),
    /// It did not answer in time.
    #[error("the broker does not answer")]
    Silent,
    /// There is no way to it.
    #[error("{0}")]
    Setup(String),
}

/// How to sign on.
#[derive(Clone)]
pub(crate) struct Greeting {
    pub(crate) host: String,
    /// User and password.
    pub(crate) user: Option<(String, causeway_sdk::Secret)>,
    /// Between two signs of life; zero for none.
    pub(crate) heartbeat: Duration,
    /// For the answer.
    pub(crate) patience: Duration,
}

/// A connection that the broker has accepted.
pub(crate) struct Connection {
    wire: Box<dyn Wire>,
    read: BytesMut,
    /// We have to give a sign of life this often; `None` for never.
    send_every: Option<Duration>,
    /// The broker has to; it is given twice the time.
    hear_every: Option<Duration>,
    last_sent: Instant,
    last_heard: Instant,
}

impl Connection {
    /// Signs on.
    pub(crate) async fn open(wire: Box<dyn Wire>, greeting: &Greeting) -> Result<Self, Trouble> {
        let now = Instant::now();
        let mut connection = Self {
            wire,
            read: BytesMut::with_capacity(4096),
            send_every: None,
            hear_every: None,
            last_sent: now,
            last_heard: now,
        };
        let beat = greeting.heartbeat.as_millis();
        let mut hello = Frame::new("CONNECT")
            .with("accept-version", "1.2,1.1")
            .with("host", &greeting.host)
            .with("heart-beat", format!("{beat},{beat}"));
        if let Some((user, password)) = &greeting.user {
            hello = hello
                .with("login", user)
                .with("passcode", password.expose());
        }
        let until = now + greeting.patience;
        connection.send(&[hello]).await?;
        let answer = timeout_at(until, connection.next_frame()).await;
        let answer = answer.map_err(|_| Trouble::Silent)??;
        match answer.command.as_str() {
            "CONNECTED" => {
                connection.agree(greeting.heartbeat, answer.header("heart-beat"));
                Ok(connection)
            }
            "ERROR" => Err(refusal(&answer)),
            _ => Err(Trouble::Odd(answer.command)),
        }
    }

    /// Either side beats as rarely as the other one can bear.
    fn agree(&mut self, ours: Duration, theirs: Option<&str>) {
        let parts = theirs.and_then(|it| it.split_once(','));
        let millis = |text: &str| {
            text.trim()
                .parse()
                .map_or(Duration::ZERO, Duration::from_millis)
        };
        let (can, wants) = parts.map_or((Duration::ZERO, Duration::ZERO), |(can, wants)| {
            (millis(can), millis(wants))
        });
        let both = |a: Duration, b: Duration| (!a.is_zero() && !b.is_zero()).then(|| a.max(b));
        self.send_every = both(ours, wants);
        self.hear_every = both(ours, can);
    }

    /// Writes frames in one go.
    pub(crate) async fn send(&mut self, frames: &[Frame]) -> Result<(), Trouble> {
        let mut out = BytesMut::new();
        frames.iter().for_each(|it| it.write(&mut out));
        self.write(&out).await
    }

    /// A broker that does not read for as long as it may be silent is gone.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        let limit = self.hear_every.map_or(Duration::from_secs(60), |it| it * 2);
        let writing = async {
            self.wire.write_all(bytes).await?;
            self.wire.flush().await
        };
        let written = tokio::time::timeout(limit, writing).await;
        written.map_err(|_| Trouble::Silent)??;
        self.last_sent = Instant::now();
        Ok(())
    }

    /// The next frame, for as long as it takes. Keeps the connection alive meanwhile. May be
    /// dropped at any time: nothing that was read is lost.
    pub(crate) async fn next_frame(&mut self) -> Result<Frame, Trouble> {
        loop {
            if let Some(frame) = Frame::read(&mut self.read)? {
                return Ok(frame);
            }
            let beat = self.send_every.map(|it| self.last_sent + it);
            let silence = self.hear_every.map(|it| self.last_heard + it * 2);
            tokio::select! {
                read = self.wire.read_buf(&mut self.read) => {
                    if read? == 0 {
                        return Err(Trouble::Closed);
                    }
                    self.last_heard = Instant::now();
                }
                () = at(beat) => self.write(b"\n").await?,
                () = at(silence) => return Err(Trouble::Silent),
            }
        }
    }

    /// Says goodbye; the broker need not answer.
    pub(crate) async fn close(mut self) {
        let goodbye = [Frame::new("DISCONNECT")];
        let saying = self.send(&goodbye);
        let said = tokio::time::timeout(Duration::from_secs(1), saying).await;
        if !matches!(said, Ok(Ok(()))) {
            tracing::debug!("the broker was gone before the goodbye");
        }
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// What an error frame says, as one short line.
pub(crate) fn refusal(frame: &Frame) -> Trouble {
    let head = frame.header("message").unwrap_or("");
    let body = String::from_utf8_lossy(&frame.body);
    let text = format!("{head} {body}");
    let line: String = text
        .chars()
        .map(|it| if it.is_control() { ' ' } else { it })
        .take(300)
        .collect();
    Trouble::Refused(line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting(heartbeat: u64) -> Greeting {
        Greeting {
            host: "broker".into(),
            user: Some(("u".into(), causeway_sdk::Secret::new("p"))),
            heartbeat: Duration::from_millis(heartbeat),
            patience: Duration::from_secs(5),
        }
    }

    async fn opened(
        answer: &[u8],
        heartbeat: u64,
    ) -> (Result<Connection, Trouble>, String, tokio::io::DuplexStream) {
        let (ours, mut theirs) = tokio::io::duplex(4096);
        theirs.write_all(answer).await.unwrap();
        let connection = Connection::open(Box::new(ours), &greeting(heartbeat)).await;
        let mut hello = vec![0; 4096];
        let length = theirs.read(&mut hello).await.unwrap();
        let hello = String::from_utf8(hello[..length].to_vec()).unwrap();
        (connection, hello, theirs)
    }

    #[tokio::test]
    async fn signs_on_with_name_password_and_heart_beat() {
        let answer = b"CONNECTED\nversion:1.2\nheart-beat:500,2000\n\n\0";
        let (connection, hello, _theirs) = opened(answer, 1000).await;
        assert!(hello.starts_with("CONNECT\naccept-version:1.2,1.1\nhost:broker\n"));
        assert!(hello.contains("login:u\npasscode:p\n"), "{hello}");
        let connection = connection.unwrap_or_else(|it| panic!("{it}"));
        assert_eq!(connection.send_every, Some(Duration::from_secs(2)));
        assert_eq!(connection.hear_every, Some(Duration::from_secs(1)));
    }

    #[tokio::test]
    async fn a_refusal_says_why() {
        let (connection, _, _theirs) = opened(b"ERROR\nmessage:bad password\n\nno\0", 0).await;
        let trouble = connection.err().map(|it| it.to_string());
        assert_eq!(
            trouble.as_deref(),
            Some("the broker refused: bad password no")
        );
    }

    #[tokio::test(start_paused = true)]
    async fn beats_are_sent_and_missed() {
        let answer = b"CONNECTED\nversion:1.2\nheart-beat:1000,1000\n\n\0";
        let (connection, _, mut theirs) = opened(answer, 1000).await;
        let mut connection = connection.unwrap_or_else(|it| panic!("{it}"));
        let trouble = connection.next_frame().await.unwrap_err();
        assert!(matches!(trouble, Trouble::Silent), "{trouble}");
        let mut beat = [0; 1];
        theirs.read_exact(&mut beat).await.unwrap();
        assert_eq!(beat, *b"\n");
    }
}
