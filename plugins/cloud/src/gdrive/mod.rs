//! Google Drive by its HTTP interface, version 3: what lies below the user's "My Drive". Files have
//! ids there and names only by the way; `lookup` makes paths of them.

mod lookup;
mod upload;

use std::sync::Arc;

use async_trait::async_trait;
use causeway_sdk::{
    Copied, DirPage, Entry, Error, ErrorKind, Page, ProgressSink, ReadOptions, Result, Stat,
    WriteOptions,
};
use http::Method;
use serde_json::json;

use crate::backend::{Backend, Download, Upload};
use crate::caller::Caller;
use crate::error::{at, nothing};
use crate::exchange::{Request, send};
use crate::place::{Place, encode, wire};
use crate::reader::range;
use lookup::{FIELDS, FOLDER, Item, Listing, child, children, resolve};

/// Most entries Drive gives at once.
const MOST: u32 = 1000;

/// A user's files.
pub(crate) struct Drive(pub(crate) Caller);

fn file_url(caller: &Caller, id: &str, query: &[(&str, &str)]) -> Result<url::Url> {
    let mut query = query.to_vec();
    query.push(("supportsAllDrives", "true"));
    wire(
        &caller.base(),
        &format!("/drive/v3/files/{}", encode(id)),
        &query,
    )
}

async fn delete(caller: &Caller, id: &str) -> Result<()> {
    let request = Request::new(Method::DELETE, file_url(caller, id, &[])?).once();
    send(caller, "remove", request)
        .await?
        .success()
        .await
        .map(drop)
}

impl Drive {
    fn fail(&self, kind: ErrorKind, doing: &str, why: &str) -> Error {
        at(kind, doing, &self.0.place, why)
    }

    async fn item(&self, doing: &str) -> Result<Item> {
        let found = resolve(&self.0, &self.0.place.key).await?;
        found.ok_or_else(|| nothing(doing, &self.0.place))
    }

    async fn file(&self, doing: &str) -> Result<Item> {
        let item = self.item(doing).await?;
        if item.is_folder() {
            return Err(self.fail(ErrorKind::IsDirectory, doing, "it is a directory"));
        }
        Ok(item)
    }

    /// The folder that a name is in.
    async fn folder_above(&self, doing: &str, place: &Place) -> Result<Item> {
        let above = place.parent();
        let above =
            above.ok_or_else(|| self.fail(ErrorKind::IsDirectory, doing, "it is the top"))?;
        match resolve(&self.0, &above.key).await? {
            Some(item) if item.is_folder() => Ok(item),
            Some(_) => Err(self.fail(ErrorKind::NotDirectory, doing, "above is a file")),
            None => Err(self.fail(ErrorKind::NotFound, doing, "nothing is above")),
        }
    }

    /// Folder and what is there of that name, for a rename or a copy.
    async fn target(
        &self,
        doing: &str,
        to: &Place,
        overwrite: bool,
    ) -> Result<(Item, Option<Item>)> {
        let folder = self.folder_above(doing, to).await?;
        let there = child(&self.0, &folder.id, to.name()).await?;
        match &there {
            Some(it) if it.is_folder() => {
                Err(self.fail(ErrorKind::IsDirectory, doing, "a directory is there"))
            }
            Some(_) if !overwrite => {
                Err(self.fail(ErrorKind::Exists, doing, "something is there already"))
            }
            _ => Ok((folder, there)),
        }
    }

    async fn make(&self, parent: &str, name: &str) -> Result<Item> {
        let url = wire(
            &self.0.base(),
            "/drive/v3/files",
            &[("fields", FIELDS), ("supportsAllDrives", "true")],
        )?;
        let value = json!({"name": name, "mimeType": FOLDER, "parents": [parent]});
        let request = Request::new(Method::POST, url).json(&value)?.once();
        send(&self.0, "make", request).await?.json().await
    }

    /// Makes what is missing of a path; the last folder of it.
    async fn make_all(&self, key: &str) -> Result<Item> {
        let mut item = Item::top();
        for name in key.split('/').filter(|it| !it.is_empty()) {
            item = match child(&self.0, &item.id, name).await? {
                Some(it) if it.is_folder() => it,
                Some(_) => {
                    let why = "a file is in the way";
                    return Err(self.fail(ErrorKind::NotDirectory, "make", why));
                }
                None => self.make(&item.id, name).await?,
            };
        }
        Ok(item)
    }
}

#[async_trait]
impl Backend for Drive {
    async fn stat(&self) -> Result<Stat> {
        if self.0.place.key.is_empty() {
            // Shows whether the token is good.
            children(&self.0, "root", 1, None).await?;
        }
        Ok(self.item("stat").await?.stat())
    }

