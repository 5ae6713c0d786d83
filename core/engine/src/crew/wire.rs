//! Frames between the server and a worker process: a length, then one message in postcard.
//!
//! Several messages go out in one write. A frame that is too long or cannot be read ends the
//! connection: both ends are the same program, so it can only be damage.
//!
//! # Invariants
//! - Every message survives the frames: `every_message_survives_the_frames`.

use std::io;

use causeway_sdk::{Capabilities, Error};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::call::{Answer, Call};
use crate::messages::{Order, Report};

/// Longest message, in bytes. A page of a directory is the largest there is.
const LONGEST: usize = 64 << 20;
/// Bytes read at a time.
const CHUNK: usize = 64 << 10;

/// From the server to a worker process.
#[derive(Serialize, Deserialize)]
pub(super) enum ToWorker {
    /// The first message: what to load, and the limits to live under.
    Setup(Box<Setup>),
    /// About an attempt.
    Order(Order),
    /// A metadata call.
    Call(u64, Box<Call>),
    /// Nobody waits for the answer to a call any more.
    Forget(u64),
    /// A sign of life is wanted.
    Ping(u64),
    /// There is nothing left to do.
    Leave,
}

/// From a worker process to the server.
#[derive(Serialize, Deserialize)]
pub(super) enum FromWorker {
    /// The first message: it can work, with these plugins.
    Ready(Box<Table>),
    /// About an attempt.
    Report(Report),
    /// The answer to a call.
    Answer(u64, Box<Result<Answer, Error>>),
    /// A sign of life.
    Pong(u64),
}

/// What a worker process has to know before it can work. It may hold secrets, so it is never
/// shown, and goes neither through arguments nor through the environment.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Setup {
    /// Configuration of the plugins, as the program that loads them wrote it.
    pub config: String,
    /// Plugins that must not be loaded.
    pub excluded: Vec<String>,
    /// Memory the process may take in bytes; 0 for no limit.
    pub memory_bytes: u64,
    /// A plugin that does not come back to the process for so long is given up with it; 0 is never.
    pub stuck_after_seconds: u64,
}

/// The plugins of a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Every plugin, refused ones with their reason.
    pub plugins: Vec<PluginCard>,
    /// Which plugin serves a scheme: scheme and name.
    pub serves: Vec<(String, String)>,
}

/// What is shown of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginCard {
    /// Name.
    pub name: String,
    /// Version, empty when it is not known.
    pub version: String,
    /// How it is loaded.
    pub kind: String,
    /// URL schemes.
    pub schemes: Vec<String>,
    /// Whether it works.
    pub state: String,
    /// Its file.
    pub path: Option<String>,
    /// SHA-256 of its file.
    pub sha256: Option<String>,
    /// What it can do; nothing when it was refused.
    pub capabilities: Option<Capabilities>,
}

/// Puts a message behind others that go out together.
pub(super) fn put(message: &impl Serialize, out: &mut Vec<u8>) -> io::Result<()> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    let whole = postcard::to_extend(message, std::mem::take(out)).map_err(damaged)?;
    *out = whole;
    let length = out.len() - start - 4;
    let prefix = u32::try_from(length).ok().filter(|_| length <= LONGEST);
    let prefix = prefix.ok_or_else(|| damaged("message is too long"))?;
    out[start..start + 4].copy_from_slice(&prefix.to_le_bytes());
    Ok(())
}

/// Reads messages one by one. Dropping a read loses nothing.
pub(super) struct Frames<R> {
    from: R,
    bytes: Vec<u8>,
    read: usize,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    pub(super) fn new(from: R) -> Self {
        Self {
            from,
            bytes: Vec::with_capacity(CHUNK),
            read: 0,
        }
    }

    /// The next message; `None` at the end.
    pub(super) async fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        loop {
            if let Some(message) = self.take()? {
                return Ok(Some(message));
            }
            self.bytes.drain(..self.read);
            self.read = 0;
            self.bytes.reserve(CHUNK);
            if self.from.read_buf(&mut self.bytes).await? == 0 {
                return Ok(None);
            }
        }
    }

    fn take<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let rest = &self.bytes[self.read..];
        let Some((prefix, rest)) = rest.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(*prefix) as usize;
        if length > LONGEST {
            return Err(damaged("message is too long"));
        }
        let Some(message) = rest.get(..length) else {
            return Ok(None);
        };
        let message = postcard::from_bytes(message).map_err(damaged)?;
        self.read += 4 + length;
        Ok(Some(message))
    }
}

