//! The standard traits of a map.
//!
//! In: a map, or entries to make one of. Out: what the trait says.
//! Must hold: `Hash` agrees with `Eq` (it does not depend on the order of entries, nor on the map's own hasher).
//! Uses: `link`, `node`, `build`, `iters`, `tally`, `hash`.

use super::GenericHashMap;
use super::build::{Item, build, dedup, has_many_twice, sort};
use super::iters::{ConsumingIter, Iter, Owned};
use super::node::{Node, Trie};
use super::tally::Tally;
use crate::hash::PortableHash;
use crate::link::{Count, Kind};
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash, Hasher};
use core::iter::Sum;
use core::ops::{Add, Index, IndexMut};
use equivalent::Equivalent;

impl<K, V, S: Clone, P: Kind> Clone for GenericHashMap<K, V, S, P> {
    /// Time: O(1): one count.
    #[inline]
    fn clone(&self) -> Self {
        GenericHashMap { root: self.root.clone(), tally: self.tally, hasher: self.hasher.clone() }
    }
}

impl<K, V, S: Default, P: Kind> Default for GenericHashMap<K, V, S, P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V, S, T, P, Q> PartialEq<GenericHashMap<K, V, T, Q>> for GenericHashMap<K, V, S, P>
where
    K: Hash + Eq,
    V: PartialEq,
    S: BuildHasher,
    T: BuildHasher,
    P: Kind,
    Q: Kind,
{
    /// Time: O(what differs · log n) for maps that hash alike: shared parts are equal unread.
    fn eq(&self, other: &GenericHashMap<K, V, T, Q>) -> bool {
        self.equals(other)
    }
}

impl<K, V, S, P> Eq for GenericHashMap<K, V, S, P>
where
    K: Hash + Eq,
    V: Eq,
    S: BuildHasher,
    P: Kind,
{
}

impl<K: Hash, V: Hash, S, P: Kind> Hash for GenericHashMap<K, V, S, P> {
    /// Hashes each entry on its own and adds the hashes up, so that equal maps hash alike. Time: O(n).
    fn hash<H: Hasher>(&self, state: &mut H) {
        let sum = self.iter().fold(0u64, |sum, entry| sum.wrapping_add(PortableHash.hash_one(entry)));
        state.write_u64(self.len() as u64);
        state.write_u64(sum);
    }
}

impl<K: fmt::Debug, V: fmt::Debug, S, P: Kind> fmt::Debug for GenericHashMap<K, V, S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K, V, S, P> Add for GenericHashMap<K, V, S, P>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher + Clone,
    P: Kind,
{
    type Output = Self;
    /// The [`union`](GenericHashMap::union).
    fn add(self, other: Self) -> Self {
        self.union(other)
    }
}

impl<K, V, S, P> Add for &GenericHashMap<K, V, S, P>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher + Clone,
    P: Kind,
{
    type Output = GenericHashMap<K, V, S, P>;
    /// The [`union`](GenericHashMap::union).
    fn add(self, other: Self) -> Self::Output {
        self.clone().union(other.clone())
    }
}

impl<K, V, S, P> Sum for GenericHashMap<K, V, S, P>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher + Default + Clone,
    P: Kind,
{
    /// The [`unions`](GenericHashMap::unions).
    fn sum<I: Iterator<Item = Self>>(maps: I) -> Self {
        Self::unions(maps)
    }
}

impl<K, V, S, RK, RV, P> Extend<(RK, RV)> for GenericHashMap<K, V, S, P>
where
    K: Hash + Eq + Clone + From<RK>,
    V: Clone + From<RV>,
    S: BuildHasher,
    P: Kind,
{
    fn extend<I: IntoIterator<Item = (RK, RV)>>(&mut self, entries: I) {
        self.extend_with(entries.into_iter().map(|(k, v)| (k.into(), v.into())))
    }
}

impl<K, V, S, P> GenericHashMap<K, V, S, P>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
    P: Kind,
{
    /// Inserts all entries; an empty map is built from below.
    pub(crate) fn extend_with(&mut self, entries: impl Iterator<Item = (K, V)>) {
        if self.is_empty() {
            let (root, len) = collected(&self.hasher, entries);
            (self.root, self.tally) = (root, self.tally.with_len(len));
            return;
        }
        for (k, v) in entries {
            self.insert(k, v);
        }
    }
}

impl<Q, K, V, S, P> Index<&Q> for GenericHashMap<K, V, S, P>
where
    Q: Hash + Equivalent<K> + ?Sized,
    K: Hash + Eq,
    S: BuildHasher,
    P: Kind,
{
    type Output = V;
    /// # Panics
    /// If there is no such key.
    fn index(&self, key: &Q) -> &V {
        self.get(key).expect("HashMap::index: no entry for this key")
    }
}

impl<Q, K, V, S, P> IndexMut<&Q> for GenericHashMap<K, V, S, P>
where
    Q: Hash + Equivalent<K> + ?Sized,
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
    P: Kind,
{
    /// # Panics
    /// If there is no such key.
    fn index_mut(&mut self, key: &Q) -> &mut V {
        self.get_mut(key).expect("HashMap::index_mut: no entry for this key")
    }
}

