//! The hash-trie map: its type, and how it is read and edited.
//!
//! In: keys with `Hash` and `Eq`. Out: versions that share structure.
//! The data's way: `mod.rs` (this type) → `find` | `insert` | `remove` | `combine` | `lockstep` → `change`, `pour` → `inner`, `leaf` → `node` →
//! `link`. `setops.rs`, `entry.rs`, `traits.rs` hold more of the type's methods, `iters.rs` the iterators.
//! Uses: `link`, `hash`, `id`, `error`.
//!
//! - **M1** Canonical prefixes: for one hasher, a non-empty prefix of hash bits is a leaf iff (it holds at most 15
//!   entries or is 64 bits long) and (it is the root or its parent prefix holds more than 15): a function of the
//!   contents. Overlays, node width, spare room and the order in a leaf are representation.
//! - **M2** Tags match hashes; no empty leaf; the base of an overlay is an inner node, that of a leaf overlay a leaf.
//! - **M3** `len` is the number of entries; each entry stands where its hash leads.
//! - **M4** An entry of a lazy leaf is set once and stays; a leaf that is whole stays so (`lazy`).

#[macro_use]
mod count;
mod blocks;
mod build;
mod change;
#[cfg(test)]
mod check;
mod combine;
#[cfg(doctest)]
mod compile_fail;
mod entry;
mod fallible;
mod find;
#[cfg(feature = "timeline")]
mod fold;
mod inner;
mod insert;
mod iter;
pub(crate) mod iters;
mod lazy;
mod leaf;
mod leaf_mut;
mod lockstep;
mod node;
mod overlay;
mod overlay_mut;
mod pour;
mod remove;
#[cfg_attr(not(any(test, feature = "timeline")), expect(dead_code))] // Nothing is stored then.
mod revive;
mod setops;
mod split;
mod store;
mod taken;
mod tally;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::cases;
#[cfg(test)]
mod table;
#[cfg(test)]
mod tests_stored;
mod traits;

pub use entry::{Entry, OccupiedEntry, VacantEntry};
pub(crate) use iters::Owned;
pub use iters::{ConsumingIter, DiffIter, Iter, IterMut, Keys, Pair, Values};
pub use lockstep::DiffItem;
pub(crate) use store::{Commit, NodeRecord, RecordKind, Records, StoredEntry, write};
#[cfg(feature = "timeline")]
pub(crate) use {
    fold::{Fold, fold},
    inner::Note,
    leaf::tag_of,
    node::MOST_BITS,
    revive::{EntryPart, NodeParts, revive},
    store::{StoredLink, stored_address},
};

use crate::error::{Result, thawed};
use crate::hash::PortableHash;
use crate::link::Kind;
use archery::ArcTK;
use core::hash::{BuildHasher, Hash};
use equivalent::Equivalent;
use insert::{Put, Short};
use leaf::Place;
use node::{Node, empty};
pub(crate) use taken::{Taken, Want};
use tally::Tally;

/// A map from keys and values: `hashmap! { 1 => "one", 2 => "two" }`.
#[macro_export]
macro_rules! hashmap {
    ($(,)?) => { $crate::HashMap::new() };
    ($($key:expr => $value:expr),+ $(,)?) => {{
        let mut map = $crate::HashMap::new();
        $(map.insert($key, $value);)+
        map
    }};
}

