//! The iterators of a map, as types of the public API. The walks behind them are in `iter.rs` and `lockstep.rs`.
//!
//! In: a map, or two. Out: entries, keys, values, or differences, one by one.
//! Must hold: an iterator says exactly how many items are left, where its trait says so. (A walk gives
//! no more than its map says.)
//! Uses: `link`, `iter`, `lockstep`, `setops`, `error`.

use super::GenericHashMap;
use super::iter::{Walk, WalkMut, WalkOwned};
use super::lockstep::{DiffItem, Lockstep};
use crate::error::{Result, thawed};
use crate::link::Kind;
use core::hash::{BuildHasher, Hash};
use core::iter::FusedIterator;

/// Entries of a map. From [`GenericHashMap::iter`].
pub struct Iter<'a, K, V, P: Kind> {
    walk: Walk<'a, K, V, P::Count>,
    left: usize,
}

impl<'a, K, V, P: Kind> Iter<'a, K, V, P> {
    pub(super) fn new<S>(map: &'a GenericHashMap<K, V, S, P>) -> Self {
        Iter { walk: thawed(Walk::of(map.root.link(), map.len())), left: map.len() }
    }
}

impl<K, V, P: Kind> Clone for Iter<'_, K, V, P> {
    fn clone(&self) -> Self {
        Iter { walk: self.walk.clone(), left: self.left }
    }
}

impl<'a, K, V, P: Kind> Iterator for Iter<'a, K, V, P> {
    type Item = (&'a K, &'a V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (k, v) = self.walk.next_or_panic()?;
        self.left -= 1;
        Some((k, v))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<K, V, P: Kind> ExactSizeIterator for Iter<'_, K, V, P> {}
impl<K, V, P: Kind> FusedIterator for Iter<'_, K, V, P> {}

/// Entries of a map, which can be divided.
#[cfg(feature = "rayon")]
pub struct Part<'a, K, V, P: Kind>(Walk<'a, K, V, P::Count>);

#[cfg(feature = "rayon")]
impl<'a, K, V, P: Kind> Part<'a, K, V, P> {
    pub(crate) fn all<S>(map: &'a GenericHashMap<K, V, S, P>) -> Self {
        Part(thawed(Walk::new(map.root.link())))
    }

    /// Cuts off a part, about half; none if it would be less than a leaf.
    pub(crate) fn divide(&mut self) -> Option<Self> {
        thawed(self.0.divide()).map(Part)
    }
}

#[cfg(feature = "rayon")]
impl<'a, K, V, P: Kind> Iterator for Part<'a, K, V, P> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next_or_panic().map(|(key, value)| (key, value))
    }
}

/// Keys of a map. From [`GenericHashMap::keys`].
pub struct Keys<'a, K, V, P: Kind>(pub(super) Iter<'a, K, V, P>);

impl<K, V, P: Kind> Clone for Keys<'_, K, V, P> {
    fn clone(&self) -> Self {
        Keys(self.0.clone())
    }
}

impl<'a, K, V, P: Kind> Iterator for Keys<'a, K, V, P> {
    type Item = &'a K;
    #[inline]
    fn next(&mut self) -> Option<&'a K> {
        self.0.next().map(|(k, _)| k)
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<K, V, P: Kind> ExactSizeIterator for Keys<'_, K, V, P> {}
impl<K, V, P: Kind> FusedIterator for Keys<'_, K, V, P> {}

/// Values of a map. From [`GenericHashMap::values`].
pub struct Values<'a, K, V, P: Kind>(pub(super) Iter<'a, K, V, P>);

impl<K, V, P: Kind> Clone for Values<'_, K, V, P> {
    fn clone(&self) -> Self {
        Values(self.0.clone())
    }
}

impl<'a, K, V, P: Kind> Iterator for Values<'a, K, V, P> {
    type Item = &'a V;
    #[inline]
    fn next(&mut self) -> Option<&'a V> {
        self.0.next().map(|(_, v)| v)
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<K, V, P: Kind> ExactSizeIterator for Values<'_, K, V, P> {}
impl<K, V, P: Kind> FusedIterator for Values<'_, K, V, P> {}

/// Entries of a map, the values mutable. From [`GenericHashMap::iter_mut`].
pub struct IterMut<'a, K, V, P: Kind> {
    walk: WalkMut<'a, K, V, P::Count>,
    left: usize,
}

impl<'a, K: Clone, V: Clone, P: Kind> IterMut<'a, K, V, P> {
    pub(super) fn new<S>(map: &'a mut GenericHashMap<K, V, S, P>) -> Self {
        let left = map.len();
        IterMut { walk: thawed(WalkMut::new(&mut map.root, left)), left }
    }
}