impl<'a, K, V, S, P: Kind> IntoIterator for &'a GenericHashMap<K, V, S, P> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V, P>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<K: Clone, V: Clone, S, P: Kind> IntoIterator for GenericHashMap<K, V, S, P> {
    type Item = (K, V);
    type IntoIter = ConsumingIter<(K, V), P>;
    fn into_iter(self) -> Self::IntoIter {
        Owned::new(self).into_iter()
    }
}

impl<K, V, S, P> FromIterator<(K, V)> for GenericHashMap<K, V, S, P>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher + Default,
    P: Kind,
{
    /// Sorts the entries by hash and builds the trie from below; of equal keys the last stays. Time: O(n). Space: for all
    /// entries twice, or, of millions among which most keys come again, for a few times those that stay.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let hasher = S::default();
        let (root, len) = collected(&hasher, entries.into_iter());
        GenericHashMap { root, tally: Tally::new::<S>().with_len(len), hasher }
    }
}

/// So many items are gathered before it is asked whether they have many keys twice.
const MANY_ITEMS: usize = 1 << 20;

/// The trie of some entries, and their number; of equal keys the last stays. Needs room for all of them at once, unless
/// they are many and most of their keys come again.
fn collected<K, V, S, C>(hasher: &S, entries: impl Iterator<Item = (K, V)>) -> (Node<K, V, C>, usize)
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
    C: Count,
{
    let item = |entry: (K, V)| {
        let hash = hasher.hash_one(&entry.0);
        Item { hash, entry, mark: Trie::<K, V, C>::new_mark(hash).get() }
    };
    let (mut items, mut entries, mut limit) = (Vec::new(), entries.map(item), MANY_ITEMS);
    loop {
        items.extend(entries.by_ref().take(limit - items.len()));
        if items.len() < limit {
            break;
        }
        if has_many_twice(&items) {
            sort(&mut items);
            dedup(&mut items)
        }
        limit = MANY_ITEMS.max(2 * items.len())
    }
    sort(&mut items);
    dedup(&mut items);
    let len = items.len();
    (build(items), len)
}

impl<K, V, S, P: Kind> AsRef<GenericHashMap<K, V, S, P>> for GenericHashMap<K, V, S, P> {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl<K, V, OK, OV, SA, SB, P1, P2> From<&GenericHashMap<&K, &V, SA, P1>> for GenericHashMap<OK, OV, SB, P2>
where
    K: Hash + Equivalent<OK> + ToOwned<Owned = OK> + ?Sized,
    V: ToOwned<Owned = OV> + ?Sized,
    OK: Hash + Eq + Clone,
    OV: Borrow<V> + Clone,
    SA: BuildHasher,
    SB: BuildHasher + Default,
    P1: Kind,
    P2: Kind,
{
    fn from(m: &GenericHashMap<&K, &V, SA, P1>) -> Self {
        m.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }
}

/// `From` for collections of entries, given up or borrowed.
macro_rules! from_entries {
    ($([$($generic:tt)*] $from:ty, $entries:ident => $iter:expr;)*) => {$(
        impl<$($generic)* K, V, S, P> From<$from> for GenericHashMap<K, V, S, P>
        where
            K: Hash + Eq + Clone,
            V: Clone,
            S: BuildHasher + Default,
            P: Kind,
        {
            /// Time: O(n). Of equal keys the last stays.
            fn from($entries: $from) -> Self {
                $iter.collect()
            }
        }
    )*};
}

fn pair<K: Clone, V: Clone>((k, v): (&K, &V)) -> (K, V) {
    (k.clone(), v.clone())
}

from_entries! {
    [const N: usize,] [(K, V); N], e => e.into_iter();
    ['a, const N: usize,] &'a [(K, V); N], e => e.iter().cloned();
    ['a,] &'a [(K, V)], e => e.iter().cloned();
    [] Vec<(K, V)>, e => e.into_iter();
    ['a,] &'a Vec<(K, V)>, e => e.iter().cloned();
    [] BTreeMap<K, V>, e => e.into_iter();
    ['a,] &'a BTreeMap<K, V>, e => e.iter().map(pair);
}

#[cfg(feature = "std")]
from_entries! {
    [T,] std::collections::HashMap<K, V, T>, e => e.into_iter();
    ['a, T,] &'a std::collections::HashMap<K, V, T>, e => e.iter().map(pair);
}

/// std's maps from a map, given up or borrowed.
macro_rules! into_entries {
    ($($to:ty, [$($generic:ident)*] $($bound:path),*;)*) => {$(
        impl<K, V, S, P: Kind, $($generic)*> From<GenericHashMap<K, V, S, P>> for $to
        where
            K: Clone $(+ $bound)*,
            V: Clone,
            $($generic: BuildHasher + Default,)*
        {
            /// Time: that of inserting n entries. Those that other versions share are cloned.
            fn from(map: GenericHashMap<K, V, S, P>) -> Self {
                map.into_iter().collect()
            }
        }

        impl<K, V, S, P: Kind, $($generic)*> From<&GenericHashMap<K, V, S, P>> for $to
        where
            K: Clone $(+ $bound)*,
            V: Clone,
            $($generic: BuildHasher + Default,)*
        {
            /// Time: that of inserting n entries.
            fn from(map: &GenericHashMap<K, V, S, P>) -> Self {
                map.iter().map(pair).collect()
            }
        }
    )*};
}

into_entries! {
    BTreeMap<K, V>, [] Ord;
}

#[cfg(feature = "std")]
into_entries! {
    std::collections::HashMap<K, V, T>, [T] Hash, Eq;
}
