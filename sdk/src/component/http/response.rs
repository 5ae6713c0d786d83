//! What came back, its body piece by piece or as a whole.

use std::fmt;

use bytes::Bytes;
use wit_bindgen::{FutureReader, StreamReader, StreamResult};

use crate::component::bindings::causeway::storage::http::Exchange;
use crate::component::bindings::causeway::storage::{http_types as wit, types};
use crate::component::convert::error_back;
use crate::{Error, ErrorKind, Result};

/// Bytes of an answer that are asked for at a time.
const CHUNK: usize = 256 << 10;

/// An answer, its body still on the way. Dropped early, it closes the connection.
pub struct Response {
    head: wit::Response,
    data: Option<StreamReader<u8>>,
    end: Option<FutureReader<Result<(), types::Error>>>,
}

impl Response {
    pub(super) fn new(exchange: Exchange) -> Self {
        Self {
            head: exchange.response,
            data: Some(exchange.data),
            end: Some(exchange.end),
        }
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// True from 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.head.status)
    }

    /// The first header of that name, if it is a text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = |it: &&(String, Vec<u8>)| it.0.eq_ignore_ascii_case(name);
        let (_, value) = self.head.headers.iter().find(named)?;
        std::str::from_utf8(value).ok()
    }

    /// Where it came from in the end.
    pub fn uri(&self) -> &str {
        &self.head.uri
    }

    /// The next bytes of the body; `None` at its end.
    ///
    /// # Errors
    /// When the body broke off.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        if let Some(data) = &mut self.data {
            let (status, bytes) = data.read(Vec::with_capacity(CHUNK)).await;
            if !bytes.is_empty() {
                return Ok(Some(bytes.into()));
            }
            if matches!(status, StreamResult::Complete(_)) {
                return Err(Error::new(
                    ErrorKind::Internal,
                    "read an answer: no bytes came",
                ));
            }
            self.data = None;
        }
        match self.end.take() {
            Some(end) => end.await.map(|()| None).map_err(error_back),
            None => Ok(None),
        }
    }

    /// The whole body.
    ///
    /// # Errors
    /// When it broke off, or is longer than `most` bytes.
    pub async fn read_all(mut self, most: usize) -> Result<Bytes> {
        let mut all = Vec::new();
        while let Some(chunk) = self.next().await? {
            if all.len() + chunk.len() > most {
                return Err(Error::new(
                    ErrorKind::Remote,
                    format!("read an answer of more than {most} bytes"),
                ));
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all.into())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({})", self.head.status)
    }
}