/// A persistent hash map: a value that is cheap to copy, every edit of which can be a new version.
///
/// `K` keys, `V` values, `S` hasher, `P` how nodes are counted ([`Kind`]). [`HashMap`] fixes the last two.
///
/// A version shares with the one it was made from all but the nodes on the path of the edit. Cloning costs one
/// count. `==`, [`diff`](Self::diff) and the set operations read only what two versions do not share.
///
/// | operation | time | against `std::collections::HashMap` |
/// |---|---|---|
/// | [`get`](Self::get), [`contains_key`](Self::contains_key) | O(log n) | O(1) |
/// | [`insert`](Self::insert), [`remove`](Self::remove), alone | O(log n), in place | O(1) amortised |
/// | [`insert`](Self::insert), [`remove`](Self::remove), shared | O(log n): one node a level is made | clone first: O(n) |
/// | [`clone`](Clone::clone) | O(1) | O(n) |
/// | `==`, [`diff`](Self::diff), [`union`](Self::union) … of versions | O(what differs · log n) | O(n) |
/// | [`iter`](Self::iter), whole | O(n) | O(capacity) |
/// | [`collect`](FromIterator) | O(n) | O(n) |
///
/// log n stands for the depth of the trie, log₆₄(n / 10) on average and 11 at most. Where c keys share one 64-bit
/// hash, each operation on one of them costs O(c), so that `==` and set operations on all of them cost O(c²). The
/// iteration order follows from the hashes: with a
/// [portable hasher](crate::PortableHasher) the same operations give the same order everywhere.
///
/// # Limits
///
/// 2³¹ clones of one version that live at once end the process, as they do for std's `Arc` at 2⁶³. Set operations, `==`
/// and `diff` know versions by their hasher: after 2²⁸ maps with hashers that have state, as `RandomState` has, new ones
/// are compared entry by entry. A `Drop` that panics leaves the map whole, the edit done or not; what it was about to
/// drop may leak.
///
/// Where a stored node cannot be read, calls panic and say so; those in [`try_get`](Self::try_get) and its kin give the
/// error instead. Maps that were made in memory have no stored nodes.
///
/// Sources: Bagwell, "Ideal Hash Trees", 2001; Steindorfer & Vinju, "Optimizing Hash-Array Mapped Tries for Fast
/// and Lean Immutable JVM Collections", OOPSLA 2015 (canonical form, lockstep comparison).
///
/// # Examples
///
/// ```
/// use backstory::{DiffItem, HashMap};
///
/// let monday: HashMap<&str, u32> = [("bread", 3), ("milk", 2)].into_iter().collect();
/// let tuesday = monday.update("milk", 5).update("tea", 1);
///
/// // The old version is what it was.
/// assert_eq!(monday.get("milk"), Some(&2));
/// assert_eq!(tuesday.get("milk"), Some(&5));
///
/// // What came between them, without reading what they share.
/// let mut changes: Vec<_> = monday.diff(&tuesday).collect();
/// changes.sort_by_key(|c| match c { DiffItem::Add(k, _) | DiffItem::Remove(k, _) => **k, DiffItem::Update { old, .. } => *old.0 });
/// assert_eq!(changes, [
///     DiffItem::Update { old: (&"milk", &2), new: (&"milk", &5) },
///     DiffItem::Add(&"tea", &1),
/// ]);
/// ```
pub struct GenericHashMap<K, V, S, P: Kind> {
    pub(crate) root: Node<K, V, P::Count>,
    tally: Tally,
    pub(crate) hasher: S,
}

/// A [`GenericHashMap`] with the default hasher ([`PortableHash`]) and atomic counts.
pub type HashMap<K, V> = GenericHashMap<K, V, PortableHash, ArcTK>;

impl<K, V, P: Kind> GenericHashMap<K, V, PortableHash, P> {
    /// A map of one entry. Time: O(1).
    ///
    /// ```
    /// let map = backstory::HashMap::unit(123, "onetwothree");
    /// assert_eq!(map.get(&123), Some(&"onetwothree"));
    /// ```
    #[must_use]
    pub fn unit(k: K, v: V) -> Self
    where
        K: Hash + Eq + Clone,
        V: Clone,
    {
        let mut map = Self::new();
        map.insert(k, v);
        map
    }
}

impl<K, V, S, P: Kind> GenericHashMap<K, V, S, P> {
    /// An empty map. Allocates nothing. Time: O(1).
    #[must_use]
    pub fn new() -> Self
    where
        S: Default,
    {
        Self::with_hasher(S::default())
    }

    /// An empty map that hashes with `hasher`. Time: O(1).
    #[must_use]
    pub fn with_hasher(hasher: S) -> Self {
        GenericHashMap { root: empty(0), tally: Tally::new::<S>(), hasher }
    }

    /// An empty map, of other types, that hashes as this one. Time: O(1).
    #[must_use]
    pub fn new_from<K1, V1>(&self) -> GenericHashMap<K1, V1, S, P>
    where
        K1: Hash + Eq + Clone,
        V1: Clone,
        S: Clone,
    {
        GenericHashMap { root: empty(0), tally: self.tally.with_len(0), hasher: self.hasher.clone() }
    }

