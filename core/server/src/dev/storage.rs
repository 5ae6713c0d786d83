//! The demo storage of `serve --dev`: a directory served over HTTPS on loopback.
//!
//! It exists so that the first transfer a newcomer sees goes between two kinds of storage without
//! anything to install. It speaks as much HTTP as a storage client needs (GET with ranges, HEAD
//! with `Want-Digest`, PUT, DELETE, MKCOL) and is not meant for anything else.

use std::io::SeekFrom;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Response, StatusCode, header};
use causeway_sdk::Algorithm;
use futures_util::StreamExt as _;
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio_util::io::ReaderStream;

type Answer = Result<Response<Body>, StatusCode>;

/// The service over a directory.
pub fn router(root: PathBuf) -> Router {
    Router::new().fallback(serve).with_state(root)
}

async fn serve(State(root): State<PathBuf>, request: Request) -> Response<Body> {
    let answer = match local_path(&root, request.uri().path()) {
        Some(path) => dispatch(&path, request).await,
        None => Err(StatusCode::BAD_REQUEST),
    };
    answer.unwrap_or_else(empty)
}

async fn dispatch(path: &Path, request: Request) -> Answer {
    match *request.method() {
        Method::GET => get(path, request.headers()).await,
        Method::HEAD => head(path, request.headers()).await,
        Method::PUT => put(path, request).await,
        Method::DELETE => delete(path).await,
        ref other if other.as_str() == "MKCOL" => mkcol(path).await,
        _ => Err(StatusCode::METHOD_NOT_ALLOWED),
    }
}

/// Names below the root only: no empty, dot or dot-dot segments, whatever the encoding.
fn local_path(root: &Path, raw: &str) -> Option<PathBuf> {
    let decoded = percent_decode_str(raw).decode_utf8().ok()?;
    let mut path = root.to_owned();
    for segment in decoded.split('/').filter(|it| !it.is_empty()) {
        if segment == "." || segment == ".." || segment.contains('\0') {
            return None;
        }
        path.push(segment);
    }
    Some(path)
}

async fn get(path: &Path, headers: &HeaderMap) -> Answer {
    let mut file = tokio::fs::File::open(path)
        .await
        .map_err(|error| status_of(&error))?;
    let size = regular_size(&file).await?;
    let (status, start, len) = match headers.get(header::RANGE).and_then(|it| it.to_str().ok()) {
        Some(range) => {
            let (start, end) = parse_range(range, size).ok_or(StatusCode::RANGE_NOT_SATISFIABLE)?;
            (StatusCode::PARTIAL_CONTENT, start, end + 1 - start)
        }
        None => (StatusCode::OK, 0, size),
    };
    file.seek(SeekFrom::Start(start))
        .await
        .map_err(|error| status_of(&error))?;
    let body = Body::from_stream(ReaderStream::with_capacity(file.take(len), 1 << 18));
    let mut response = empty(status);
    *response.body_mut() = body;
    set(
        &mut response,
        header::CONTENT_LENGTH.as_str(),
        &len.to_string(),
    );
    if status == StatusCode::PARTIAL_CONTENT {
        let end = start + len - 1;
        set(
            &mut response,
            header::CONTENT_RANGE.as_str(),
            &format!("bytes {start}-{end}/{size}"),
        );
    }
    Ok(response)
}

async fn regular_size(file: &tokio::fs::File) -> Result<u64, StatusCode> {
    let meta = file.metadata().await.map_err(|error| status_of(&error))?;
    if meta.is_dir() {
        Err(StatusCode::METHOD_NOT_ALLOWED)
    } else {
        Ok(meta.len())
    }
}

/// `bytes=a-b`, `bytes=a-`, `bytes=-n` (RFC 9110 section 14.1.2); first and last byte.
fn parse_range(text: &str, size: u64) -> Option<(u64, u64)> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let end = size.checked_sub(1)?;
    let (start, end) = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) => (first, last.min(end)),
        (Ok(first), Err(_)) if last.is_empty() => (first, end),
        (Err(_), Ok(tail)) if first.is_empty() && tail > 0 => (size.saturating_sub(tail), end),
        _ => return None,
    };
    (start <= end).then_some((start, end))
}

