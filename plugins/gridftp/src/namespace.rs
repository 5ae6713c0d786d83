//! Metadata and names. The servers say what is wrong in many ways, so after a refusal the kind of
//! what stands there is looked at before the contract's error is given.

use causeway_gridftp_wire::facts::Kind;
use causeway_gridftp_wire::{ErrorKind as Wire, Facts, Session};
use causeway_sdk::types::EntryKind;
use causeway_sdk::{Algorithm, Checksum, Credential, Error, ErrorKind, Result, Stat, Url};

use crate::client::{Client, path};
use crate::error::{at, optional, own};

/// Most directories made for one call.
const MAX_PARENTS: usize = 256;
const FILE_BITS: u32 = 0o100_000;
const DIRECTORY_BITS: u32 = 0o040_000;

/// Metadata of what stands at a URL.
pub(crate) async fn stat(client: &Client, credential: &Credential, url: &Url) -> Result<Stat> {
    let name = path(url)?;
    described(&client.facts(credential, url, &name).await?, &name, url)
}

async fn stat_on(session: &mut Session, name: &str, url: &Url) -> Result<Stat> {
    let facts = session.stat(name).await.map_err(|why| at(url, &why))?;
    described(&facts, name, url)
}

fn described(facts: &Facts, name: &str, url: &Url) -> Result<Stat> {
    // A name with a slash behind it can only be a directory's.
    if name.len() > 1 && name.ends_with('/') && facts.kind == Kind::File {
        return Err(own(ErrorKind::NotDirectory, "look up", url, "it is a file"));
    }
    Ok(from_facts(facts))
}

/// Facts in the words of the SDK.
pub(crate) fn from_facts(facts: &Facts) -> Stat {
    let (kind, bits) = match facts.kind {
        Kind::File => (EntryKind::File, FILE_BITS),
        Kind::Directory | Kind::Itself => (EntryKind::Directory, DIRECTORY_BITS),
        Kind::Link => (EntryKind::Symlink, 0o120_000),
        Kind::Other => (EntryKind::Other, 0),
    };
    Stat {
        kind,
        size: facts.size.filter(|_| kind != EntryKind::Directory),
        mode: facts.mode.map(|it| it | bits),
        nlink: facts.links,
        mtime: facts.modified,
        ..Stat::default()
    }
}

/// What stands there; `None` for nothing.
pub(crate) async fn look(
    client: &Client,
    credential: &Credential,
    url: &Url,
) -> Result<Option<Stat>> {
    optional(stat(client, credential, url).await)
}

/// Creates a directory, and with `parents` those above.
pub(crate) async fn mkdir(
    client: &Client,
    credential: &Credential,
    url: &Url,
    parents: bool,
) -> Result<()> {
    let name = path(url)?;
    let mut session = client.brief(credential, url).await?;
    let mut missing = vec![name];
    let mut steps = 0;
    while let Some(directory) = missing.last().cloned() {
        steps += 1;
        if steps > 2 * MAX_PARENTS {
            return Err(own(
                ErrorKind::Invalid,
                "make directory",
                url,
                "it is too deep",
            ));
        }
        let above = directory
            .trim_end_matches('/')
            .rsplit_once('/')
            .map(|(above, _)| above);
        match session.mkdir(&directory).await {
            Ok(()) => drop(missing.pop()),
            Err(why) if why.kind() == Wire::NotFound && parents => match above {
                Some(above) if !above.is_empty() => missing.push(above.to_owned()),
                _ => return Err(at(url, &why)),
            },
            // Perhaps it is there, which is fine with `parents`; servers have many words for it.
            Err(why) if why.is_reply() => {
                let there = optional(stat_on(&mut session, &directory, url).await)?;
                accept_existing(there.as_ref(), parents, url, &why)?;
                missing.pop();
            }
            Err(why) => return Err(at(url, &why)),
        }
    }
    Ok(())
}