impl<'a, K: Clone, V: Clone, P: Kind> Iterator for IterMut<'a, K, V, P> {
    type Item = (&'a K, &'a mut V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (k, v) = thawed(self.walk.next())?;
        self.left -= 1;
        Some((k, v))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<K: Clone, V: Clone, P: Kind> ExactSizeIterator for IterMut<'_, K, V, P> {}
impl<K: Clone, V: Clone, P: Kind> FusedIterator for IterMut<'_, K, V, P> {}

/// An entry as a type: `(K, V)` and nothing else.
pub trait Pair: sealed::Sealed {
    /// `K`.
    type Key;
    /// `V`.
    type Value;
}

mod sealed {
    pub trait Sealed {}
    impl<K, V> Sealed for (K, V) {}
}

impl<K, V> Pair for (K, V) {
    type Key = K;
    type Value = V;
}

/// Entries, `(K, V)`, of a map that is given up: moved out where it was ours alone, cloned where it is shared.
///
/// It names its entries by one parameter, as `imbl`'s does.
pub struct ConsumingIter<A: Pair, P: Kind>(Owned<A::Key, A::Value, P>);

impl<K: Clone, V: Clone, P: Kind> Clone for ConsumingIter<(K, V), P> {
    /// Both go on from here. Copies one leaf.
    fn clone(&self) -> Self {
        ConsumingIter(self.0.clone())
    }
}

impl<K: Clone, V: Clone, P: Kind> Iterator for ConsumingIter<(K, V), P> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.left, Some(self.0.left))
    }
}

impl<K: Clone, V: Clone, P: Kind> ExactSizeIterator for ConsumingIter<(K, V), P> {}
impl<K: Clone, V: Clone, P: Kind> FusedIterator for ConsumingIter<(K, V), P> {}

/// An owning walk, and how many entries it has left.
pub(crate) struct Owned<K, V, P: Kind> {
    walk: WalkOwned<K, V, P::Count>,
    pub(crate) left: usize,
}

impl<K: Clone, V: Clone, P: Kind> Owned<K, V, P> {
    pub(crate) fn new<S>(map: GenericHashMap<K, V, S, P>) -> Self {
        let left = map.len();
        Owned { left, walk: thawed(WalkOwned::new(map.root, left)) }
    }

    pub(crate) fn next(&mut self) -> Option<(K, V)> {
        let entry = thawed(self.walk.next())?;
        self.left -= 1;
        Some(entry)
    }

    pub(super) fn into_iter(self) -> ConsumingIter<(K, V), P> {
        ConsumingIter(self)
    }
}

impl<K: Clone, V: Clone, P: Kind> Clone for Owned<K, V, P> {
    fn clone(&self) -> Self {
        Owned { walk: self.walk.clone(), left: self.left }
    }
}

/// What differs between two maps. From [`GenericHashMap::diff`].
pub struct DiffIter<'a, 'b, K, V, S, P: Kind> {
    walk: Lockstep<'a, 'b, K, V, P::Count, P::Count>,
    hashers: (&'a S, &'b S),
}

impl<'a, 'b, K, V, S, P> DiffIter<'a, 'b, K, V, S, P>
where
    K: Hash + Eq,
    V: PartialEq,
    S: BuildHasher,
    P: Kind,
{
    pub(super) fn new(old: &'a GenericHashMap<K, V, S, P>, new: &'b GenericHashMap<K, V, S, P>) -> Result<Self> {
        let alike = super::setops::hash_alike(old, new);
        let walk = Lockstep::new(old.root.link(), new.root.link(), alike)?;
        Ok(DiffIter { walk, hashers: (&old.hasher, &new.hasher) })
    }

    /// The next difference, for callers that handle stored nodes which cannot be read.
    pub(super) fn try_next(&mut self) -> Result<Option<DiffItem<'a, 'b, K, V>>> {
        self.walk.next(self.hashers.0, self.hashers.1)
    }
}

impl<'a, 'b, K, V, S, P> Iterator for DiffIter<'a, 'b, K, V, S, P>
where
    K: Hash + Eq,
    V: PartialEq,
    S: BuildHasher,
    P: Kind,
{
    type Item = DiffItem<'a, 'b, K, V>;

    fn next(&mut self) -> Option<Self::Item> {
        thawed(self.try_next())
    }
}

impl<K: Hash + Eq, V: PartialEq, S: BuildHasher, P: Kind> FusedIterator for DiffIter<'_, '_, K, V, S, P> {}
