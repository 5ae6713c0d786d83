//! What a request has just learned of a name, so that its next call need not ask the server again.
//!
//! An attempt asks whether its destination is free, copies, and asks how large it became. A copy takes the first
//! answer for its own look when it is a moment old; and the last question has its answer when the receiver told
//! how many bytes it wrote.
//!
//! # Invariants
//! - A sight is of one request, in one name, and is used once.
//! - Whatever is written or removed through this process under a name ends what was seen there, also what was asked
//!   before and is answered after.

use std::collections::HashMap;
use std::time::Duration;

use causeway_gridftp_wire::Endpoint;
use causeway_sdk::{Ctx, ErrorKind, Result, Stat, Url};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::client::{path, port};
use crate::namespace;
use crate::storage::Inner;

/// Older sights say nothing.
const MAX_AGE: Duration = Duration::from_secs(1);
/// Most names remembered.
const MOST: usize = 4096;

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// The server said that nothing has the name.
    Nothing,
    /// A copy is complete, and its receiver told that it wrote so many bytes.
    Written(u64),
}

/// The right to say what a look or a write came to, unless something happens to the name meanwhile.
#[derive(Debug)]
pub(crate) struct Ticket {
    place: String,
    number: u64,
}

/// Who sees: a request, how it comes to the server, and how it writes the name.
pub(crate) struct Eye(String);

impl Eye {
    pub(crate) fn of(cx: &Ctx, server: &Endpoint, path: &str) -> Self {
        Self(format!("{} {} {path}", cx.request_id(), server.key()))
    }
}

/// Something is being written or removed: what is seen before its end says nothing.
pub(crate) struct Touch<'a> {
    sights: &'a Sights,
    /// All names without one.
    at: Option<&'a Url>,
}

impl Drop for Touch<'_> {
    fn drop(&mut self) {
        match self.at {
            Some(at) => self.sights.forget(at),
            None => self.sights.forget_all(),
        }
    }
}

/// The sights of all requests.
#[derive(Default)]
pub(crate) struct Sights(Mutex<Table>);

#[derive(Default)]
struct Table {
    last: u64,
    names: HashMap<String, Name>,
}

struct Name {
    number: u64,
    since: Instant,
    /// Nothing while it is being looked at or written.
    seen: Option<(String, Sight)>,
}

impl Sights {
    /// Begins a look or a write, which ends what was seen of the name before.
    pub(crate) fn begin(&self, at: &Url) -> Ticket {
        let place = place(at);
        let mut table = self.0.lock();
        table.make_room();
        table.last += 1;
        let number = table.last;
        let name = Name {
            number,
            since: Instant::now(),
            seen: None,
        };
        table.names.insert(place.clone(), name);
        Ticket { place, number }
    }

    /// Ends it. Of a look counts when it began, of a write when it ended.
    pub(crate) fn settle(&self, ticket: Ticket, seen: Option<(Eye, Sight)>) {
        let mut table = self.0.lock();
        let name = table.names.get_mut(&ticket.place);
        match (name.filter(|it| it.number == ticket.number), seen) {
            (Some(name), Some((Eye(who), sight))) => {
                if sight != Sight::Nothing {
                    name.since = Instant::now();
                }
                name.seen = Some((who, sight));
            }
            _ => drop(table.names.remove(&ticket.place)),
        }
    }

    /// Uses up what this request saw there lately.
    pub(crate) fn take(&self, eye: &Eye, at: &Url) -> Option<Sight> {
        let place = place(at);
        let mut table = self.0.lock();
        let (who, sight) = table.names.get(&place)?.seen.as_ref()?;
        let sight = Some(*sight).filter(|_| *who == eye.0)?;
        let name = table.names.remove(&place)?;
        (name.since.elapsed() < MAX_AGE).then_some(sight)
    }

    /// Begins to change a name.
    pub(crate) fn touch<'a>(&'a self, at: &'a Url) -> Touch<'a> {
        self.forget(at);
        let at = Some(at);
        Touch { sights: self, at }
    }

    /// Begins to change names below others.
    pub(crate) fn touch_all(&self) -> Touch<'_> {
        self.forget_all();
        let at = None;
        Touch { sights: self, at }
    }

    /// Something was written or removed there.
    pub(crate) fn forget(&self, at: &Url) {
        self.0.lock().names.remove(&place(at));
    }

    fn forget_all(&self) {
        self.0.lock().names.clear();
    }
}

