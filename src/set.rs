//! The hash set: a map without values.
//!
//! In: values with `Hash` and `Eq`. Out: versions that share structure.
//! Must hold: what `map/` promises; a set is nothing but its map.
//! Uses: `map`, `vector`, `link`, `hash`, `error`.

use crate::error::thawed;
use crate::hash::PortableHash;
use crate::link::Kind;
use crate::map::{self, DiffItem, GenericHashMap};
use crate::vector::GenericVector;
use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use archery::ArcTK;
use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash, Hasher};
use core::iter::{FusedIterator, Sum};
use core::ops::{Add, Mul};
use equivalent::Equivalent;

mod fallible;
#[cfg(test)]
mod tests;

/// A set from values: `hashset![1, 2, 3]`.
#[macro_export]
macro_rules! hashset {
    ($(,)?) => { $crate::HashSet::new() };
    ($($value:expr),+ $(,)?) => {{
        let mut set = $crate::HashSet::new();
        $(set.insert($value);)+
        set
    }};
}

/// A persistent hash set: a value that is cheap to copy, every edit of which can be a new version.
///
/// It is a [`GenericHashMap`] without values; costs, sharing and sources are the same.
///
/// | operation | time | against `std::collections::HashSet` |
/// |---|---|---|
/// | [`contains`](Self::contains) | O(log n) | O(1) |
/// | [`insert`](Self::insert), [`remove`](Self::remove) | O(log n), in place where alone | O(1) amortised; shared: O(n) |
/// | [`clone`](Clone::clone) | O(1) | O(n) |
/// | `==`, [`diff`](Self::diff), [`union`](Self::union) … of versions | O(what differs · log n) | O(n) |
///
/// # Panics
///
/// Where a stored node cannot be read, calls panic and say so; those in [`try_contains`](Self::try_contains) and its kin
/// give the error instead. Sets that were made in memory have no stored nodes. More limits: [`GenericHashMap`].
///
/// # Examples
///
/// ```
/// use backstory::{HashSet, hashset};
///
/// let old: HashSet<&str> = hashset!["bread", "milk"];
/// let new = old.update("tea").without("milk");
/// assert!(old.contains("milk") && !new.contains("milk"));
/// assert_eq!(old.union(new), hashset!["bread", "milk", "tea"]);
/// ```
pub struct GenericHashSet<A, S, P: Kind> {
    pub(crate) map: GenericHashMap<A, (), S, P>,
}

/// A [`GenericHashSet`] with the default hasher ([`PortableHash`]) and atomic counts.
pub type HashSet<A> = GenericHashSet<A, PortableHash, ArcTK>;

impl<A, S, P> GenericHashSet<A, S, P>
where
    A: Hash + Eq + Clone,
    S: BuildHasher + Default + Clone,
    P: Kind,
{
    /// A set of one value. Time: O(1).
    #[must_use]
    pub fn unit(a: A) -> Self {
        Self::new().update(a)
    }
}

impl<A, S, P: Kind> GenericHashSet<A, S, P> {
    /// An empty set. Allocates nothing. Time: O(1).
    #[must_use]
    pub fn new() -> Self
    where
        S: Default,
    {
        Self::with_hasher(S::default())
    }

    /// An empty set that hashes with `hasher`. Time: O(1).
    #[must_use]
    pub fn with_hasher(hasher: S) -> Self {
        GenericHashSet { map: GenericHashMap::with_hasher(hasher) }
    }

    /// An empty set, of another type, that hashes as this one. Time: O(1).
    #[must_use]
    pub fn new_from<A2>(&self) -> GenericHashSet<A2, S, P>
    where
        A2: Hash + Eq + Clone,
        S: Clone,
    {
        GenericHashSet { map: self.map.new_from() }
    }

    /// True if there is no value. Time: O(1).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// The number of values. Time: O(1).
    #[must_use]
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// True if the two are one version; see [`GenericHashMap::ptr_eq`]. Time: O(1).
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.map.ptr_eq(&other.map)
    }

    /// The hasher. Time: O(1).
    #[must_use]
    pub fn hasher(&self) -> &S {
        self.map.hasher()
    }

    /// Removes all values. Time: O(1) if they are shared, else O(n) to drop them.
    pub fn clear(&mut self) {
        self.map.clear()
    }

    /// Iterates over the values, in slot order. Time: O(n) for all.
    #[must_use]
    pub fn iter(&self) -> Iter<'_, A, P> {
        Iter(self.map.keys())
    }
}

