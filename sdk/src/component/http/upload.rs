//! A request whose body is yet to come. It is sent by a task of its own, since calls that write come and go.

use std::fmt;
use std::future::Future;

use bytes::Bytes;
use futures_util::future::{Either, select};
use tokio::sync::oneshot;
use wit_bindgen::StreamWriter;

use super::Response;
use crate::{Error, ErrorKind, Result};

/// A request whose body is being sent. Dropped before [`Upload::finish`], it gives the request up.
pub struct Upload {
    answer: oneshot::Receiver<Result<Response>>,
    /// Takes the body's sender when the request is given up.
    give_up: Option<oneshot::Sender<StreamWriter<u8>>>,
    data: Option<StreamWriter<u8>>,
}

impl Upload {
    pub(super) fn begin(
        data: StreamWriter<u8>,
        sending: impl Future<Output = Result<Response>> + 'static,
    ) -> Self {
        let (tell, answer) = oneshot::channel();
        let (give_up, given_up) = oneshot::channel();
        wit_bindgen::spawn_local(async move {
            let answer = match select(Box::pin(sending), given_up).await {
                Either::Left((answer, _)) => answer,
                // The body is whole.
                Either::Right((Err(_), sending)) => sending.await,
                Either::Right((Ok(data), sending)) => {
                    // In this order: without its request nobody takes the end of the body for its end.
                    drop(sending);
                    drop::<StreamWriter<u8>>(data);
                    return;
                }
            };
            // Nobody waits for it when the upload was dropped meanwhile.
            drop(tell.send(answer));
        });
        Self {
            answer,
            give_up: Some(give_up),
            data: Some(data),
        }
    }

    /// Sends the next bytes. False when the server has answered without waiting for them, and
    /// takes no more: [`Upload::finish`] tells what it said.
    pub async fn write(&mut self, chunk: Bytes) -> bool {
        let Some(data) = &mut self.data else {
            return false;
        };
        let rest = data.write_all(chunk.into()).await;
        if !rest.is_empty() {
            self.data = None;
        }
        rest.is_empty()
    }

    /// Ends the body and waits for the answer.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn finish(mut self) -> Result<Response> {
        self.give_up = None;
        self.data = None;
        match (&mut self.answer).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::new(
                ErrorKind::Canceled,
                "wait for the answer: the request was given up",
            )),
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let (Some(give_up), Some(data)) = (self.give_up.take(), self.data.take()) {
            // It comes back when there is an answer already, and then nothing is to be stopped.
            drop(give_up.send(data));
        }
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upload")
    }
}