impl Table {
    fn make_room(&mut self) {
        if self.names.len() >= MOST {
            self.names.retain(|_, it| it.since.elapsed() < MAX_AGE);
        }
        if self.names.len() >= MOST {
            self.names.clear();
        }
    }
}

/// A file, however its URL is written.
fn place(at: &Url) -> String {
    let path = at.decoded_path();
    let mut place = format!("{}:{}", at.host().to_ascii_lowercase(), port(at));
    for part in path.split('/').filter(|it| !it.is_empty()) {
        place.push('/');
        place.push_str(part);
    }
    place
}

/// Metadata of what stands at a URL. That of a file that this very request has just had copied there is its size,
/// as its server told it.
pub(crate) async fn stat(inner: &Inner, cx: &Ctx, at: &Url) -> Result<Stat> {
    let (client, sights) = (&inner.client, &inner.sights);
    let server = client.endpoint(cx.credential(), at)?;
    let eye = Eye::of(cx, &server, &path(at)?);
    if let Some(Sight::Written(bytes)) = sights.take(&eye, at) {
        return Ok(Stat::file(bytes));
    }
    let ticket = sights.begin(at);
    let found = namespace::stat(client, cx.credential(), at).await;
    let is_free = matches!(&found, Err(why) if why.kind() == ErrorKind::NotFound);
    sights.settle(ticket, is_free.then_some((eye, Sight::Nothing)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    fn eye(who: &str) -> Eye {
        Eye(who.to_owned())
    }

    fn see(sights: &Sights, who: &str, at: &str, sight: Sight) {
        let ticket = sights.begin(&url(at));
        sights.settle(ticket, Some((eye(who), sight)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_sight_is_used_once_by_who_saw_and_not_for_long() {
        let (sights, at) = (Sights::default(), url("gsiftp://h/a/b"));
        let nothing = || see(&sights, "me", "gsiftp://h/a/b", Sight::Nothing);
        nothing();
        assert_eq!(sights.take(&eye("you"), &at), None);
        assert_eq!(sights.take(&eye("me"), &at), Some(Sight::Nothing));
        assert_eq!(sights.take(&eye("me"), &at), None);
        nothing();
        tokio::time::advance(MAX_AGE).await;
        assert_eq!(sights.take(&eye("me"), &at), None);
        // The age of a look is that of its question.
        let ticket = sights.begin(&at);
        tokio::time::advance(MAX_AGE).await;
        sights.settle(ticket, Some((eye("me"), Sight::Nothing)));
        assert_eq!(sights.take(&eye("me"), &at), None);
        let ticket = sights.begin(&at);
        tokio::time::advance(MAX_AGE).await;
        sights.settle(ticket, Some((eye("me"), Sight::Written(7))));
        assert_eq!(sights.take(&eye("me"), &at), Some(Sight::Written(7)));
    }

    #[test]
    fn what_happens_to_a_name_ends_what_was_seen_and_what_is_being_seen() {
        let (sights, at) = (Sights::default(), url("gsiftp://h/a/b"));
        for other in [
            "gsiftp://h/a/b",
            "gsiftp://H:2811//a/b",
            "gsiftp://h/a/%62/",
        ] {
            for forget in [
                |it: &Sights, at: &Url| it.forget(at),
                |it: &Sights, _: &Url| {
                    drop(it.touch_all());
                },
            ] {
                see(&sights, "me", "gsiftp://h/a/b", Sight::Nothing);
                forget(&sights, &url(other));
                assert_eq!(sights.take(&eye("me"), &at), None, "{other}");
                let ticket = sights.begin(&at);
                forget(&sights, &url(other));
                sights.settle(ticket, Some((eye("me"), Sight::Nothing)));
                assert_eq!(sights.take(&eye("me"), &at), None, "{other}");
            }
        }
        // A look during a write says nothing when the write has ended.
        let write = sights.begin(&at);
        see(&sights, "me", "gsiftp://h/a/b", Sight::Nothing);
        sights.settle(write, Some((eye("me"), Sight::Written(1))));
        assert_eq!(sights.take(&eye("me"), &at), None);
        see(&sights, "me", "gsiftp://h/a/b", Sight::Nothing);
        sights.forget(&url("gsiftp://h/a/c"));
        assert_eq!(sights.take(&eye("me"), &at), Some(Sight::Nothing));
    }

    #[test]
    fn only_so_many_names_are_remembered() {
        let sights = Sights::default();
        for number in 0..=MOST {
            see(
                &sights,
                "me",
                &format!("gsiftp://h/{number}"),
                Sight::Nothing,
            );
        }
        assert!(sights.0.lock().names.len() <= MOST);
    }
}