impl<A: Hash + Eq, S: BuildHasher, P: Kind> GenericHashSet<A, S, P> {
    /// True if the value is in the set. Time: O(log n).
    #[inline]
    #[must_use]
    pub fn contains<Q: Hash + Equivalent<A> + ?Sized>(&self, value: &Q) -> bool {
        self.map.contains_key(value)
    }

    /// True if `other` has all our values. Time: O(what differs · log n).
    #[must_use]
    pub fn is_subset<RS: Borrow<Self>>(&self, other: RS) -> bool {
        self.map.is_submap(&other.borrow().map)
    }

    /// True if `other` has all our values and more. Time: O(what differs · log n).
    #[must_use]
    pub fn is_proper_subset<RS: Borrow<Self>>(&self, other: RS) -> bool {
        self.map.is_proper_submap(&other.borrow().map)
    }

    /// What must be done to get from this set to `other`; `Update` does not occur. See [`GenericHashMap::diff`].
    #[must_use]
    pub fn diff<'a, 'b>(&'a self, other: &'b Self) -> DiffIter<'a, 'b, A, S, P> {
        DiffIter(self.map.diff(&other.map))
    }
}

impl<A: Hash + Eq + Clone, S: BuildHasher, P: Kind> GenericHashSet<A, S, P> {
    /// Puts a value in; gives the equal value that was there before. Time: O(log n).
    pub fn insert(&mut self, a: A) -> Option<A> {
        thawed(self.try_insert(a))
    }

    /// Takes a value out and gives it. Copies nothing if there is none. Time: O(log n).
    pub fn remove<Q: Hash + Equivalent<A> + ?Sized>(&mut self, value: &Q) -> Option<A> {
        thawed(self.try_remove(value))
    }

    /// Keeps the values for which `f` says so. Time: O(n).
    pub fn retain<F: FnMut(&A) -> bool>(&mut self, mut f: F) {
        self.map.retain(|a, ()| f(a))
    }
}

impl<A: Hash + Eq + Clone, S: BuildHasher + Clone, P: Kind> GenericHashSet<A, S, P> {
    fn of(map: GenericHashMap<A, (), S, P>) -> Self {
        GenericHashSet { map }
    }

    /// A version with `a` in it; `self` is unchanged. Time: O(log n).
    #[must_use]
    pub fn update(&self, a: A) -> Self {
        Self::of(self.map.update(a, ()))
    }

    /// A version without `value`; `self` is unchanged. Time: O(log n).
    #[must_use]
    pub fn without<Q: Hash + Equivalent<A> + ?Sized>(&self, value: &Q) -> Self {
        Self::of(self.map.without(value))
    }

    /// All values of both; of equal ones ours. Time: O(d log n), d the values in parts they do not share.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self::of(self.map.union(other.map))
    }

    /// The union of all sets. Time: that of each union.
    #[must_use]
    pub fn unions<I>(i: I) -> Self
    where
        I: IntoIterator<Item = Self>,
        S: Default,
    {
        i.into_iter().fold(Self::default(), Self::union)
    }

    /// [`symmetric_difference`](Self::symmetric_difference), as `im` and `imbl` name it.
    #[deprecated(note = "std calls another operation so: use `symmetric_difference` or `relative_complement`")]
    #[must_use]
    pub fn difference(self, other: Self) -> Self {
        self.symmetric_difference(other)
    }

    /// The values that just one of the two has. Time: as [`union`](Self::union).
    #[must_use]
    pub fn symmetric_difference(self, other: Self) -> Self {
        Self::of(self.map.symmetric_difference(other.map))
    }

    /// Our values that `other` does not have. Time: as [`union`](Self::union).
    #[must_use]
    pub fn relative_complement(self, other: Self) -> Self {
        Self::of(self.map.relative_complement(other.map))
    }

    /// Our values that `other` has too. Time: as [`union`](Self::union).
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self::of(self.map.intersection(other.map))
    }
}

// ---- standard traits ----

impl<A, S: Clone, P: Kind> Clone for GenericHashSet<A, S, P> {
    /// Time: O(1): one count.
    #[inline]
    fn clone(&self) -> Self {
        GenericHashSet { map: self.map.clone() }
    }
}

