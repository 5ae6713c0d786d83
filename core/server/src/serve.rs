//! `causeway serve`: from configuration to listeners, and back down again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustls::pki_types::UnixTime;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::callers::{Callers, LiveCallers, Peer};
use crate::cli::args::ServeArgs;
use crate::config::Config;
use crate::dev::{self, Dev};
use crate::listen::Front;
use crate::metrics;
use crate::pages;
use crate::shutdown::{Signals, Wish};
use crate::telemetry;
use crate::trust::Trust;
use crate::wiring::{Gateway, hostname};

/// Runs a gateway until a signal ends it.
///
/// # Errors
/// A configuration that cannot work, with a sentence that says what to do.
pub async fn serve(args: &ServeArgs) -> anyhow::Result<()> {
    pages::small();
    let dev = prepare_dev(args)?;
    let config = read_config(args, dev.as_ref())?;
    let traces = telemetry::start(&config)?;
    // Taken before anything starts, so that an early signal ends it cleanly too.
    let mut signals = Signals::new().context("listen to signals")?;

    let trust = Trust::open(&config.tls)?;
    let host = hostname(&config.server.hostname);
    let callers = LiveCallers::new(Callers::new(&trust, &config.tls, &config.auth, &host)?);
    let listener = bind(&config.server.listen, "server.listen").await?;
    let monitoring = match config.server.monitoring_listen.as_str() {
        "" => None,
        at => Some(bind(at, "server.monitoring_listen").await?),
    };
    let metrics_listener = match config.metrics.listen.as_str() {
        "" => None,
        at => Some(metrics::listen(at).await?),
    };
    let address = listener
        .local_addr()
        .context("read the address of the listener")?;
    let endpoint = format!("https://localhost:{}", address.port());
    let gateway = Gateway::start(&config, &endpoint, trust.verifier(), traces.clone()).await?;
    let gateway = gateway.recognising(callers.clone());
    let control = gateway.control();
    callers.heed(move || control.settings());

    let stop = CancellationToken::new();
    let open = TaskTracker::new();
    let front = Front {
        router: gateway.router(config.metrics.listen.is_empty()),
        identify: {
            let callers = callers.clone();
            Arc::new(move |connection| callers.identify(connection))
        },
        stop: stop.clone(),
        open: open.clone(),
        room: Arc::new(Semaphore::new(config.server.max_connections)),
        handshake_timeout: Duration::from_secs(config.server.handshake_timeout_seconds),
        idle_timeout: Duration::from_secs(config.server.idle_timeout_seconds()),
    };
    let acceptor = {
        let callers = callers.clone();
        move || callers.current().acceptor()
    };
    if let Some(dev) = &dev {
        let storage = start_demo_storage(dev, &front, acceptor.clone()).await?;
        dev.write_env(&endpoint, &storage)?;
    }
    let metrics = match metrics_listener {
        Some(listener) => Some(serve_metrics(listener, &gateway, &front)?),
        None => None,
    };
    if let Some(listener) = monitoring {
        tokio::spawn(front.clone().serve_tls(listener, acceptor.clone()));
    }
    tokio::spawn(front.clone().serve_tls(listener, acceptor));
    println!("listening on https://{}", shown(address));
    if let (Some(at), Some(dev)) = (args.dev_http, &dev) {
        serve_dev_http(at, dev, &callers, front.clone(), &gateway).await?;
    }
    let interval = Duration::from_secs(config.tls.reload_interval_seconds.max(1));
    let refresh = tokio::spawn(trust.clone().keep_fresh(interval));

    while signals.next().await == Wish::Reload {
        reload(args, dev.as_ref(), &callers, &gateway, &trust);
    }
    tracing::info!(
        "stopping: no new work, running transfers get {} s",
        config.server.shutdown_grace_seconds
    );
    refresh.abort();
    stop.cancel();
    open.close();
    let grace = Duration::from_secs(config.server.shutdown_grace_seconds);
    let connections = tokio::time::timeout(Duration::from_secs(5), open.wait());
    let (connections, ()) = tokio::join!(connections, gateway.stop(grace));
    if connections.is_err() {
        tracing::info!("connections were still open");
    }
    if let Some(metrics) = metrics {
        metrics.cancel();
    }
    if let Some(traces) = traces {
        tokio::task::spawn_blocking(move || traces.stop())
            .await
            .context("send the last traces")?;
    }
    Ok(())
}

/// Answers for metrics and probes until its token is cancelled: to the end, so that whoever watches
/// sees the stop.
fn serve_metrics(
    listener: TcpListener,
    gateway: &Gateway,
    front: &Front,
) -> anyhow::Result<CancellationToken> {
    let address = listener
        .local_addr()
        .context("read the address of the listener for metrics")?;
    let stop = CancellationToken::new();
    let front = Front {
        router: gateway.metrics_router(),
        stop: stop.clone(),
        open: TaskTracker::new(),
        ..front.clone()
    };
    tokio::spawn(front.serve_plain(listener, Peer::anonymous()));
    println!("metrics on http://{address}/metrics");
    Ok(stop)
}