fn damaged(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, source)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use causeway_sdk::capability::Admission;
    use causeway_sdk::{Ctx, ErrorKind, Page, Retry, StageRequest, Stat};

    use super::super::call::Ask;
    use super::*;
    use crate::messages::AttemptId;
    use crate::messages::{events, orders};

    /// Writes all, then reads all, through a pipe that takes and gives little at a time.
    async fn through<T: Serialize + DeserializeOwned>(messages: &[T]) -> Vec<T> {
        let mut bytes = Vec::new();
        for message in messages {
            put(message, &mut bytes).unwrap();
        }
        let (mut near, far) = tokio::io::duplex(7);
        let writing = tokio::spawn(async move {
            tokio::io::AsyncWriteExt::write_all(&mut near, &bytes)
                .await
                .unwrap();
        });
        let mut frames = Frames::new(far);
        let mut back = Vec::new();
        while let Some(message) = frames.next().await.unwrap() {
            back.push(message);
        }
        writing.await.unwrap();
        back
    }

    async fn survive<T: Serialize + DeserializeOwned>(messages: Vec<T>) {
        let back = through(&messages).await;
        assert_eq!(back.len(), messages.len());
        for (one, two) in messages.iter().zip(&back) {
            let text = |it: &T| serde_json::to_string(it).unwrap();
            assert_eq!(text(one), text(two));
        }
    }

    #[tokio::test]
    async fn every_message_survives_the_frames() {
        let cx = Ctx::new("1")
            .with_timeout(Duration::from_secs(9))
            .with_option("a", "b");
        let at: causeway_sdk::Url = "mock://h/f?size=1".parse().unwrap();
        let stage = StageRequest {
            files: vec![at.clone()],
            pin: Duration::from_secs(1),
            timeout: Duration::from_secs(2),
            metadata: vec![String::new()],
        };
        let asks = [
            Ask::Admit(vec![at.clone()]),
            Ask::List(at.clone(), Page::default()),
            Ask::BringOnline(stage),
        ];
        let mut down: Vec<_> = orders().into_iter().map(ToWorker::Order).collect();
        down.extend(asks.map(|ask| ToWorker::Call(1, Box::new(Call::new("mock", &cx, ask)))));
        down.push(ToWorker::Setup(Box::new(Setup {
            excluded: vec!["bad".into()],
            ..Setup::default()
        })));
        down.extend([ToWorker::Forget(1), ToWorker::Ping(2), ToWorker::Leave]);
        survive(down).await;

        let capabilities = Capabilities {
            name: "mock".into(),
            admission: Admission::All,
            ..Capabilities::default()
        };
        let card = PluginCard {
            capabilities: Some(capabilities),
            ..PluginCard::default()
        };
        let table = Table {
            plugins: vec![card, PluginCard::default()],
            serves: vec![("mock".into(), "mock".into())],
        };
        let error = Error::new(ErrorKind::Busy, "later")
            .with_retry(Retry::After(Duration::from_secs(3)))
            .with("host", "h");
        let mut up: Vec<_> = events()
            .into_iter()
            .map(|event| {
                let attempt = AttemptId(4);
                FromWorker::Report(Report { attempt, event })
            })
            .collect();
        up.push(FromWorker::Ready(Box::new(table)));
        up.push(FromWorker::Answer(7, Box::new(Err(error.clone()))));
        up.push(FromWorker::Answer(
            7,
            Box::new(Ok(Answer::Stat(Stat::file(1)))),
        ));
        let answers = vec![Ok(()), Err(error)];
        up.push(FromWorker::Answer(
            7,
            Box::new(Ok(Answer::Admitted(answers))),
        ));
        up.push(FromWorker::Pong(2));
        survive(up).await;
    }

    #[tokio::test]
    async fn damage_is_noticed() {
        for bytes in [&[255_u8; 8][..], &[2, 0, 0, 0, 99, 99]] {
            let mut frames = Frames::new(bytes);
            assert!(frames.next::<ToWorker>().await.is_err());
        }
        // An end in the middle is an end.
        let mut frames = Frames::new(&[9_u8, 0, 0][..]);
        assert!(frames.next::<ToWorker>().await.unwrap().is_none());
    }
}
