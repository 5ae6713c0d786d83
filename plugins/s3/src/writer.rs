//! Bytes from us. What fits one part goes in one request at the commit; anything larger as a
//! multipart upload, whose parts are on their way while the next one is being filled.
//!
//! Chunks are passed on as they came, without a copy, unless they are tiny.

use bytes::Bytes;
use causeway_sdk::{Error, ErrorKind, Result, WriteBody, WriteOptions, Written};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::caller::Caller;
use crate::config::UploadChecksum;
use crate::error::{at, internal};
use crate::held::Held;
use crate::lister::{Name, look_up};
use crate::part::Source;
use crate::parts::Plan;
use crate::place::Place;
use crate::upload::{self, Upload};
use crate::whole;

/// Chunks of a streamed part that wait for the connection.
const QUEUE: usize = 4;

/// An object being written.
pub struct S3Write {
    /// The part that is being sent while it comes.
    open: Option<Open>,
    upload: Option<Upload>,
    /// Looks whether a directory has that name; empty when nobody looks or it was seen.
    look: JoinSet<Result<Name>>,
    caller: Caller,
    place: Place,
    options: WriteOptions,
    plan: Plan,
    held: Held,
    written: u64,
}

/// A part whose bytes go out as they come in.
struct Open {
    pieces: mpsc::Sender<Bytes>,
    left: u64,
}

/// Opens an object for writing.
pub(crate) fn open(caller: &Caller, place: &Place, options: WriteOptions) -> Result<S3Write> {
    if place.key.is_empty() {
        let why = "it is a directory";
        return Err(at(ErrorKind::IsDirectory, "write", place, why));
    }
    let plan = Plan::new(options.size, &caller.inner.config);
    let mut look = JoinSet::new();
    if caller.inner.config.directories && !caller.inner.absent.take(place) {
        let (caller, place) = (caller.clone(), place.clone());
        look.spawn(async move { look_up(&caller, &place).await });
    }
    Ok(S3Write {
        open: None,
        upload: None,
        look,
        caller: caller.clone(),
        place: place.clone(),
        options,
        plan,
        held: Held::first(&caller.inner),
        written: 0,
    })
}

