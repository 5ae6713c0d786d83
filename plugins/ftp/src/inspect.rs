//! Asking for metadata: MLST where the server has it, else the commands that tell a part each.

use causeway_sdk::{
    Algorithm, Checksum, Credential, EntryKind, ErrorKind, Result, Stat, Url as Surl,
};

use crate::error::{failed, optional, refused};
use crate::facts;
use crate::features::{Way, checksum_in};
use crate::reply::Reply;
use crate::session::Session;
use crate::storage::Inner;

/// Metadata of what stands at a URL.
pub(crate) async fn stat(inner: &Inner, credential: &Credential, at: &Surl) -> Result<Stat> {
    let (mut session, path) = inner.pool.enter(at, credential).await?;
    stat_in(&mut session, at, &path, "stat").await
}

/// What stands at a path; `None` for nothing.
pub(crate) async fn look(
    session: &mut Session,
    at: &Surl,
    path: &str,
    doing: &str,
) -> Result<Option<Stat>> {
    optional(stat_in(session, at, path, doing).await)
}

/// Metadata of what stands at a path.
pub(crate) async fn stat_in(
    session: &mut Session,
    at: &Surl,
    path: &str,
    doing: &str,
) -> Result<Stat> {
    if session.features.has_facts {
        let reply = session.command(&format!("MLST {path}")).await?;
        if reply.is_good() {
            match facts_in(&reply) {
                // Where it leads to is what counts.
                Some(stat) if stat.kind != EntryKind::Symlink => return Ok(stat),
                _ => {}
            }
        } else if !reply.is_unknown_command() {
            return Err(refused(doing, at, &reply));
        }
    }
    stat_by_parts(session, at, path, doing).await
}

fn facts_in(reply: &Reply) -> Option<Stat> {
    let mut lines = reply.inner_lines();
    lines.find_map(
        |line| match facts::read(line.strip_prefix(' ').unwrap_or(line))?.0 {
            facts::Line::Entry(stat) | facts::Line::Around(stat) => Some(stat),
        },
    )
}

/// Only a file has a size, and only a directory can be gone to.
async fn stat_by_parts(session: &mut Session, at: &Surl, path: &str, doing: &str) -> Result<Stat> {
    let size = session.command(&format!("SIZE {path}")).await?;
    let known = (size.code == 213)
        .then(|| size.first().parse::<u64>().ok())
        .flatten();
    if known.is_none() {
        let there = session.command(&format!("CWD {path}")).await?;
        if there.is_good() {
            return Ok(Stat::directory());
        }
        if !size.is_unknown_command() {
            return Err(refused(doing, at, &size));
        }
    }
    let time = session.command(&format!("MDTM {path}")).await?;
    if known.is_none() && time.code != 213 {
        return Err(refused(doing, at, &time));
    }
    Ok(Stat {
        size: known,
        mtime: (time.code == 213)
            .then(|| facts::time(time.first()))
            .flatten(),
        ..Stat::default()
    })
}

/// The checksum a storage computes.
pub(crate) async fn checksum(
    inner: &Inner,
    credential: &Credential,
    at: &Surl,
    algorithm: Algorithm,
) -> Result<Checksum> {
    let (mut session, path) = inner.pool.enter(at, credential).await?;
    let found = checksum_of(&mut session, at, &path, algorithm).await?;
    found.ok_or_else(|| {
        let why = format!("the server has no command for {algorithm}");
        failed(ErrorKind::Unsupported, "get the checksum of", at, &why)
    })
}

/// The same in a session; `None` when the server has no command for it.
pub(crate) async fn checksum_of(
    session: &mut Session,
    at: &Surl,
    path: &str,
    algorithm: Algorithm,
) -> Result<Option<Checksum>> {
    let doing = "get the checksum of";
    let features = session.features.clone();
    let line = match features.way(algorithm) {
        None => return Ok(None),
        Some(Way::Hash(name)) => {
            session
                .succeed(doing, at, &format!("OPTS HASH {name}"))
                .await?;
            format!("HASH {path}")
        }
        // Whether blanks need quotes is not settled among servers; most want them.
        Some(Way::Command(command)) if path.contains(' ') => format!("{command} \"{path}\""),
        Some(Way::Command(command)) => format!("{command} {path}"),
    };
    // Reading a large file takes its time.
    let limits = session.limits;
    session.limits.reply = limits.finish.max(limits.reply);
    let reply = session.command(&line).await;
    session.limits = limits;
    let reply = reply?;
    if !reply.is_good() {
        return Err(refused(doing, at, &reply));
    }
    match checksum_in(&reply, algorithm, path) {
        Some(sum) => Ok(Some(sum)),
        None => {
            let why = "the server's reply has none";
            Err(failed(ErrorKind::Remote, doing, at, why))
        }
    }
}