impl<A, S: Default, P: Kind> Default for GenericHashSet<A, S, P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A, S, T, P, Q> PartialEq<GenericHashSet<A, T, Q>> for GenericHashSet<A, S, P>
where
    A: Hash + Eq,
    S: BuildHasher,
    T: BuildHasher,
    P: Kind,
    Q: Kind,
{
    /// Time: O(what differs · log n) for sets that hash alike.
    fn eq(&self, other: &GenericHashSet<A, T, Q>) -> bool {
        self.map == other.map
    }
}

impl<A: Hash + Eq, S: BuildHasher, P: Kind> Eq for GenericHashSet<A, S, P> {}

impl<A: Hash, S, P: Kind> Hash for GenericHashSet<A, S, P> {
    /// As the map's: equal sets hash alike. Time: O(n).
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.map.hash(state)
    }
}

impl<A: fmt::Debug, S, P: Kind> fmt::Debug for GenericHashSet<A, S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// An operator that is a method.
macro_rules! operators {
    ($($operator:ident, $name:ident, $method:ident;)*) => {$(
        impl<A: Hash + Eq + Clone, S: BuildHasher + Clone, P: Kind> $operator for GenericHashSet<A, S, P> {
            type Output = Self;
            fn $name(self, other: Self) -> Self {
                self.$method(other)
            }
        }

        impl<A: Hash + Eq + Clone, S: BuildHasher + Clone, P: Kind> $operator for &GenericHashSet<A, S, P> {
            type Output = GenericHashSet<A, S, P>;
            fn $name(self, other: Self) -> Self::Output {
                self.clone().$method(other.clone())
            }
        }
    )*};
}

operators! {
    Add, add, union;
    Mul, mul, intersection;
}

impl<A: Hash + Eq + Clone, S: BuildHasher + Default + Clone, P: Kind> Sum for GenericHashSet<A, S, P> {
    fn sum<I: Iterator<Item = Self>>(sets: I) -> Self {
        Self::unions(sets)
    }
}

impl<A, S, R, P> Extend<R> for GenericHashSet<A, S, P>
where
    A: Hash + Eq + Clone + From<R>,
    S: BuildHasher,
    P: Kind,
{
    fn extend<I: IntoIterator<Item = R>>(&mut self, values: I) {
        self.map.extend_with(values.into_iter().map(|a| (A::from(a), ())))
    }
}

impl<A, R, S, P> FromIterator<R> for GenericHashSet<A, S, P>
where
    A: Hash + Eq + Clone + From<R>,
    S: BuildHasher + Default,
    P: Kind,
{
    /// As the map's. Time: O(n).
    fn from_iter<I: IntoIterator<Item = R>>(values: I) -> Self {
        GenericHashSet { map: values.into_iter().map(|a| (A::from(a), ())).collect() }
    }
}

/// `From` for collections of values, given up or borrowed.
macro_rules! from_values {
    ($([$($generic:tt)*] $from:ty, $values:ident => $iter:expr;)*) => {$(
        impl<$($generic)* A, S, P> From<$from> for GenericHashSet<A, S, P>
        where
            A: Hash + Eq + Clone,
            S: BuildHasher + Default,
            P: Kind,
        {
            /// Time: O(n).
            fn from($values: $from) -> Self {
                $iter.collect()
            }
        }
    )*};
}

