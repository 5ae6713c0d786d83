//! Asking VOMS servers for attributes, in the name of a user who left a proxy here.
//!
//! One HTTPS request to each VO, `GET /generate-ac`, over a connection on which the user's proxy is
//! the client certificate: the server sees the user and answers with what they are in that VO. Who
//! the servers are is written in the `vomses` list, which is read for every request. What comes back
//! is handed on as it is; `causeway_identity` looks at it.

mod answer;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use causeway_api::{VoAnswer, VoServers};
use causeway_identity::issue::Credential;
use causeway_identity::tls;
use causeway_identity::verify::Verifier;
use causeway_identity::voms::{VomsRequest, VomsServer, VomsServers};
use causeway_sdk::Secret;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Longest wait for one server.
const PATIENCE: Duration = Duration::from_secs(15);
/// Longest wait for all of them: less than a request of the API may take.
const ALL_PATIENCE: Duration = Duration::from_secs(45);
/// Largest answer.
const MAX_ANSWER: usize = 1 << 20;

/// The servers of a `vomses` list.
pub struct VomsClient {
    vomses: PathBuf,
    verifier: Verifier,
}

impl VomsClient {
    /// Asks the servers of this list, if their certificates are good.
    pub fn new(vomses: PathBuf, verifier: Verifier) -> Self {
        Self { vomses, verifier }
    }

    async fn servers(&self) -> Result<VomsServers, String> {
        let path = self.vomses.clone();
        let read = tokio::task::spawn_blocking(move || VomsServers::read(&path)).await;
        let read = read.map_err(|error| error.to_string())?;
        read.map_err(|error| error.to_string())
    }

    /// The first answer of a VO's servers, in the order of the list.
    async fn ask_vo(
        &self,
        servers: &VomsServers,
        credential: &Credential,
        request: &VomsRequest,
        lifetime: u64,
    ) -> Result<VoAnswer, String> {
        let mut troubles = Vec::new();
        for server in servers.of(&request.vo) {
            let path = request.path(&server.vo, lifetime);
            let asked = self.ask(server, credential, &path);
            let asked = tokio::time::timeout(PATIENCE, asked).await;
            match asked.unwrap_or_else(|_| Err("it does not answer".to_owned())) {
                Ok(certificate) => {
                    let vo = server.vo.clone();
                    return Ok(VoAnswer { vo, certificate });
                }
                Err(trouble) => {
                    let VomsServer { host, port, .. } = server;
                    troubles.push(format!(
                        "VOMS server {host}:{port} of {}: {trouble}",
                        server.vo
                    ));
                }
            }
        }
        match troubles.is_empty() {
            true => Err(format!("No VOMS server is known for {}", request.vo)),
            false => Err(troubles.join("; ")),
        }
    }

    async fn ask(
        &self,
        server: &VomsServer,
        credential: &Credential,
        path: &str,
    ) -> Result<Vec<u8>, String> {
        let told = |error: &dyn std::error::Error| error.to_string();
        let config = tls::client_config(credential, self.verifier.clone(), &server.dn)
            .map_err(|error| told(&error))?;
        let name = ServerName::try_from(server.host.clone()).map_err(|error| told(&error))?;
        let stream = TcpStream::connect((server.host.as_str(), server.port)).await;
        let stream = stream.map_err(|error| told(&error))?;
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector
            .connect(name, stream)
            .await
            .map_err(|error| told(&error))?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| told(&error))?;
        let request = http::Request::get(path)
            .header("host", format!("{}:{}", server.host, server.port))
            .header(
                "user-agent",
                concat!("causeway/", env!("CARGO_PKG_VERSION")),
            )
            .header("accept", "text/xml, application/xml")
            .header("connection", "close")
            .body(Empty::<Bytes>::new())
            .map_err(|error| told(&error))?;
        let exchange = async {
            let response = sender
                .send_request(request)
                .await
                .map_err(|error| told(&error))?;
            let status = response.status();
            let text = read_body(response.into_body()).await?;
            // Refusals come with a status of their own and the reason in the same form.
            answer::read(&text).map_err(|error| match status.is_success() {
                false if matches!(error, answer::AnswerError::Garbled(_)) => {
                    format!("it answered {status}")
                }
                _ => error.to_string(),
            })
        };
        // The connection does its work while the exchange waits; it may end first.
        tokio::pin!(exchange);
        tokio::select! {
            biased;
            done = &mut exchange => done,
            ended = connection => match ended {
                Ok(()) => exchange.await,
                Err(error) => {
                    tracing::debug!(%error, host = server.host, "connection to a VOMS server ended early");
                    exchange.await
                }
            }
        }
    }
}

/// The body as text. Old servers hang up without saying that it is the end; whether the document is
/// whole shows when it is read.
async fn read_body(mut body: Incoming) -> Result<String, String> {
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => {
                let Ok(data) = frame.into_data() else {
                    continue;
                };
                if all.len() + data.len() > MAX_ANSWER {
                    return Err("its answer is too long".to_owned());
                }
                all.extend_from_slice(&data);
            }
            Err(error) if all.is_empty() => return Err(error.to_string()),
            Err(_) => break,
        }
    }
    String::from_utf8(all).map_err(|_| "its answer is not text".to_owned())
}

#[async_trait]
impl VoServers for VomsClient {
    async fn attributes(
        &self,
        credential: &Secret,
        requests: &[VomsRequest],
        lifetime: u64,
    ) -> Result<Vec<VoAnswer>, String> {
        let text = credential.expose().as_bytes();
        let credential = Credential::from_pem(text, text).map_err(|error| error.to_string())?;
        let servers = self.servers().await?;
        let all = async {
            let mut answers = Vec::new();
            for request in requests {
                answers.push(
                    self.ask_vo(&servers, &credential, request, lifetime)
                        .await?,
                );
            }
            Ok(answers)
        };
        let all = tokio::time::timeout(ALL_PATIENCE, all).await;
        all.unwrap_or_else(|_| Err("The VOMS servers take too long".to_owned()))
    }
}

#[cfg(test)]
mod tests;
