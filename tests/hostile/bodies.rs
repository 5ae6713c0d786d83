//! Files of the skeleton that are open. They take the same wishes as the calls that opened them.

use std::marker::PhantomData;
use std::sync::Arc;

use causeway_sdk::{
    Bytes, Error, ErrorKind, Opened, ReadBody, Result, Url, WriteBody, WriteOptions, Written,
};

use super::content::{Content, Files, MOST_KEPT, key, lock};
use super::fault::{Fault, bent, hit, wish};

/// A file being read.
pub(crate) struct Reader<F: Fault> {
    at: Url,
    size: u64,
    rest: Content,
    chunk: usize,
    fault: PhantomData<F>,
}

impl<F: Fault> Reader<F> {
    pub(crate) fn new(at: &Url, size: u64, rest: Content, chunk: usize) -> Self {
        Self {
            at: at.clone(),
            size,
            rest,
            chunk,
            fault: PhantomData,
        }
    }
}

impl<F: Fault> ReadBody for Reader<F> {
    fn opened(&self) -> Opened {
        Opened {
            size: Some(self.size),
            etag: None,
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        hit::<F>("next", &self.at).await?;
        let chunk = self.rest.take(self.chunk);
        Ok(bent(&self.at, "next", chunk, F::chunk))
    }
}

impl<F: Fault> Drop for Reader<F> {
    fn drop(&mut self) {
        if let Some(how) = wish(&self.at, "drop") {
            F::strike(&how);
        }
    }
}

/// A file being written.
pub(crate) struct Writer<F: Fault> {
    at: Url,
    files: Files,
    options: WriteOptions,
    content: Vec<u8>,
    bytes: u64,
    fault: PhantomData<F>,
}

impl<F: Fault> Writer<F> {
    pub(crate) fn new(at: &Url, files: &Files, options: WriteOptions) -> Self {
        Self {
            at: at.clone(),
            files: Arc::clone(files),
            options,
            content: Vec::new(),
            bytes: 0,
            fault: PhantomData,
        }
    }
}

impl<F: Fault> WriteBody for Writer<F> {
    async fn write(&mut self, _offset: u64, chunk: Bytes) -> Result<()> {
        hit::<F>("write", &self.at).await?;
        self.bytes += chunk.len() as u64;
        if self.content.len() + chunk.len() <= MOST_KEPT {
            self.content.extend_from_slice(&chunk);
        }
        Ok(())
    }

    async fn commit(mut self) -> Result<Written> {
        hit::<F>("commit", &self.at).await?;
        if self.options.size.is_some_and(|it| it != self.bytes) {
            return Err(Error::new(
                ErrorKind::Integrity,
                "another size was announced",
            ));
        }
        let content = match self.content.len() as u64 == self.bytes {
            true => Content::Bytes(std::mem::take(&mut self.content).into()),
            false => Content::Zeros(self.bytes),
        };
        let mut files = lock(&self.files);
        if !self.options.overwrite && files.contains_key(&key(&self.at)) {
            return Err(Error::new(ErrorKind::Exists, "the file is there already"));
        }
        if wish(&self.at, "commit").is_none_or(|how| F::keeps(&how)) {
            files.insert(key(&self.at), content);
        }
        Ok(Written {
            bytes: self.bytes,
            ..Written::default()
        })
    }

    async fn abort(self) {
        // An abort has no result.
        drop(hit::<F>("abort", &self.at).await);
    }
}

impl<F: Fault> Drop for Writer<F> {
    fn drop(&mut self) {
        if let Some(how) = wish(&self.at, "drop") {
            F::strike(&how);
        }
    }
}