    async fn list(&self, page: Page) -> Result<DirPage> {
        let folder = self.item("list").await?;
        if !folder.is_folder() {
            return Err(self.fail(ErrorKind::NotDirectory, "list", "it is no directory"));
        }
        let limit = match page.limit {
            0 => MOST,
            some => some.min(MOST),
        };
        let found: Listing = children(&self.0, &folder.id, limit, page.cursor.as_deref()).await?;
        let entries = found.files.into_iter().filter(|it| is_name(&it.name));
        let entries = entries.map(|it| Entry {
            stat: it.stat(),
            name: it.name,
        });
        Ok(DirPage {
            entries: entries.collect(),
            next: found.next_page_token,
        })
    }

    async fn mkdir(&self, parents: bool) -> Result<()> {
        let place = &self.0.place;
        match resolve(&self.0, &place.key).await? {
            Some(it) if it.is_folder() && parents => return Ok(()),
            Some(_) => {
                return Err(self.fail(ErrorKind::Exists, "make", "something is there already"));
            }
            None => {}
        }
        if parents {
            return self.make_all(&place.key).await.map(drop);
        }
        let above = self.folder_above("make", place).await?;
        self.make(&above.id, place.name()).await.map(drop)
    }

    async fn rmdir(&self) -> Result<()> {
        if self.0.place.key.is_empty() {
            return Err(self.fail(ErrorKind::Denied, "remove", "it is the top"));
        }
        let folder = self.item("remove").await?;
        if !folder.is_folder() {
            return Err(self.fail(ErrorKind::NotDirectory, "remove", "it is no directory"));
        }
        let below = children(&self.0, &folder.id, 1, None).await?;
        if !below.files.is_empty() || below.next_page_token.is_some() {
            return Err(self.fail(ErrorKind::NotEmpty, "remove", "it is not empty"));
        }
        delete(&self.0, &folder.id).await
    }

    async fn unlink(&self) -> Result<()> {
        let item = self.file("remove").await?;
        delete(&self.0, &item.id).await
    }

    async fn rename(&self, to: Place, overwrite: bool) -> Result<()> {
        let item = self.file("rename").await?;
        if to == self.0.place {
            return Ok(());
        }
        let from = self.folder_above("rename", &self.0.place).await?;
        let (folder, there) = self.target("rename", &to, overwrite).await?;
        let mut query = vec![("fields", "id")];
        if folder.id != from.id {
            query.extend([("addParents", &*folder.id), ("removeParents", &*from.id)]);
        }
        let request = Request::new(Method::PATCH, file_url(&self.0, &item.id, &query)?)
            .json(&json!({"name": to.name()}))?
            .asks();
        send(&self.0, "rename", request).await?.success().await?;
        // Two may have one name, so there is never none.
        match there {
            Some(old) => delete(&self.0, &old.id).await,
            None => Ok(()),
        }
    }

    async fn copy(&self, to: Place, overwrite: bool, _progress: &ProgressSink) -> Result<Copied> {
        let item = self.file("copy").await?;
        let (folder, there) = self.target("copy", &to, overwrite).await?;
        let query = [("fields", FIELDS), ("supportsAllDrives", "true")];
        let path = format!("/drive/v3/files/{}/copy", encode(&item.id));
        let value = json!({"name": to.name(), "parents": [folder.id]});
        let request = Request::new(Method::POST, wire(&self.0.base(), &path, &query)?);
        let answer = send(&self.0, "copy", request.json(&value)?.once()).await?;
        let made: Item = answer.json().await?;
        if let Some(old) = there {
            delete(&self.0, &old.id).await?;
        }
        Ok(Copied {
            bytes: made.stat().size,
            checksum: None,
        })
    }

    async fn download(&self, options: &ReadOptions) -> Result<Download> {
        let item = self.file("read").await?;
        if item.is_document() {
            let why = "a document of Google's has no bytes of its own";
            return Err(self.fail(ErrorKind::Unsupported, "read", why));
        }
        let mut request = Request::new(
            Method::GET,
            file_url(&self.0, &item.id, &[("alt", "media")])?,
        );
        if let Some(range) = range(options) {
            request = request.with("range", range)?;
        }
        let stat = item.stat();
        Ok(Download {
            answer: send(&self.0, "read", request).await?,
            size: stat.size,
            etag: stat.etag,
        })
    }

    async fn upload(&self, options: &WriteOptions) -> Result<Arc<dyn Upload>> {
        let place = &self.0.place;
        let folder = match place.parent() {
            None => return Err(self.fail(ErrorKind::IsDirectory, "write", "it is the top")),
            Some(above) if options.parents => self.make_all(&above.key).await?,
            Some(_) => self.folder_above("write", place).await?,
        };
        let there = child(&self.0, &folder.id, place.name()).await?;
        match &there {
            Some(it) if it.is_folder() => {
                return Err(self.fail(ErrorKind::IsDirectory, "write", "a directory is there"));
            }
            Some(_) if !options.overwrite => {
                return Err(self.fail(ErrorKind::Exists, "write", "something is there already"));
            }
            _ => {}
        }
        Ok(Arc::new(upload::FileUpload::new(
            &self.0, folder, there, options,
        )))
    }
}

/// A name that can be one segment of a path; others cannot be reached by one.
fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains('/')
}
