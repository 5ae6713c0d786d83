//! [`Download`]: a file from a server, piece by piece.

use std::borrow::BorrowMut;

use super::{ASCENDING, Kept, Part, Way, connect};
use crate::data::{
    BlockReceiver, Buffers, DataStream, Expected, Order, Piece, Ranges, StreamReader,
};
use crate::{Error, ErrorKind, Result, Session};

const WHAT: &str = "receive a file";

/// What to fetch, and how.
#[derive(Debug, Clone)]
pub struct DownloadPlan {
    /// Name at the server.
    pub path: String,
    /// Size of the whole file, when known: then a shorter or longer one is an error.
    pub size: Option<u64>,
    /// One part of the file, instead of all of it.
    pub part: Option<Part>,
    /// How the bytes come.
    pub way: Way,
    /// In which order; stream mode knows only one.
    pub order: Order,
}

impl DownloadPlan {
    /// All of a file, in ascending order.
    pub fn new(path: impl Into<String>, way: Way) -> Self {
        Self {
            path: path.into(),
            size: None,
            part: None,
            way,
            order: ASCENDING,
        }
    }

    fn expected(&self) -> Expected {
        let size = self.part.map(|it| it.length).or(self.size);
        Expected {
            size,
            already: Ranges::new(),
        }
    }

    fn command(&self) -> String {
        match self.part {
            None => format!("RETR {}", self.path),
            Some(Part { offset, length }) => format!("ERET P {offset} {length} {}", self.path),
        }
    }
}

/// A file that is coming. `S` is a session, borrowed or owned.
pub struct Download<S> {
    session: S,
    path: String,
    body: Body,
    /// Where in the file the part begins.
    base: u64,
    /// How it ended; said again to who asks again.
    outcome: Option<Result<()>>,
}

enum Body {
    Stream {
        reader: StreamReader,
        got: u64,
        size: Option<u64>,
    },
    Blocks(Option<Box<BlockReceiver>>),
}

impl<S: BorrowMut<Session>> Download<S> {
    /// Asks for a file.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] and others of the server and the network.
    pub async fn start(mut session: S, plan: &DownloadPlan) -> Result<Self> {
        let can_accept = session.borrow().data_security()?.can_accept();
        let body = match plan.way {
            Way::Blocks { streams } if can_accept => {
                let receiver = open_blocks(session.borrow_mut(), plan, streams.max(1)).await?;
                Body::Blocks(Some(Box::new(receiver)))
            }
            _ => {
                let stream = open_stream(session.borrow_mut(), plan).await?;
                let limits = &session.borrow().options().data;
                Body::Stream {
                    reader: StreamReader::new(stream, Buffers::new(), limits),
                    got: 0,
                    size: plan.expected().size,
                }
            }
        };
        Ok(Self {
            session,
            path: plan.path.clone(),
            body,
            base: plan.part.map_or(0, |it| it.offset),
            outcome: None,
        })
    }

    /// The next piece, at its offset in the whole file; none when all came and the server said so.
    /// Nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// Of the server, the network and the data: see [`BlockReceiver::next`].
    pub async fn next(&mut self) -> Result<Option<Piece>> {
        if let Some(outcome) = &self.outcome {
            return outcome.clone().map(|()| None);
        }
        let step = self.step().await;
        match &step {
            Ok(Some(_)) => {}
            Ok(None) => self.outcome = Some(Ok(())),
            Err(why) => self.outcome = Some(Err(why.clone())),
        }
        step
    }

    /// The session. Not idle before the end of the file.
    pub fn into_session(self) -> S {
        self.session
    }

    async fn step(&mut self) -> Result<Option<Piece>> {
        if let Some(mut piece) = self.piece().await? {
            piece.offset += self.base;
            return Ok(Some(piece));
        }
        let session = self.session.borrow_mut();
        if session.owes() {
            session.last_word(WHAT).await?;
        }
        match &mut self.body {
            Body::Blocks(receiver) => {
                if let Some(inlet) = receiver.take().and_then(|it| it.into_inlet()) {
                    session.keep(Kept::of_inlet(inlet));
                }
            }
            Body::Stream { reader, got, size } => {
                // A protected stream whose end is not: the size comes over the control connection.
                if reader.is_cut() && size.is_none() {
                    let size = session.size(&self.path).await?;
                    check_size(*got, Some(size))?;
                }
            }
        }
        Ok(None)
    }

    /// The next piece, while the server is heard.
    async fn piece(&mut self) -> Result<Option<Piece>> {
        let Self { session, body, .. } = self;
        let session = session.borrow_mut();
        loop {
            // Silence is judged where the data is.
            let limit = session.options().data.idle.saturating_mul(4);
            let owes = session.owes();
            tokio::select! {
                biased;
                piece = body.next() => match piece {
                    Ok(piece) => return Ok(piece),
                    Err(why) => return Err(session.explain(WHAT, why).await),
                },
                said = session.next_reply(limit), if owes => {
                    let reply = said?;
                    if !reply.is_preliminary() {
                        reply.success(WHAT)?;
                    }
                }
            }
        }
    }
}

impl Body {
    async fn next(&mut self) -> Result<Option<Piece>> {
        match self {
            Self::Blocks(Some(receiver)) => receiver.next().await,
            Self::Blocks(None) => Ok(None),
            Self::Stream { reader, got, size } => {
                let Some(data) = reader.next().await? else {
                    return check_size(*got, *size).map(|()| None);
                };
                let offset = *got;
                *got += data.len() as u64;
                if size.is_some_and(|it| *got > it) {
                    check_size(*got, *size)?;
                }
                Ok(Some(Piece { offset, data }))
            }
        }
    }
}

fn check_size(got: u64, size: Option<u64>) -> Result<()> {
    match size {
        Some(size) if size != got => {
            let text = format!("{WHAT}: {got} bytes of {size} came");
            Err(Error::new(ErrorKind::Integrity, text))
        }
        _ => Ok(()),
    }
}

async fn open_stream(session: &mut Session, plan: &DownloadPlan) -> Result<DataStream> {
    session.take_kept();
    session.open_stream(WHAT, &plan.command(), &[]).await
}

/// Tells the server where to connect and what to send, in one trip. What it says about the file is
/// heard with the data.
async fn open_blocks(
    session: &mut Session,
    plan: &DownloadPlan,
    streams: u32,
) -> Result<BlockReceiver> {
    let kept = connect::settle(session, streams).await?;
    let command = plan.command();
    let inlet = match kept.inlet.filter(|it| it.connections() > 0) {
        Some(inlet) => {
            session.send(&[&command]).await?;
            inlet
        }
        None => {
            let (inlet, port) = connect::listen(session)?;
            session.send(&[&port, &command]).await?;
            let told = session.receive().await?;
            if !told.is_success() {
                // The file is refused as well, then: nobody knows where to send it.
                drop(session.receive().await?);
                return Err(told.refusal(WHAT));
            }
            inlet
        }
    };
    Ok(BlockReceiver::new(inlet, plan.expected(), plan.order))
}
