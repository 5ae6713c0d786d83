//! The REST surface of the gateway: requests in, rows and storage calls out.
//!
//! Everything it needs arrives as trait objects in one [`ApiState`], and the caller's identity as
//! a [`Caller`] in the request's extensions, so it runs without TLS, without a network and
//! without a real store in tests. It changes no row itself: every change of a job goes through
//! [`JobControl`](causeway_model::ports::JobControl), because the engine is the only writer.
//! It knows no protocol: what a URL may be used for is asked of the storage that serves it.
//!
//! | to learn about | read |
//! |---|---|
//! | every route on one page | [`fts::router`] |
//! | routes that are ours alone | [`own`] |
//! | what a submission may look like | [`fts::submit`] |
//! | what stands around each request | [`middleware`] |
//! | who stands behind a token | [`HeaderIdentity`] |
//! | pages for browsers | [`html`] |
//! | what the surface says about itself | [`openapi`] |
//! | errors to status and body | [`error`] |
#![warn(missing_docs)]

pub mod authorization;
pub mod config;
pub mod error;
pub mod extract;
pub mod fts;
pub mod health;
pub mod html;
pub mod middleware;
pub mod openapi;
pub mod operations;
pub mod own;
pub mod state;
pub mod vo_servers;

pub use authorization::{HeaderIdentity, HeaderRefusal, NobodyKnown, TokenFacts, TokenIssuer};
pub use config::ApiConfig;
pub use error::ApiError;
pub use extract::Caller;
pub use health::Readiness;
pub use middleware::{MatchedRoute, PeerAddress, router};
pub use operations::{Operations, Turn};
pub use state::{ApiState, Bans, NoBans, StorageBan};
pub use vo_servers::{VoAnswer, VoServers};
