//! Who is at the other end of a connection, request by request.
//!
//! A connection may be open for hours. Meanwhile its certificate ends or is revoked, its VO
//! attributes end, roles and rights change. So a peer keeps the certificates that were presented
//! and the last judgement on them, and judges again when anything the judgement rests on is another.

use std::sync::{Arc, Mutex, PoisonError};

use causeway_api::Caller;
use causeway_identity::authz::Operation;
use causeway_identity::principal;
use causeway_identity::verify::VerifiedChain;
use rustls::pki_types::{CertificateDer, UnixTime};

use super::{Callers, LiveCallers};

/// Who is at the other end of a connection, for as long as that is proved.
#[derive(Clone)]
pub struct Peer(Option<Arc<Holder>>);

/// Somebody who presented certificates.
struct Holder {
    callers: Arc<LiveCallers>,
    chain: Vec<CertificateDer<'static>>,
    last: Mutex<Option<Judgement>>,
}

/// Who the certificates stand for, and what that rests on.
struct Judgement {
    caller: Caller,
    by: Arc<Callers>,
    generation: (u64, u64),
    given: Vec<Operation>,
    /// Last second in which it holds.
    until: u64,
}

impl Peer {
    /// Somebody who proved nothing.
    pub fn anonymous() -> Self {
        Self(None)
    }

    /// The holder of a chain that has just been verified, when the generations of trust were these.
    pub(super) fn judged(
        callers: Arc<LiveCallers>,
        chain: &VerifiedChain,
        by: Arc<Callers>,
        generation: (u64, u64),
        now: UnixTime,
    ) -> Self {
        let holder = Holder {
            chain: chain.presented().to_vec(),
            last: Mutex::new(None),
            callers,
        };
        let judgement = holder.judge(chain, by, generation, now);
        // Nobody else has seen the holder yet.
        *holder.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(judgement);
        Self(Some(Arc::new(holder)))
    }

    /// The holder of certificates, which are judged when the first request comes in.
    pub(super) fn holder(callers: Arc<LiveCallers>, chain: Vec<CertificateDer<'static>>) -> Self {
        Self(Some(Arc::new(Holder {
            callers,
            chain,
            last: Mutex::new(None),
        })))
    }

    /// The caller of a request that comes in now.
    pub fn caller_at(&self, now: UnixTime) -> Caller {
        match &self.0 {
            None => Caller::anonymous(),
            Some(holder) => holder.caller_at(now),
        }
    }
}

impl Holder {
    fn caller_at(&self, now: UnixTime) -> Caller {
        let by = self.callers.current();
        // The last judgement is whole whenever the lock is free: it is replaced in one step.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(judgement) = &*last
            && judgement.holds(&self.callers, &by, now)
        {
            return judgement.caller.clone();
        }
        let generation = by.voms.generation();
        match by.verifier.verify(&self.chain, now) {
            Ok(chain) => {
                let judgement = self.judge(&chain, by, generation, now);
                last.insert(judgement).caller.clone()
            }
            Err(error) => {
                tracing::info!(
                    %error,
                    "a connection outlived its certificate; its caller is anonymous now"
                );
                *last = None;
                Caller::anonymous()
            }
        }
    }

    fn judge(
        &self,
        chain: &VerifiedChain,
        by: Arc<Callers>,
        generation: (u64, u64),
        now: UnixTime,
    ) -> Judgement {
        let attributes = by.voms.attributes(chain, now);
        for error in &attributes.refused {
            tracing::warn!(user_dn = chain.user_dn(), %error, "VO attributes were not believed");
        }
        let given = self.callers.given_to(chain.user_dn());
        let principal = principal::of_chain(chain, attributes.fqans(), &by.rules, &given);
        let until = attributes.believed_until().unwrap_or(u64::MAX);
        let refused = attributes
            .refused
            .first()
            .filter(|_| by.refuses_invalid_voms);
        Judgement {
            caller: Caller {
                principal,
                chain_pem: chain.presented_pem(),
                rsa_bits: chain.key_bits().and_then(|bits| u32::try_from(bits).ok()),
                refusal: refused.map(ToString::to_string),
                ..Caller::anonymous()
            },
            by,
            generation,
            given,
            until: until.min(chain.not_after()),
        }
    }
}

impl Judgement {
    /// Whether nothing it rests on is another now.
    fn holds(&self, callers: &LiveCallers, by: &Arc<Callers>, now: UnixTime) -> bool {
        Arc::ptr_eq(&self.by, by)
            && self.generation == by.voms.generation()
            && now.as_secs() <= self.until
            && self.given == callers.given_to(&self.caller.principal.user_dn)
    }
}
