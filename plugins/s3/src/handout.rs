//! Signed URLs: with one of them any client of HTTP may read or write one object for a while. So a
//! storage that does third-party copies can fetch from here or send to here.

use std::time::Duration;

use causeway_sdk::{
    Access, ErrorKind, Outcome, Result, Stat, TransferUrl, TurlRequest, Url as Surl,
};
use http::Method;

use crate::caller::Caller;
use crate::config::MAX_PART;
use crate::error::{at, internal};
use crate::exchange::{Request, send};
use crate::inspect::{nothing, object};
use crate::peer_copy::refuse_if_taken;
use crate::place::Place;
use crate::signer;

const READ: &str = "r";
/// In front of the version that was there before a write.
const WRITE: &str = "w:";

/// A URL that needs no credential.
pub(crate) async fn resolve(
    caller: &Caller,
    place: &Place,
    request: &TurlRequest,
) -> Result<TransferUrl> {
    const DOING: &str = "sign a URL for";
    let scheme = scheme(place.endpoint.tls, &request.schemes).ok_or_else(|| {
        let why = "none of the wanted schemes can have it";
        at(ErrorKind::Unsupported, DOING, place, why)
    })?;
    if place.key.is_empty() {
        return Err(at(
            ErrorKind::IsDirectory,
            DOING,
            place,
            "it is a directory",
        ));
    }
    let (method, token) = match request.access {
        Access::Read => {
            let there = object(caller, place).await?;
            there.ok_or_else(|| nothing(DOING, place))?;
            (Method::GET, READ.to_owned())
        }
        Access::Write if request.size.is_some_and(|size| size > MAX_PART) => {
            let why = "it is too large for one request";
            return Err(at(ErrorKind::Unsupported, DOING, place, why));
        }
        Access::Write => {
            refuse_if_taken(caller, place, request.overwrite, DOING).await?;
            let before = object(caller, place).await?;
            (Method::PUT, format!("{WRITE}{}", version(before)))
        }
    };
    let url = signed(caller, place, method).await?;
    let text = url.as_str().split_once(':').map_or("", |(_, rest)| rest);
    let url = format!("{scheme}:{text}");
    let url: Surl = url
        .parse()
        .map_err(|source| internal("sign a URL", source))?;
    Ok(TransferUrl {
        url,
        token,
        access: request.access,
    })
}

async fn signed(caller: &Caller, place: &Place, method: Method) -> Result<url::Url> {
    let place = caller.at_home(place);
    let Some(keys) = caller.keys() else {
        return place.url(&[]);
    };
    let validity = Duration::from_secs(caller.inner.config.presigned_seconds);
    let region = caller.region_of(&place);
    signer::presign(keys, &region, &place, method, validity).await
}

/// The wanted scheme that means HTTP with or without TLS, as the endpoint has it.
fn scheme(tls: bool, wanted: &[String]) -> Option<&str> {
    let fit = if tls {
        ["https", "davs"]
    } else {
        ["http", "dav"]
    };
    let fits = |it: &&String| fit.iter().any(|one| one.eq_ignore_ascii_case(it));
    wanted.iter().find(fits).map(String::as_str)
}

fn version(stat: Option<Stat>) -> String {
    stat.and_then(|it| it.etag).unwrap_or_default()
}

/// Removes what was written and given up. An object is there as a whole or not at all.
pub(crate) async fn finish(
    caller: &Caller,
    place: &Place,
    turl: &TransferUrl,
    outcome: Outcome,
) -> Result<()> {
    let Some(before) = turl.token.strip_prefix(WRITE) else {
        return Ok(());
    };
    if outcome == Outcome::Done {
        return Ok(());
    }
    let Some(there) = object(caller, place).await? else {
        return Ok(());
    };
    if version(Some(there)) == before {
        return Ok(());
    }
    let answer = send(caller, place, Request::new(Method::DELETE)).await?;
    answer.success("delete").await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_wanted_scheme_that_fits() {
        let wanted = ["root", "davs", "https", "http"].map(str::to_owned);
        assert_eq!(scheme(true, &wanted), Some("davs"));
        assert_eq!(scheme(false, &wanted), Some("http"));
        assert_eq!(scheme(false, &wanted[..3]), None);
    }
}
