//! Azure Blob Storage: one blob is one file, and a container is a directory tree by its names.

mod copy;
mod link;
mod upload;

use std::sync::Arc;

use async_trait::async_trait;
use causeway_sdk::http_client::date;
use causeway_sdk::{
    Algorithm, Copied, ErrorKind, ProgressSink, ReadOptions, Result, Stat, WriteOptions,
};
use http::{Method, StatusCode, header};
use url::Url;

use crate::backend::{Download, Upload};
use crate::caller::Caller;
use crate::digest;
use crate::error::at;
use crate::exchange::{Answer, Request, send};
use crate::flat::{Bucket, Found, Question};
use crate::place::{Place, encode_path, wire};
use crate::reader::range;
use crate::xml;

pub(crate) use link::link;

/// Version of the interface that requests and links are meant for.
pub(crate) const VERSION: &str = "2022-11-02";

/// A container of an account.
pub(crate) struct Azure(pub(crate) Caller);

/// Where a blob is; without a name, its container.
fn url(caller: &Caller, key: &str, query: &[(&str, &str)]) -> Result<Url> {
    let mut path = format!("/{}", encode_path(&caller.place.bucket));
    if !key.is_empty() {
        path = format!("{path}/{}", encode_path(key));
    }
    wire(&caller.base(), &path, query)
}

/// Turns a condition that did not hold into what it was for.
async fn unless_taken(
    caller: &Caller,
    answer: Answer,
    doing: &str,
    overwrite: bool,
) -> Result<Answer> {
    let is_taken = matches!(answer.status(), StatusCode::PRECONDITION_FAILED)
        || answer.header("x-ms-error-code") == Some("BlobAlreadyExists");
    if !overwrite && is_taken {
        let why = "something is there already";
        let status = answer.status().as_u16().into();
        return Err(at(ErrorKind::Exists, doing, &caller.place, why).with_remote_status(status));
    }
    answer.success().await
}

fn stat_of(answer: &Answer) -> Stat {
    let text = |name: &str| answer.header(name);
    let is_folder = text("x-ms-meta-hdi_isfolder").is_some_and(|it| it == "true");
    if is_folder || text("x-ms-resource-type") == Some("directory") {
        return Stat::directory();
    }
    let md5 = text("content-md5").and_then(|it| digest::from_base64(Algorithm::Md5, it));
    Stat {
        size: text("content-length").and_then(|it| it.parse().ok()),
        mtime: text("last-modified").and_then(date),
        etag: text("etag").map(str::to_owned),
        locality: xml::locality(text("x-ms-access-tier").unwrap_or_default()),
        checksums: md5.into_iter().collect(),
        ..Stat::default()
    }
}

#[async_trait]
impl Bucket for Azure {
    fn caller(&self) -> &Caller {
        &self.0
    }

    async fn head(&self, key: &str) -> Result<Option<Stat>> {
        let caller = self.0.at(key);
        let request = Request::new(Method::HEAD, url(&caller, key, &[])?);
        let answer = send(&caller, "stat", request).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        answer.success().await.map(|it| Some(stat_of(&it)))
    }

    async fn page(&self, question: Question<'_>) -> Result<Found> {
        let limit = question.limit.to_string();
        let mut query = vec![
            ("restype", "container"),
            ("comp", "list"),
            ("prefix", question.prefix),
            ("maxresults", &limit),
        ];
        if !question.is_deep {
            query.push(("delimiter", "/"));
        }
        if let Some(cursor) = question.cursor {
            query.push(("marker", cursor));
        }
        let request = Request::new(Method::GET, url(&self.0, "", &query)?);
        let text = send(&self.0, "list", request).await?.text().await?;
        let page = xml::listing(&text)?;
        Ok(Found {
            objects: page.blobs,
            prefixes: page.prefixes,
            next: page.next,
        })
    }

    async fn mark(&self, key: &str) -> Result<()> {
        let request = Request::new(Method::PUT, url(&self.0, key, &[])?)
            .with("x-ms-blob-type", "BlockBlob")?
            .with("if-none-match", "*")?
            .once();
        let answer = send(&self.0, "make", request).await?;
        unless_taken(&self.0, answer, "make", false).await.map(drop)
    }

    async fn delete(&self, key: &str, etag: Option<&str>) -> Result<()> {
        upload::delete(&self.0.at(key), etag).await
    }

    async fn duplicate(
        &self,
        key: &str,
        to: &Place,
        overwrite: bool,
        progress: &ProgressSink,
    ) -> Result<Copied> {
        copy::copy(&self.0.at(key), &self.0.to(to.clone()), overwrite, progress).await
    }

    async fn get(&self, key: &str, options: &ReadOptions) -> Result<Download> {
        let mut request = Request::new(Method::GET, url(&self.0, key, &[])?);
        if let Some(range) = range(options) {
            request = request.with("range", range)?;
        }
        if let Some(etag) = &options.if_match {
            request = request.with("if-match", etag)?;
        }
        let answer = send(&self.0, "read", request).await?;
        Ok(Download {
            size: None,
            etag: answer.header(header::ETAG).map(str::to_owned),
            answer,
        })
    }

    fn put(&self, key: &str, options: &WriteOptions) -> Arc<dyn Upload> {
        Arc::new(upload::BlobUpload::new(self.0.at(key), options.overwrite))
    }
}