fn accept_existing(
    there: Option<&Stat>,
    parents: bool,
    url: &Url,
    why: &causeway_gridftp_wire::Error,
) -> Result<()> {
    match there {
        Some(it) if it.is_directory() && parents => Ok(()),
        Some(_) => Err(own(
            ErrorKind::Exists,
            "make directory",
            url,
            "something is there already",
        )),
        None => Err(at(url, why)),
    }
}

/// Removes an empty directory.
pub(crate) async fn rmdir(client: &Client, credential: &Credential, url: &Url) -> Result<()> {
    let name = path(url)?;
    let mut session = client.brief(credential, url).await?;
    let Err(why) = session.rmdir(&name).await else {
        return Ok(());
    };
    if !why.is_reply() {
        return Err(at(url, &why));
    }
    match stat_on(&mut session, &name, url).await? {
        it if !it.is_directory() => Err(own(
            ErrorKind::NotDirectory,
            "remove directory",
            url,
            "it is a file",
        )),
        _ => Err(at(url, &why)),
    }
}

/// Removes a file.
pub(crate) async fn unlink(client: &Client, credential: &Credential, url: &Url) -> Result<()> {
    let name = path(url)?;
    let mut session = client.brief(credential, url).await?;
    unlink_on(&mut session, &name, url).await
}

pub(crate) async fn unlink_on(session: &mut Session, name: &str, url: &Url) -> Result<()> {
    let Err(why) = session.delete(name).await else {
        return Ok(());
    };
    if !why.is_reply() || why.kind() == Wire::NotFound {
        return Err(at(url, &why));
    }
    match stat_on(session, name, url).await? {
        it if it.is_directory() => Err(own(
            ErrorKind::IsDirectory,
            "remove",
            url,
            "it is a directory",
        )),
        _ => Err(at(url, &why)),
    }
}

/// Which server, as far as a URL tells.
fn server(url: &Url) -> (String, String, Option<u16>) {
    let lower = str::to_ascii_lowercase;
    (lower(url.scheme()), lower(url.host()), url.port())
}

/// Gives a file another name on the same server.
pub(crate) async fn rename(
    client: &Client,
    credential: &Credential,
    from: &Url,
    to: &Url,
    overwrite: bool,
) -> Result<()> {
    let (old, new) = (path(from)?, path(to)?);
    if server(from) != server(to) {
        return Err(own(
            ErrorKind::Unsupported,
            "rename",
            from,
            "the new name is on another server",
        ));
    }
    let mut session = client.brief(credential, from).await?;
    // The server replaces unasked, so it is looked first.
    if !overwrite {
        stat_on(&mut session, &old, from).await?;
        if optional(stat_on(&mut session, &new, to).await)?.is_some() {
            return Err(own(
                ErrorKind::Exists,
                "rename to",
                to,
                "something is there already",
            ));
        }
    }
    session
        .rename(&old, &new)
        .await
        .map_err(|why| at(from, &why))
}

/// Checksum of a whole file, computed by the server.
pub(crate) async fn checksum(
    client: &Client,
    credential: &Credential,
    url: &Url,
    algorithm: Algorithm,
) -> Result<Checksum> {
    let name = path(url)?;
    let mut session = client.session(credential, url).await?;
    let sum = session.checksum(&name, algorithm.name(), 0, None).await;
    let hex = match sum {
        Ok(hex) => hex,
        Err(why) if !why.is_reply() || why.kind() == Wire::NotFound => return Err(at(url, &why)),
        Err(why) => return Err(about_directory(&mut session, &name, url, at(url, &why)).await),
    };
    if hex.len() != algorithm.digits() {
        return Err(own(
            ErrorKind::Remote,
            "compute a checksum of",
            url,
            "the answer has another length",
        ));
    }
    Ok(Checksum::new(algorithm, hex))
}

/// A refusal, or that it was about a directory.
pub(crate) async fn about_directory(
    session: &mut Session,
    name: &str,
    url: &Url,
    refusal: Error,
) -> Error {
    match stat_on(session, name, url).await {
        Ok(it) if it.is_directory() => own(ErrorKind::IsDirectory, "use", url, "it is a directory"),
        Err(it) if it.kind() == ErrorKind::NotFound => it,
        _ => refusal,
    }
}
