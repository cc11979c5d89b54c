//! Set operations and comparison of maps: the public side of `combine` and `lockstep`.
//!
//! In: two maps. Out: a map of what the operation keeps, or what differs.
//! Must hold: maps that hash differently (two `RandomState`s) are never compared by structure.
//! Uses: `link`, `combine`, `lockstep`, `iter`, `iters`, `error`.

use super::GenericHashMap;
use super::combine::{Both, Rule, combine};
use super::iter::Walk;
use super::iters::DiffIter;
use super::lockstep::{DiffItem, Lockstep};
use crate::error::thawed;
use crate::link::Kind;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

/// True if the two maps hash alike: their hashers are of one type, and clones of one, or without state.
pub(super) fn hash_alike<K, V, S, T, P: Kind, Q: Kind>(
    a: &GenericHashMap<K, V, S, P>,
    b: &GenericHashMap<K, V, T, Q>,
) -> bool {
    a.tally.is_alike(b.tally) && typeid::of::<S>() == typeid::of::<T>()
}

impl<K, V, S, P> GenericHashMap<K, V, S, P>
where
    K: Hash + Eq,
    S: BuildHasher,
    P: Kind,
{
    pub(super) fn equals<T: BuildHasher, Q: Kind>(&self, other: &GenericHashMap<K, V, T, Q>) -> bool
    where
        V: PartialEq,
    {
        if self.len() != other.len() {
            return false;
        }
        let alike = hash_alike(self, other);
        let mut walk = thawed(Lockstep::new(self.root.link(), other.root.link(), alike));
        thawed(walk.next(&self.hasher, &other.hasher)).is_none()
    }

    /// What must be done to get from this map to `other`: each key that is added, updated or removed, once.
    ///
    /// Parts that the two share are skipped unread. Time: O(d log n) for d keys in parts they do not share, at
    /// most O(n). The order is that of the slots. A value that equals itself not (a NaN) is reported only where
    /// the two maps do not share it.
    ///
    /// # Panics
    /// The iterator panics if a stored node cannot be read; see [`try_diff`](Self::try_diff).
    ///
    /// ```
    /// use backstory::{DiffItem, hashmap};
    /// let old = hashmap! { 1 => 'a', 2 => 'b' };
    /// let new = old.update(2, 'c');
    /// assert_eq!(old.diff(&new).next(), Some(DiffItem::Update { old: (&2, &'b'), new: (&2, &'c') }));
    /// ```
    #[must_use]
    pub fn diff<'a, 'b>(&'a self, other: &'b Self) -> DiffIter<'a, 'b, K, V, S, P>
    where
        V: PartialEq,
    {
        thawed(DiffIter::new(self, other))
    }

    /// True if `other` has all our keys, and `cmp` says yes to each pair of values. Time: O(n log n).
    #[must_use]
    pub fn is_submap_by<B, RM, F, Q>(&self, other: RM, mut cmp: F) -> bool
    where
        Q: Kind,
        F: FnMut(&V, &B) -> bool,
        RM: Borrow<GenericHashMap<K, B, S, Q>>,
    {
        let other = other.borrow();
        self.len() <= other.len() && self.iter().all(|(k, v)| other.get(k).is_some_and(|o| cmp(v, o)))
    }

    /// As [`is_submap_by`](Self::is_submap_by), and `other` has more keys.
    #[must_use]
    pub fn is_proper_submap_by<B, RM, F, Q>(&self, other: RM, cmp: F) -> bool
    where
        Q: Kind,
        F: FnMut(&V, &B) -> bool,
        RM: Borrow<GenericHashMap<K, B, S, Q>>,
    {
        self.len() != other.borrow().len() && self.is_submap_by(other, cmp)
    }

    /// True if `other` has all our entries. Time: O(what differs · log n), at most O(n log n) of our n entries.
    #[must_use]
    pub fn is_submap<RM>(&self, other: RM) -> bool
    where
        V: PartialEq,
        RM: Borrow<Self>,
    {
        let other = other.borrow();
        if self.len() <= other.len() / 2 {
            // More differs than we have.
            return self.is_submap_by(other, |a, b| a == b);
        }
        self.len() <= other.len() && self.diff(other).all(|item| matches!(item, DiffItem::Add(..)))
    }

    /// As [`is_submap`](Self::is_submap), and `other` has more keys.
    #[must_use]
    pub fn is_proper_submap<RM>(&self, other: RM) -> bool
    where
        V: PartialEq,
        RM: Borrow<Self>,
    {
        self.len() != other.borrow().len() && self.is_submap(other)
    }
}

