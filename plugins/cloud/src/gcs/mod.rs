//! Google Cloud Storage by its JSON interface. The generation of an object is its version: what
//! must not change, or not be there, is said with it.

mod upload;

use std::sync::Arc;

use async_trait::async_trait;
use causeway_sdk::{
    Algorithm, Copied, ErrorKind, Locality, Progress, ProgressSink, ReadOptions, Result, Stat,
    WriteOptions,
};
use http::{Method, StatusCode};
use serde::Deserialize;
use url::Url;

use crate::backend::{Download, Upload};
use crate::caller::Caller;
use crate::digest;
use crate::error::{at, parse_time};
use crate::exchange::{Answer, Pieces, Request, send};
use crate::flat::{Bucket, Found, Question};
use crate::place::{Place, encode, wire};
use crate::reader::range;

/// Calls of one copy: each moves at least a mebibyte, mostly all of it.
const MOST_CALLS: u32 = 1 << 20;
/// What is asked for of an object.
const FIELDS: &str = "name,size,updated,generation,md5Hash,crc32c";

/// A bucket.
pub(crate) struct Gcs(pub(crate) Caller);

/// An object as JSON.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Object {
    name: String,
    size: String,
    updated: String,
    generation: String,
    md5_hash: Option<String>,
    crc32c: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Listing {
    items: Vec<Object>,
    prefixes: Vec<String>,
    next_page_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Rewritten {
    done: bool,
    rewrite_token: Option<String>,
    total_bytes_rewritten: Option<String>,
}

impl Object {
    fn stat(&self) -> Stat {
        let md5 = self.md5_hash.as_deref();
        let md5 = md5.and_then(|it| digest::from_base64(Algorithm::Md5, it));
        let crc = self.crc32c.as_deref();
        let crc = crc.and_then(|it| digest::from_base64(Algorithm::Crc32c, it));
        Stat {
            size: self.size.parse().ok(),
            mtime: parse_time(&self.updated),
            etag: version(&self.generation),
            // Also of the coldest class: it costs, and does not wait.
            locality: Locality::Online,
            checksums: crc.into_iter().chain(md5).collect(),
            ..Stat::default()
        }
    }
}

/// A generation as the version that callers see.
fn version(generation: &str) -> Option<String> {
    (!generation.is_empty()).then(|| format!("\"{generation}\""))
}

/// The generation in a version; `None` when it is none of ours.
fn generation(etag: &str) -> Option<&str> {
    let text = etag.trim_matches('"');
    let is_number = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    is_number.then_some(text)
}

fn object(caller: &Caller, key: &str, query: &[(&str, &str)]) -> Result<Url> {
    let path = format!(
        "/storage/v1/b/{}/o/{}",
        encode(&caller.place.bucket),
        encode(key)
    );
    wire(&caller.base(), &path, query)
}

/// A condition that did not hold means that something is there, where nothing was to be.
async fn unless_taken(
    caller: &Caller,
    answer: Answer,
    doing: &str,
    overwrite: bool,
) -> Result<Answer> {
    if !overwrite && answer.status() == StatusCode::PRECONDITION_FAILED {
        let why = "something is there already";
        return Err(at(ErrorKind::Exists, doing, &caller.place, why).with_remote_status(412));
    }
    answer.success().await
}

impl Gcs {
    /// What counts is the condition of a rewrite; but services in the manner of Google's may not know it.
    async fn refuse_taken(&self, to: &Place) -> Result<()> {
        match Self(self.0.to(to.clone())).head(&to.key).await {
            Ok(None) => Ok(()),
            Ok(Some(_)) => {
                let why = "something is there already";
                Err(at(ErrorKind::Exists, "copy", to, why))
            }
            // Who may make objects may not be let look at them.
            Err(error) if error.kind() == ErrorKind::Denied => Ok(()),
            Err(error) => Err(error),
        }
    }
}

async fn delete(caller: &Caller, etag: Option<&str>) -> Result<()> {
    let query: Vec<_> = etag
        .and_then(generation)
        .map(|it| ("ifGenerationMatch", it))
        .into_iter()
        .collect();
    let request = Request::new(Method::DELETE, object(caller, &caller.place.key, &query)?).once();
    send(caller, "remove", request)
        .await?
        .success()
        .await
        .map(drop)
}

#[async_trait]
impl Bucket for Gcs {
    fn caller(&self) -> &Caller {
        &self.0
    }

    async fn head(&self, key: &str) -> Result<Option<Stat>> {
        let caller = self.0.at(key);
        let request = Request::new(Method::GET, object(&caller, key, &[("fields", FIELDS)])?);
        let answer = send(&caller, "stat", request).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let found: Object = answer.json().await?;
        Ok(Some(found.stat()))
    }

    async fn page(&self, question: Question<'_>) -> Result<Found> {
        let fields = format!("nextPageToken,prefixes,items({FIELDS})");
        let limit = question.limit.to_string();
        let mut query = vec![
            ("prefix", question.prefix),
            ("maxResults", &limit),
            ("fields", &fields),
        ];
        if !question.is_deep {
            query.push(("delimiter", "/"));
        }
        if let Some(cursor) = question.cursor {
            query.push(("pageToken", cursor));
        }
        let path = format!("/storage/v1/b/{}/o", encode(&self.0.place.bucket));
        let request = Request::new(Method::GET, wire(&self.0.base(), &path, &query)?);
        let page: Listing = send(&self.0, "list", request).await?.json().await?;
        let objects = page.items.iter().map(|it| (it.name.clone(), it.stat()));
        Ok(Found {
            objects: objects.collect(),
            prefixes: page.prefixes,
            next: page.next_page_token.filter(|it| !it.is_empty()),
        })
    }

    async fn mark(&self, key: &str) -> Result<()> {
        let request = upload::whole(&self.0, key, false, Pieces::default(), None)?;
        let answer = send(&self.0, "make", request).await?;
        unless_taken(&self.0, answer, "make", false).await.map(drop)
    }

    async fn delete(&self, key: &str, etag: Option<&str>) -> Result<()> {
        delete(&self.0.at(key), etag).await
    }

    async fn duplicate(
        &self,
        key: &str,
        to: &Place,
        overwrite: bool,
        progress: &ProgressSink,
    ) -> Result<Copied> {
        if !overwrite {
            self.refuse_taken(to).await?;
        }
        let (bucket, name) = (encode(&to.bucket), encode(&to.key));
        let from = format!(
            "/storage/v1/b/{}/o/{}",
            encode(&self.0.place.bucket),
            encode(key)
        );
        let path = format!("{from}/rewriteTo/b/{bucket}/o/{name}");
        let mut token: Option<String> = None;
        for _ in 0..MOST_CALLS {
            let mut query = Vec::new();
            if !overwrite {
                query.push(("ifGenerationMatch", "0"));
            }
            if let Some(token) = &token {
                query.push(("rewriteToken", token));
            }
            let request = Request::new(Method::POST, wire(&self.0.base(), &path, &query)?);
            // Going on is fine to repeat, and so is replacing.
            let request = if overwrite {
                request.asks()
            } else {
                request.once()
            };
            let answer = send(&self.0, "copy", request).await?;
            let answer = unless_taken(&self.0, answer, "copy", overwrite).await?;
            let so_far: Rewritten = answer.json().await?;
            let bytes = so_far.total_bytes_rewritten.and_then(|it| it.parse().ok());
            if let Some(bytes) = bytes {
                progress.report(Progress { bytes });
            }
            if so_far.done {
                return Ok(Copied {
                    bytes,
                    checksum: None,
                });
            }
            token = so_far.rewrite_token;
        }
        Err(at(
            ErrorKind::Remote,
            "copy",
            &self.0.place,
            "it does not end",
        ))
    }

    async fn get(&self, key: &str, options: &ReadOptions) -> Result<Download> {
        let mut query = vec![("alt", "media")];
        if let Some(etag) = &options.if_match {
            let Some(generation) = generation(etag) else {
                let why = "it is another file by now";
                return Err(at(ErrorKind::Conflict, "read", &self.0.place, why));
            };
            query.push(("ifGenerationMatch", generation));
        }
        // What is kept compressed is to come as it is kept.
        let mut request = Request::new(Method::GET, object(&self.0, key, &query)?)
            .with("accept-encoding", "gzip")?;
        if let Some(range) = range(options) {
            request = request.with("range", range)?;
        }
        let answer = send(&self.0, "read", request).await?;
        Ok(Download {
            size: None,
            etag: answer.header("x-goog-generation").and_then(version),
            answer,
        })
    }

    fn put(&self, key: &str, options: &WriteOptions) -> Arc<dyn Upload> {
        Arc::new(upload::ObjectUpload::new(self.0.at(key), options))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_generations() {
        assert_eq!(version("12").as_deref(), Some("\"12\""));
        assert_eq!(generation("\"12\""), Some("12"));
        assert_eq!(generation("\"another\""), None);
        assert_eq!((version(""), generation("")), (None, None));
    }
}