    /// True if there is no entry. Time: O(1).
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of entries. Time: O(1).
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.tally.len()
    }

    /// True if the two are one version: the same root, or one stored root. Time: O(1). False proves nothing.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        store::same_root(self.root.link(), other.root.link())
    }

    /// The hasher. Time: O(1).
    #[must_use]
    pub fn hasher(&self) -> &S {
        &self.hasher
    }

    /// Removes all entries. Time: O(1) if they are shared, else O(n) to drop them.
    pub fn clear(&mut self) {
        let gone = core::mem::replace(&mut self.root, empty(0));
        self.tally = self.tally.with_len(0);
        // Last: a user's `Drop` may panic.
        drop(gone)
    }

    /// Iterates over the entries, in slot order.
    ///
    /// Time: O(n) for all, O(log n) for the first.
    ///
    /// # Panics
    /// The iterator panics if a stored node cannot be read ([`try_for_each`](Self::try_for_each) does not).
    #[must_use]
    pub fn iter(&self) -> Iter<'_, K, V, P> {
        Iter::new(self)
    }

    /// Iterates over the keys, in the order of [`iter`](Self::iter).
    #[must_use]
    pub fn keys(&self) -> Keys<'_, K, V, P> {
        Keys(self.iter())
    }

    /// Iterates over the values, in the order of [`iter`](Self::iter).
    #[must_use]
    pub fn values(&self) -> Values<'_, K, V, P> {
        Values(self.iter())
    }
}

impl<K, V, S, P> GenericHashMap<K, V, S, P>
where
    K: Hash + Eq,
    S: BuildHasher,
    P: Kind,
{
    /// The value of `key`. Time: O(log n).
    ///
    /// # Panics
    /// If a stored node on the way cannot be read; see [`try_get`](Self::try_get).
    ///
    /// ```
    /// let map = backstory::hashmap! { 123 => "lol" };
    /// assert_eq!(map.get(&123), Some(&"lol"));
    /// ```
    #[inline]
    #[must_use]
    pub fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<&V> {
        self.find(key, |(_, v)| v)
    }

    /// The key and value of `key`. Time: O(log n).
    #[inline]
    #[must_use]
    pub fn get_key_value<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<(&K, &V)> {
        self.find(key, |(k, v)| (k, v))
    }

    /// True if there is an entry for `key`. Time: O(log n).
    #[inline]
    #[must_use]
    pub fn contains_key<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> bool {
        self.find(key, |_| ()).is_some()
    }

    #[inline(always)]
    fn find<'a, Q: Hash + Equivalent<K> + ?Sized, R>(&'a self, key: &Q, of: impl Fn(&'a (K, V)) -> R) -> Option<R> {
        find::find_or_panic(self.root.link(), self.hasher.hash_one(key), key, of)
    }
}

