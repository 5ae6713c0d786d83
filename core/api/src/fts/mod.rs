//! The FTS3-compatible surface, at the root of the service.

pub mod path;
pub mod router;
pub mod routes;
pub mod submit;
pub mod wire;
