//! [`Upload`]: a file to a server, piece by piece.

use std::borrow::BorrowMut;

use bytes::Bytes;
use tokio::time::Instant;

use super::{Kept, Way, connect, marker, restart};
use crate::data::{BlockSender, DEFAULT_BLOCK, Outlet, Progress, Ranges, StreamWriter};
use crate::{Error, ErrorKind, Reply, Result, Session};

const WHAT: &str = "send a file";

/// What to store, and how.
#[derive(Debug, Clone)]
pub struct UploadPlan {
    /// Name at the server.
    pub path: String,
    /// Size of the whole file, when known: the server may make room for it.
    pub size: Option<u64>,
    /// What the server has already and keeps. In stream mode, one range from the beginning.
    pub already: Ranges,
    /// How the bytes go.
    pub way: Way,
    /// Bytes of a block.
    pub block: usize,
    /// To all stripes of a server that has several.
    pub striped: bool,
}

impl UploadPlan {
    /// All of a file.
    pub fn new(path: impl Into<String>, way: Way) -> Self {
        Self {
            path: path.into(),
            size: None,
            already: Ranges::new(),
            way,
            block: DEFAULT_BLOCK,
            striped: false,
        }
    }
}

/// A file that is going. `S` is a session, borrowed or owned.
pub struct Upload<S> {
    session: S,
    body: Body,
    progress: Progress,
}

enum Body {
    Stream { writer: StreamWriter, next: u64 },
    Blocks(BlockSender),
}

impl<S: BorrowMut<Session>> Upload<S> {
    /// Asks to store a file.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`] and others of the server and the network.
    pub async fn start(mut session: S, plan: &UploadPlan) -> Result<Self> {
        let body = match plan.way {
            Way::Stream => open_stream(session.borrow_mut(), plan).await?,
            Way::Blocks { streams } => {
                let outlet = open_blocks(session.borrow_mut(), plan, streams.max(1)).await?;
                Body::Blocks(BlockSender::new(outlet, plan.block))
            }
        };
        Ok(Self {
            session,
            body,
            progress: Progress::new(plan.size),
        })
    }

    /// Sends bytes that belong at an offset of the file. Stream mode takes them in order only.
    /// Dropping the future leaves some of them unsent: drop the upload, too.
    ///
    /// # Errors
    /// Of the server and the network.
    pub async fn write(&mut self, offset: u64, data: Bytes) -> Result<()> {
        let Self {
            session,
            body,
            progress,
        } = self;
        let session = session.borrow_mut();
        let writing = body.write(offset, data);
        tokio::pin!(writing);
        loop {
            let limit = session.options().data.idle.saturating_mul(4);
            let owes = session.owes();
            tokio::select! {
                biased;
                written = &mut writing => match written {
                    Ok(()) => return Ok(()),
                    Err(why) => return Err(session.explain(WHAT, why).await),
                },
                said = session.next_reply(limit), if owes => hear(&said?, progress)?,
            }
        }
    }

    /// What the server's markers said so far. They are read while bytes are written.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Stops, and waits a moment for the server to stop as well, so that what it has of the file
    /// can be removed.
    pub async fn abort(self) {
        let Self {
            mut session, body, ..
        } = self;
        drop(body);
        // However that goes: a session that is not idle afterwards is not used again.
        drop(crate::copy::stop(session.borrow_mut(), |_| {}).await);
    }

    /// Ends the file, and waits until the server has said that it has it.
    ///
    /// # Errors
    /// Of the server and the network.
    pub async fn finish(self) -> Result<S> {
        let Self {
            mut session,
            body,
            mut progress,
        } = self;
        let held = session.borrow_mut();
        // Connections stay up until the last word: what is under way may be lost otherwise.
        let outlet = match body.finish().await {
            Ok(outlet) => outlet,
            Err(why) => return Err(held.explain(WHAT, why).await),
        };
        last_word(held, &mut progress).await?;
        if let Some(outlet) = outlet {
            held.keep(Kept::of_outlet(outlet));
        }
        Ok(session)
    }
}

