//! How the bytes of a write become a file: what is looked at before they are given their name.

use causeway_sdk::{Checksum, ErrorKind, Result, Stat, Url as Surl, WriteOptions};

use crate::error::{failed, refused};
use crate::inspect::{checksum_of, look};
use crate::namespace::move_one;
use crate::session::{Session, Transfer};

/// A file that is to be.
pub(crate) struct File {
    pub(crate) at: Surl,
    /// Its path on the server.
    pub(crate) path: String,
    /// Where the bytes go: the path, or a temporary one beside it.
    pub(crate) target: String,
    pub(crate) options: WriteOptions,
}

/// Refuses to write where something is that stays.
pub(crate) fn refuse_if_taken(at: &Surl, there: Option<&Stat>, overwrite: bool) -> Result<()> {
    match there {
        Some(it) if it.is_directory() => Err(failed(
            ErrorKind::IsDirectory,
            "write",
            at,
            "it is a directory",
        )),
        Some(_) if !overwrite => Err(failed(
            ErrorKind::Exists,
            "write",
            at,
            "something is there already",
        )),
        _ => Ok(()),
    }
}

impl File {
    /// Compares with what was announced.
    pub(crate) fn check_size(&self, written: u64) -> Result<()> {
        match self.options.size {
            Some(size) if size != written => {
                let why = format!("{size} bytes were announced, {written} came");
                Err(failed(ErrorKind::Invalid, "write", &self.at, &why))
            }
            _ => Ok(()),
        }
    }

    /// Ends the transfer and looks at what arrived.
    pub(crate) async fn arrive(
        &self,
        transfer: Transfer,
        session: &mut Session,
        written: u64,
    ) -> Result<Vec<Checksum>> {
        let limit = session.limits.finish;
        if let Err(reply) = session.finish(transfer, limit).await? {
            return Err(refused("write", &self.at, &reply));
        }
        let found = look(session, &self.at, &self.target, "write").await?;
        match found.map(|it| it.size) {
            None => {
                let why = "it is not there after the upload";
                return Err(failed(ErrorKind::Integrity, "write", &self.at, why));
            }
            Some(Some(size)) if size != written => {
                let why = format!("{written} bytes were sent, {size} arrived");
                return Err(failed(ErrorKind::Integrity, "write", &self.at, &why));
            }
            _ => {}
        }
        self.verify(session).await
    }

    /// Gives what arrived its name.
    pub(crate) async fn give_name(&self, session: &mut Session) -> Result<()> {
        if self.target == self.path {
            return Ok(());
        }
        let overwrite = self.options.overwrite;
        if !overwrite {
            let there = look(session, &self.at, &self.path, "write").await?;
            refuse_if_taken(&self.at, there.as_ref(), false)?;
        }
        move_one(session, &self.target, &self.at, &self.path, overwrite).await
    }

    /// Whether it has its name although the server did not say so. Nobody else moves the temporary
    /// file, which was whole.
    pub(crate) async fn has_name(&self, session: &mut Session, written: u64) -> Result<bool> {
        let left = look(session, &self.at, &self.target, "write").await?;
        let there = look(session, &self.at, &self.path, "write").await?;
        Ok(left.is_none() && there.is_some_and(|it| it.size == Some(written)))
    }

    /// Compares with the checksum the content should have, where the server computes it.
    async fn verify(&self, session: &mut Session) -> Result<Vec<Checksum>> {
        let Some(expected) = &self.options.expect else {
            return Ok(Vec::new());
        };
        let found = checksum_of(session, &self.at, &self.target, expected.algorithm).await?;
        match found {
            Some(found) if found != *expected => {
                let why = format!("the checksum is {found}, expected {expected}");
                Err(failed(ErrorKind::Integrity, "write", &self.at, &why))
            }
            found => Ok(found.into_iter().collect()),
        }
    }
}
