//! Names of files that are not there yet.

use std::hash::{BuildHasher as _, RandomState};

const PREFIX: &str = ".causeway-";
const SUFFIX: &str = ".part";

/// A path beside another one, new each time.
pub(crate) fn beside(path: &str, serial: u64) -> String {
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    // The standard library's randomly keyed hash: another one in each process and for each call.
    let random = RandomState::new().hash_one((std::process::id(), serial));
    format!("{directory}/{PREFIX}{random:016x}{SUFFIX}")
}

/// Whether a name is one of these; listings leave them out.
pub(crate) fn is_temporary(name: &str) -> bool {
    let random = name
        .strip_prefix(PREFIX)
        .and_then(|it| it.strip_suffix(SUFFIX));
    random.is_some_and(|it| it.len() == 16 && it.bytes().all(|it| it.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_new_and_known_again() {
        let (one, two) = (beside("/a/b", 1), beside("/a/b", 1));
        assert_ne!(one, two);
        for path in [one, beside("/b", 2)] {
            let (_, name) = path.rsplit_once('/').unwrap();
            assert!(is_temporary(name) && name.len() < 40, "{path}");
        }
        for name in [".causeway-x.part", "a.part", ".causeway-0123456789abcdef"] {
            assert!(!is_temporary(name), "{name}");
        }
    }
}
