//! Entries under small numbers that are given out again once an entry is gone.
//!
//! Numbers are given out in an order that depends on nothing but the calls, so that a run can be
//! repeated. A number never leaves the scheduler: whoever removes an entry removes what names it.

use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// A number of an entry.
pub(super) trait Id: Copy {
    fn new(number: u32) -> Self;
    fn number(self) -> u32;
}

/// Declares numbers that cannot be taken for each other.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(super) struct $name(u32);

        impl Id for $name {
            fn new(number: u32) -> Self {
                Self(number)
            }

            fn number(self) -> u32 {
                self.0
            }
        }
    )*};
}

ids! {
    /// A link.
    LinkId
    /// A storage.
    StorageId
    /// What one VO has queued on one link.
    FlowId
    /// The name of an activity.
    ActivityId
}

/// The entries.
#[derive(Debug)]
pub(super) struct Slab<K, T> {
    slots: Vec<Option<T>>,
    free: Vec<u32>,
    kind: PhantomData<K>,
}

impl<K, T> Default for Slab<K, T> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            kind: PhantomData,
        }
    }
}

impl<K: Id, T> Slab<K, T> {
    pub(super) fn insert(&mut self, entry: T) -> K {
        if let Some(number) = self.free.pop() {
            self.slots[number as usize] = Some(entry);
            return K::new(number);
        }
        let number = u32::try_from(self.slots.len()).expect("fewer entries than a u32 can count");
        self.slots.push(Some(entry));
        K::new(number)
    }

    pub(super) fn remove(&mut self, id: K) -> Option<T> {
        let entry = self.slots[id.number() as usize].take();
        if entry.is_some() {
            self.free.push(id.number());
        }
        entry
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// All entries, by number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (K, &T)> + Clone {
        let numbered = (0..).zip(&self.slots);
        numbered.filter_map(|(number, it)| Some((K::new(number), it.as_ref()?)))
    }

    /// The numbers in use among so many from one on, and where the next begin.
    pub(super) fn slice(&self, from: u32, most: usize) -> (Vec<K>, Option<u32>) {
        let begin = (from as usize).min(self.slots.len());
        let end = begin.saturating_add(most).min(self.slots.len());
        let numbered = (from..).zip(&self.slots[begin..end]);
        let used = numbered.filter(|(_, it)| it.is_some());
        let ids = used.map(|(number, _)| K::new(number)).collect();
        let next = (end < self.slots.len()).then(|| from.saturating_add((end - begin) as u32));
        (ids, next)
    }

    /// The numbers in use, as a list that stays valid while entries change.
    pub(super) fn ids(&self) -> Vec<K> {
        self.iter().map(|(id, _)| id).collect()
    }
}

impl<K: Id, T> Index<K> for Slab<K, T> {
    type Output = T;

    fn index(&self, id: K) -> &T {
        let entry = self.slots[id.number() as usize].as_ref();
        entry.expect("whoever removes an entry removes what names it")
    }
}

impl<K: Id, T> IndexMut<K> for Slab<K, T> {
    fn index_mut(&mut self, id: K) -> &mut T {
        let entry = self.slots[id.number() as usize].as_mut();
        entry.expect("whoever removes an entry removes what names it")
    }
}
