//! Dropbox by its HTTP interface, version 2. Names are told apart without regard to case there, and
//! removing a directory removes what is in it: both is looked at before.

mod call;
mod paging;
mod upload;

use std::sync::Arc;

use async_trait::async_trait;
use causeway_sdk::{
    Copied, DirPage, Error, ErrorKind, Page, ProgressSink, ReadOptions, Result, Stat, WriteOptions,
};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use crate::backend::{Backend, Download, Upload};
use crate::caller::Caller;
use crate::error::{at, optional, parse_time};
use crate::exchange::{Request, send};
use crate::place::{Place, wire};
use crate::reader::range;
use call::{call, delete, header, path};

pub(crate) use call::link;

/// A user's files.
pub(crate) struct Dropbox(pub(crate) Caller);

/// What is told of a file or a folder.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    #[serde(rename = ".tag")]
    tag: String,
    name: String,
    size: Option<u64>,
    rev: String,
    server_modified: String,
    content_hash: Option<String>,
}

impl Metadata {
    fn is_folder(&self) -> bool {
        self.tag == "folder"
    }

    fn stat(&self) -> Stat {
        if self.is_folder() {
            return Stat::directory();
        }
        Stat {
            size: self.size,
            mtime: parse_time(&self.server_modified),
            etag: version(&self.rev),
            ..Stat::default()
        }
    }
}

/// A revision as the version that callers see.
fn version(rev: &str) -> Option<String> {
    (!rev.is_empty()).then(|| format!("\"{rev}\""))
}

impl Dropbox {
    fn fail(&self, kind: ErrorKind, doing: &str, why: &str) -> Error {
        at(kind, doing, &self.0.place, why)
    }

    async fn metadata(&self, caller: &Caller, doing: &'static str) -> Result<Metadata> {
        if caller.place.key.is_empty() {
            // The top has no metadata; a question about it shows whether the token is good.
            let value = json!({"path": "", "limit": 1});
            call(caller, doing, "files/list_folder", &value).await?;
            return Ok(Metadata {
                tag: "folder".into(),
                ..Metadata::default()
            });
        }
        let value = json!({"path": path(&caller.place)});
        call(caller, doing, "files/get_metadata", &value)
            .await?
            .json()
            .await
    }

    /// A move or a copy; with `overwrite` what is there makes room first.
    async fn relocate(
        &self,
        doing: &'static str,
        what: &str,
        to: Place,
        overwrite: bool,
    ) -> Result<()> {
        let value = json!({
            "from_path": path(&self.0.place),
            "to_path": path(&to),
            "autorename": false,
        });
        let to = self.0.to(to);
        match call(&self.0, doing, what, &value).await {
            Err(error) if error.kind() == ErrorKind::Exists && overwrite => {
                let there = self.metadata(&to, doing).await?;
                if there.is_folder() {
                    return Err(self.fail(ErrorKind::IsDirectory, doing, "a directory is there"));
                }
                delete(&to, Some(&there.rev)).await?;
                call(&self.0, doing, what, &value).await.map(drop)
            }
            outcome => outcome.map(drop),
        }
    }
}

#[async_trait]
impl Backend for Dropbox {
    async fn stat(&self) -> Result<Stat> {
        Ok(self.metadata(&self.0, "stat").await?.stat())
    }

    async fn list(&self, page: Page) -> Result<DirPage> {
        paging::list(&self.0, page).await
    }

    async fn mkdir(&self, parents: bool) -> Result<()> {
        if self.0.place.key.is_empty() {
            return match parents {
                true => Ok(()),
                false => Err(self.fail(ErrorKind::Exists, "make", "it is there always")),
            };
        }
        // Dropbox makes all that is missing above.
        if !parents && let Some(above) = self.0.place.parent() {
            let above = self.metadata(&self.0.to(above), "make").await?;
            if !above.is_folder() {
                return Err(self.fail(ErrorKind::NotDirectory, "make", "above is a file"));
            }
        }
        let value = json!({"path": path(&self.0.place), "autorename": false});
        match call(&self.0, "make", "files/create_folder_v2", &value).await {
            Err(error) if error.kind() == ErrorKind::Exists && parents => {
                match self.metadata(&self.0, "make").await {
                    Ok(it) if it.is_folder() => Ok(()),
                    _ => Err(error),
                }
            }
            outcome => outcome.map(drop),
        }
    }

