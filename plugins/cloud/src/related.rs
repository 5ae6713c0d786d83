//! Metadata and content in one request, as Google's services take them: `multipart/related`
//! (RFC 2387), the JSON first.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use bytes::Bytes;
use causeway_sdk::Result;
use serde_json::Value;

use crate::error::internal;
use crate::exchange::{Pieces, Request};

/// The request with both in its body; of the content nothing is copied.
pub(crate) fn related(request: Request, described: &Value, content: Pieces) -> Result<Request> {
    let boundary = boundary()?;
    let mut body = Pieces::from(format!(
        "--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{described}\r\n\
         --{boundary}\r\nContent-Type: application/octet-stream\r\n\r\n"
    ));
    content.list.into_iter().for_each(|it| body.push(it));
    body.push(Bytes::from(format!("\r\n--{boundary}--\r\n")));
    let kind = format!("multipart/related; boundary={boundary}");
    Ok(request.with("content-type", kind)?.body(body))
}

/// What nobody who made the content can have known.
fn boundary() -> Result<String> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|source| internal("make a boundary", source))?;
    Ok(hex::encode(bytes))
}
