//! How the bytes of a transfer can move: a ladder of ways, best first.
//!
//! Decided from what the two storages say they can do, and by nothing else.

pub use causeway_model::Rung;
use causeway_sdk::{Capabilities, Error, ErrorKind, Operation};
use serde::{Deserialize, Serialize};

/// Which third-party copies an operator allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerCopies {
    /// Pull, then push.
    #[default]
    Full,
    /// Pull only.
    Pull,
    /// Push only.
    Push,
    /// None.
    None,
}

impl PeerCopies {
    /// The same as far as the storages take part in it.
    #[must_use]
    pub fn and(self, pulls: bool, pushes: bool) -> Self {
        let pulls = pulls && matches!(self, Self::Full | Self::Pull);
        let pushes = pushes && matches!(self, Self::Full | Self::Push);
        match (pulls, pushes) {
            (true, true) => Self::Full,
            (true, false) => Self::Pull,
            (false, true) => Self::Push,
            (false, false) => Self::None,
        }
    }
}

/// What the ladder depends on.
#[derive(Clone, Copy, Debug)]
pub struct Terrain<'a> {
    /// What the source's storage can do.
    pub source: &'a Capabilities,
    /// What the destination's storage can do.
    pub destination: &'a Capabilities,
    /// Scheme of the source URL.
    pub source_scheme: &'a str,
    /// Scheme of the destination URL.
    pub destination_scheme: &'a str,
    /// Third-party copies allowed.
    pub peer_copies: PeerCopies,
    /// Streaming allowed.
    pub streaming_allowed: bool,
}

/// The ways that exist, best first. Empty when there is none.
pub fn ladder(terrain: Terrain<'_>) -> Vec<Rung> {
    let allowed = terrain.peer_copies;
    let (source, destination) = (terrain.source, terrain.destination);
    let pulls = destination.can_pull_from(terrain.source_scheme)
        || (copies(destination, &destination.copy.pull_from) && source.can(Operation::Turl));
    let pushes = source.can_push_to(terrain.destination_scheme)
        || (copies(source, &source.copy.push_to) && destination.can(Operation::Turl));
    let pull = matches!(allowed, PeerCopies::Full | PeerCopies::Pull) && pulls;
    let push = matches!(allowed, PeerCopies::Full | PeerCopies::Push) && pushes;
    let stream = terrain.streaming_allowed
        && terrain.source.can(Operation::Read)
        && terrain.destination.can(Operation::Write);
    let mut rungs = Vec::with_capacity(3);
    rungs.extend(pull.then_some(Rung::Pull));
    rungs.extend(push.then_some(Rung::Push));
    rungs.extend(stream.then_some(Rung::Stream));
    rungs
}

/// Whether a storage copies by itself at all, and so could use a transfer URL of the other side.
fn copies(active: &Capabilities, schemes: &[String]) -> bool {
    active.can(Operation::Copy) && !schemes.is_empty()
}

/// The same ways with these at the end, each group in its order.
pub fn last(rungs: Vec<Rung>, avoid: &[Rung]) -> Vec<Rung> {
    let (avoided, mut first): (Vec<Rung>, Vec<Rung>) =
        rungs.into_iter().partition(|it| avoid.contains(it));
    first.extend(avoided);
    first
}

const ECONNREFUSED: i32 = 111;

