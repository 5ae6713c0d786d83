//! Where a plugin may go: hosts and ports, methods, kinds of credentials, and addresses.

use std::net::IpAddr;

use causeway_sdk::Credential;
use causeway_sdk::capability::CredentialKind;
use reqwest::{Method, Url};

use super::hosts::Host;
use super::networks::{Network, is_private};
use crate::grants::Grants;

/// What a plugin was granted, ready to be asked.
#[derive(Clone)]
pub(super) struct Allowed {
    hosts: Vec<Host>,
    networks: Vec<Network>,
    methods: Vec<String>,
    credentials: Option<Vec<CredentialKind>>,
}

impl Allowed {
    pub(super) fn new(grants: &Grants) -> Result<Self, String> {
        let (mut hosts, mut networks) = (Vec::new(), Vec::new());
        for text in &grants.hosts {
            match Network::parse(text) {
                Some(network) => networks.push(network),
                None => {
                    let host = Host::parse(text);
                    hosts
                        .push(host.ok_or_else(|| format!("understand the granted host {text:?}"))?);
                }
            }
        }
        Ok(Self {
            hosts,
            networks,
            methods: grants
                .methods
                .iter()
                .map(|it| it.to_ascii_uppercase())
                .collect(),
            credentials: grants.credentials.clone(),
        })
    }

    pub(super) fn method(&self, method: &Method) -> Result<(), String> {
        let granted =
            self.methods.is_empty() || self.methods.iter().any(|it| it == method.as_str());
        // These make a tunnel or show what was sent, and are no requests for a resource.
        let odd = matches!(method.as_str(), "CONNECT" | "TRACE");
        if odd || !granted {
            return Err(format!("was not granted the method {method}"));
        }
        Ok(())
    }

    pub(super) fn credential(&self, credential: &Credential) -> Result<(), String> {
        let kind = credential.kind();
        let granted = self
            .credentials
            .as_ref()
            .is_none_or(|kinds| kinds.contains(&kind));
        if kind == CredentialKind::None || granted {
            return Ok(());
        }
        let name = match kind {
            CredentialKind::Bearer => "a user's token",
            CredentialKind::X509 => "a user's certificate",
            _ => "a user's keys",
        };
        Err(format!("was not granted to use {name}"))
    }

    /// Whether a URI may be called, by its looks.
    pub(super) fn place(&self, url: &Url) -> Result<(), String> {
        let encrypted = match url.scheme() {
            it if it == SECURE => true,
            it if it == PLAIN => false,
            _ => return Err("asked for something else than HTTP".to_owned()),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("put user information into the URI".to_owned());
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err("asked for a URI without a host".to_owned());
        };
        let granted = self.hosts.iter().any(|it| it.admits(host, port, encrypted));
        if !granted {
            let plain = if encrypted { "" } else { " without encryption" };
            return Err(format!("was not granted the host {host}:{port}{plain}"));
        }
        match literal(host) {
            // Whoever grants a private address by its number means it.
            Some(address) if is_private(address) && !self.names(host) => self
                .address(address)
                .map_err(|reason| format!("was not granted {reason}")),
            _ => Ok(()),
        }
    }

    fn names(&self, host: &str) -> bool {
        self.hosts.iter().any(|it| it.is(host))
    }

    /// Whether a name may stand for this address.
    pub(super) fn address(&self, address: IpAddr) -> Result<(), String> {
        let address = address.to_canonical();
        if !is_private(address) || self.networks.iter().any(|it| it.holds(address)) {
            return Ok(());
        }
        Err(format!("the private address {address}"))
    }
}

const SECURE: &str = "https";
const PLAIN: &str = "http";

fn literal(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(hosts: &[&str]) -> Allowed {
        Allowed::new(&Grants {
            hosts: hosts.iter().map(|it| (*it).to_owned()).collect(),
            ..Grants::default()
        })
        .unwrap()
    }

    fn may(hosts: &[&str], uri: &str) -> Result<(), String> {
        allowed(hosts).place(&Url::parse(uri).unwrap())
    }

    #[test]
    fn a_host_is_admitted_by_name_port_and_encryption() {
        for (host, uri, expected) in [
            ("se.example.org", "https://se.example.org/x", true),
            ("se.example.org", "https://SE.example.org./x", true),
            ("se.example.org", "https://se.example.org:8443/x", false),
            ("se.example.org:8443", "https://se.example.org:8443/x", true),
            ("se.example.org:*", "https://se.example.org:1/x", true),
            ("se.example.org", "http://se.example.org/x", false),
            ("http://se.example.org", "http://se.example.org/x", true),
            ("*.example.org", "https://a.b.example.org/x", true),
            ("*.example.org", "https://example.org/x", false),
            ("*.example.org", "https://evilexample.org/x", false),
            ("*", "https://anything.example/x", true),
            ("*", "https://u:p@anything.example/x", false),
            ("*", "ftp://anything.example/x", false),
        ] {
            assert_eq!(may(&[host], uri).is_ok(), expected, "{host} {uri}");
        }
        assert!(may(&[], "https://se.example.org/").is_err());
    }

    #[test]
    fn a_private_address_needs_its_own_grant() {
        assert!(may(&["*:*"], "https://127.0.0.1/").is_err());
        assert!(may(&["*:*"], "https://[::1]/").is_err());
        assert!(may(&["*:*"], "https://[::ffff:10.0.0.1]/").is_err());
        assert!(may(&["*:*"], "https://2130706433/").is_err());
        assert!(may(&["127.0.0.1"], "https://127.0.0.1/").is_ok());
        assert!(may(&["*", "127.0.0.0/8"], "https://127.0.0.1/").is_ok());
        let some = allowed(&["*", "10.1.0.0/16"]);
        assert!(some.address("10.1.2.3".parse().unwrap()).is_ok());
        assert!(some.address("10.2.0.1".parse().unwrap()).is_err());
        assert!(some.address("93.184.216.34".parse().unwrap()).is_ok());
        assert!(some.address("169.254.169.254".parse().unwrap()).is_err());
    }

    #[test]
    fn what_is_no_host_is_an_error() {
        for text in ["", "a b", "host:notaport", "*.", "10.0.0.0/99"] {
            let grants = Grants {
                hosts: vec![text.to_owned()],
                ..Grants::default()
            };
            assert!(Allowed::new(&grants).is_err(), "{text:?}");
        }
    }
}
