//! Writing a file: at once with its name before it, or as a resumable upload. A file that is there
//! gets new content, and nobody sees a part of it. What arrived is compared with what was sent by
//! its MD5.

use async_trait::async_trait;
use causeway_sdk::{Algorithm, ErrorKind, LogLevel, Result, WriteOptions};
use http::Method;
use serde_json::{Value, json};
use url::Url;

use super::delete;
use super::lookup::{FIELDS, Item, child};
use crate::backend::{Put, Upload};
use crate::caller::Caller;
use crate::error::at;
use crate::exchange::{Answer, Pieces, Request, send};
use crate::place::{encode, wire};
use crate::related::related;
use crate::resumable::Session;
use crate::sums::{Kind, Summed};

/// A file being written.
pub(super) struct FileUpload {
    caller: Caller,
    folder: Item,
    /// What was there before, to be replaced.
    there: Option<Item>,
    overwrite: bool,
    session: Session,
}

impl FileUpload {
    pub(super) fn new(
        caller: &Caller,
        folder: Item,
        there: Option<Item>,
        options: &WriteOptions,
    ) -> Self {
        Self {
            caller: caller.clone(),
            folder,
            there,
            overwrite: options.overwrite,
            session: Session::new(caller, options.size),
        }
    }

    fn address(&self, how: &str) -> Result<(Method, Url)> {
        let (method, path) = match &self.there {
            Some(item) => (
                Method::PATCH,
                format!("/upload/drive/v3/files/{}", encode(&item.id)),
            ),
            None => (Method::POST, "/upload/drive/v3/files".to_owned()),
        };
        let query = [
            ("uploadType", how),
            ("fields", FIELDS),
            ("supportsAllDrives", "true"),
        ];
        Ok((method, wire(&self.caller.base(), &path, &query)?))
    }

    fn described(&self) -> Value {
        match &self.there {
            Some(_) => json!({}),
            None => json!({"name": self.caller.place.name(), "parents": [self.folder.id]}),
        }
    }

    fn beginning(&self) -> Result<Request> {
        let (method, url) = self.address("resumable")?;
        Request::new(method, url).json(&self.described())
    }

    /// Names are free there, so whether one is taken is looked at once more.
    async fn refuse_late(&self) -> Result<()> {
        if self.overwrite || self.there.is_some() {
            return Ok(());
        }
        let name = self.caller.place.name();
        match child(&self.caller, &self.folder.id, name).await? {
            Some(_) => {
                let why = "something is there already";
                Err(at(ErrorKind::Exists, "write", &self.caller.place, why))
            }
            None => Ok(()),
        }
    }

    async fn settled(&self, answer: Answer) -> Result<Put> {
        let item: Item = answer.json().await?;
        Ok(item.stat().into())
    }
}

#[async_trait]
impl Upload for FileUpload {
    fn wants(&self) -> Kind {
        Kind::Plain(Algorithm::Md5)
    }

    async fn whole(&self, data: Pieces, _sums: &Summed) -> Result<Put> {
        self.refuse_late().await?;
        let (method, url) = self.address("multipart")?;
        let request = related(Request::new(method, url), &self.described(), data)?.once();
        let answer = send(&self.caller, "write", request).await?;
        self.settled(answer).await
    }

    async fn part(&self, _number: u64, offset: u64, data: Pieces) -> Result<()> {
        self.session.begin(|| self.beginning()).await?;
        self.session.part(offset, data).await
    }

    async fn finish(&self, _number: u64, offset: u64, data: Pieces, _: &Summed) -> Result<Put> {
        self.refuse_late().await?;
        let answer = self.session.finish(offset, data).await?;
        self.settled(answer).await
    }

    async fn arrived(&self) -> Result<Option<Put>> {
        let name = self.caller.place.name();
        let found = child(&self.caller, &self.folder.id, name).await?;
        Ok(found.map(|it| it.stat().into()))
    }

    async fn discard(&self) {
        if let Err(error) = self.session.cancel().await {
            let text = format!("an upload is left until it ends by itself: {error}");
            self.caller.inner.host.log(LogLevel::Warn, &text);
        }
    }

    async fn undo(&self, _put: &Put) -> Result<()> {
        let found = child(&self.caller, &self.folder.id, self.caller.place.name()).await?;
        match found {
            Some(item) => delete(&self.caller, &item.id).await,
            None => Ok(()),
        }
    }
}
