//! Sets: the calls that give an error where their namesakes panic.
//!
//! In: sets, which may be stored. Out: what the namesakes give, or why something stored cannot be read.
//! Uses: `map`, `link`, `error`.

use super::GenericHashSet;
use crate::error::Result;
use crate::link::Kind;
use crate::map::{DiffItem, Want};
use core::hash::{BuildHasher, Hash};
use equivalent::Equivalent;

impl<A, S, P: Kind> GenericHashSet<A, S, P> {
    /// Calls `f` with each value, in the order of [`iter`](Self::iter), until one call fails.
    ///
    /// # Errors
    /// What `f` says; or, if a stored node cannot be read, `Io`, `Corrupt` or `Incompatible`.
    pub fn try_for_each<E: From<crate::Error>>(
        &self,
        mut f: impl FnMut(&A) -> core::result::Result<(), E>,
    ) -> core::result::Result<(), E> {
        self.map.try_for_each(|a, ()| f(a))
    }

    /// Makes every stored node resident. Time: O(n).
    ///
    /// # Errors
    /// If a stored node cannot be read: `Io`, `Corrupt` or `Incompatible`. What was thawed so far stays so.
    pub fn thaw_all(&self) -> Result<()> {
        self.map.thaw_all()
    }
}

impl<A: Hash + Eq, S: BuildHasher, P: Kind> GenericHashSet<A, S, P> {
    /// As [`contains`](Self::contains).
    ///
    /// # Errors
    /// If a stored node on the way cannot be read: `Io`, `Corrupt` or `Incompatible`.
    pub fn try_contains<Q: Hash + Equivalent<A> + ?Sized>(&self, value: &Q) -> Result<bool> {
        Ok(self.map.try_get(value)?.is_some())
    }

    /// Calls `f` with each item of [`diff`](Self::diff).
    ///
    /// # Errors
    /// If a stored node cannot be read: `Io`, `Corrupt` or `Incompatible`. Calls made so far stand.
    pub fn try_diff<'a, 'b>(&'a self, other: &'b Self, f: impl FnMut(DiffItem<'a, 'b, A, ()>)) -> Result<()> {
        self.map.try_diff(&other.map, f)
    }
}

impl<A: Hash + Eq + Clone, S: BuildHasher, P: Kind> GenericHashSet<A, S, P> {
    /// As [`insert`](Self::insert).
    ///
    /// # Errors
    /// If a stored node on the way cannot be read: `Io`, `Corrupt` or `Incompatible`. The set is unchanged.
    pub fn try_insert(&mut self, a: A) -> Result<Option<A>> {
        Ok(self.map.put(a, (), Want::Entry)?.and_then(|old| old.key))
    }

    /// As [`remove`](Self::remove).
    ///
    /// # Errors
    /// If a stored node on the way cannot be read: `Io`, `Corrupt` or `Incompatible`. The set is unchanged.
    pub fn try_remove<Q: Hash + Equivalent<A> + ?Sized>(&mut self, value: &Q) -> Result<Option<A>> {
        Ok(self.map.take(value, Want::Entry)?.and_then(|old| old.key))
    }
}