/// Waits for the server to have the file. Only markers of more bytes than before make it longer.
async fn last_word(session: &mut Session, progress: &mut Progress) -> Result<()> {
    let limit = session.options().stall;
    let mut deadline = Instant::now() + limit;
    while session.owes() {
        let reply = session.next_reply_by(deadline, limit).await?;
        if !reply.is_preliminary() {
            reply.success(WHAT)?;
        } else if let Some(marker) = marker(&reply)? {
            let before = progress.known();
            progress.add(&marker)?;
            if progress.known() != before {
                deadline = Instant::now() + limit;
            }
        }
    }
    Ok(())
}

/// What a server says before all has been sent: markers, or why it does not want the file.
fn hear(reply: &Reply, progress: &mut Progress) -> Result<()> {
    if !reply.is_preliminary() {
        let early = match reply.is_success() {
            true => Error::protocol(format!("{WHAT}: the server ended it early")),
            false => reply.refusal(WHAT),
        };
        return Err(early);
    }
    match marker(reply)? {
        Some(marker) => progress.add(&marker),
        None => Ok(()),
    }
}

impl Body {
    async fn write(&mut self, offset: u64, data: Bytes) -> Result<()> {
        match self {
            Self::Blocks(sender) => sender.send(offset, data).await,
            Self::Stream { writer, next } => {
                if offset != *next {
                    let text = format!("go to byte {offset} of a stream that is at {next}");
                    return Err(Error::new(ErrorKind::Invalid, text));
                }
                *next += data.len() as u64;
                writer.write(data).await
            }
        }
    }

    async fn finish(self) -> Result<Option<Outlet>> {
        match self {
            Self::Blocks(sender) => sender.finish().await.map(Some),
            Self::Stream { writer, .. } => writer.finish().await.map(|()| None),
        }
    }
}

/// Tells the size, which servers without quotas do not care for.
async fn allocate(session: &mut Session, plan: &UploadPlan) -> Result<()> {
    let Some(size) = plan.size.filter(|it| *it > 0) else {
        return Ok(());
    };
    let reply = session.ask(&format!("ALLO {size}")).await?;
    // Not to know the command is no refusal.
    match reply.code() {
        500..=504 => Ok(()),
        _ => reply.success("make room for a file").map(drop),
    }
}

async fn open_stream(session: &mut Session, plan: &UploadPlan) -> Result<Body> {
    session.take_kept();
    let begin = plan.already.end();
    if plan.already != Ranges::of(0..begin) {
        let text = "go on with a file that has gaps, in stream mode";
        return Err(Error::new(ErrorKind::Invalid, text));
    }
    allocate(session, plan).await?;
    let rest = (begin > 0).then(|| format!("REST {begin}"));
    let before: Vec<&str> = rest.iter().map(String::as_str).collect();
    let command = format!("STOR {}", plan.path);
    let stream = session.open_stream(WHAT, &command, &before).await?;
    Ok(Body::Stream {
        writer: StreamWriter::new(stream, &session.options().data),
        next: begin,
    })
}

async fn open_blocks(session: &mut Session, plan: &UploadPlan, streams: u32) -> Result<Outlet> {
    let kept = connect::settle(session, 0).await?;
    allocate(session, plan).await?;
    let is_enough = |it: &Outlet| it.connections() == streams as usize && !plan.striped;
    let kept = kept.outlet.filter(is_enough);
    let addresses = match kept {
        Some(_) => Vec::new(),
        None => connect::passive(session, WHAT, plan.striped).await?,
    };
    if let Some(rest) = restart(&plan.already) {
        session.ask(&rest).await?.expect(WHAT, &[350])?;
    }
    session.send(&[&format!("STOR {}", plan.path)]).await?;
    match kept {
        Some(outlet) => Ok(outlet),
        None => connect::outlet(session, WHAT, &addresses, streams).await,
    }
}