impl<K, V, S, P> GenericHashMap<K, V, S, P>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
    P: Kind,
{
    /// Iterates over the entries, the values mutable. Each node is made ours as the iterator reaches it.
    ///
    /// Time: O(n) for all; what is shared is copied.
    #[must_use]
    pub fn iter_mut(&mut self) -> IterMut<'_, K, V, P> {
        IterMut::new(self)
    }

    /// The value of `key`, mutable. Copies nothing if the key is absent or its path is ours alone, else the path.
    ///
    /// Time: O(log n).
    ///
    /// ```
    /// let mut map = backstory::hashmap! { 1 => 10 };
    /// let old = map.clone();
    /// if let Some(x) = map.get_mut(&1) { *x += 1 }
    /// assert_eq!((map[&1], old[&1]), (11, 10));
    /// ```
    #[must_use]
    pub fn get_mut<Q: Hash + Equivalent<K> + ?Sized>(&mut self, key: &Q) -> Option<&mut V> {
        self.get_key_value_mut(key).map(|(_, v)| v)
    }

    /// The key and the value of `key`, the value mutable. As [`get_mut`](Self::get_mut).
    #[must_use]
    pub fn get_key_value_mut<Q: Hash + Equivalent<K> + ?Sized>(&mut self, key: &Q) -> Option<(&K, &mut V)> {
        let hash = self.hasher.hash_one(key);
        thawed(self.own_path(hash, key));
        find::find_exclusive(&mut self.root, hash, key).map(|(k, v)| (&*k, v))
    }

    /// Makes the entry of `key`, if there is one, and its path ours alone.
    fn own_path<Q: Equivalent<K> + ?Sized>(&mut self, hash: u64, key: &Q) -> Result<()> {
        if find::find_exclusive(&mut self.root, hash, key).is_some() {
            return Ok(());
        }
        let Some(entry) = find::find(self.root.link(), hash, key)? else { return Ok(()) };
        let mut put = Put::new(&self.hasher, hash, entry.clone());
        insert::insert(&mut self.root, 0, &mut put)
    }

    /// Puts an entry in; gives the value that the key had before. An equal key is replaced too.
    ///
    /// Time: O(log n). In place where the map is not shared, else one new node a level.
    ///
    /// # Panics
    /// If a stored node on the way cannot be read; see [`try_insert`](Self::try_insert).
    ///
    /// ```
    /// let mut map = backstory::HashMap::new();
    /// assert_eq!(map.insert("a", 1), None);
    /// let old = map.clone();
    /// assert_eq!(map.insert("a", 2), Some(1));
    /// assert_eq!((map["a"], old["a"]), (2, 1));
    /// ```
    #[inline]
    pub fn insert(&mut self, k: K, v: V) -> Option<V> {
        thawed(self.try_insert(k, v))
    }

    /// Puts an entry in; gives what is wanted of the one that was there before.
    #[inline(always)]
    pub(crate) fn put(&mut self, k: K, v: V, want: Want) -> Result<Option<Taken<K, V>>> {
        let hash = self.hasher.hash_one(&k);
        Ok(self.put_hashed(hash, k, v, want)?.0)
    }

    /// As [`put`](Self::put), with the key's hash; gives the entry's place in its leaf too.
    #[inline(always)]
    fn put_hashed(&mut self, hash: u64, k: K, v: V, want: Want) -> Result<(Option<Taken<K, V>>, Place)> {
        match insert::insert_short(&mut self.root, hash, (k, v)) {
            Short::Added(place) => {
                self.tally.add(true);
                Ok((None, place))
            }
            Short::Replaced((key, value), place) => Ok((Some(Taken { key: Some(key), value: Some(value) }), place)),
            Short::Full(node, shift, entry) => {
                let place = insert::insert_full(node, shift, hash, entry, &self.hasher);
                self.tally.add(true);
                Ok((None, place))
            }
            Short::Rest(node, shift, entry) => {
                let mut put = Put { want, ..Put::new(&self.hasher, hash, entry) };
                insert::insert(node, shift, &mut put)?;
                self.tally.add(put.added);
                Ok((put.old, put.place))
            }
        }
    }

    #[inline(always)]
    pub(crate) fn take<Q: Hash + Equivalent<K> + ?Sized>(
        &mut self,
        key: &Q,
        want: Want,
    ) -> Result<Option<Taken<K, V>>> {
        let hash = self.hasher.hash_one(key);
        // Dropped last: a user's `Drop` may panic.
        let _gone;
        Ok(match remove::remove_short(&mut self.root, hash, key) {
            Some((key, value)) => {
                self.tally.sub();
                Some(Taken { key: Some(key), value: Some(value) })
            }
            None => {
                let (taken, last) = remove::remove(&mut self.root, hash, key, want)?;
                _gone = last;
                if taken.is_some() {
                    self.tally.sub()
                }
                taken
            }
        })
    }

    /// Takes the entry of `k` out; gives its value. Copies nothing if there is none.
    ///
    /// Time: O(log n). In place where the map is not shared.
    ///
    /// # Panics
    /// If a stored node on the way cannot be read; see [`try_remove`](Self::try_remove).
    pub fn remove<Q: Hash + Equivalent<K> + ?Sized>(&mut self, k: &Q) -> Option<V> {
        thawed(self.try_remove(k))
    }

    /// Takes the entry of `k` out; gives key and value. As [`remove`](Self::remove).
    pub fn remove_with_key<Q: Hash + Equivalent<K> + ?Sized>(&mut self, k: &Q) -> Option<(K, V)> {
        let taken = thawed(self.take(k, Want::Entry))?;
        taken.key.zip(taken.value)
    }

    /// Keeps the entries for which `f` says so.
    ///
    /// Time: O(n). Nodes of which all entries stay are shared with what they were. If `f` panics the map is as it was.
    pub fn retain<F: FnMut(&K, &V) -> bool>(&mut self, mut f: F) {
        let mut kept = 0;
        let mut keep = |k: &K, v: &V| {
            let keep = f(k, v);
            kept += keep as usize;
            keep
        };
        let root = thawed(combine::retain(self.root.link(), &mut keep, &|k| self.hasher.hash_one(k)));
        let gone = core::mem::replace(&mut self.root, root);
        self.tally = self.tally.with_len(kept);
        // Last: a user's `Drop` may panic.
        drop(gone)
    }

    /// The entry of `key`, to look at and change in one go. Time: O(log n).
    ///
    /// ```
    /// let mut counts = backstory::HashMap::new();
    /// for word in ["a", "b", "a"] {
    ///     *counts.entry(word).or_insert(0) += 1;
    /// }
    /// assert_eq!(counts["a"], 2);
    /// ```
    #[must_use]
    pub fn entry(&mut self, key: K) -> Entry<'_, K, V, S, P> {
        Entry::new(self, key)
    }
}

