//! A server without security that only talks: it counts what it is asked, and moves no byte.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_sdk::Url;
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What comes of a `STOR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// A file of so many bytes, and markers that tell of so many.
    Tells(u64, u64),
    /// A file of so many bytes, and no marker.
    IsSilent(u64),
    /// Somebody else's file of so many bytes is there first, and that is refused.
    Refuses(u64),
    /// The file is opened, and then it breaks.
    Breaks,
    /// The file is opened, and nothing comes until the copy is given up.
    Waits,
    /// The file is opened, which is said when the copy is given up.
    SaysLate,
    /// A file of so many bytes is there, and nothing is said.
    Hides(u64),
}

pub(crate) struct Double {
    port: u16,
    state: Arc<State>,
}

struct State {
    store: Mutex<Store>,
    files: Mutex<BTreeMap<String, u64>>,
    asked: Mutex<Vec<String>>,
}

impl Double {
    pub(crate) async fn start(store: Store) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            store: Mutex::new(store),
            files: Mutex::default(),
            asked: Mutex::default(),
        });
        let serves = state.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let state = serves.clone();
                tokio::spawn(async move { state.serve(BufReader::new(socket)).await });
            }
        });
        Self { port, state }
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        format!("ftp://127.0.0.1:{}{path}", self.port)
            .parse()
            .unwrap()
    }

    pub(crate) fn stores(&self, store: Store) {
        *self.state.store.lock() = store;
    }

    pub(crate) fn put(&self, path: &str, size: u64) {
        self.state.files.lock().insert(path.to_owned(), size);
    }

    pub(crate) fn holds(&self, path: &str) -> bool {
        self.state.files.lock().contains_key(path)
    }

    /// How often it got this command.
    pub(crate) fn asked(&self, verb: &str) -> usize {
        let asked = self.state.asked.lock();
        asked.iter().filter(|it| *it == verb).count()
    }

    /// All commands since the last time.
    pub(crate) fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state.asked.lock())
    }
}

impl State {
    async fn serve(&self, mut control: BufReader<TcpStream>) {
        let mut answer = "220 ready.\r\n".to_owned();
        let mut line = String::new();
        loop {
            // The client may have left already.
            drop(control.get_mut().write_all(answer.as_bytes()).await);
            line.clear();
            if !matches!(control.read_line(&mut line).await, Ok(1..)) {
                return;
            }
            let (verb, path) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
            self.asked.lock().push(verb.to_owned());
            answer = self.answer(verb, path);
        }
    }

    fn answer(&self, verb: &str, path: &str) -> String {
        let mut files = self.files.lock();
        let missing = || format!("550 {path}: No such file or directory\r\n");
        match verb {
            "USER" => "331 Password required.\r\n".to_owned(),
            "PASS" => "230 Logged in.\r\n".to_owned(),
            "FEAT" => "211-Extensions\r\n MLST Type*;Size*;\r\n211 End.\r\n".to_owned(),
            "RNFR" => "350 and then?\r\n".to_owned(),
            "PASV" => "227 Entering Passive Mode (127,0,0,1,9,9)\r\n".to_owned(),
            "ABOR" if *self.store.lock() == Store::SaysLate => {
                "150 go.\r\n426 Stopped.\r\n226 Abort successful.\r\n".to_owned()
            }
            "ABOR" => "426 Stopped.\r\n226 Abort successful.\r\n".to_owned(),
            "MLST" => files.get(path).map_or_else(missing, |size| {
                format!("250-status\r\n Type=file;Size={size}; {path}\r\n250 End.\r\n")
            }),
            "DELE" => files
                .remove(path)
                .map_or_else(missing, |_| "250 gone.\r\n".to_owned()),
            "RETR" if files.contains_key(path) => "150 go.\r\n226 done.\r\n".to_owned(),
            "RETR" => missing(),
            "STOR" => {
                let (size, said) = stored(*self.store.lock());
                files.insert(path.to_owned(), size);
                said
            }
            _ => "200 yes.\r\n".to_owned(),
        }
    }
}

fn stored(store: Store) -> (u64, String) {
    let marker = |bytes| {
        format!(
            "112-Perf Marker\r\n Stripe Index: 0\r\n Stripe Bytes Transferred: {bytes}\r\n Total Stripe Count: 1\r\n112 End.\r\n"
        )
    };
    match store {
        Store::Tells(size, told) => (
            size,
            format!(
                "150 go.\r\n{}{}111 Range Marker 0-{told}\r\n226 done.\r\n",
                marker(0),
                marker(told)
            ),
        ),
        Store::IsSilent(size) => (size, "150 go.\r\n226 done.\r\n".to_owned()),
        Store::Refuses(size) => (size, "553 Permission denied.\r\n".to_owned()),
        Store::Breaks => (5, "150 go.\r\n426 Data connection closed.\r\n".to_owned()),
        Store::SaysLate => (5, String::new()),
        Store::Hides(size) => (size, String::new()),
        Store::Waits => (0, "150 go.\r\n".to_owned()),
    }
}
