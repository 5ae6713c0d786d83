//! A server on loopback that answers by a function, and fails when a test tells it to.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) use super::wire::*;

/// How something goes wrong.
#[derive(Clone, Debug)]
pub(crate) enum How {
    /// This answer comes, and nothing is done.
    Answer(Reply),
    /// The connection ends before anything is done.
    CutBefore,
    /// It is done, and the connection ends without an answer.
    CutAfter,
}

type Fits = Box<dyn Fn(&Seen) -> bool + Send>;

/// What is to go wrong, and how often.
type Faults = Arc<Mutex<Vec<(Fits, usize, How)>>>;

type Service = dyn Fn(&Seen) -> Reply + Send + Sync;

pub(crate) struct Double {
    pub(crate) endpoint: String,
    faults: Faults,
    seen: Arc<Mutex<Vec<Seen>>>,
    service: Arc<Service>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Double {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Double {
    pub(crate) async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (faults, seen) = (Faults::default(), Arc::new(Mutex::new(Vec::new())));
        let service: Arc<Service> = Arc::new(answer);
        let (planned, log, answer) = (faults.clone(), seen.clone(), service.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, planned.clone(), log.clone(), answer.clone()));
            }
        });
        Self {
            endpoint,
            faults,
            seen,
            service,
            task,
        }
    }

    /// The next requests of this kind go wrong.
    pub(crate) fn fail_at(
        &self,
        fits: impl Fn(&Seen) -> bool + Send + 'static,
        times: usize,
        how: How,
    ) {
        let fault = (Box::new(fits) as Fits, times, how);
        self.faults.lock().unwrap().push(fault);
    }

    /// Nothing goes wrong any more.
    pub(crate) fn heal(&self) {
        self.faults.lock().unwrap().clear();
    }

    /// How many requests were of this kind. Of long bodies nothing is known any more.
    pub(crate) fn count(&self, fits: impl Fn(&Seen) -> bool) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|it| fits(it)).count()
    }

    /// Uploads that were begun and neither ended nor given up.
    pub(crate) fn unfinished(&self) -> usize {
        let question = Seen {
            method: UNFINISHED.to_owned(),
            ..Seen::default()
        };
        let told = (self.service)(&question).body;
        String::from_utf8(told).unwrap().parse().unwrap()
    }
}

fn fault(faults: &Faults, seen: &Seen) -> Option<How> {
    let mut faults = faults.lock().unwrap();
    let found = faults.iter_mut().find(|it| it.1 > 0 && it.0(seen))?;
    found.1 -= 1;
    Some(found.2.clone())
}

/// One request per connection keeps it simple.
async fn serve(
    mut stream: TcpStream,
    faults: Faults,
    log: Arc<Mutex<Vec<Seen>>>,
    service: Arc<Service>,
) {
    let Some(seen) = receive(&mut stream).await else {
        return;
    };
    log.lock().unwrap().push(seen.without_content());
    let reply = match fault(&faults, &seen) {
        None => service(&seen),
        Some(How::Answer(reply)) => reply,
        Some(How::CutBefore) => return,
        Some(How::CutAfter) => {
            service(&seen);
            return;
        }
    };
    let mut text = format!(
        "HTTP/1.1 {} X\r\nConnection: close\r\nContent-Length: {}\r\n",
        reply.status,
        reply.body.len()
    );
    for (name, value) in &reply.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut bytes = format!("{text}\r\n").into_bytes();
    if seen.method != "HEAD" {
        bytes.extend_from_slice(&reply.body[..reply.body.len() - reply.cut]);
    }
    // The client may be gone already; that is the test's business.
    let _sent = stream.write_all(&bytes).await;
}

async fn receive(stream: &mut TcpStream) -> Option<Seen> {
    let mut buffer = Vec::new();
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|it| it == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut buffer).await.ok()? == 0 {
            return None;
        }
    };
    let mut seen = head(&String::from_utf8_lossy(&buffer[..end]));
    seen.body = buffer.split_off(end + 4);
    let len: usize = seen.header("content-length").parse().unwrap_or(0);
    seen.body.reserve(len);
    while seen.body.len() < len {
        if stream.read_buf(&mut seen.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(seen)
}