impl<K, V, S, P> GenericHashMap<K, V, S, P>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher + Clone,
    P: Kind,
{
    /// A version in which `k` has the value `v`; `self` is unchanged.
    ///
    /// Makes one node a level and shares the rest. Time: O(log n).
    #[inline]
    #[must_use]
    pub fn update(&self, k: K, v: V) -> Self {
        let mut put = Put::new(&self.hasher, self.hasher.hash_one(&k), (k, v));
        let root = thawed(insert::updated(self.root.link(), &mut put));
        GenericHashMap {
            root,
            tally: self.tally.with_len(self.len() + put.added as usize),
            hasher: self.hasher.clone(),
        }
    }

    /// As [`update`](Self::update), but where there is a value the new one is `f(old, v)`. Time: O(log n).
    #[must_use]
    pub fn update_with<F: FnOnce(V, V) -> V>(&self, k: K, v: V, f: F) -> Self {
        self.update_with_key(k, v, |_, old, new| f(old, new))
    }

    /// As [`update_with`](Self::update_with), and `f` sees the key. Time: O(log n).
    #[must_use]
    pub fn update_with_key<F: FnOnce(&K, V, V) -> V>(&self, k: K, v: V, f: F) -> Self {
        self.update_lookup_with_key(k, v, |k, old, new| f(k, old.clone(), new)).1
    }

    /// As [`update_with_key`](Self::update_with_key), and gives the value there was. Time: O(log n).
    #[must_use]
    pub fn update_lookup_with_key<F: FnOnce(&K, &V, V) -> V>(&self, k: K, v: V, f: F) -> (Option<V>, Self) {
        match self.get(&k) {
            None => (None, self.update(k, v)),
            Some(old) => {
                let new = f(&k, old, v);
                (Some(old.clone()), self.update(k, new))
            }
        }
    }

    /// A version in which the value of `k` is what `f` makes of it; None stands for no entry. Time: O(log n).
    #[must_use]
    pub fn alter<F: FnOnce(Option<V>) -> Option<V>>(&self, f: F, k: K) -> Self {
        let old = self.get(&k).cloned();
        let had = old.is_some();
        match f(old) {
            Some(v) => self.update(k, v),
            None if had => self.without(&k),
            None => self.clone(),
        }
    }

    /// A version without an entry for `k`. Time: O(log n); copies nothing if there is none.
    #[must_use]
    pub fn without<Q: Hash + Equivalent<K> + ?Sized>(&self, k: &Q) -> Self {
        match thawed(remove::without(self.root.link(), self.hasher.hash_one(k), k)) {
            Some(root) => GenericHashMap {
                root,
                tally: self.tally.with_len(self.len().saturating_sub(1)),
                hasher: self.hasher.clone(),
            },
            None => self.clone(),
        }
    }

    /// The value of `k`, and a version without it. Time: O(log n).
    #[must_use]
    pub fn extract<Q: Hash + Equivalent<K> + ?Sized>(&self, k: &Q) -> Option<(V, Self)> {
        self.extract_with_key(k).map(|(_, v, map)| (v, map))
    }

    /// Key and value of `k`, and a version without it. Time: O(log n).
    #[must_use]
    pub fn extract_with_key<Q: Hash + Equivalent<K> + ?Sized>(&self, k: &Q) -> Option<(K, V, Self)> {
        let mut new = self.clone();
        let (key, value) = new.remove_with_key(k)?;
        Some((key, value, new))
    }
}