impl S3Write {
    /// A directory keeps its name.
    async fn refuse_directory(&mut self) -> Result<()> {
        let Some(looked) = self.look.join_next().await else {
            return Ok(());
        };
        match looked.map_err(|source| internal("look for a directory", source))? {
            Ok(Name::Taken) => {
                let why = "it is a directory";
                Err(at(ErrorKind::IsDirectory, "write", &self.place, why))
            }
            Ok(Name::Free | Name::FreeBefore) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn begun(&mut self) -> Result<()> {
        if self.upload.is_none() {
            self.refuse_directory().await?;
            let crc = self.caller.inner.config.upload_checksum == UploadChecksum::Crc32c;
            let crc = crc && !self.plan.is_streamed();
            self.upload = Some(upload::begin(&self.caller, &self.place, crc).await?);
        }
        Ok(())
    }

    /// Sends the part that is full.
    async fn flush(&mut self) -> Result<()> {
        self.begun().await?;
        let part = self.held.turn(&self.caller.inner);
        let (len, size) = (part.len, self.plan.part(part.number));
        match &mut self.upload {
            Some(upload) => {
                let parallel = self.plan.parallel(size);
                upload.put(part.into_source(), len, parallel).await
            }
            None => Ok(()),
        }
    }

    async fn take(&mut self, mut chunk: Bytes) -> Result<()> {
        while !chunk.is_empty() {
            let size = self.plan.part(self.held.number);
            if self.held.len == size {
                self.flush().await?;
                continue;
            }
            let room = usize::try_from(size - self.held.len).unwrap_or(usize::MAX);
            let more = chunk.split_to(room.min(chunk.len()));
            self.written += more.len() as u64;
            self.held.push(more);
        }
        Ok(())
    }

    async fn pass_on(&mut self, mut chunk: Bytes) -> Result<()> {
        while !chunk.is_empty() {
            if self.open.is_none() {
                self.open_part().await?;
            }
            let Some(open) = &mut self.open else { continue };
            let room = usize::try_from(open.left).unwrap_or(usize::MAX);
            let more = chunk.split_to(room.min(chunk.len()));
            let len = more.len() as u64;
            if open.pieces.send(more).await.is_err() {
                self.open = None;
                return Err(self.why_it_stopped().await);
            }
            open.left -= len;
            if open.left == 0 {
                self.open = None;
            }
            self.written += len;
        }
        Ok(())
    }

    async fn open_part(&mut self) -> Result<()> {
        self.begun().await?;
        let (pieces, waiting) = mpsc::channel::<Bytes>(QUEUE);
        let stream = futures_util::stream::unfold(waiting, |mut waiting| async {
            let piece = waiting.recv().await?;
            Some((Ok::<_, std::io::Error>(piece), waiting))
        });
        let (source, left) = (
            Source::Stream(reqwest::Body::wrap_stream(stream)),
            self.plan.len_at(self.written),
        );
        if let Some(upload) = &mut self.upload {
            upload.put(source, left, 1).await?;
            self.open = Some(Open { pieces, left });
        }
        Ok(())
    }

    /// The failure of a part whose connection takes no more.
    async fn why_it_stopped(&mut self) -> Error {
        let why = "the server took no more of it";
        let unknown = at(ErrorKind::Network, "send a part of", &self.place, why);
        match &mut self.upload {
            Some(upload) => upload.join_one().await.err().unwrap_or(unknown),
            None => unknown,
        }
    }

    async fn finish(&mut self) -> Result<Written> {
        self.refuse_directory().await?;
        let Some(mut upload) = self.upload.take() else {
            let held = self.held.turn(&self.caller.inner);
            let written = whole::put(&self.caller, &self.place, held, &self.options).await?;
            self.caller.inner.subdirs.made(&self.place);
            return Ok(written);
        };
        let part = self.held.turn(&self.caller.inner);
        if part.len > 0 {
            let (len, size) = (part.len, self.plan.part(part.number));
            let sent = upload.put(part.into_source(), len, self.plan.parallel(size));
            if let Err(error) = sent.await {
                upload.abort().await;
                return Err(error);
            }
        }
        let etag = upload.complete(self.options.overwrite).await?;
        self.caller.inner.subdirs.made(&self.place);
        Ok(Written {
            bytes: self.written,
            etag,
            checksums: Vec::new(),
        })
    }

    fn check_size(&self, is_end: bool) -> Result<()> {
        match self.options.size {
            Some(size) if self.written > size || (is_end && self.written < size) => {
                let why = format!("{size} bytes were announced, {} came", self.written);
                Err(at(ErrorKind::Invalid, "write", &self.place, &why))
            }
            _ => Ok(()),
        }
    }
}

impl WriteBody for S3Write {
    async fn write(&mut self, offset: u64, chunk: Bytes) -> Result<()> {
        if offset != self.written {
            let why = format!("byte {offset} came where {} was due", self.written);
            return Err(at(ErrorKind::Invalid, "write", &self.place, &why));
        }
        let end = offset.saturating_add(chunk.len() as u64);
        if let Some(size) = self.options.size.filter(|size| end > *size) {
            let why = format!("more than the {size} bytes that were announced");
            return Err(at(ErrorKind::Invalid, "write", &self.place, &why));
        }
        if self.plan.is_streamed() {
            self.pass_on(chunk).await
        } else {
            self.take(chunk).await
        }
    }

    async fn commit(mut self) -> Result<Written> {
        let checked = self.check_size(true);
        let finished = match checked {
            Ok(()) => self.finish().await,
            Err(error) => Err(error),
        };
        if let (Err(_), Some(upload)) = (&finished, self.upload.take()) {
            upload.abort().await;
        }
        finished
    }

    async fn abort(mut self) {
        self.open = None;
        if let Some(upload) = self.upload.take() {
            upload.abort().await;
        }
    }
}