impl<K, V, S, P> GenericHashMap<K, V, S, P>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher + Clone,
    P: Kind,
{
    fn combined(self, other: Self, rule: Rule<'_, K, V>) -> Self {
        let other = match hash_alike(&self, &other) {
            true => other,
            false => {
                let mut again = self.new_from();
                again.extend(other);
                again
            }
        };
        let (a, b) = ((self.root.link(), self.len()), (other.root.link(), other.len()));
        let (root, len) = thawed(combine(a, b, &self.hasher, rule));
        GenericHashMap { root, tally: self.tally.with_len(len), hasher: self.hasher }
    }

    /// All keys of both; where both have a key, our entry stays.
    ///
    /// What the two share is not read. Time: O(d log n), d the keys in parts they do not share.
    ///
    /// ```
    /// use backstory::hashmap;
    /// assert_eq!(hashmap! { 1 => 1, 3 => 3 }.union(hashmap! { 2 => 2, 3 => 4 }), hashmap! { 1 => 1, 2 => 2, 3 => 3 });
    /// ```
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        self.combined(other, Rule { left: true, right: true, both: Both::Left })
    }

    /// All keys of both; where both have a key, its value is `f(ours, theirs)`, of clones. Time: O(n + m).
    #[must_use]
    pub fn union_with<F: FnMut(V, V) -> V>(self, other: Self, mut f: F) -> Self {
        self.union_with_key(other, |_, a, b| f(a, b))
    }

    /// As [`union_with`](Self::union_with), and `f` sees the key.
    #[must_use]
    pub fn union_with_key<F: FnMut(&K, V, V) -> V>(self, other: Self, mut f: F) -> Self {
        let mut ask = |k: &K, a: &V, b: &V| Some(f(k, a.clone(), b.clone()));
        self.combined(other, Rule { left: true, right: true, both: Both::Ask(&mut ask) })
    }

    /// The union of all maps, in their order. Time: that of each union.
    #[must_use]
    pub fn unions<I>(i: I) -> Self
    where
        S: Default,
        I: IntoIterator<Item = Self>,
    {
        i.into_iter().fold(Self::default(), Self::union)
    }

    /// The [`union_with`](Self::union_with) of all maps, in their order. Time: that of each union.
    #[must_use]
    pub fn unions_with<I, F>(i: I, f: F) -> Self
    where
        S: Default,
        I: IntoIterator<Item = Self>,
        F: Fn(V, V) -> V,
    {
        i.into_iter().fold(Self::default(), |a, b| a.union_with(b, &f))
    }

    /// The [`union_with_key`](Self::union_with_key) of all maps, in their order. Time: that of each union.
    #[must_use]
    pub fn unions_with_key<I, F>(i: I, f: F) -> Self
    where
        S: Default,
        I: IntoIterator<Item = Self>,
        F: Fn(&K, V, V) -> V,
    {
        i.into_iter().fold(Self::default(), |a, b| a.union_with_key(b, &f))
    }

    /// [`symmetric_difference`](Self::symmetric_difference), as `im` and `imbl` name it.
    #[deprecated(note = "std calls another operation so: use `symmetric_difference` or `relative_complement`")]
    #[must_use]
    pub fn difference(self, other: Self) -> Self {
        self.symmetric_difference(other)
    }

    /// The keys that just one of the two has. Time: O(d log n), d the keys in parts they do not share.
    #[must_use]
    pub fn symmetric_difference(self, other: Self) -> Self {
        self.combined(other, Rule { left: true, right: true, both: Both::Drop })
    }

    /// [`symmetric_difference_with`](Self::symmetric_difference_with), as `im` and `imbl` name it.
    #[deprecated(note = "std calls another operation so: use `symmetric_difference_with`")]
    #[must_use]
    pub fn difference_with<F: FnMut(V, V) -> Option<V>>(self, other: Self, f: F) -> Self {
        self.symmetric_difference_with(other, f)
    }

    /// The keys that just one of the two has, and those that both have for which `f(ours, theirs)` gives a value.
    ///
    /// Time: O(n + m).
    #[must_use]
    pub fn symmetric_difference_with<F: FnMut(V, V) -> Option<V>>(self, other: Self, mut f: F) -> Self {
        self.symmetric_difference_with_key(other, |_, a, b| f(a, b))
    }

    /// [`symmetric_difference_with_key`](Self::symmetric_difference_with_key), as `im` and `imbl` name it.
    #[deprecated(note = "std calls another operation so: use `symmetric_difference_with_key`")]
    #[must_use]
    pub fn difference_with_key<F: FnMut(&K, V, V) -> Option<V>>(self, other: Self, f: F) -> Self {
        self.symmetric_difference_with_key(other, f)
    }

    /// As [`symmetric_difference_with`](Self::symmetric_difference_with), and `f` sees the key.
    #[must_use]
    pub fn symmetric_difference_with_key<F: FnMut(&K, V, V) -> Option<V>>(self, other: Self, mut f: F) -> Self {
        let mut ask = |k: &K, a: &V, b: &V| f(k, a.clone(), b.clone());
        self.combined(other, Rule { left: true, right: true, both: Both::Ask(&mut ask) })
    }

    /// Our entries whose keys `other` does not have. Time: O(d log n), d the keys in parts they do not share.
    #[must_use]
    pub fn relative_complement(self, other: Self) -> Self {
        self.combined(other, Rule { left: true, right: false, both: Both::Drop })
    }

    /// Our entries whose keys `other` has too. Time: O(d log n), d the keys in parts they do not share.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        self.combined(other, Rule { left: false, right: false, both: Both::Left })
    }

    /// The keys that both have, each with the value `f(ours, theirs)`. Time: O(n log m).
    #[must_use]
    pub fn intersection_with<B, C, F>(self, other: GenericHashMap<K, B, S, P>, mut f: F) -> GenericHashMap<K, C, S, P>
    where
        B: Clone,
        C: Clone,
        F: FnMut(V, B) -> C,
    {
        self.intersection_with_key(other, |_, a, b| f(a, b))
    }

    /// As [`intersection_with`](Self::intersection_with), and `f` sees the key.
    #[must_use]
    pub fn intersection_with_key<B, C, F>(
        self,
        other: GenericHashMap<K, B, S, P>,
        mut f: F,
    ) -> GenericHashMap<K, C, S, P>
    where
        B: Clone,
        C: Clone,
        F: FnMut(&K, V, B) -> C,
    {
        let mut out = self.new_from();
        let mut entries = thawed(Walk::new(self.root.link()));
        while let Some((k, a)) = entries.next_or_panic() {
            if let Some(b) = other.get(k) {
                let c = f(k, a.clone(), b.clone());
                out.insert(k.clone(), c);
            }
        }
        out
    }
}
