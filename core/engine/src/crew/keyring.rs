//! Credentials on the way to a worker: each goes over once, and orders mean it by its place.
//!
//! A user's transfers share a proxy of some kilobytes, which would be most of an order. Sender and
//! receiver keep the last [`PLACES`] credentials each; the sender says which place a new one takes,
//! so both always hold the same. The wire keeps the order of messages, and that is all it needs.
//!
//! # Invariants
//! - Every order arrives with the credentials it left with:
//!   `orders_arrive_with_the_credentials_they_left_with`.

use std::io;

use causeway_sdk::Credential;
use serde::{Deserialize, Serialize};

use super::wire::{ToWorker, put};
use crate::messages::Order;

/// Credentials that both sides keep. Users at work at the same time are few.
const PLACES: usize = 32;

/// A place in the keyring.
type Place = u8;

/// Where the credentials of an order are; `None` for one that came along, or is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Places {
    source: Option<Place>,
    destination: Option<Place>,
}

/// What one side keeps.
#[derive(Default)]
pub(super) struct Keyring {
    kept: Vec<Credential>,
    next: usize,
}

impl Keyring {
    /// Takes the credentials out of an order. Those that the other side does not have yet are put
    /// before it.
    pub(super) fn take_from(&mut self, order: &mut Order, out: &mut Vec<u8>) -> io::Result<Places> {
        let mut places = Places::default();
        let (source, destination) = held_by(order);
        if let Some(credential) = source {
            places.source = self.take(credential, out)?;
        }
        if let Some(credential) = destination {
            places.destination = self.take(credential, out)?;
        }
        Ok(places)
    }

    fn take(&mut self, from: &mut Credential, out: &mut Vec<u8>) -> io::Result<Option<Place>> {
        if *from == Credential::None {
            return Ok(None);
        }
        let known = self.kept.iter().position(|it| it == from);
        let at = known.unwrap_or(self.next);
        let place = Place::try_from(at).map_err(io::Error::other)?;
        // One that is too long to be sent alone stays where it is, and so is refused with its order.
        if known.is_none() && !put(&ToWorker::Credential(place, from.clone()), out)? {
            return Ok(None);
        }
        let credential = std::mem::take(from);
        if known.is_none() {
            self.keep(place, credential)?;
        }
        Ok(Some(place))
    }

    /// Keeps a credential in a place, instead of what was there.
    pub(super) fn keep(&mut self, place: Place, credential: Credential) -> io::Result<()> {
        let at = usize::from(place);
        let is_next = at == self.kept.len() && at < PLACES;
        match self.kept.get_mut(at) {
            Some(kept) => *kept = credential,
            None if is_next => self.kept.push(credential),
            None => return Err(lost()),
        }
        self.next = (at + 1) % PLACES;
        Ok(())
    }

    /// Puts credentials back into an order.
    pub(super) fn give_back(&self, order: &mut Order, places: Places) -> io::Result<()> {
        let (source, destination) = held_by(order);
        self.give(source, places.source)?;
        self.give(destination, places.destination)
    }

    fn give(&self, to: Option<&mut Credential>, place: Option<Place>) -> io::Result<()> {
        let Some(place) = place else { return Ok(()) };
        let kept = self.kept.get(usize::from(place)).ok_or_else(lost)?;
        *to.ok_or_else(lost)? = kept.clone();
        Ok(())
    }
}

fn lost() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "no such place for a credential")
}

/// Credentials in an order.
fn held_by(order: &mut Order) -> (Option<&mut Credential>, Option<&mut Credential>) {
    match order {
        Order::Start(spec) => {
            let spec = &mut **spec;
            let destination = spec.destination_credential.as_mut();
            (Some(&mut spec.credential), destination)
        }
        Order::Delete(spec) => (Some(&mut spec.credential), None),
        Order::Cancel(_) | Order::Leave(_) | Order::CommitGranted(_) => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use causeway_sdk::Secret;

    use super::*;
    use crate::crew::wire::Frames;
    use crate::messages::orders;

    fn credential(number: usize) -> Credential {
        Credential::X509(Secret::new(format!("pem {number}")))
    }

    /// Every kind of order, with credentials by number.
    fn order(kind: usize, number: usize) -> Order {
        let mut order = orders().swap_remove(kind);
        let (source, destination) = held_by(&mut order);
        if let Some(source) = source {
            *source = credential(number);
        }
        if let Some(destination) = destination {
            *destination = credential(number / 2);
        }
        order
    }

    async fn through(sent: &[Order]) -> (Vec<Order>, usize) {
        let (mut near, mut far) = (Keyring::default(), Keyring::default());
        let mut bytes = Vec::new();
        for order in sent {
            let mut order = order.clone();
            let places = near.take_from(&mut order, &mut bytes).unwrap();
            assert!(put(&ToWorker::Order(places, order), &mut bytes).unwrap());
        }
        let mut frames = Frames::new(&bytes[..]);
        let (mut back, mut credentials) = (Vec::new(), 0);
        while let Some(message) = frames.next().await.unwrap() {
            match message {
                ToWorker::Credential(place, credential) => {
                    credentials += 1;
                    far.keep(place, credential).unwrap();
                }
                ToWorker::Order(places, mut order) => {
                    far.give_back(&mut order, places).unwrap();
                    back.push(order);
                }
                _ => panic!("something else"),
            }
        }
        (back, credentials)
    }

    fn text(orders: &[Order]) -> String {
        serde_json::to_string(orders).unwrap()
    }

    #[tokio::test]
    async fn orders_arrive_with_the_credentials_they_left_with() {
        let kinds = orders().len();
        // More users than places, again and again.
        let numbers = (0..5 * PLACES).map(|it| (it * 7) % (2 * PLACES));
        let sent: Vec<_> = numbers.map(|it| order(it % kinds, it)).collect();
        let (back, _) = through(&sent).await;
        assert_eq!(text(&back), text(&sent));
    }

    #[tokio::test]
    async fn a_credential_goes_over_once() {
        let sent: Vec<_> = (0..100).map(|it| order(1, it % 2)).collect();
        let (back, credentials) = through(&sent).await;
        assert_eq!(text(&back), text(&sent));
        assert_eq!(credentials, 2);
    }

    #[test]
    fn a_place_that_nobody_filled_is_damage() {
        let ring = Keyring::default();
        let places = Places {
            source: Some(3),
            destination: None,
        };
        assert!(ring.give_back(&mut order(0, 1), places).is_err());
        assert!(Keyring::default().keep(1, credential(1)).is_err());
    }
}
