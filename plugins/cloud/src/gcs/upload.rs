//! Writing an object: at once, or as a resumable upload, piece after piece. The CRC-32C goes before
//! what is sent at once, so that the service refuses what was damaged; what arrived in pieces is
//! compared with what was sent.

use async_trait::async_trait;
use causeway_sdk::{Algorithm, Checksum, LogLevel, Result, WriteOptions};
use http::Method;
use serde_json::json;
use url::Url;

use super::{Gcs, Object, delete, unless_taken};
use crate::backend::{Put, Upload};
use crate::caller::Caller;
use crate::digest::to_base64;
use crate::exchange::{Answer, Pieces, Request, send};
use crate::flat::Bucket as _;
use crate::place::{encode, wire};
use crate::related::related;
use crate::resumable::Session;
use crate::sums::{Kind, Summed};

/// An object being written.
pub(super) struct ObjectUpload {
    caller: Caller,
    overwrite: bool,
    session: Session,
}

/// Where an object is sent to.
fn address(caller: &Caller, how: &str, key: &str, overwrite: bool) -> Result<Url> {
    let path = format!("/upload/storage/v1/b/{}/o", encode(&caller.place.bucket));
    let mut query = vec![("uploadType", how), ("name", key)];
    if !overwrite {
        // No generation: nothing is there.
        query.push(("ifGenerationMatch", "0"));
    }
    wire(&caller.base(), &path, &query)
}

/// An object in one request, and the checksum that its bytes must have.
pub(super) fn whole(
    caller: &Caller,
    key: &str,
    overwrite: bool,
    data: Pieces,
    crc32c: Option<&Checksum>,
) -> Result<Request> {
    let url = address(caller, "multipart", key, overwrite)?;
    let mut described = json!({"contentType": "application/octet-stream"});
    if let Some(sum) = crc32c.and_then(to_base64) {
        described["crc32c"] = sum.into();
    }
    Ok(related(Request::new(Method::POST, url), &described, data)?.once())
}

impl ObjectUpload {
    pub(super) fn new(caller: Caller, options: &WriteOptions) -> Self {
        Self {
            session: Session::new(&caller, options.size),
            overwrite: options.overwrite,
            caller,
        }
    }

    fn beginning(&self) -> Result<Request> {
        let url = address(&self.caller, "resumable", self.key(), self.overwrite)?;
        Request::new(Method::POST, url).with("x-upload-content-type", "application/octet-stream")
    }

    fn key(&self) -> &str {
        &self.caller.place.key
    }

    async fn settled(&self, answer: Answer) -> Result<Put> {
        let answer = unless_taken(&self.caller, answer, "write", self.overwrite).await?;
        let object: Object = answer.json().await?;
        Ok(object.stat().into())
    }
}

#[async_trait]
impl Upload for ObjectUpload {
    fn wants(&self) -> Kind {
        Kind::Plain(Algorithm::Crc32c)
    }

    async fn whole(&self, data: Pieces, sums: &Summed) -> Result<Put> {
        let crc32c = sums.get(Algorithm::Crc32c);
        let request = whole(&self.caller, self.key(), self.overwrite, data, crc32c)?;
        let answer = send(&self.caller, "write", request).await?;
        self.settled(answer).await
    }

    async fn part(&self, _number: u64, offset: u64, data: Pieces) -> Result<()> {
        self.session.begin(|| self.beginning()).await?;
        self.session.part(offset, data).await
    }

    async fn finish(&self, _number: u64, offset: u64, data: Pieces, _: &Summed) -> Result<Put> {
        let answer = self.session.finish(offset, data).await?;
        self.settled(answer).await
    }

    async fn arrived(&self) -> Result<Option<Put>> {
        let found = Gcs(self.caller.clone()).head(self.key()).await?;
        Ok(found.map(Put::from))
    }

    async fn discard(&self) {
        if let Err(error) = self.session.cancel().await {
            let text = format!("an upload is left until it ends by itself: {error}");
            self.caller.inner.host.log(LogLevel::Warn, &text);
        }
    }

    async fn undo(&self, put: &Put) -> Result<()> {
        delete(&self.caller, put.written.etag.as_deref()).await
    }
}