/// Whether a failed third-party copy says that this way does not work, so that another way may;
/// a failure of the file would be the same on every way.
pub fn way_does_not_work(error: &Error) -> bool {
    let answered = error
        .remote_status()
        .is_some_and(|status| (400..600).contains(&status));
    match error.kind() {
        ErrorKind::Unsupported => true,
        ErrorKind::Network => error.errno() == ECONNREFUSED,
        // The storage refused the verb, not the file: the file was looked at before.
        ErrorKind::Remote | ErrorKind::Invalid | ErrorKind::Denied | ErrorKind::AuthRequired => {
            answered
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn able(operations: &[Operation], pull: &[&str], push: &[&str]) -> Capabilities {
        let mut it = Capabilities {
            operations: operations.iter().copied().collect(),
            ..Capabilities::default()
        };
        it.copy.pull_from = pull.iter().map(|s| (*s).to_owned()).collect();
        it.copy.push_to = push.iter().map(|s| (*s).to_owned()).collect();
        it
    }

    fn plan(source: &Capabilities, destination: &Capabilities, allowed: PeerCopies) -> Vec<Rung> {
        ladder(Terrain {
            source,
            destination,
            source_scheme: "a",
            destination_scheme: "b",
            peer_copies: allowed,
            streaming_allowed: true,
        })
    }

    #[test]
    fn best_way_first() {
        use Operation::{Copy, Read, Write};
        let source = able(&[Read, Copy], &[], &["b"]);
        let destination = able(&[Write, Copy], &["a"], &[]);
        let full = [Rung::Pull, Rung::Push, Rung::Stream];
        assert_eq!(plan(&source, &destination, PeerCopies::Full), full);
        assert_eq!(
            plan(&source, &destination, PeerCopies::Pull),
            [Rung::Pull, Rung::Stream]
        );
        assert_eq!(
            plan(&source, &destination, PeerCopies::Push),
            [Rung::Push, Rung::Stream]
        );
        assert_eq!(
            plan(&source, &destination, PeerCopies::None),
            [Rung::Stream]
        );
    }

    #[test]
    fn only_ways_that_both_sides_can_go() {
        use Operation::{Copy, Read, Write};
        let reader = able(&[Read], &[], &[]);
        let writer = able(&[Write], &[], &[]);
        let other = able(&[Write, Copy], &["z"], &[]);
        let full = PeerCopies::Full;
        assert_eq!(plan(&reader, &writer, full), [Rung::Stream]);
        assert_eq!(plan(&reader, &other, full), [Rung::Stream]);
        assert!(plan(&writer, &reader, full).is_empty());
        let terrain = Terrain {
            source: &reader,
            destination: &writer,
            source_scheme: "a",
            destination_scheme: "b",
            peer_copies: full,
            streaming_allowed: false,
        };
        assert!(ladder(terrain).is_empty());
    }

    #[test]
    fn a_side_that_hands_out_urls_is_reached_by_any_side_that_copies() {
        use Operation::{Copy, Read, Turl, Write};
        let keeper = able(&[Read, Write, Turl], &[], &[]);
        let copier = able(&[Read, Write, Copy], &["z"], &["z"]);
        let full = PeerCopies::Full;
        assert_eq!(plan(&keeper, &copier, full), [Rung::Pull, Rung::Stream]);
        assert_eq!(plan(&copier, &keeper, full), [Rung::Push, Rung::Stream]);
        assert_eq!(plan(&keeper, &keeper, full), [Rung::Stream]);
        let deaf = able(&[Read, Write, Copy], &[], &[]);
        assert_eq!(plan(&keeper, &deaf, full), [Rung::Stream]);
    }

    #[test]
    fn what_is_avoided_comes_last() {
        use Rung::{Pull, Push, Stream};
        let all = vec![Pull, Push, Stream];
        assert_eq!(last(all.clone(), &[Stream, Pull]), [Push, Pull, Stream]);
        assert_eq!(last(all.clone(), &[]), all);
        assert_eq!(last(vec![Stream], &[Pull]), [Stream]);
    }

    #[test]
    fn a_refused_verb_is_no_failure_of_the_file() {
        let yes = |error: Error| assert!(way_does_not_work(&error), "{error:?}");
        let no = |error: Error| assert!(!way_does_not_work(&error), "{error:?}");
        yes(Error::unsupported("copy"));
        yes(Error::new(ErrorKind::Remote, "x").with_remote_status(405));
        yes(Error::new(ErrorKind::Denied, "x").with_remote_status(403));
        yes(Error::from_errno(111, ""));
        no(Error::new(ErrorKind::NotFound, "x").with_remote_status(404));
        no(Error::new(ErrorKind::NoSpace, "x").with_remote_status(507));
        no(Error::from_errno(1, ""));
        no(Error::from_errno(110, ""));
        no(Error::from_errno(104, ""));
        no(Error::new(ErrorKind::Exists, "x"));
    }
}
