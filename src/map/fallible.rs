//! Maps: the calls that give an error where their namesakes panic.
//!
//! In: maps, which may be stored. Out: what the namesakes give, or why something stored cannot be read.
//! Uses: `link`, `find`, `iter`, `iters`, `error`; the map's own methods, `find`, `iter`, `iters`, `error`.

use super::iter::Walk;
use super::iters::DiffIter;
use super::{DiffItem, GenericHashMap, Want, find};
use crate::error::Result;
use crate::link::Kind;
use core::hash::{BuildHasher, Hash};
use equivalent::Equivalent;

impl<K, V, S, P: Kind> GenericHashMap<K, V, S, P> {
    /// Calls `f` with each entry, in the order of [`iter`](Self::iter), until one call fails.
    ///
    /// # Errors
    /// What `f` says; or, if a stored node cannot be read, `Io`, `Corrupt` or `Incompatible`. `Corrupt` too where there are more
    /// entries than [`len`](Self::len) says, or fewer, as only a forged log has them.
    pub fn try_for_each<E: From<crate::Error>>(
        &self,
        mut f: impl FnMut(&K, &V) -> core::result::Result<(), E>,
    ) -> core::result::Result<(), E> {
        let mut walk = Walk::of(self.root.link(), self.len())?;
        while let Some((k, v)) = walk.next()? {
            f(k, v)?
        }
        Ok(())
    }

    /// Makes every stored node resident. Time: O(n).
    ///
    /// # Errors
    /// If a stored node cannot be read: `Io`, `Corrupt` or `Incompatible`. What was thawed so far stays so.
    pub fn thaw_all(&self) -> Result<()> {
        self.try_for_each(|_, _| Ok(()))
    }
}

impl<K, V, S, P> GenericHashMap<K, V, S, P>
where
    K: Hash + Eq,
    S: BuildHasher,
    P: Kind,
{
    /// As [`get`](Self::get).
    ///
    /// # Errors
    /// If a stored node on the way cannot be read: `Io`, `Corrupt` or `Incompatible`.
    pub fn try_get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Result<Option<&V>> {
        let found = find::find(self.root.link(), self.hasher.hash_one(key), key)?;
        Ok(found.map(|(_, v)| v))
    }

    /// Calls `f` with each item of [`diff`](Self::diff).
    ///
    /// # Errors
    /// If a stored node cannot be read: `Io`, `Corrupt` or `Incompatible`. Calls made so far stand.
    pub fn try_diff<'a, 'b>(&'a self, other: &'b Self, mut f: impl FnMut(DiffItem<'a, 'b, K, V>)) -> Result<()>
    where
        V: PartialEq,
    {
        let mut items = DiffIter::new(self, other)?;
        while let Some(item) = items.try_next()? {
            f(item)
        }
        Ok(())
    }
}

impl<K, V, S, P> GenericHashMap<K, V, S, P>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
    P: Kind,
{
    /// As [`insert`](Self::insert).
    ///
    /// # Errors
    /// If a stored node on the way cannot be read: `Io`, `Corrupt` or `Incompatible`. The map is unchanged.
    #[inline]
    pub fn try_insert(&mut self, k: K, v: V) -> Result<Option<V>> {
        Ok(self.put(k, v, Want::Value)?.and_then(|taken| taken.value))
    }

    /// As [`remove`](Self::remove).
    ///
    /// # Errors
    /// If a stored node on the way cannot be read: `Io`, `Corrupt` or `Incompatible`. The map is unchanged.
    pub fn try_remove<Q: Hash + Equivalent<K> + ?Sized>(&mut self, k: &Q) -> Result<Option<V>> {
        Ok(self.take(k, Want::Value)?.and_then(|taken| taken.value))
    }
}
