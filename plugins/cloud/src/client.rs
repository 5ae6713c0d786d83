//! Connections. All callers share them: who asks is told by a header of each request, not by
//! the connection.

use causeway_sdk::Host;
use causeway_sdk::http_client::Client;
use causeway_sdk::trust::Trust;

use crate::Config;

const USER_AGENT: &str = concat!("causeway-cloud/", env!("CARGO_PKG_VERSION"));

/// Connections as the options want them.
pub(crate) fn open(config: &Config, host: &Host) -> Client {
    let (connect, idle) = (config.connect_timeout(), config.idle_timeout());
    // The providers' own services are certified by CAs of the system.
    let trust = Trust::new(config.trust()).with_system().with_host(host);
    Client::new(trust, move |it| {
        it.connect_timeout(connect)
            .pool_idle_timeout(idle)
            .user_agent(USER_AGENT)
    })
}
