//! Beginning a copy: settings on both sides, where to connect, and the commands that start it.

use std::net::IpAddr;

use super::{CopyPlan, Side};
use crate::data::{Dcau, address};
use crate::session::{Mode, Wanted};
use crate::{Error, ErrorKind, Result, Session};

/// Settles both sides and connects them, unless the connections of the last copy will do.
pub(super) async fn connect(
    source: &mut Session,
    destination: &mut Session,
    plan: &CopyPlan,
) -> Result<()> {
    let to_source = wanted(source, destination, plan, plan.streams.max(1))?;
    let to_destination = wanted(destination, source, plan, 0)?;
    let (one, other) = tokio::join!(
        source.settle(&to_source),
        destination.settle(&to_destination)
    );
    let is_new = one.map_err(|why| why.during(Side::Source.what()))?
        | other.map_err(|why| why.during(Side::Destination.what()))?;
    let has_link = source.link.is_some() && source.link == destination.link;
    if has_link && !is_new && !plan.striped {
        return Ok(());
    }
    source.link = None;
    destination.link = None;
    let port = passive(destination, plan.striped)
        .await
        .map_err(|why| why.during(Side::Destination.what()))?;
    let active = source.ask(&port).await?;
    active.success("tell the source where to connect").map(drop)
}

fn wanted(of: &Session, other: &Session, plan: &CopyPlan, streams: u32) -> Result<Wanted> {
    let dcau = dcau(of, other);
    let is_authenticated = dcau != Dcau::None;
    if is_authenticated && of.channel.is_secured() != other.channel.is_secured() {
        let text = "authenticate data connections: one of the servers has no security";
        return Err(Error::new(ErrorKind::Unsupported, text));
    }
    Ok(Wanted {
        mode: Mode::Extended,
        dcau,
        protection: of.options().protection,
        streams,
        buffer: plan.buffer,
    })
}

/// Two credentials cannot be the same identity: each server is then told the other's.
fn dcau(of: &Session, other: &Session) -> Dcau {
    let (own, its) = (of.endpoint().credential(), other.endpoint().credential());
    match (&of.options().dcau, own, its) {
        (Dcau::SelfIdentity, Some(own), Some(its)) if own.identity() != its.identity() => {
            Dcau::Subject(its.identity().to_owned())
        }
        (dcau, _, _) => dcau.clone(),
    }
}

/// Makes a server listen. Answers with the command that makes another one connect to it.
async fn passive(session: &mut Session, striped: bool) -> Result<String> {
    const WHAT: &str = "ask where to connect";
    let server = session.peer()?.ip().to_canonical();
    let is_striped = striped && session.features().has("SPAS");
    let (command, code) = match server {
        IpAddr::V6(_) => ("EPSV", 229),
        IpAddr::V4(_) if is_striped => ("SPAS", 229),
        IpAddr::V4(_) => ("PASV", 227),
    };
    let reply = session.ask(command).await?.expect(WHAT, &[code])?;
    let addresses = address::parse(&reply.text(), server)?;
    Ok(match server {
        IpAddr::V6(_) => format!("EPRT {}", address::eprt_argument(addresses[0])),
        IpAddr::V4(_) if is_striped => format!("SPOR {}", address::spor_argument(&addresses)?),
        IpAddr::V4(_) => format!("PORT {}", address::port_argument(addresses[0])?),
    })
}

/// Sends what starts the copy. Replies to the last command of each side are still owed.
pub(super) async fn start(
    source: &mut Session,
    destination: &mut Session,
    plan: &CopyPlan,
) -> Result<()> {
    if !plan.done.is_empty() {
        // Both must agree before one byte moves: else one would write a part as if it were all.
        restart(destination, plan, Side::Destination).await?;
        restart(source, plan, Side::Source).await?;
    }
    let (store, retrieve) = commands(plan);
    send(destination, &store, Side::Destination).await?;
    send(source, &retrieve, Side::Source).await
}

async fn send(session: &mut Session, command: &str, side: Side) -> Result<()> {
    session
        .send(&[command])
        .await
        .map_err(|why| why.during(side.what()))
}

async fn restart(session: &mut Session, plan: &CopyPlan, side: Side) -> Result<()> {
    let reply = session.ask(&format!("REST {}", plan.done)).await?;
    let agreed = reply.expect(side.what(), &[350]);
    agreed
        .map(drop)
        .map_err(|why: Error| why.during("take a copy up again"))
}

/// What the receiver and the sender are told.
pub(super) fn commands(plan: &CopyPlan) -> (String, String) {
    let CopyPlan {
        source,
        destination,
        ..
    } = plan;
    match plan.part {
        None => (format!("STOR {destination}"), format!("RETR {source}")),
        Some(part) => (
            format!("ESTO A {} {destination}", part.offset),
            format!("ERET P {} {} {source}", part.offset, part.length),
        ),
    }
}
