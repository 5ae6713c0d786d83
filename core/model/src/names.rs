//! Names in use, for whoever begins to type one.

use async_trait::async_trait;

use crate::ports::StoreError;

/// Sorted names of one kind. Who implements it says which: the store has those of VOs with jobs, the
/// vault the DNs of users with credentials. An answer costs as much as it holds, however many rows
/// have the names.
#[async_trait]
pub trait NameIndex: Send + Sync {
    /// The first names that begin so, in order, each once.
    async fn names(&self, prefix: &str, limit: usize) -> Result<Vec<String>, StoreError>;
}

/// The first keys of a sorted map that begin so.
///
/// ```
/// let map: std::collections::BTreeMap<&str, ()> = ["ab", "ac", "b"].map(|it| (it, ())).into();
/// let keys = map.range("a"..).map(|(key, _)| *key);
/// assert_eq!(causeway_model::names::beginning(keys, "a", 9), ["ab", "ac"]);
/// ```
pub fn beginning(
    sorted: impl Iterator<Item = impl AsRef<str>>,
    prefix: &str,
    limit: usize,
) -> Vec<String> {
    let fitting = sorted.take_while(|it| it.as_ref().starts_with(prefix));
    let mut names = Vec::new();
    for name in fitting {
        if names.len() == limit {
            break;
        }
        let name = name.as_ref();
        if names.last().is_none_or(|last: &String| last != name) {
            names.push(name.to_owned());
        }
    }
    names
}
