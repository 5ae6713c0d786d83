//! Directories where there are none: services that keep objects under flat names, with `/` as the
//! delimiter. A directory is there while something lies below it, or an empty object whose name
//! ends with the slash marks it.

use std::sync::Arc;

use async_trait::async_trait;
use causeway_sdk::{
    Copied, DirPage, Entry, Error, ErrorKind, Page, ProgressSink, ReadOptions, Result, Stat,
    WriteOptions,
};

use crate::backend::{Backend, Download, Upload};
use crate::caller::Caller;
use crate::error::{at, nothing, optional};
use crate::place::Place;

/// Most entries that every service gives at once.
const MOST: u32 = 1000;

/// One page of names below a prefix.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Whole names.
    pub(crate) objects: Vec<(String, Stat)>,
    /// Whole names with the slash at their end.
    pub(crate) prefixes: Vec<String>,
    pub(crate) next: Option<String>,
}

/// What is asked for below a prefix.
pub(crate) struct Question<'a> {
    pub(crate) prefix: &'a str,
    /// Everything below, not only what is directly there.
    pub(crate) is_deep: bool,
    pub(crate) limit: u32,
    pub(crate) cursor: Option<&'a str>,
}

/// A container of objects, and what it does with names in it.
#[async_trait]
pub(crate) trait Bucket: Send + Sync {
    fn caller(&self) -> &Caller;
    /// Metadata of an object; `None` when there is none.
    async fn head(&self, key: &str) -> Result<Option<Stat>>;
    async fn page(&self, question: Question<'_>) -> Result<Found>;
    /// Makes an empty object that was not there.
    async fn mark(&self, key: &str) -> Result<()>;
    /// Removes an object, if it is still that version.
    async fn delete(&self, key: &str, etag: Option<&str>) -> Result<()>;
    async fn duplicate(
        &self,
        key: &str,
        to: &Place,
        overwrite: bool,
        progress: &ProgressSink,
    ) -> Result<Copied>;
    async fn get(&self, key: &str, options: &ReadOptions) -> Result<Download>;
    fn put(&self, key: &str, options: &WriteOptions) -> Arc<dyn Upload>;
}

/// A backend out of a bucket.
pub(crate) struct Flat<B>(pub(crate) B);

impl<B: Bucket> Flat<B> {
    fn place(&self) -> &Place {
        &self.0.caller().place
    }

    fn key(&self) -> &str {
        &self.place().key
    }

    fn fail(&self, kind: ErrorKind, doing: &str, why: &str) -> Error {
        at(kind, doing, self.place(), why)
    }

    /// The first names below a prefix, however deep.
    async fn below(&self, prefix: &str, limit: u32) -> Result<Vec<String>> {
        let mut cursor = None;
        // A page may be empty without being the last.
        for _ in 0..100 {
            let question = Question {
                prefix,
                is_deep: true,
                limit,
                cursor: cursor.as_deref(),
            };
            let found = self.0.page(question).await?;
            cursor = found.next;
            if !found.objects.is_empty() || cursor.is_none() {
                return Ok(found.objects.into_iter().map(|it| it.0).collect());
            }
        }
        Err(self.fail(ErrorKind::Remote, "list", "the listing does not end"))
    }

    async fn is_directory(&self, key: &str) -> Result<bool> {
        if key.is_empty() {
            // Fails when there is no such container.
            return self.below("", 1).await.map(|_| true);
        }
        Ok(!self.below(&format!("{key}/"), 1).await?.is_empty())
    }

    async fn find(&self, key: &str) -> Result<Option<Stat>> {
        if !key.is_empty()
            && let Some(stat) = self.0.head(key).await?
        {
            return Ok(Some(stat));
        }
        Ok(self.is_directory(key).await?.then(Stat::directory))
    }

    /// Why there is no file of that name.
    async fn no_file(&self, doing: &str, error: Error) -> Error {
        match self.is_directory(self.key()).await {
            Ok(true) => self.fail(ErrorKind::IsDirectory, doing, "it is a directory"),
            // The first failure is the one to tell.
            Ok(false) | Err(_) => error,
        }
    }

    async fn refuse_directory(&self, doing: &str, key: &str) -> Result<()> {
        if key.is_empty() || self.is_directory(key).await? {
            return Err(self.fail(ErrorKind::IsDirectory, doing, "a directory is there"));
        }
        Ok(())
    }
}

/// A name that can be one segment of a path. A directory's own mark has none, and neither have
/// names with two slashes in a row.
fn entry(name: &str, stat: Stat) -> Option<Entry> {
    let fits = !matches!(name, "" | "." | "..") && !name.contains('/');
    fits.then(|| Entry {
        name: name.to_owned(),
        stat,
    })
}

#[async_trait]
impl<B: Bucket> Backend for Flat<B> {
    async fn stat(&self) -> Result<Stat> {
        let found = self.find(self.key()).await?;
        found.ok_or_else(|| nothing("stat", self.place()))
    }

