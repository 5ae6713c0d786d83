//! Accepting connections: TLS with an optional client certificate, and plain HTTP for `--dev-http`.
//!
//! The identity of a caller is worked out once per connection and put into every request of it, as
//! long as the certificate lasts. What the routes do with it is the API's business.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use causeway_api::PeerAddress;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConnection;
use rustls::pki_types::UnixTime;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::callers::Peer;
use crate::idle::Idle;

/// Works out who is at the other end, after the handshake.
pub type Identify = Arc<dyn Fn(&ServerConnection) -> Peer + Send + Sync>;

/// What a listener needs.
#[derive(Clone)]
pub struct Front {
    /// The routes.
    pub router: Router,
    /// Who calls.
    pub identify: Identify,
    /// Ends accepting, and lets connections finish their request.
    pub stop: CancellationToken,
    /// Connections that are open.
    pub open: TaskTracker,
    /// Room for connections.
    pub room: Arc<Semaphore>,
    /// Longest handshake.
    pub handshake_timeout: Duration,
    /// Longest time in which nothing moves on a connection.
    pub idle_timeout: Duration,
}

impl Front {
    /// Accepts TLS connections until the stop. `acceptor` is asked for each, so that new
    /// certificates are taken up without a restart.
    pub async fn serve_tls(
        self,
        listener: TcpListener,
        acceptor: impl Fn() -> TlsAcceptor + Send + 'static,
    ) {
        while let Some((stream, from, permit)) = self.accept(&listener).await {
            let (front, acceptor) = (self.clone(), acceptor());
            self.open.spawn(async move {
                let handshake =
                    tokio::time::timeout(front.handshake_timeout, acceptor.accept(stream));
                match handshake.await {
                    Ok(Ok(stream)) => {
                        let peer = (front.identify)(stream.get_ref().1);
                        front.converse(stream, from, peer).await;
                    }
                    Ok(Err(error)) => tracing::info!(%error, "TLS handshake failed"),
                    Err(_) => tracing::info!("TLS handshake took too long"),
                }
                drop(permit);
            });
        }
    }

    /// Accepts plain connections until the stop; every request is the given peer's.
    pub async fn serve_plain(self, listener: TcpListener, peer: Peer) {
        while let Some((stream, from, permit)) = self.accept(&listener).await {
            let (front, peer) = (self.clone(), peer.clone());
            self.open.spawn(async move {
                front.converse(stream, from, peer).await;
                drop(permit);
            });
        }
    }

    async fn accept(
        &self,
        listener: &TcpListener,
    ) -> Option<(TcpStream, PeerAddress, tokio::sync::OwnedSemaphorePermit)> {
        loop {
            let permit = tokio::select! {
                () = self.stop.cancelled() => return None,
                permit = self.room.clone().acquire_owned() => permit.ok()?,
            };
            tokio::select! {
                () = self.stop.cancelled() => return None,
                accepted = listener.accept() => match accepted {
                    Ok((stream, from)) => {
                        // Only a hint to the kernel; the connection works without it.
                        drop(stream.set_nodelay(true));
                        return Some((stream, PeerAddress(from.ip()), permit));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "accept failed");
                        // Out of descriptors, most likely: let some connections end first.
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
            }
        }
    }

    async fn converse(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        from: PeerAddress,
        peer: Peer,
    ) {
        let router = self.router.clone();
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let (mut parts, body) = request.into_parts();
            parts.extensions.insert(peer.caller_at(UnixTime::now()));
            parts.extensions.insert(from);
            let request = Request::from_parts(parts, Body::new(body));
            let router = router.clone();
            async move {
                Ok::<_, Infallible>(
                    router
                        .oneshot(request)
                        .await
                        .unwrap_or_else(|never| match never {}),
                )
            }
        });
        let builder = Builder::new(TokioExecutor::new());
        let stream = Idle::new(stream, self.idle_timeout);
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            done = connection.as_mut() => log_end(done),
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                log_end(connection.await);
            }
        }
    }
}

fn log_end(done: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = done {
        // Clients hang up in the middle all the time.
        tracing::debug!(%error, "connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use axum::Extension;
    use axum::routing::get;
    use causeway_api::Caller;
    use http_body_util::{BodyExt as _, Empty};

    use super::*;
    use crate::callers::tests::person;

    async fn user_dn(Extension(caller): Extension<Caller>) -> String {
        caller.principal.user_dn
    }

    /// Who two requests over one connection are taken for.
    async fn callers_of(peer: Peer) -> Vec<String> {
        let front = Front {
            router: Router::new().route("/", get(user_dn)),
            identify: Arc::new(|_| unreachable!("there is no handshake")),
            stop: CancellationToken::new(),
            open: TaskTracker::new(),
            room: Arc::new(Semaphore::new(1)),
            handshake_timeout: Duration::from_secs(1),
            idle_timeout: Duration::from_secs(60),
        };
        let (ours, theirs) = tokio::io::duplex(4096);
        let from = PeerAddress(std::net::Ipv4Addr::LOCALHOST.into());
        let server = tokio::spawn(async move { front.converse(theirs, from, peer).await });
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(ours))
            .await
            .unwrap();
        let client = tokio::spawn(connection);
        let mut seen = Vec::new();
        for _ in 0..2 {
            let request = Request::get("/").header("host", "h");
            let request = request.body(Empty::<bytes::Bytes>::new()).unwrap();
            let answer = sender.send_request(request).await.unwrap();
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            seen.push(String::from_utf8(body.to_vec()).unwrap());
        }
        drop(sender);
        client.await.unwrap().unwrap();
        server.await.unwrap();
        seen
    }

    #[tokio::test]
    async fn requests_are_their_sender_s_until_the_certificate_is_over() {
        assert_eq!(
            callers_of(person(u64::MAX)).await,
            ["/DC=ch/CN=me", "/DC=ch/CN=me"]
        );
        assert_eq!(callers_of(person(1)).await, ["anon", "anon"]);
    }
}
