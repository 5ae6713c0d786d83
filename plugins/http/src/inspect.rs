//! Asking for metadata: PROPFIND where WebDAV is spoken, HEAD elsewhere.

use causeway_sdk::{
    Algorithm, Checksum, Credential, EntryKind, Error, ErrorKind, Result, Space, Stat, Url as Surl,
};
use http::{Method, StatusCode, header};
use url::Url;

use crate::digest;
use crate::error::parse_date;
use crate::exchange::{Answer, Request, send};
use crate::propfind::{Item, MAX_ENTRY, Multistatus, QUESTION, QUESTION_SPACE};
use crate::storage::Inner;
use crate::wire::to_wire;

/// Metadata of what stands at a URL.
pub(crate) async fn stat(inner: &Inner, credential: &Credential, at: &Surl) -> Result<Stat> {
    let url = to_wire(at)?;
    // A signed URL is good for the methods it was signed for, and PROPFIND is never among them.
    let known = match url.query() {
        Some(_) => Some(false),
        None => inner.places.speaks_dav(&url),
    };
    if known != Some(false)
        && let Some(item) = ask_dav(inner, credential, &url, QUESTION, known).await?
    {
        return Ok(item.stat);
    }
    ask_plain(inner, credential, &url).await
}

/// PROPFIND of one entry; `None` when HEAD should be asked instead.
async fn ask_dav(
    inner: &Inner,
    credential: &Credential,
    url: &Url,
    question: &'static str,
    known: Option<bool>,
) -> Result<Option<Item>> {
    let answer = propfind(inner, credential, url, "0", question).await?;
    let status = answer.status();
    if status == StatusCode::MULTI_STATUS {
        inner.places.saw_dav(url, &answer);
        return only_entry(answer).await.map(Some);
    }
    match status.as_u16() {
        404 | 410 if known == Some(true) => Err(answer.into_error("stat").await),
        401 | 407 | 408 | 423 | 425 | 429 | 500 | 502..=599 => Err(answer.into_error("stat").await),
        200..=299 | 405 | 501 => {
            inner.places.saw_no_dav(url, &answer);
            Ok(None)
        }
        _ => Ok(None),
    }
}

/// Sends a PROPFIND; whoever calls reads the answer.
pub(crate) async fn propfind(
    inner: &Inner,
    credential: &Credential,
    url: &Url,
    depth: &str,
    question: &'static str,
) -> Result<Answer> {
    let request = Request::extension("PROPFIND")
        .with("depth", depth)?
        .with("content-type", "application/xml; charset=utf-8")?
        .with_body(question);
    send(&inner.pool, credential, url, request).await
}

async fn only_entry(mut answer: Answer) -> Result<Item> {
    let text = answer.text(MAX_ENTRY).await;
    let mut item = Multistatus::new(text.as_bytes()).next().await?;
    if let Some(item) = &mut item {
        distrust_young_version(&mut item.stat, answer.date());
    }
    match item {
        Some(Item {
            status: Some(code), ..
        }) if code / 100 != 2 => {
            let status = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY);
            let headers = http::HeaderMap::new();
            Err(crate::error::from_status(
                "stat",
                &answer.url,
                status,
                &headers,
                "",
            ))
        }
        Some(item) => Ok(item),
        None => Err(Error::new(
            ErrorKind::Remote,
            "stat: the PROPFIND answer has no entry",
        )),
    }
}

async fn ask_plain(inner: &Inner, credential: &Credential, url: &Url) -> Result<Stat> {
    let request = Request::new(Method::HEAD).with("accept-encoding", "identity")?;
    let answer = send(&inner.pool, credential, url, request).await?;
    if was_sent_to_a_collection(url, &answer.url) {
        // Whether it may be listed is another question.
        return Ok(Stat::directory());
    }
    let answer = answer.success("stat").await?;
    let mut stat = stat_of(&answer);
    distrust_young_version(&mut stat, answer.date());
    Ok(stat)
}

/// Plain servers answer a directory's name without a slash by pointing to the one with it.
pub(crate) fn was_sent_to_a_collection(asked: &Url, answered: &Url) -> bool {
    let asked = asked.path();
    !asked.ends_with('/') && answered.path().strip_suffix('/') == Some(asked)
}

