//! Our verdict on good and bad chains beside that of `openssl verify -allow_proxy_certs`.
//!
//! Every case says what we must answer. OpenSSL must answer the same, except in the cases that are
//! marked as an intended difference together with the reason. ADR 0006 lists those.

mod case;
mod certificates;
mod chains;
mod generations;
mod names;
mod proxies;
mod revocation;
#[path = "../support/mod.rs"]
#[allow(
    dead_code,
    reason = "each test program uses its own part of the support"
)]
mod support;
#[path = "../support/tools.rs"]
#[allow(
    dead_code,
    reason = "the programs' verdict is wanted here, also when it is no"
)]
mod tools;