    async fn list(&self, page: Page) -> Result<DirPage> {
        let prefix = self.place().prefix();
        let limit = match page.limit {
            0 => MOST,
            some => some.min(MOST),
        };
        let question = Question {
            prefix: &prefix,
            is_deep: false,
            limit,
            cursor: page.cursor.as_deref(),
        };
        let found = self.0.page(question).await?;
        let is_empty = found.objects.is_empty() && found.prefixes.is_empty();
        let is_all = page.cursor.is_none() && found.next.is_none();
        if is_empty && is_all && !prefix.is_empty() {
            return Err(match self.0.head(self.key()).await? {
                Some(_) => self.fail(ErrorKind::NotDirectory, "list", "it is no directory"),
                None => nothing("list", self.place()),
            });
        }
        let directories = found.prefixes.iter().filter_map(|it| {
            let name = it.strip_prefix(&prefix)?.strip_suffix('/')?;
            entry(name, Stat::directory())
        });
        let files = found.objects.into_iter().filter_map(|(key, stat)| {
            let name = key.strip_prefix(&prefix)?;
            entry(name, stat)
        });
        Ok(DirPage {
            entries: directories.chain(files).collect(),
            next: found.next,
        })
    }

    async fn mkdir(&self, parents: bool) -> Result<()> {
        match self.find(self.key()).await? {
            Some(stat) if stat.is_directory() && parents => return Ok(()),
            Some(_) => {
                return Err(self.fail(ErrorKind::Exists, "make", "something is there already"));
            }
            None => {}
        }
        if !parents && let Some(above) = self.place().parent() {
            match self.find(&above.key).await? {
                Some(stat) if stat.is_directory() => {}
                Some(_) => {
                    return Err(self.fail(ErrorKind::NotDirectory, "make", "above is a file"));
                }
                None => return Err(self.fail(ErrorKind::NotFound, "make", "nothing is above")),
            }
        }
        match self.0.mark(&self.place().prefix()).await {
            // Somebody else was quicker.
            Err(error) if error.kind() == ErrorKind::Exists && parents => Ok(()),
            outcome => outcome,
        }
    }

    async fn rmdir(&self) -> Result<()> {
        if self.key().is_empty() {
            return Err(self.fail(ErrorKind::Denied, "remove", "it is a whole container"));
        }
        let mark = self.place().prefix();
        let below = self.below(&mark, 2).await?;
        if below.iter().any(|it| *it != mark) {
            return Err(self.fail(ErrorKind::NotEmpty, "remove", "it is not empty"));
        }
        if below.is_empty() {
            return Err(match self.0.head(self.key()).await? {
                Some(_) => self.fail(ErrorKind::NotDirectory, "remove", "it is no directory"),
                None => nothing("remove", self.place()),
            });
        }
        self.0.delete(&mark, None).await
    }

    async fn unlink(&self) -> Result<()> {
        if self.key().is_empty() {
            return Err(self.fail(ErrorKind::IsDirectory, "remove", "it is a whole container"));
        }
        match self.0.delete(self.key(), None).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(self.no_file("remove", error).await)
            }
            outcome => outcome,
        }
    }

    async fn rename(&self, to: Place, overwrite: bool) -> Result<()> {
        let Some(stat) = optional(self.0.head(self.key()).await)?.flatten() else {
            let error = nothing("rename", self.place());
            return Err(self.no_file("rename", error).await);
        };
        if to == *self.place() {
            return Ok(());
        }
        if to.bucket == self.place().bucket {
            self.refuse_directory("rename", &to.key).await?;
        }
        let nobody = ProgressSink::ignore();
        self.0
            .duplicate(self.key(), &to, overwrite, &nobody)
            .await?;
        self.0.delete(self.key(), stat.etag.as_deref()).await
    }

    async fn copy(&self, to: Place, overwrite: bool, progress: &ProgressSink) -> Result<Copied> {
        self.0.duplicate(self.key(), &to, overwrite, progress).await
    }

    async fn download(&self, options: &ReadOptions) -> Result<Download> {
        if self.key().is_empty() {
            return Err(self.fail(ErrorKind::IsDirectory, "read", "it is a whole container"));
        }
        self.0.get(self.key(), options).await
    }

    async fn upload(&self, options: &WriteOptions) -> Result<Arc<dyn Upload>> {
        self.refuse_directory("write", self.key()).await?;
        // A single request finds out by itself; of a long upload it is better known beforehand.
        let part = self.0.caller().inner.config.part_bytes;
        let is_long = options.size.is_none_or(|size| size > part);
        if !options.overwrite && is_long && self.0.head(self.key()).await?.is_some() {
            return Err(self.fail(ErrorKind::Exists, "write", "something is there already"));
        }
        Ok(self.0.put(self.key(), options))
    }
}
