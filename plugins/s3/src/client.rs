//! Connections. All callers share them: who asks is told by the signature of each request, not by
//! the connection.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use causeway_sdk::Host;
use causeway_sdk::http_client::Client;
use causeway_sdk::trust::Trust;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::Config;

const USER_AGENT: &str = concat!("causeway-s3/", env!("CARGO_PKG_VERSION"));

/// Connections as the options want them.
pub(crate) fn open(config: &Config, host: &Host) -> Client {
    let (connect, idle) = (config.connect_timeout(), config.idle_timeout());
    // Object stores are run by sites and by companies.
    let trust = Trust::new(config.trust()).with_system().with_host(host);
    Client::new(trust, move |it| {
        it.dns_resolver(Arc::new(Names))
            .connect_timeout(connect)
            .pool_idle_timeout(idle)
            .user_agent(USER_AGENT)
    })
}

/// The system's resolver, except that what ends with `.localhost` is this machine (RFC 6761 section
/// 6.3), which not every system knows: a server there may have its buckets as names below it.
struct Names;

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            if is_this_machine(name.as_str()) {
                let both = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
                let found = both.into_iter().map(|ip| SocketAddr::new(ip, 0));
                return Ok(Box::new(found) as Addrs);
            }
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(found.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}

fn is_this_machine(name: &str) -> bool {
    name.trim_end_matches('.')
        .to_ascii_lowercase()
        .ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_below_localhost_are_this_machine() {
        assert!(is_this_machine("bucket.localhost"));
        assert!(is_this_machine("a.b.LOCALHOST."));
        assert!(!is_this_machine("localhost.example.org"));
        assert!(!is_this_machine("notlocalhost"));
    }
}
