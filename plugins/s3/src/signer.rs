//! Signatures, AWS version 4, as object_store computes them: of requests, and in URLs that others use.
//!
//! Bodies are not part of the signature: hashing them would cost more than sending them, and what is
//! uploaded carries a checksum of its own.
//!
//! # Invariants
//! - Keys are in no message, no log line and no debug output.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use causeway_sdk::{Credential, Error, ErrorKind, Result};
use http::{HeaderMap, Method};
use object_store::ClientOptions;
use object_store::aws::{AmazonS3Builder, AwsAuthorizer, AwsCredential};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody,
    HttpResponse, HttpService,
};
use object_store::path::Path;
use object_store::signer::Signer as _;
use url::Url;

use crate::error::internal;
use crate::place::Place;

/// Where no region is known. Servers other than Amazon's do not care.
pub(crate) const REGION: &str = "us-east-1";

/// Keys to sign with, if they can be part of a header at all.
pub(crate) fn credential(
    access: &str,
    secret: &str,
    token: Option<&str>,
) -> Result<Arc<AwsCredential>> {
    let fits = |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_graphic());
    if !fits(access) || !fits(secret) || !token.is_none_or(fits) {
        let text = "use the access keys: they have characters that keys cannot have";
        return Err(Error::new(ErrorKind::AuthRequired, text));
    }
    Ok(Arc::new(AwsCredential {
        key_id: access.to_owned(),
        secret_key: secret.to_owned(),
        token: token.map(str::to_owned),
    }))
}

/// Keys and region out of what came with a call.
pub(crate) fn from_call(
    given: &Credential,
) -> Result<Option<(Arc<AwsCredential>, Option<String>)>> {
    match given {
        Credential::Keys {
            access,
            secret,
            token,
            region,
        } => {
            let token = token.as_ref().map(|it| it.expose());
            let keys = credential(access, secret.expose(), token)?;
            let region = region.clone().filter(|it| !it.is_empty());
            Ok(Some((keys, region)))
        }
        _ => Ok(None),
    }
}

/// Adds what makes a request a signed one.
pub(crate) fn sign(
    keys: &AwsCredential,
    region: &str,
    method: &Method,
    url: &Url,
    headers: &mut HeaderMap,
) -> Result<()> {
    let mut request = HttpRequest::new(HttpRequestBody::empty());
    *request.method_mut() = method.clone();
    *request.uri_mut() = url
        .as_str()
        .parse()
        .map_err(|source| internal("sign a request", source))?;
    std::mem::swap(request.headers_mut(), headers);
    AwsAuthorizer::new(keys, "s3", region)
        .with_sign_payload(false)
        .try_authorize(&mut request, None)
        .map_err(|source| internal("sign a request", source))?;
    std::mem::swap(request.headers_mut(), headers);
    for name in ["authorization", "x-amz-security-token"] {
        if let Some(value) = headers.get_mut(name) {
            value.set_sensitive(true);
        }
    }
    Ok(())
}

/// A URL with which anybody may do one thing to one object for a while.
pub(crate) async fn presign(
    keys: &AwsCredential,
    region: &str,
    place: &Place,
    method: Method,
    validity: Duration,
) -> Result<Url> {
    let refused = |_| {
        let text = format!("sign a URL for {place}: the name does not allow it");
        Error::new(ErrorKind::Unsupported, text)
    };
    let key = Path::parse(&place.key).map_err(refused)?;
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&place.bucket)
        .with_region(region)
        .with_access_key_id(&keys.key_id)
        .with_secret_access_key(&keys.secret_key)
        .with_endpoint(place.origin())
        .with_virtual_hosted_style_request(place.is_virtual())
        .with_allow_http(true)
        .with_http_connector(Unconnected);
    if let Some(token) = &keys.token {
        builder = builder.with_token(token);
    }
    let failed = |source: object_store::Error| internal("sign a URL", source);
    let store = builder.build().map_err(failed)?;
    let url = store.signed_url(method, &key, validity).await;
    url.map_err(failed)
}

/// Nothing is sent to sign a URL.
#[derive(Debug)]
struct Unconnected;

impl HttpConnector for Unconnected {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Self))
    }
}

#[async_trait]
impl HttpService for Unconnected {
    async fn call(&self, _request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let source = std::io::Error::from(std::io::ErrorKind::NotConnected);
        Err(HttpError::new(HttpErrorKind::Connect, source))
    }
}

#[cfg(test)]
mod tests {
    use causeway_sdk::Secret;

    use super::*;

    #[test]
    fn a_request_is_signed_with_all_its_headers() {
        let keys = credential("AKID", "canary-secret", Some("canary-token")).unwrap();
        let url = "https://h.org/b/a%20b?list-type=2".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("if-none-match", "*".parse().unwrap());
        sign(&keys, "eu-west-1", &Method::PUT, &url, &mut headers).unwrap();
        let text = headers["authorization"].to_str().unwrap();
        assert!(
            text.starts_with("AWS4-HMAC-SHA256 Credential=AKID/"),
            "{text}"
        );
        assert!(text.contains("/eu-west-1/s3/aws4_request"), "{text}");
        assert!(
            text.contains(
                "SignedHeaders=host;if-none-match;x-amz-content-sha256;x-amz-date;x-amz-security-token"
            ),
            "{text}"
        );
        assert_eq!(headers["x-amz-content-sha256"], "UNSIGNED-PAYLOAD");
        let shown = format!("{headers:?} {keys:?}");
        assert!(
            !shown.contains("canary") && !shown.contains("Signature="),
            "{shown}"
        );
    }

    #[test]
    fn keys_that_fit_no_header_are_refused_without_showing_them() {
        for (access, secret, token) in [
            ("", "s", None),
            ("a", "", None),
            ("a\nb", "canary", None),
            ("a", "canary\u{fc}", None),
            ("a", "canary", Some("canary canary")),
        ] {
            let error = credential(access, secret, token).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AuthRequired);
            assert!(!format!("{error:?}").contains("canary"));
        }
        assert!(
            from_call(&Credential::Bearer(Secret::new("t")))
                .unwrap()
                .is_none()
        );
    }
}
