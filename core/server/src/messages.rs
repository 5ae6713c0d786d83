//! Who is told what happens: the room for messages, wired to the store and the engine's settings.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use causeway_engine::Engine;
use causeway_messages::{Messages, MessagesConfig, Voice};
use causeway_model::ports::{Clock, EngineControl as _};
use causeway_store::EmbeddedStore;

use crate::config::Config;

/// Begins to tell. `endpoint` is the URL of this service as its users write it.
///
/// # Errors
/// A configuration that cannot work, with the key that is wrong.
pub(crate) async fn start(
    config: &Config,
    endpoint: &str,
    store: Arc<EmbeddedStore>,
    engine: &Engine,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Messages> {
    let engine = engine.clone();
    let shows_dn = move |vo: &str| {
        let shown = engine.settings().vo_value(vo, |it| it.show_user_dn);
        shown.unwrap_or(false)
    };
    let voice = Voice::new(endpoint, shows_dn);
    Messages::start(&config.messages, store.clone(), store, voice, clock)
        .await
        .context("begin to tell what happens")
}

/// The URL of this service as its users write it: as configured, else by the name of this host and
/// the port that we listen on. On a loopback address nobody comes from elsewhere.
pub(crate) fn endpoint_for_users(
    config: &MessagesConfig,
    listen: &str,
    local: &str,
    host: &str,
) -> String {
    if !config.endpoint.is_empty() {
        return config.endpoint.trim_end_matches('/').to_owned();
    }
    let is_loopback = listen
        .parse()
        .is_ok_and(|it: SocketAddr| it.ip().is_loopback());
    match local.rsplit_once(':') {
        Some((_, port)) if !is_loopback => format!("https://{host}:{port}"),
        _ => local.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_what_users_write() {
        let mut config = MessagesConfig::default();
        let local = "https://localhost:8446";
        let found = |config: &_, listen| endpoint_for_users(config, listen, local, "gw.example");
        assert_eq!(found(&config, "[::]:8446"), "https://gw.example:8446");
        assert_eq!(found(&config, "127.0.0.1:0"), "https://localhost:8446");
        config.endpoint = "https://alias.example:8446/".to_owned();
        assert_eq!(found(&config, "[::]:8446"), "https://alias.example:8446");
    }
}
