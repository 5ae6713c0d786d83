//! From the URL a user wrote to the endpoint, the bucket and the key it means.
//!
//! | written | means |
//! |---|---|
//! | `s3://bucket/key` | a bucket at the configured endpoint, when the host has neither dot nor port |
//! | `s3://host/bucket/key` | a bucket at that host |
//! | `s3://bucket.s3.example.org/key` | a bucket at `s3.example.org`, unless path style is asked for |
//!
//! Keys are what the path says, percent-decoded, without slashes at either end.

use causeway_sdk::{Error, ErrorKind, Result, Url as Surl};
use percent_encoding::percent_decode_str;
use url::Url;

use crate::config::{Addressing, Config, HostOptions};
use crate::environment::Environment;
use crate::place::{AMAZON, Endpoint, Place};

/// What URLs are understood with.
pub(crate) struct Reading<'a> {
    pub(crate) config: &'a Config,
    pub(crate) environment: &'a Environment,
    pub(crate) endpoint: Option<&'a Url>,
    /// The caller wants buckets in paths.
    pub(crate) path_style: bool,
}

/// A URL that cannot be used.
pub(crate) fn invalid(at: &Surl, why: &str) -> Error {
    Error::new(ErrorKind::Invalid, format!("use {at}: {why}"))
}

impl Reading<'_> {
    /// Understands a URL.
    pub(crate) fn place(&self, at: &Surl) -> Result<Place> {
        if at.userinfo().is_some() {
            return Err(invalid(at, "keys do not go into URLs"));
        }
        if at.query().is_some() {
            return Err(invalid(at, "object names have no query; write `?` as %3F"));
        }
        let path = decoded(at)?;
        let host = at.host().to_ascii_lowercase();
        let names_host = host.contains(['.', '[']) || at.port().is_some() || host == "localhost";
        let (endpoint, bucket, key) = if host.is_empty() {
            return Err(invalid(at, "it names neither a bucket nor a host"));
        } else if names_host || self.config.hosts.contains_key(&host) {
            self.at_host(at, &host, &path)
        } else {
            (self.configured(at, &host)?, host, path)
        };
        let place = Place {
            endpoint,
            bucket,
            key,
        };
        place.check(at)?;
        Ok(place)
    }

    /// The host stands in the URL, with the bucket in front of it or behind it.
    fn at_host(&self, at: &Surl, host: &str, path: &str) -> (Endpoint, String, String) {
        let with_port = |host: &str| match at.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        if let Some((bucket, home)) = self.bucket_in(host, at.port()) {
            let endpoint = self.endpoint(at, home, with_port(home), true);
            return (endpoint, bucket.to_owned(), path.to_owned());
        }
        let endpoint = self.endpoint(at, host, with_port(host), false);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        (endpoint, bucket.to_owned(), key.to_owned())
    }

    /// Bucket and host, when the host says both.
    fn bucket_in<'h>(&self, host: &'h str, port: Option<u16>) -> Option<(&'h str, &'h str)> {
        let is_known = |it: &str| self.options(it, port).is_some() || self.is_default(it, port);
        if self.path_style || is_known(host) {
            return None;
        }
        let dots = host.match_indices('.').map(|(at, _)| at);
        let cut = dots.clone().find(|at| is_known(&host[at + 1..]));
        let looks = |label: &str| label == "s3" || label.starts_with("s3-");
        let first = host.split('.').next().unwrap_or_default();
        let cut = cut.or_else(|| {
            let mut dots = dots.filter(|_| !looks(first));
            dots.find(|at| looks(host[at + 1..].split('.').next().unwrap_or_default()))
        })?;
        Some((&host[..cut], &host[cut + 1..]))
    }

    fn options(&self, host: &str, port: Option<u16>) -> Option<&HostOptions> {
        let hosts = &self.config.hosts;
        let exact = port.and_then(|port| hosts.get(&format!("{host}:{port}")));
        exact.or_else(|| hosts.get(host))
    }

    fn is_default(&self, host: &str, port: Option<u16>) -> bool {
        self.endpoint
            .is_some_and(|it| it.host_str() == Some(host) && it.port() == port)
    }

    fn endpoint(&self, at: &Surl, host: &str, wire: String, in_host: bool) -> Endpoint {
        let options = self.options(host, at.port()).cloned().unwrap_or_default();
        let tls = is_tls(at) || options.tls.unwrap_or(self.config.always_tls);
        let wants = options.addressing.unwrap_or(self.config.addressing);
        let region = options.region.or_else(|| amazon_region(host));
        Endpoint {
            tls,
            is_virtual: in_host || (wants == Addressing::Virtual && !self.path_style),
            host: wire,
            region: region.or_else(|| self.region()),
            is_amazon: false,
        }
    }

    /// Only the bucket stands in the URL.
    fn configured(&self, at: &Surl, bucket: &str) -> Result<Endpoint> {
        let wants = self.config.addressing;
        let Some(url) = self.endpoint else {
            let is_virtual = wants != Addressing::Path && !bucket.contains('.');
            return Ok(Endpoint {
                tls: true,
                host: amazon_host(self.region().as_deref()),
                region: self.region(),
                is_virtual: is_virtual && !self.path_style,
                is_amazon: true,
            });
        };
        let tls = url.scheme() == "https";
        if is_tls(at) && !tls {
            return Err(invalid(
                at,
                "it asks for TLS, and the configured endpoint has none",
            ));
        }
        let host = url.host_str().unwrap_or_default();
        let options = self.options(host, url.port()).cloned().unwrap_or_default();
        let wants = options.addressing.unwrap_or(wants);
        Ok(Endpoint {
            tls,
            host: url[url::Position::BeforeHost..url::Position::AfterPort].to_owned(),
            region: options.region.or_else(|| self.region()),
            is_virtual: wants == Addressing::Virtual && !self.path_style,
            is_amazon: false,
        })
    }

    fn region(&self) -> Option<String> {
        let region = self.config.region.clone();
        region.or_else(|| self.environment.region.clone())
    }
}

fn is_tls(at: &Surl) -> bool {
    at.scheme().eq_ignore_ascii_case("s3s")
}

/// Amazon's host for a region.
pub(crate) fn amazon_host(region: Option<&str>) -> String {
    format!("s3.{}{AMAZON}", region.unwrap_or("us-east-1"))
}

/// The region that a host of Amazon's says: `s3.eu-west-1.amazonaws.com`.
fn amazon_region(host: &str) -> Option<String> {
    let front = host.strip_suffix(AMAZON)?;
    let region = front
        .strip_prefix("s3.")
        .or_else(|| front.strip_prefix("s3-"))?;
    Some(region.rsplit('.').next().unwrap_or(region).to_owned())
}

/// The path without slashes at its ends, percent-decoded.
fn decoded(at: &Surl) -> Result<String> {
    let path = at.path().trim_matches('/');
    let text = percent_decode_str(path).decode_utf8();
    let text = text.map_err(|_| invalid(at, "object names are UTF-8"))?;
    if text.split('/').any(|it| matches!(it, "." | "..")) {
        return Err(invalid(at, "`.` and `..` cannot be in the path"));
    }
    Ok(text.trim_matches('/').to_owned())
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
