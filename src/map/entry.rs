//! One entry of a map, to look at and change in one go.
//!
//! In: a map and a key. Out: the value, mutable, wherever it came from.
//! Must hold: nothing is copied before something is changed.
//! Uses: `link`, `find`, `error`; and the map's own methods.

use super::{GenericHashMap, Want, find};
use crate::error::thawed;
use crate::link::Kind;
use core::hash::{BuildHasher, Hash};

/// The entry of a key: there, or not yet. From [`GenericHashMap::entry`].
pub enum Entry<'a, K, V, S, P: Kind> {
    /// The map has the key.
    Occupied(OccupiedEntry<'a, K, V, S, P>),
    /// The map does not have the key.
    Vacant(VacantEntry<'a, K, V, S, P>),
}

/// The entry of a key that the map has.
pub struct OccupiedEntry<'a, K, V, S, P: Kind> {
    map: &'a mut GenericHashMap<K, V, S, P>,
    hash: u64,
    key: K,
}

/// The entry of a key that the map does not have.
pub struct VacantEntry<'a, K, V, S, P: Kind> {
    map: &'a mut GenericHashMap<K, V, S, P>,
    hash: u64,
    key: K,
}

impl<'a, K, V, S, P> Entry<'a, K, V, S, P>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
    P: Kind,
{
    pub(super) fn new(map: &'a mut GenericHashMap<K, V, S, P>, key: K) -> Self {
        let hash = map.hasher.hash_one(&key);
        match thawed(find::find(map.root.link(), hash, &key)).is_some() {
            true => Entry::Occupied(OccupiedEntry { map, hash, key }),
            false => Entry::Vacant(VacantEntry { map, hash, key }),
        }
    }

    /// The value; `default` if there was none. Time: O(log n).
    pub fn or_insert(self, default: V) -> &'a mut V {
        self.or_insert_with(|| default)
    }

    /// The value; what `default` gives if there was none. Time: O(log n).
    pub fn or_insert_with<F: FnOnce() -> V>(self, default: F) -> &'a mut V {
        match self {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(default()),
        }
    }

    /// The value; `V::default()` if there was none. Time: O(log n).
    pub fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }

    /// The key that was asked for. Time: O(1).
    #[must_use]
    pub fn key(&self) -> &K {
        match self {
            Entry::Occupied(entry) => entry.key(),
            Entry::Vacant(entry) => entry.key(),
        }
    }

    /// Changes the value by `f` if there is one. Time: O(log n).
    #[must_use]
    pub fn and_modify<F: FnOnce(&mut V)>(mut self, f: F) -> Self {
        if let Entry::Occupied(entry) = &mut self {
            f(entry.get_mut())
        }
        self
    }
}

impl<'a, K, V, S, P> OccupiedEntry<'a, K, V, S, P>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
    P: Kind,
{
    /// The key that was asked for. Time: O(1).
    #[must_use]
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Takes the entry out. Time: O(log n).
    pub fn remove_entry(self) -> (K, V) {
        self.map.remove_with_key(&self.key).expect("occupied")
    }

    /// The value. Time: O(log n).
    #[must_use]
    pub fn get(&self) -> &V {
        &thawed(find::find(self.map.root.link(), self.hash, &self.key)).expect("occupied").1
    }

    /// The value, mutable; what is shared of its path is copied. Time: O(log n).
    #[must_use]
    pub fn get_mut(&mut self) -> &mut V {
        thawed(self.map.own_path(self.hash, &self.key));
        &mut find::find_exclusive(&mut self.map.root, self.hash, &self.key).expect("occupied").1
    }

    /// The value, mutable, for as long as the map is borrowed. Time: O(log n).
    #[must_use]
    pub fn into_mut(self) -> &'a mut V {
        thawed(self.map.own_path(self.hash, &self.key));
        &mut find::find_exclusive(&mut self.map.root, self.hash, &self.key).expect("occupied").1
    }

    /// Puts another value in and gives the old one. Time: O(log n).
    pub fn insert(&mut self, value: V) -> V {
        core::mem::replace(self.get_mut(), value)
    }

    /// Takes the entry out; gives its value. Time: O(log n).
    pub fn remove(self) -> V {
        self.map.remove(&self.key).expect("occupied")
    }
}

impl<'a, K, V, S, P> VacantEntry<'a, K, V, S, P>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
    P: Kind,
{
    /// The key that was asked for. Time: O(1).
    #[must_use]
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Gives the key back. Time: O(1).
    #[must_use]
    pub fn into_key(self) -> K {
        self.key
    }

    /// Puts a value in. Time: O(log n).
    pub fn insert(self, value: V) -> &'a mut V {
        let (_, place) = thawed(self.map.put_hashed(self.hash, self.key, value, Want::Nothing));
        &mut find::inserted_at(&mut self.map.root, self.hash, place).1
    }
}
