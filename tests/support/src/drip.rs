//! A storage that is slow and counts: plain HTTP with one file, a piece at a time, and a list of what
//! was asked for.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Bytes between two rests.
const PIECE: usize = 256 << 10;
/// How often somebody who may send no more looks again.
const LOOK: Duration = Duration::from_millis(10);

/// The storage. Its threads end with the test's process.
#[derive(Clone, Debug)]
pub struct Drip {
    port: u16,
    shared: Arc<Mutex<Shared>>,
    rest: Duration,
}

#[derive(Debug)]
struct Shared {
    content: Arc<Vec<u8>>,
    version: u64,
    served: u64,
    starts: Vec<u64>,
    most: u64,
}

impl Drip {
    /// With a file, resting so long after each 256 KiB.
    pub fn start(content: Vec<u8>, rest: Duration) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr();
        let drip = Self {
            port: address.expect("a bound socket has an address").port(),
            shared: Arc::new(Mutex::new(Shared {
                content: Arc::new(content),
                version: 1,
                served: 0,
                starts: Vec::new(),
                most: u64::MAX,
            })),
            rest,
        };
        let own = drip.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let own = own.clone();
                // A client that hangs up, as one that was killed does, is no failure.
                std::thread::spawn(move || drop(own.serve(client)));
            }
        });
        drip
    }

    /// URL of its file.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/file", self.port)
    }

    /// Puts another file in place of the first.
    pub fn replace(&self, content: Vec<u8>) {
        let mut shared = self.lock();
        shared.content = Arc::new(content);
        shared.version += 1;
    }

    /// Sends about so many bytes and then no more, until another word comes.
    pub fn stop_after(&self, most: u64) {
        self.lock().most = most;
    }

    /// Bytes of the file that were sent so far.
    pub fn served(&self) -> u64 {
        self.lock().served
    }

    /// Where the reads began that were asked for since the last question.
    pub fn starts(&self) -> Vec<u64> {
        std::mem::take(&mut self.lock().starts)
    }

    fn is_held(&self) -> bool {
        let shared = self.lock();
        shared.served >= shared.most
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, client: TcpStream) -> std::io::Result<()> {
        let mut answers = client.try_clone()?;
        let mut asks = BufReader::new(client);
        loop {
            let mut request = String::new();
            if asks.read_line(&mut request)? == 0 {
                return Ok(());
            }
            let (mut range, mut body) = (None, 0);
            loop {
                let mut header = String::new();
                asks.read_line(&mut header)?;
                let header = header.trim_end().to_ascii_lowercase();
                if header.is_empty() {
                    break;
                }
                if let Some(asked) = header.strip_prefix("range: bytes=") {
                    range = Some(asked.to_owned());
                }
                if let Some(len) = header.strip_prefix("content-length: ") {
                    body = len.parse().unwrap_or(0);
                }
            }
            std::io::copy(&mut asks.by_ref().take(body), &mut std::io::sink())?;
            match request.split(' ').next() {
                Some("HEAD") => self.answer(&mut answers, range, false)?,
                Some("GET") => self.answer(&mut answers, range, true)?,
                _ => write!(answers, "HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n")?,
            }
        }
    }

    fn answer(&self, to: &mut TcpStream, range: Option<String>, body: bool) -> std::io::Result<()> {
        let (content, version) = {
            let shared = self.lock();
            (Arc::clone(&shared.content), shared.version)
        };
        let size = content.len();
        let (start, end) = match range.as_deref().and_then(|it| it.split_once('-')) {
            Some((start, end)) => {
                let start = start.parse().unwrap_or(0).min(size);
                let last = end.parse().unwrap_or(size).min(size - 1);
                (start, last + 1)
            }
            None => (0, size),
        };
        let status = match range {
            Some(_) => format!(
                "206 Part\r\nContent-Range: bytes {start}-{}/{size}",
                end - 1
            ),
            None => "200 OK".to_owned(),
        };
        write!(
            to,
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nETag: \"v{version}\"\r\n\
             Accept-Ranges: bytes\r\n\r\n",
            end - start
        )?;
        if !body {
            return Ok(());
        }
        self.lock().starts.push(start as u64);
        for piece in content[start..end].chunks(PIECE) {
            while self.is_held() {
                std::thread::sleep(LOOK);
            }
            to.write_all(piece)?;
            self.lock().served += piece.len() as u64;
            std::thread::sleep(self.rest);
        }
        Ok(())
    }
}
