//! Links: with one of them any client of HTTP may read one file for a while. So a storage that does
//! third-party copies can fetch from here.
//!
//! | service | how |
//! |---|---|
//! | Azure | a shared access signature for this blob, made with the account key |
//! | Google Cloud Storage | a signed URL, made with a service account's key |
//! | Dropbox | a temporary link, which Dropbox makes |
//! | Google Drive | none: a file would have to be shared with everybody |

use std::time::Duration;

use causeway_sdk::{
    Access, Error, ErrorKind, Result, Secret, TransferUrl, TurlRequest, Url as Surl,
};
use http::Method;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::signer::Signer as _;

use crate::accounts::Unconnected;
use crate::azure;
use crate::backend::backend;
use crate::caller::Caller;
use crate::dropbox;
use crate::error::{at, internal};
use crate::place::Service;

const DOING: &str = "make a link to";

/// A URL that needs no credential.
pub(crate) async fn resolve(caller: &Caller, request: &TurlRequest) -> Result<TransferUrl> {
    if request.access != Access::Read {
        return Err(unsupported(caller, "links are for reading"));
    }
    if backend(caller.clone()).stat().await?.is_directory() {
        let why = "it is a directory";
        return Err(at(ErrorKind::IsDirectory, DOING, &caller.place, why));
    }
    let url = match (caller.place.service, &caller.account) {
        (Service::Azure, _) => azure(caller)?,
        (Service::Gcs, Some(json)) => google(caller, json).await?,
        (Service::Gcs, None) => {
            return Err(unsupported(caller, "only a service account can sign one"));
        }
        (Service::Dropbox, _) => dropbox::link(caller).await?,
        (Service::Drive, _) => {
            return Err(unsupported(
                caller,
                "the file would be shared with everybody",
            ));
        }
    };
    let (own, rest) = url.split_once(':').unwrap_or_default();
    let scheme = scheme(own, &request.schemes)
        .ok_or_else(|| unsupported(caller, "none of the wanted schemes can have it"))?;
    let url: Surl = format!("{scheme}:{rest}")
        .parse()
        .map_err(|source| internal(DOING, source))?;
    Ok(TransferUrl {
        url,
        token: String::new(),
        access: Access::Read,
    })
}

fn unsupported(caller: &Caller, why: &str) -> Error {
    at(ErrorKind::Unsupported, DOING, &caller.place, why)
}

/// The wanted scheme that means HTTP with or without TLS, as the link has it.
fn scheme<'a>(own: &str, wanted: &'a [String]) -> Option<&'a str> {
    let fit = match own {
        "https" => ["https", "davs"],
        _ => ["http", "dav"],
    };
    let fits = |it: &&String| fit.iter().any(|one| one.eq_ignore_ascii_case(it));
    wanted.iter().find(fits).map(String::as_str)
}

fn azure(caller: &Caller) -> Result<String> {
    let key = caller.login.account_key();
    let key = key.ok_or_else(|| unsupported(caller, "only an account key can sign one"))?;
    let validity = caller.inner.config.link_seconds.cast_signed();
    azure::link(caller, key, jiff::Timestamp::now().as_second() + validity)
}

async fn google(caller: &Caller, json: &Secret) -> Result<String> {
    if caller.base() != crate::caller::GOOGLE {
        return Err(unsupported(caller, "links lead to the service itself"));
    }
    let failed = |_| unsupported(caller, "the service account cannot sign one");
    let store = GoogleCloudStorageBuilder::new()
        .with_bucket_name(&caller.place.bucket)
        .with_service_account_key(json.expose())
        .with_http_connector(Unconnected)
        .build()
        .map_err(failed)?;
    let path = Path::parse(&caller.place.key);
    let path = path.map_err(|_| unsupported(caller, "its name does not allow it"))?;
    let validity = Duration::from_secs(caller.inner.config.link_seconds);
    let url = store.signed_url(Method::GET, &path, validity).await;
    url.map(String::from).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_wanted_scheme_that_fits() {
        let wanted = ["root", "davs", "https", "http"].map(str::to_owned);
        assert_eq!(scheme("https", &wanted), Some("davs"));
        assert_eq!(scheme("http", &wanted), Some("http"));
        assert_eq!(scheme("http", &wanted[..3]), None);
    }
}
