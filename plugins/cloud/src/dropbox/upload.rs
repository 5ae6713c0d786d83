//! Writing a file: at once, or as an upload session, piece after piece. What arrived is compared with
//! what was sent by Dropbox's content hash. A session that is given up is unseen, and Dropbox
//! forgets it.

use async_trait::async_trait;
use causeway_sdk::{ErrorKind, Result};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::call::{delete, header, path};
use super::{Dropbox, Metadata};
use crate::backend::{Put, Upload};
use crate::caller::Caller;
use crate::error::{at, optional};
use crate::exchange::{Answer, Pieces, Request, send};
use crate::place::wire;
use crate::sums::{Kind, Summed};

/// A file being written.
pub(super) struct FileUpload {
    caller: Caller,
    overwrite: bool,
    session: Mutex<Option<String>>,
}

impl FileUpload {
    pub(super) fn new(caller: Caller, overwrite: bool) -> Self {
        Self {
            caller,
            overwrite,
            session: Mutex::new(None),
        }
    }

    fn request(&self, what: &str, arg: &Value, data: Pieces) -> Result<Request> {
        let url = wire(
            &self.caller.content_base(),
            &format!("/2/files/{what}"),
            &[],
        )?;
        let request = Request::new(Method::POST, url)
            .with("content-type", "application/octet-stream")?
            .with("dropbox-api-arg", header(arg))?;
        Ok(request.body(data))
    }

    fn commit(&self) -> Value {
        json!({
            "path": path(&self.caller.place),
            "mode": if self.overwrite { "overwrite" } else { "add" },
            "autorename": false,
            "mute": true,
            // Else the same content counts as no conflict.
            "strict_conflict": !self.overwrite,
        })
    }

    /// What makes it a file.
    async fn settle(&self, request: Request) -> Result<Put> {
        let answer = send(&self.caller, "write", request.once()).await?;
        let told: Metadata = answer.json().await?;
        Ok(told.into())
    }

    async fn begin(&self, data: Pieces) -> Result<String> {
        let request = self.request("upload_session/start", &json!({"close": false}), data)?;
        // A session begun twice is one that is forgotten.
        let answer: Value = send(&self.caller, "write", request.asks())
            .await?
            .json()
            .await?;
        match answer["session_id"].as_str() {
            Some(id) => Ok(id.to_owned()),
            None => {
                let why = "the service names no session";
                Err(at(ErrorKind::Remote, "write", &self.caller.place, why))
            }
        }
    }

    async fn append(&self, id: &str, offset: u64, data: Pieces) -> Result<()> {
        let end = offset + data.len;
        let arg = json!({"cursor": {"session_id": id, "offset": offset}, "close": false});
        let request = self.request("upload_session/append_v2", &arg, data)?.asks();
        let answer = send(&self.caller, "write", request).await?;
        if answer.status() != StatusCode::CONFLICT {
            return answer.success().await.map(drop);
        }
        already_there(answer, end).await
    }
}

impl From<Metadata> for Put {
    fn from(told: Metadata) -> Self {
        Self {
            content_hash: told.content_hash.clone(),
            ..told.stat().into()
        }
    }
}

/// A piece may have arrived although the answer to it did not: then it is at its end already.
async fn already_there(answer: Answer, end: u64) -> Result<()> {
    let (error, text) = answer.into_fault().await;
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    match value["error"]["correct_offset"].as_u64() {
        Some(offset) if offset == end => Ok(()),
        _ => Err(error),
    }
}

#[async_trait]
impl Upload for FileUpload {
    fn wants(&self) -> Kind {
        Kind::Content
    }

    async fn whole(&self, data: Pieces, sums: &Summed) -> Result<Put> {
        let mut arg = self.commit();
        if let Some(hash) = &sums.content {
            arg["content_hash"] = hash.as_str().into();
        }
        let request = self.request("upload", &arg, data)?;
        self.settle(request).await
    }

    async fn part(&self, _number: u64, offset: u64, data: Pieces) -> Result<()> {
        let mut session = self.session.lock().await;
        match &*session {
            Some(id) => self.append(id, offset, data).await,
            None => {
                *session = Some(self.begin(data).await?);
                Ok(())
            }
        }
    }

    async fn finish(&self, _number: u64, offset: u64, data: Pieces, _: &Summed) -> Result<Put> {
        let id = self.session.lock().await.clone().unwrap_or_default();
        let arg = json!({
            "cursor": {"session_id": id, "offset": offset},
            "commit": self.commit(),
        });
        let request = self.request("upload_session/finish", &arg, data)?;
        self.settle(request).await
    }

    async fn arrived(&self) -> Result<Option<Put>> {
        let account = Dropbox(self.caller.clone());
        let found = account.metadata(&self.caller, "write").await;
        Ok(optional(found)?.map(Put::from))
    }

    async fn discard(&self) {}

    async fn undo(&self, put: &Put) -> Result<()> {
        let rev = put.written.etag.as_deref().map(|it| it.trim_matches('"'));
        delete(&self.caller, rev).await
    }
}
