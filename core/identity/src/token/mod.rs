//! Bearer tokens: from the text in a request to a caller that may be believed.
//!
//! Tokens of other issuers are signed JSON web tokens. [`TokenVerifier`] judges them by what their
//! issuer publishes; [`of_token`] makes a [`causeway_model::Principal`] of one that is good.
//! [`Exchange`] keeps tokens of transfers alive at their issuers. [`secret`] makes and compares the
//! tokens this service gives out itself; who holds those is the store's business.
//!
//! The network comes in as an [`Http`], the time as an argument.
//!
//! | Room | For |
//! |---|---|
//! | `jws`, `claims` | the text of a token, unverified |
//! | `keys`, `issuer`, `verifier` | what issuers publish, and the judgement |
//! | `scope`, `principal` | what a token allows, and to whom |
//! | `exchange` | tokens that are traded in at their issuer |
//! | `secret` | tokens of this service |
//!
//! # Invariants
//! - Nothing is believed that was not signed with a key the issuer publishes, with an algorithm of
//!   the list in `keys`: `tests/tokens/hostile.rs`.
//! - An issuer is asked for its keys at most once in a while, whatever is sent to us:
//!   `tests/tokens/keys.rs`.
//! - No token is in an error or in a log line: `tests/tokens/hostile.rs`.

pub mod claims;
mod error;
mod exchange;
mod http;
mod issuer;
mod jws;
mod keys;
mod principal;
mod scope;
pub mod secret;
mod verifier;

pub use claims::Claims;
pub use error::TokenError;
pub use exchange::Exchange;
pub use http::{Http, HttpTrouble, MAX_BODY};
pub use issuer::{Client, Provider, ProviderError};
pub use principal::{of_token, restricted};
pub use scope::Permitted;
pub use verifier::{Rules, TokenVerifier, VerifiedToken};
