//! Changing names: MKD, RMD, DELE, RNFR and RNTO.
//!
//! Servers have one code for most refusals and words of their own, so a refused command is followed
//! by a look at what is there. What must not be replaced is looked at before; two who do so at the
//! same time are not kept apart.

use causeway_sdk::{Credential, Error, ErrorKind, Result, Url as Surl};

use crate::error::{failed, refused, refused_as};
use crate::inspect::{look, stat_in};
use crate::lister;
use crate::place::{Place, parent};
use crate::reply::Reply;
use crate::session::Session;
use crate::storage::Inner;

/// Most directories made for one call.
const MAX_PARENTS: usize = 256;

/// Creates a directory, and with `parents` those above.
pub(crate) async fn mkdir(
    inner: &Inner,
    credential: &Credential,
    at: &Surl,
    parents: bool,
) -> Result<()> {
    let (mut session, path) = inner.pool.enter(at, credential).await?;
    make(&mut session, at, &path, parents).await
}

/// The same in a session.
pub(crate) async fn make(
    session: &mut Session,
    at: &Surl,
    path: &str,
    parents: bool,
) -> Result<()> {
    let fail = |kind, why| Err(failed(kind, "mkdir", at, why));
    let mut missing = vec![path];
    let refusal = make_one(session, path).await?;
    let Some(refusal) = refusal else {
        return Ok(());
    };
    if let Some(there) = look(session, at, path, "mkdir").await? {
        return match (there.is_directory(), parents) {
            (true, true) => Ok(()),
            (true, false) => fail(ErrorKind::Exists, "it is there already"),
            (false, _) => fail(ErrorKind::Exists, "a file is there"),
        };
    }
    while let Some(above) = missing.last().and_then(|it| parent(it)) {
        match look(session, at, above, "mkdir").await? {
            Some(it) if it.is_directory() => break,
            Some(_) => return fail(ErrorKind::NotDirectory, "one above is a file"),
            None if !parents => {
                return fail(ErrorKind::NotFound, "the directory above is missing");
            }
            None if missing.len() >= MAX_PARENTS => return fail(ErrorKind::Invalid, "too deep"),
            None => missing.push(above),
        }
    }
    if missing.len() == 1 {
        // All is there that it needs, so it is the server that does not want it.
        return Err(denied("mkdir", at, &refusal));
    }
    for directory in missing.iter().rev() {
        let Some(refusal) = make_one(session, directory).await? else {
            continue;
        };
        // Another caller may have made it.
        match look(session, at, directory, "mkdir").await? {
            Some(it) if it.is_directory() => {}
            _ => return Err(denied("mkdir", at, &refusal)),
        }
    }
    Ok(())
}

/// Tells with what the server refuses, if it does.
async fn make_one(session: &mut Session, path: &str) -> Result<Option<Reply>> {
    let reply = session.command(&format!("MKD {path}")).await?;
    Ok((!reply.is_good()).then_some(reply))
}

/// A refusal that is not for want of something.
fn denied(doing: &str, at: &Surl, reply: &Reply) -> Error {
    let error = refused(doing, at, reply);
    match error.kind() {
        ErrorKind::NotFound => refused_as(ErrorKind::Denied, doing, at, reply),
        _ => error,
    }
}

/// Removes an empty directory.
pub(crate) async fn rmdir(inner: &Inner, credential: &Credential, at: &Surl) -> Result<()> {
    let (mut session, path) = inner.pool.enter(at, credential).await?;
    let reply = session.command(&format!("RMD {path}")).await?;
    if reply.is_good() {
        return Ok(());
    }
    if !stat_in(&mut session, at, &path, "rmdir")
        .await?
        .is_directory()
    {
        let why = "it is no directory";
        return Err(failed(ErrorKind::NotDirectory, "rmdir", at, why));
    }
    drop(session);
    if !lister::is_empty(inner, credential, at).await? {
        return Err(refused_as(ErrorKind::NotEmpty, "rmdir", at, &reply));
    }
    Err(denied("rmdir", at, &reply))
}

/// Removes a file.
pub(crate) async fn unlink(inner: &Inner, credential: &Credential, at: &Surl) -> Result<()> {
    let (mut session, path) = inner.pool.enter(at, credential).await?;
    let reply = session.command(&format!("DELE {path}")).await?;
    if reply.is_good() {
        return Ok(());
    }
    if stat_in(&mut session, at, &path, "unlink")
        .await?
        .is_directory()
    {
        let why = "it is a directory";
        return Err(failed(ErrorKind::IsDirectory, "unlink", at, why));
    }
    Err(denied("unlink", at, &reply))
}

/// Gives another name.
pub(crate) async fn rename(
    inner: &Inner,
    credential: &Credential,
    from: &Surl,
    to: &Surl,
    overwrite: bool,
) -> Result<()> {
    let (one, two) = (
        Place::of(from, &inner.config)?,
        Place::of(to, &inner.config)?,
    );
    if (&one.host, one.port) != (&two.host, two.port) {
        let why = "the new name is on another storage";
        return Err(failed(ErrorKind::Invalid, "rename", from, why));
    }
    let (mut session, source) = inner.pool.enter(from, credential).await?;
    let target = session.path(&two.path);
    let moved = stat_in(&mut session, from, &source, "rename").await?;
    if source == target {
        return Ok(());
    }
    let there = look(&mut session, to, &target, "rename").await?;
    match &there {
        Some(_) if !overwrite => {
            return Err(failed(
                ErrorKind::Exists,
                "rename",
                to,
                "the new name is taken",
            ));
        }
        Some(it) if it.is_directory() && !moved.is_directory() => {
            let why = "the new name is a directory";
            return Err(failed(ErrorKind::IsDirectory, "rename", to, why));
        }
        _ => {}
    }
    move_one(&mut session, &source, to, &target, overwrite).await
}

/// RNFR and RNTO of what is known to be there.
pub(crate) async fn move_one(
    session: &mut Session,
    source: &str,
    to: &Surl,
    target: &str,
    overwrite: bool,
) -> Result<()> {
    let Some(refusal) = give_name(session, source, target).await? else {
        return Ok(());
    };
    match look(session, to, target, "rename").await? {
        // Some servers never replace.
        Some(it) if overwrite && !it.is_directory() => {
            session
                .succeed("rename", to, &format!("DELE {target}"))
                .await?;
            match give_name(session, source, target).await? {
                None => Ok(()),
                Some(refusal) => Err(denied("rename", to, &refusal)),
            }
        }
        Some(it) if it.is_directory() => {
            Err(refused_as(ErrorKind::IsDirectory, "rename", to, &refusal))
        }
        Some(_) => Err(refused_as(ErrorKind::Exists, "rename", to, &refusal)),
        None => {
            let above = parent(target).unwrap_or("/");
            match look(session, to, above, "rename").await? {
                None => {
                    let why = "the directory above is missing";
                    Err(failed(ErrorKind::NotFound, "rename", to, why))
                }
                Some(_) => Err(denied("rename", to, &refusal)),
            }
        }
    }
}

/// Tells with what the server refuses, if it does.
async fn give_name(session: &mut Session, source: &str, target: &str) -> Result<Option<Reply>> {
    let begun = session.command(&format!("RNFR {source}")).await?;
    if begun.code != 350 {
        return Ok(Some(begun));
    }
    let done = session.command(&format!("RNTO {target}")).await?;
    Ok((!done.is_good()).then_some(done))
}