fn prepare_dev(args: &ServeArgs) -> anyhow::Result<Option<Dev>> {
    if !args.dev {
        return Ok(None);
    }
    if let Some(at) = args.dev_http.filter(|at| !at.ip().is_loopback()) {
        bail!(
            "--dev-http {at}: anybody could act as the dev user; give a loopback address such as 127.0.0.1:8080"
        );
    }
    let dir = args.state_dir.clone().unwrap_or_else(|| "var".into());
    Dev::prepare(&dir).map(Some)
}

fn read_config(args: &ServeArgs, dev: Option<&Dev>) -> anyhow::Result<Config> {
    let mut config = Config::load(args.config.as_deref(), std::env::vars())?;
    if let Some(listen) = &args.listen {
        config.server.listen.clone_from(listen);
    }
    if !args.plugins.plugin_dir.is_empty() {
        config.plugins.dirs.clone_from(&args.plugins.plugin_dir);
    }
    if let Some(dev) = dev {
        dev.configure(&mut config);
    }
    Ok(config)
}

async fn bind(address: &str, key: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("listen on {address} ({key}): is another gateway running, or the address not of this machine?"))
}

/// Scripts connect by name, and the certificate names `localhost`.
fn shown(address: SocketAddr) -> String {
    if address.ip().is_loopback() || address.ip().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    }
}

async fn start_demo_storage(
    dev: &Dev,
    front: &Front,
    acceptor: impl Fn() -> TlsAcceptor + Send + 'static,
) -> anyhow::Result<String> {
    let listener = match TcpListener::bind(("127.0.0.1", dev.remembered_port())).await {
        Ok(listener) => listener,
        // Somebody took the port in between; a new one is as good.
        Err(_) => TcpListener::bind(("127.0.0.1", 0))
            .await
            .context("listen for the demo storage")?,
    };
    let port = listener
        .local_addr()
        .context("read the demo storage's address")?
        .port();
    dev.remember_port(port)?;
    let front = Front {
        router: dev::storage::router(dev.dir.join("data/web")),
        ..front.clone()
    };
    tokio::spawn(front.serve_tls(listener, acceptor));
    Ok(dev::demo_storage_url(port))
}

/// Requests without any identity act as the dev user, so the gateway may act with that user's proxy.
async fn serve_dev_http(
    at: SocketAddr,
    dev: &Dev,
    callers: &Arc<LiveCallers>,
    front: Front,
    gateway: &Gateway,
) -> anyhow::Result<()> {
    let listener = bind(&at.to_string(), "--dev-http").await?;
    let caller = callers.of_file(&dev.pki.path("userproxy.pem"))?;
    let (proxy, ends) = dev.pki.user_proxy()?;
    let now = UnixTime::now();
    gateway.adopt(&caller.caller_at(now), proxy, ends).await?;
    tracing::warn!("plain HTTP without any check of identity is open on this machine (--dev-http)");
    println!(
        "listening on http://{} (dev)",
        listener.local_addr().context("read the address")?
    );
    tokio::spawn(front.serve_plain(listener, caller));
    Ok(())
}

/// Reads everything again; whatever cannot be used leaves the old in place and says so.
fn reload(
    args: &ServeArgs,
    dev: Option<&Dev>,
    callers: &LiveCallers,
    gateway: &Gateway,
    trust: &Trust,
) {
    trust.reload();
    let config = match read_config(args, dev) {
        Ok(config) => config,
        Err(error) => {
            tracing::error!("reload: {error:#}; the old configuration stays");
            return;
        }
    };
    let host = hostname(&config.server.hostname);
    match Callers::new(trust, &config.tls, &config.auth, &host) {
        Ok(fresh) => {
            callers.replace(fresh);
            gateway.authorize_vos(&config.auth.authorized_vos);
        }
        Err(error) => tracing::error!("reload: {error:#}; the old certificates stay"),
    }
    if let Err(error) = gateway.follow_issuers(&config.auth) {
        tracing::error!("reload: {error:#}; the old issuers of tokens stay");
    }
    let plugins = gateway.plugins();
    // New versions are tried first, and a signal to stop must not wait for that.
    tokio::spawn(async move {
        if let Err(error) = plugins.reload(&config).await {
            tracing::error!("reload: {error:#}; the old plugins stay");
        }
    });
    tracing::info!(
        "reloaded certificates, trust, issuers of tokens and plugins; sections server, submit, store, \
         engine, messages and metrics need a restart"
    );
}