/// Forgets a version that is made of nothing but time and size, as nginx makes it, while the file is
/// so young that it may change again within the same second.
pub(crate) fn distrust_young_version(stat: &mut Stat, now: i64) {
    let (Some(etag), Some(mtime), Some(size)) = (&stat.etag, stat.mtime, stat.size) else {
        return;
    };
    let is_made_of_both = etag.trim_matches('"') == format!("{mtime:x}-{size:x}");
    if is_made_of_both && mtime + 2 > now {
        stat.etag = None;
    }
}

/// Metadata as an answer to HEAD or GET tells it.
pub(crate) fn stat_of(answer: &Answer) -> Stat {
    let is_directory = answer.url.path().ends_with('/');
    Stat {
        kind: if is_directory {
            EntryKind::Directory
        } else {
            EntryKind::File
        },
        size: answer
            .header(header::CONTENT_LENGTH)
            .and_then(|it| it.parse().ok()),
        mtime: answer.header(header::LAST_MODIFIED).and_then(parse_date),
        etag: answer.header(header::ETAG).map(str::to_owned),
        checksums: digest::read(answer.response.headers(), true),
        ..Stat::default()
    }
}

/// The checksum a storage computes or keeps.
pub(crate) async fn checksum(
    inner: &Inner,
    credential: &Credential,
    at: &Surl,
    algorithm: Algorithm,
) -> Result<Checksum> {
    let url = to_wire(at)?;
    let mut request = Request::new(Method::HEAD).with("accept-encoding", "identity")?;
    let (old, new) = digest::want(algorithm);
    if let Some(value) = old {
        request = request.with("want-digest", value)?;
    }
    if let Some(value) = new {
        request = request.with("want-repr-digest", value)?;
    }
    let answer = send(&inner.pool, credential, &url, request).await?;
    let answer = answer.success("get the checksum of").await?;
    let told = digest::read(answer.response.headers(), true);
    if let Some(found) = pick(told, algorithm) {
        return Ok(found);
    }
    let stat = stat(inner, credential, at).await?;
    if stat.is_directory() {
        let text = format!("get the checksum of {at}: it is a directory");
        return Err(Error::new(ErrorKind::IsDirectory, text));
    }
    pick(stat.checksums, algorithm).ok_or_else(|| {
        let text = format!("get the {algorithm} checksum of {at}: the storage does not tell it");
        Error::new(ErrorKind::Unsupported, text)
    })
}

fn pick(all: Vec<Checksum>, algorithm: Algorithm) -> Option<Checksum> {
    all.into_iter().find(|it| it.algorithm == algorithm)
}

/// Room of the storage, where it tells by the quota properties of RFC 4331.
pub(crate) async fn space(inner: &Inner, credential: &Credential, at: &Surl) -> Result<Space> {
    let stat = stat(inner, credential, at).await?;
    let directory = match at.parent() {
        Some(parent) if !stat.is_directory() => parent,
        _ => at.clone(),
    };
    let url = to_wire(&directory)?;
    let item = ask_dav(inner, credential, &url, QUESTION_SPACE, Some(true)).await?;
    let (free, used) = item
        .map(|it| (it.quota_available, it.quota_used))
        .unwrap_or_default();
    if free.is_none() && used.is_none() {
        let text = format!("get the space of {at}: the storage does not tell it");
        return Err(Error::new(ErrorKind::Unsupported, text));
    }
    Ok(Space {
        total: free.zip(used).map(|(free, used)| free.saturating_add(used)),
        used,
        free,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn a_version_made_of_time_and_size_counts_only_when_it_is_old() {
        let young = Stat {
            mtime: Some(0x6b02_6d7c),
            etag: Some("\"6b026d7c-64\"".into()),
            ..Stat::file(100)
        };
        let at = |seconds: i64, mut stat: Stat| {
            distrust_young_version(&mut stat, 0x6b02_6d7c + seconds);
            stat.etag
        };
        assert_eq!(at(0, young.clone()), None);
        assert_eq!(at(1, young.clone()), None);
        assert!(at(2, young.clone()).is_some());
        let real = Stat {
            etag: Some("\"0123\"".into()),
            ..young
        };
        assert!(at(0, real).is_some());
    }

    #[test]
    fn a_slash_added_by_the_server_means_directory() {
        let is = |asked, answered| was_sent_to_a_collection(&url(asked), &url(answered));
        assert!(is("https://h/a", "https://h/a/"));
        assert!(!is("https://h/a/", "https://h/a/"));
        assert!(!is("https://h/a", "https://h/login/"));
    }
}