from_values! {
    [const N: usize,] [A; N], v => v.into_iter();
    ['a, const N: usize,] &'a [A; N], v => v.iter().cloned();
    ['a,] &'a [A], v => v.iter().cloned();
    [] Vec<A>, v => v.into_iter();
    ['a,] &'a Vec<A>, v => v.iter().cloned();
    [] BTreeSet<A>, v => v.into_iter();
    ['a,] &'a BTreeSet<A>, v => v.iter().cloned();
    [Q: Kind,] GenericVector<A, Q>, v => v.into_iter();
    ['a, Q: Kind,] &'a GenericVector<A, Q>, v => v.iter().cloned();
}

#[cfg(feature = "std")]
from_values! {
    [T,] std::collections::HashSet<A, T>, v => v.into_iter();
    ['a, T,] &'a std::collections::HashSet<A, T>, v => v.iter().cloned();
}

/// std's sets from a set, given up or borrowed.
macro_rules! into_values {
    ($($to:ty, [$($generic:ident)*] $($bound:path),*;)*) => {$(
        impl<A: Clone $(+ $bound)*, S, P: Kind, $($generic)*> From<GenericHashSet<A, S, P>> for $to
        where
            $($generic: BuildHasher + Default,)*
        {
            /// Time: that of inserting n values. Those that other versions share are cloned.
            fn from(set: GenericHashSet<A, S, P>) -> Self {
                set.into_iter().collect()
            }
        }

        impl<A: Clone $(+ $bound)*, S, P: Kind, $($generic)*> From<&GenericHashSet<A, S, P>> for $to
        where
            $($generic: BuildHasher + Default,)*
        {
            /// Time: that of inserting n values.
            fn from(set: &GenericHashSet<A, S, P>) -> Self {
                set.iter().cloned().collect()
            }
        }
    )*};
}

into_values! {
    BTreeSet<A>, [] Ord;
}

#[cfg(feature = "std")]
into_values! {
    std::collections::HashSet<A, T>, [T] Hash, Eq;
}

impl<A, OA, SA, SB, P1, P2> From<&GenericHashSet<&A, SA, P1>> for GenericHashSet<OA, SB, P2>
where
    A: ToOwned<Owned = OA> + Hash + Equivalent<OA> + ?Sized,
    OA: Hash + Eq + Clone,
    SA: BuildHasher,
    SB: BuildHasher + Default,
    P1: Kind,
    P2: Kind,
{
    fn from(set: &GenericHashSet<&A, SA, P1>) -> Self {
        set.iter().map(|a| (*a).to_owned()).collect()
    }
}

impl<'a, A, S, P: Kind> IntoIterator for &'a GenericHashSet<A, S, P> {
    type Item = &'a A;
    type IntoIter = Iter<'a, A, P>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<A: Clone, S, P: Kind> IntoIterator for GenericHashSet<A, S, P> {
    type Item = A;
    type IntoIter = ConsumingIter<A, P>;
    fn into_iter(self) -> Self::IntoIter {
        ConsumingIter(map::Owned::new(self.map))
    }
}

// ---- iterators ----

/// Values of a set. From [`GenericHashSet::iter`].
pub struct Iter<'a, A, P: Kind>(map::Keys<'a, A, (), P>);

impl<A, P: Kind> Clone for Iter<'_, A, P> {
    fn clone(&self) -> Self {
        Iter(self.0.clone())
    }
}

impl<'a, A, P: Kind> Iterator for Iter<'a, A, P> {
    type Item = &'a A;
    #[inline]
    fn next(&mut self) -> Option<&'a A> {
        self.0.next()
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<A, P: Kind> ExactSizeIterator for Iter<'_, A, P> {}
impl<A, P: Kind> FusedIterator for Iter<'_, A, P> {}

/// Values of a set that is given up: moved out where it was ours alone, cloned where it is shared.
pub struct ConsumingIter<A, P: Kind>(map::Owned<A, (), P>);

impl<A: Clone, P: Kind> Clone for ConsumingIter<A, P> {
    /// Both go on from here. Copies one leaf.
    fn clone(&self) -> Self {
        ConsumingIter(self.0.clone())
    }
}

impl<A: Clone, P: Kind> Iterator for ConsumingIter<A, P> {
    type Item = A;
    fn next(&mut self) -> Option<A> {
        self.0.next().map(|(a, ())| a)
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.left, Some(self.0.left))
    }
}

impl<A: Clone, P: Kind> ExactSizeIterator for ConsumingIter<A, P> {}
impl<A: Clone, P: Kind> FusedIterator for ConsumingIter<A, P> {}

/// What differs between two sets. From [`GenericHashSet::diff`].
pub struct DiffIter<'a, 'b, A, S, P: Kind>(map::DiffIter<'a, 'b, A, (), S, P>);

impl<'a, 'b, A: Hash + Eq, S: BuildHasher, P: Kind> Iterator for DiffIter<'a, 'b, A, S, P> {
    type Item = DiffItem<'a, 'b, A, ()>;
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

impl<A: Hash + Eq, S: BuildHasher, P: Kind> FusedIterator for DiffIter<'_, '_, A, S, P> {}
