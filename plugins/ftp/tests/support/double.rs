//! A server that says what a test tells it to. Plain FTP on loopback, files in memory.
//!
//! What the test does not care about is answered as a good server would.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// One thing to do about a command.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Send a line; the end of the line is added.
    Say(String),
    /// Send bytes as they are, so often.
    Raw(Vec<u8>, usize),
    /// Send a line byte by byte.
    Drip(String, Duration),
    /// Send bytes over the data connection.
    Send(Vec<u8>),
    /// Take at most so many bytes from the data connection.
    Take(usize),
    /// Close the data connection.
    CloseData,
    /// Wait.
    Wait(Duration),
    /// Close everything.
    Cut,
    /// Say nothing more.
    Hang,
    /// What a good server does.
    Default,
    /// Give the new name without a word.
    Rename,
}

pub(crate) fn say(text: &str) -> Vec<Act> {
    vec![Act::Say(text.to_owned())]
}

pub(crate) type Files = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

type Script = dyn Fn(&str, usize) -> Option<Vec<Act>> + Send + Sync;

pub(crate) struct Double {
    pub(crate) port: u16,
    pub(crate) files: Files,
    seen: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Double {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(super) struct Link {
    control: BufReader<TcpStream>,
    pub(super) passive: Option<TcpListener>,
    pub(super) data: Option<TcpStream>,
    pub(super) files: Files,
    pub(super) offset: usize,
    pub(super) renamed: String,
}

impl Double {
    /// The script gets each command and how often it came before, over all connections; the
    /// greeting is the empty one.
    pub(crate) async fn start(
        script: impl Fn(&str, usize) -> Option<Vec<Act>> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, files) = (Arc::new(Mutex::new(Vec::new())), Files::default());
        let (log, shared, script) = (seen.clone(), files.clone(), Arc::new(script));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let link = Link {
                    control: BufReader::new(stream),
                    passive: None,
                    data: None,
                    files: shared.clone(),
                    offset: 0,
                    renamed: String::new(),
                };
                tokio::spawn(serve(link, log.clone(), script.clone()));
            }
        });
        Self {
            port,
            files,
            seen,
            task,
        }
    }

    pub(crate) fn url(&self, path: &str) -> causeway_sdk::Url {
        super::url(format!("ftp://127.0.0.1:{}{path}", self.port))
    }

    pub(crate) fn put(&self, path: &str, content: &[u8]) {
        let content = content.to_vec();
        self.files.lock().unwrap().insert(path.to_owned(), content);
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.files.lock().unwrap().keys().cloned().collect()
    }

    /// How many commands began so.
    pub(crate) fn count(&self, verb: &str) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|it| it.starts_with(verb)).count()
    }

    /// All commands that began so.
    pub(crate) fn seen(&self, verb: &str) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter(|it| it.starts_with(verb))
            .cloned()
            .collect()
    }
}

async fn serve(mut link: Link, log: Arc<Mutex<Vec<String>>>, script: Arc<Script>) {
    let mut line = String::new();
    loop {
        let command = line.trim_end().to_owned();
        let verb = command.split(' ').next().unwrap_or("").to_owned();
        let before = {
            let mut log = log.lock().unwrap();
            log.push(command.clone());
            log.iter()
                .filter(|it| it.split(' ').next() == Some(&*verb))
                .count()
                - 1
        };
        let acts = script(&command, before).unwrap_or_else(|| vec![Act::Default]);
        for act in acts {
            // The client may be gone already; that is the test's business.
            if link.act(act, &command).await.is_none() {
                return;
            }
        }
        line.clear();
        if !matches!(link.control.read_line(&mut line).await, Ok(1..)) {
            return;
        }
    }
}

impl Link {
    pub(super) async fn say(&mut self, text: &str) -> Option<()> {
        let text = format!("{text}\r\n");
        self.control.write_all(text.as_bytes()).await.ok()
    }

    pub(super) async fn data(&mut self) -> Option<&mut TcpStream> {
        if self.data.is_none() {
            let (data, _) = self.passive.take()?.accept().await.ok()?;
            self.data = Some(data);
        }
        self.data.as_mut()
    }

    async fn act(&mut self, act: Act, command: &str) -> Option<()> {
        match act {
            Act::Say(text) => self.say(&text).await,
            Act::Raw(bytes, times) => {
                for _ in 0..times {
                    self.control.write_all(&bytes).await.ok()?;
                }
                Some(())
            }
            Act::Drip(text, pause) => {
                for byte in format!("{text}\r\n").bytes() {
                    self.control.write_all(&[byte]).await.ok()?;
                    tokio::time::sleep(pause).await;
                }
                Some(())
            }
            Act::Send(bytes) => self.data().await?.write_all(&bytes).await.ok(),
            Act::Take(most) => {
                let mut taken = vec![0; most];
                let data = self.data().await?;
                data.read_exact(&mut taken).await.map(|_| ()).ok()
            }
            Act::CloseData => {
                self.data = None;
                Some(())
            }
            Act::Wait(time) => {
                tokio::time::sleep(time).await;
                Some(())
            }
            Act::Cut => None,
            Act::Hang => {
                std::future::pending::<()>().await;
                None
            }
            Act::Default => self.good(command).await,
            Act::Rename => self.rename(command.strip_prefix("RNTO ")?),
        }
    }
}
