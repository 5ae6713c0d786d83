//! The client's side of delegation: sign what the gateway asks for, and hand it back.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use causeway_identity::issue::{Credential, ProxyOptions, sign_delegation};
use reqwest::Method;

use super::Client;

/// What came of a delegation.
#[derive(Clone, Debug)]
pub enum Delegated {
    /// A new proxy is with the gateway.
    Renewed {
        /// Its delegation id.
        id: String,
    },
    /// The one that was there is good for long enough.
    StillGood {
        /// Its delegation id.
        id: String,
        /// When it ends.
        until: String,
    },
}

impl Delegated {
    /// The delegation id.
    pub fn id(&self) -> &str {
        match self {
            Self::Renewed { id } | Self::StillGood { id, .. } => id,
        }
    }
}

/// Delegates a proxy of so many hours, unless one with more life than `renew_below_hours` is there.
///
/// # Errors
/// No certificate to delegate with, or what the gateway refused.
pub async fn delegate(
    client: &Client,
    hours: u32,
    renew_below_hours: i64,
    force: bool,
) -> anyhow::Result<Delegated> {
    let Some(pem) = &client.credentials.x509 else {
        bail!(
            "delegate: no certificate found; set X509_USER_PROXY or name one with --cert and --key"
        );
    };
    let own = Credential::from_pem(pem.expose().as_bytes(), pem.expose().as_bytes())
        .context("read the credential")?;
    let who = client.json(Method::GET, "/whoami", None).await?;
    let id = who["delegation_id"]
        .as_str()
        .context("the gateway did not recognise the certificate")?
        .to_owned();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("read the clock")?
        .as_secs();
    let stored = client
        .json(Method::GET, &format!("/delegation/{id}"), None)
        .await?;
    if let (false, Some(until)) = (force, stored["termination_time"].as_str()) {
        let ends: jiff::civil::DateTime = until.parse().context("understand the gateway's time")?;
        let ends = ends
            .to_zoned(jiff::tz::TimeZone::UTC)
            .context("understand the gateway's time")?;
        if ends.timestamp().as_second() - i64::try_from(now)? >= renew_below_hours * 3600 {
            return Ok(Delegated::StillGood {
                id,
                until: until.to_owned(),
            });
        }
    }
    let request = client
        .text(Method::GET, &format!("/delegation/{id}/request"), None)
        .await?;
    let options = ProxyOptions::lasting(u64::from(hours) * 3600);
    let proxy = sign_delegation(&own, request.as_bytes(), options, now)
        .context("sign the gateway's request")?;
    client
        .text(
            Method::PUT,
            &format!("/delegation/{id}/credential"),
            Some(proxy),
        )
        .await?;
    Ok(Delegated::Renewed { id })
}
