//! From a fresh connection to one that takes commands: banner, security, user.

use std::time::Duration;

use super::Channel;
use super::gsi::Gsi;
use crate::endpoint::{Endpoint, Security};
use crate::{Error, ErrorKind, Result};

const LOG_IN: &str = "log in";
/// Tokens each side may send: three and a delegation, with room for split flights.
const MAX_TOKENS: usize = 16;
/// The account that the server's own table has for the caller.
const MAPPED_USER: &str = ":globus-mapping:";

/// Connects and logs in.
pub(crate) async fn open(endpoint: &Endpoint, limit: Duration) -> Result<Channel> {
    let logging_in = async {
        let mut channel = Channel::connect(endpoint.host(), endpoint.port(), limit).await?;
        channel.reply().await?.expect(LOG_IN, &[220])?;
        match endpoint.security() {
            Security::Gsi { credential, .. } => {
                if credential.is_expired() {
                    let text = format!("{LOG_IN}: the credential has expired");
                    return Err(Error::new(ErrorKind::CredentialExpired, text));
                }
                authenticate(&mut channel, endpoint).await?;
                user(&mut channel, MAPPED_USER, "dummy").await?;
            }
            Security::None {
                user: name,
                password,
            } => user(&mut channel, name, password).await?,
        }
        Ok(channel)
    };
    // Each step has the limit, and the whole has thrice that: a slow drip must not add up.
    let whole = limit.saturating_mul(3);
    match tokio::time::timeout(whole, logging_in).await {
        Ok(done) => done,
        Err(_) => Err(Error::timed_out(LOG_IN, whole)),
    }
}

async fn authenticate(channel: &mut Channel, endpoint: &Endpoint) -> Result<()> {
    let Security::Gsi {
        credential,
        peer,
        delegate,
    } = endpoint.security()
    else {
        return Ok(());
    };
    let mut gsi = Gsi::new(credential, endpoint.host(), peer.clone(), *delegate)?;
    channel.ask("AUTH GSSAPI").await?.expect(LOG_IN, &[334])?;
    let mut token = gsi.step(None)?;
    for _ in 0..MAX_TOKENS {
        let reply = channel.ask(&format!("ADAT {token}")).await?;
        let said = reply.text();
        let said = said.strip_prefix("ADAT=").unwrap_or_default();
        match reply.code() {
            335 => token = answer(channel, &mut gsi, said).await?,
            235 if gsi.is_done() => {
                gsi.finish(said)?;
                channel.secure(gsi);
                return Ok(());
            }
            235 => {
                return Err(Error::protocol(format!(
                    "{LOG_IN}: the server ends the exchange early"
                )));
            }
            _ => return Err(refused(&reply.refusal(LOG_IN))),
        }
    }
    Err(Error::protocol(format!(
        "{LOG_IN}: the exchange does not end"
    )))
}

/// The next token; when the server is not to be trusted it is told so.
async fn answer(channel: &mut Channel, gsi: &mut Gsi, said: &str) -> Result<String> {
    match gsi.step(Some(said)) {
        Ok(token) => Ok(token),
        Err(why) => {
            if let Some(alert) = gsi.alert() {
                // Politeness: the failure itself is what gets reported.
                drop(channel.send(&[&format!("ADAT {alert}")]).await);
            }
            Err(why)
        }
    }
}

/// What is refused while security is agreed on is the credential, whatever the code.
fn refused(error: &Error) -> Error {
    let kind = match error.kind() {
        kind @ (ErrorKind::CredentialExpired | ErrorKind::Busy | ErrorKind::NotMapped) => kind,
        _ => ErrorKind::AuthRefused,
    };
    // A bare 530 here comes before any account was looked up.
    let is_bare = kind == ErrorKind::NotMapped && !error.to_string().to_lowercase().contains("map");
    let kind = if is_bare {
        ErrorKind::AuthRefused
    } else {
        kind
    };
    let refusal = Error::new(kind, error.to_string());
    refusal.with_code(error.code().unwrap_or(530))
}

async fn user(channel: &mut Channel, name: &str, password: &str) -> Result<()> {
    let mut reply = channel.ask(&format!("USER {name}")).await?;
    if reply.code() == 331 {
        reply = channel.ask(&format!("PASS {password}")).await?;
    }
    reply.success(LOG_IN).map(drop)
}
