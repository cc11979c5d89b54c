//! What the rows are fed with: keys of two types, drawn once per group and shared by all engines.
//! In: a size. Out: base keys, queries over them in random order, and fresh keys that no base map holds.

use crate::feed::{QUERIES, mix, queries};
use std::hash::Hash;

/// A key type the table has rows for.
pub trait Key: Clone + Eq + Hash + 'static {
    /// How row ids name it.
    const NAME: &'static str;

    /// The `i`-th key; distinct for distinct `i`, in no order a map could profit from.
    fn nth(i: u64) -> Self;

    /// Eight bytes of the key, read where they lie: for a String, behind its pointer.
    fn word(&self) -> u64;

    /// The value every base map holds under this key.
    fn value(&self) -> u64 {
        self.word().wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

impl Key for u64 {
    const NAME: &'static str = "u64";

    fn nth(i: u64) -> u64 {
        mix(i)
    }

    fn word(&self) -> u64 {
        *self
    }
}

impl Key for String {
    const NAME: &'static str = "String";

    fn nth(i: u64) -> String {
        let key = format!("k{:020}", mix(i));
        debug_assert_eq!(key.len(), 21);
        key
    }

    fn word(&self) -> u64 {
        self.as_bytes().last_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }
}

/// Keys for one size: the same for every engine, so that no engine's luck with its keys shows as speed.
pub struct Inputs<K> {
    /// The keys of the base map, in the order of insertion.
    pub keys: Vec<K>,
    /// The base keys in random order: first all of them once, then more permutations up to [`QUERIES`].
    /// Strings are copies of their own that lie in query order, so that asking costs no cache miss, only answering.
    pub queries: Vec<K>,
    /// At least as many keys that the base map does not hold, at least [`QUERIES`].
    pub fresh: Vec<K>,
}

impl<K: Key> Inputs<K> {
    pub fn new(n: usize) -> Self {
        let many = n.max(QUERIES);
        Inputs {
            keys: (0..n as u64).map(K::nth).collect(),
            queries: queries(n).map(K::nth).collect(),
            fresh: (n as u64..(n + many) as u64).map(K::nth).collect(),
        }
    }

    /// Base entries, owned, for `FromIterator` and for building.
    pub fn pairs(&self) -> Vec<(K, u64)> {
        self.keys.iter().map(|k| (k.clone(), k.value())).collect()
    }
}