    async fn rmdir(&self) -> Result<()> {
        if self.0.place.key.is_empty() {
            return Err(self.fail(ErrorKind::Denied, "remove", "it is the top"));
        }
        if !self.metadata(&self.0, "remove").await?.is_folder() {
            return Err(self.fail(ErrorKind::NotDirectory, "remove", "it is no directory"));
        }
        if !paging::is_empty(&self.0).await? {
            return Err(self.fail(ErrorKind::NotEmpty, "remove", "it is not empty"));
        }
        delete(&self.0, None).await
    }

    async fn unlink(&self) -> Result<()> {
        let there = self.metadata(&self.0, "remove").await?;
        if there.is_folder() {
            return Err(self.fail(ErrorKind::IsDirectory, "remove", "it is a directory"));
        }
        delete(&self.0, Some(&there.rev)).await
    }

    async fn rename(&self, to: Place, overwrite: bool) -> Result<()> {
        if self.metadata(&self.0, "rename").await?.is_folder() {
            return Err(self.fail(ErrorKind::IsDirectory, "rename", "it is a directory"));
        }
        if to == self.0.place {
            return Ok(());
        }
        self.relocate("rename", "files/move_v2", to, overwrite)
            .await
    }

    async fn copy(&self, to: Place, overwrite: bool, _progress: &ProgressSink) -> Result<Copied> {
        self.relocate("copy", "files/copy_v2", to, overwrite)
            .await?;
        Ok(Copied::default())
    }

    async fn download(&self, options: &ReadOptions) -> Result<Download> {
        if self.0.place.key.is_empty() {
            return Err(self.fail(ErrorKind::IsDirectory, "read", "it is a directory"));
        }
        let url = wire(&self.0.content_base(), "/2/files/download", &[])?;
        let arg = header(&json!({"path": path(&self.0.place)}));
        let mut request = Request::new(Method::POST, url)
            .with("dropbox-api-arg", arg)?
            .asks();
        if let Some(range) = range(options) {
            request = request.with("range", range)?;
        }
        let answer = send(&self.0, "read", request).await?;
        if answer.status() == StatusCode::CONFLICT {
            return Err(answer.into_error().await);
        }
        let told = answer.header("dropbox-api-result").unwrap_or_default();
        let told: Option<Metadata> = serde_json::from_str(told).ok();
        Ok(Download {
            size: told.as_ref().and_then(|it| it.size),
            etag: told.and_then(|it| version(&it.rev)),
            answer,
        })
    }

    async fn upload(&self, options: &WriteOptions) -> Result<Arc<dyn Upload>> {
        if self.0.place.key.is_empty() {
            return Err(self.fail(ErrorKind::IsDirectory, "write", "it is a directory"));
        }
        // A single request finds out by itself; of a long upload it is better known beforehand.
        let part = self.0.inner.config.part_bytes;
        let is_long = options.size.is_none_or(|size| size > part);
        if is_long {
            match optional(self.metadata(&self.0, "write").await)? {
                Some(it) if it.is_folder() => {
                    let why = "a directory is there";
                    return Err(self.fail(ErrorKind::IsDirectory, "write", why));
                }
                Some(_) if !options.overwrite => {
                    let why = "something is there already";
                    return Err(self.fail(ErrorKind::Exists, "write", why));
                }
                _ => {}
            }
        }
        Ok(Arc::new(upload::FileUpload::new(
            self.0.clone(),
            options.overwrite,
        )))
    }
}
