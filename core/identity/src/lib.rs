//! Identity: from certificates to a caller that may be believed, and what that caller may do.
//!
//! Stands at the side of the service: the API and the server call it, it calls nobody. A presented
//! chain becomes a [`verify::VerifiedChain`], and that a [`causeway_model::Principal`], which answers
//! "may this caller". Storage of what it makes is somebody else's; so are the network and the clock:
//! every function that depends on time takes it as an argument.
//!
//! | Room | For |
//! |---|---|
//! | `pki`, `dn` | bytes to certificates, keys and names |
//! | `anchors` | the trust directory |
//! | `proxy`, `verify` | judging a chain |
//! | `tls` | the same for a TLS listener |
//! | `signed_header` | the same for a header that a browser's program signs |
//! | `fqan`, `identifiers`, `principal`, `authz` | who it is and what they may do |
//! | `voms` | which VOs say that they know the holder of a chain |
//! | `token` | bearer tokens, those of other issuers and our own |
//! | `delegation` | proxies that callers leave with us |
//! | `issue` | a CA for development and tests, and the client's side of delegation |

pub mod anchors;
pub mod authz;
mod crl;
pub mod delegation;
mod der;
pub mod dn;
pub mod fqan;
pub mod identifiers;
pub mod issue;
pub mod pki;
pub mod principal;
pub mod proxy;
mod signature;
pub mod signed_header;
mod signing_policy;
pub mod tls;
pub mod token;
#[cfg(test)]
#[path = "../tests/support/tools.rs"]
mod tools;
pub mod verify;
pub mod voms;

pub use anchors::TrustDirectory;
pub use delegation::{DelegatedCredential, DelegationRequest};
pub use principal::IdentityRules;
pub use verify::{VerifiedChain, Verifier};
pub use voms::{VomsDirectory, VomsVerifier};