async fn head(path: &Path, headers: &HeaderMap) -> Answer {
    if path.is_dir() {
        return Ok(empty(StatusCode::OK));
    }
    let mut file = tokio::fs::File::open(path)
        .await
        .map_err(|error| status_of(&error))?;
    let size = regular_size(&file).await?;
    let mut response = empty(StatusCode::OK);
    set(
        &mut response,
        header::CONTENT_LENGTH.as_str(),
        &size.to_string(),
    );
    set(&mut response, header::ACCEPT_RANGES.as_str(), "bytes");
    let wanted = headers
        .get("want-digest")
        .and_then(|it| it.to_str().ok())
        .unwrap_or("");
    if wanted.to_ascii_lowercase().contains("adler32") {
        let mut hasher = Algorithm::Adler32.hasher();
        let mut buffer = vec![0; 1 << 18];
        loop {
            let read = file
                .read(&mut buffer)
                .await
                .map_err(|error| status_of(&error))?;
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
        }
        set(
            &mut response,
            "digest",
            &format!("adler32={}", hasher.finish().hex),
        );
    }
    Ok(response)
}

async fn put(path: &Path, request: Request) -> Answer {
    let existed = tokio::fs::try_exists(path).await.unwrap_or(false);
    if existed && request.headers().contains_key(header::IF_NONE_MATCH) {
        return Err(StatusCode::PRECONDITION_FAILED);
    }
    if let Some(parent) = path.parent() {
        tokio::fs::create_dir_all(parent)
            .await
            .map_err(|error| status_of(&error))?;
    }
    let part = path.with_extension(format!("{}.part", uuid::Uuid::new_v4().simple()));
    let written = write_body(&part, request.into_body()).await;
    let done = match written {
        Ok(()) => tokio::fs::rename(&part, path)
            .await
            .map_err(|error| status_of(&error)),
        Err(status) => Err(status),
    };
    if let Err(status) = done {
        // The request has failed already; a leftover of the demo storage is harmless.
        drop(tokio::fs::remove_file(&part).await);
        return Err(status);
    }
    Ok(empty(if existed {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::CREATED
    }))
}

async fn write_body(part: &Path, body: Body) -> Result<(), StatusCode> {
    let mut file = tokio::fs::File::create_new(part)
        .await
        .map_err(|error| status_of(&error))?;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| StatusCode::BAD_REQUEST)?;
        file.write_all(&chunk)
            .await
            .map_err(|error| status_of(&error))?;
    }
    file.sync_all().await.map_err(|error| status_of(&error))
}

async fn delete(path: &Path) -> Answer {
    let meta = tokio::fs::metadata(path)
        .await
        .map_err(|error| status_of(&error))?;
    let removed = if meta.is_dir() {
        tokio::fs::remove_dir(path).await
    } else {
        tokio::fs::remove_file(path).await
    };
    removed
        .map(|()| empty(StatusCode::NO_CONTENT))
        .map_err(|error| status_of(&error))
}

async fn mkcol(path: &Path) -> Answer {
    match tokio::fs::create_dir(path).await {
        Ok(()) => Ok(empty(StatusCode::CREATED)),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(StatusCode::METHOD_NOT_ALLOWED)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(StatusCode::CONFLICT),
        Err(error) => Err(status_of(&error)),
    }
}

fn status_of(error: &std::io::Error) -> StatusCode {
    use std::io::ErrorKind as Kind;
    match error.kind() {
        Kind::NotFound | Kind::NotADirectory => StatusCode::NOT_FOUND,
        Kind::PermissionDenied => StatusCode::FORBIDDEN,
        Kind::DirectoryNotEmpty => StatusCode::CONFLICT,
        Kind::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn set(response: &mut Response<Body>, name: &'static str, value: &str) {
    if let Ok(value) = value.parse() {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert_eq!(parse_range("bytes=0-4", 10), Some((0, 4)));
        assert_eq!(parse_range("bytes=5-", 10), Some((5, 9)));
        assert_eq!(parse_range("bytes=-3", 10), Some((7, 9)));
        assert_eq!(parse_range("bytes=0-99", 10), Some((0, 9)));
        assert_eq!(parse_range("bytes=10-", 10), None);
        assert_eq!(parse_range("bytes=0-", 0), None);
        assert_eq!(parse_range("lines=1-2", 10), None);
    }

    #[test]
    fn nothing_outside_the_root() {
        let root = Path::new("/r");
        assert_eq!(local_path(root, "/a%20b/c"), Some("/r/a b/c".into()));
        for path in ["/../x", "/%2e%2e/x", "/a/%2E%2E/%2e%2e/x", "/a%00b"] {
            assert_eq!(local_path(root, path), None, "{path}");
        }
    }
}
