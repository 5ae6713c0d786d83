//! Opening the data connections of a transfer in blocks, or finding those of the last one.

use std::net::IpAddr;

use super::Kept;
use crate::data::{Buffers, Inlet, Listener, Outlet, address};
use crate::session::{Mode, Wanted};
use crate::{Result, Session};

/// Settles a transfer in blocks. Connections of the last one are given back when they will do.
pub(super) async fn settle(session: &mut Session, streams: u32) -> Result<Kept> {
    let kept = session.take_kept();
    let (dcau, protection) = session.data_protection()?;
    let wanted = Wanted {
        mode: Mode::Extended,
        dcau,
        protection,
        streams,
        buffer: session.options().sockets.buffer,
    };
    let is_new = session.settle(&wanted).await?;
    Ok(if is_new { Kept::default() } else { kept })
}

/// Where a server may connect, and the command that tells it.
pub(super) fn listen(session: &mut Session) -> Result<(Inlet, String)> {
    let options = session.options().clone();
    let security = session.data_security()?;
    let server = session.peer()?.ip().to_canonical();
    // A server of several machines sends from any of them; then its certificate must do.
    let from = match options.dcau {
        crate::data::Dcau::None => vec![server],
        _ => Vec::new(),
    };
    let host = session.channel.local()?.ip().to_canonical();
    let listener = Listener::bind(host, from, &options.sockets, security, options.data.clone())?;
    let inlet = Inlet::new(listener, Buffers::new(), options.data.clone());
    let address = inlet.address()?;
    let command = match host {
        IpAddr::V4(_) => format!("PORT {}", address::port_argument(address)?),
        IpAddr::V6(_) => format!("EPRT {}", address::eprt_argument(address)),
    };
    Ok((inlet, command))
}

/// Asks where the server's stripes listen.
pub(super) async fn passive(
    session: &mut Session,
    what: &str,
    is_striped: bool,
) -> Result<Vec<std::net::SocketAddr>> {
    let server = session.peer()?.ip().to_canonical();
    let (command, code) = match server {
        IpAddr::V6(_) => ("EPSV", 229),
        IpAddr::V4(_) if is_striped && session.features().has("SPAS") => ("SPAS", 229),
        IpAddr::V4(_) => ("PASV", 227),
    };
    let reply = session.ask(command).await?.expect(what, &[code])?;
    address::parse(&reply.text(), server)
}

/// Connects to where the server listens, while it is heard: it may refuse the file meanwhile.
pub(super) async fn outlet(
    session: &mut Session,
    what: &str,
    addresses: &[std::net::SocketAddr],
    streams: u32,
) -> Result<Outlet> {
    let options = session.options().clone();
    let security = session.data_security()?;
    let streams = usize::try_from(streams.max(1)).unwrap_or(usize::MAX);
    let limits = options.data.clone();
    let connecting = Outlet::connect(addresses, streams, &options.sockets, &security, limits);
    tokio::pin!(connecting);
    let mut has_begun = false;
    loop {
        tokio::select! {
            biased;
            said = session.next_reply(options.data.open), if !has_begun => {
                let reply = said?;
                if !reply.is_preliminary() {
                    return Err(reply.refusal(what));
                }
                has_begun = true;
            }
            outlet = &mut connecting => match outlet {
                Ok(outlet) => return Ok(outlet),
                Err(why) => return Err(session.explain(what, why).await),
            },
        }
    }
}
