//! Certificates as far as GSI needs them: names, proxies, signatures, and signing a proxy.
//!
//! Plain end-entity certificates and the CAs above them are judged by the path library (see
//! `trust`); what stands here is what such libraries refuse or do not do.

pub(crate) mod certificate;
pub(crate) mod chain;
pub(crate) mod delegate;
pub(crate) mod der;
pub(crate) mod dn;
pub(crate) mod policy;
pub(crate) mod signature;

pub(crate) use certificate::Certificate;
