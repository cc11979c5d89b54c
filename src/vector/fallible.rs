//! The forms of calls that give an error where a stored node cannot be read; their namesakes panic there.
//!
//! In: a vector. Out: what the namesake gives, or what the storage says.
//! Must hold: an edit that fails leaves the elements as they were.
//! Uses: `link`, `find`, `lockstep`, `spine`, `error`.

use super::spine::Side;
use super::{GenericVector, Splice, find, lockstep, no_such};
use crate::error::Result;
use crate::link::Kind;
use alloc::vec::Vec;

impl<A, P: Kind> GenericVector<A, P> {
    /// As [`get`](Self::get).
    ///
    /// # Errors
    /// `Io`, `Corrupt` or `Incompatible` if a stored node cannot be read.
    pub fn try_get(&self, index: usize) -> Result<Option<&A>> {
        if index >= self.len() {
            return Ok(None);
        }
        match find::element(self.body.root.link(), self.body.ends, index) {
            None => find::element_thawed(self.body.root.link(), self.body.ends, index).map(Some),
            found => Ok(found),
        }
    }

    /// As [`diff`](Self::diff).
    ///
    /// # Errors
    /// `Io`, `Corrupt` or `Incompatible` if a stored node cannot be read.
    pub fn try_diff(&self, other: &Self) -> Result<alloc::vec::IntoIter<Splice>>
    where
        A: PartialEq,
    {
        lockstep::diff(&self.body, &other.body).map(Vec::into_iter)
    }

    /// Calls `f` with each element, from the first to the last, until one call fails. Time: O(n).
    ///
    /// # Errors
    /// What `f` says; or, if a stored node cannot be read, `Io`, `Corrupt` or `Incompatible`.
    pub fn try_for_each<E: From<crate::Error>>(
        &self,
        mut f: impl FnMut(&A) -> core::result::Result<(), E>,
    ) -> core::result::Result<(), E> {
        let mut at = 0;
        while at < self.len() {
            let (_, slice) = find::chunk(self.body.root.link(), self.body.ends, at, &(at..self.len()))?;
            slice.iter().try_for_each(&mut f)?;
            at += slice.len()
        }
        Ok(())
    }

    /// Makes every stored node resident. Time: O(n).
    ///
    /// # Errors
    /// If a stored node cannot be read: `Io`, `Corrupt` or `Incompatible`. What was thawed so far stays so.
    pub fn thaw_all(&self) -> Result<()> {
        self.try_for_each(|_| Ok(()))
    }
}

impl<A: Clone, P: Kind> GenericVector<A, P> {
    /// As [`push_back`](Self::push_back).
    ///
    /// # Errors
    /// As [`try_insert`](Self::try_insert).
    pub fn try_push_back(&mut self, value: A) -> Result<()> {
        self.body.push(Side::Back, value)
    }

    /// As [`push_front`](Self::push_front).
    ///
    /// # Errors
    /// As [`try_insert`](Self::try_insert).
    pub fn try_push_front(&mut self, value: A) -> Result<()> {
        self.body.push(Side::Front, value)
    }

    /// As [`pop_back`](Self::pop_back).
    ///
    /// # Errors
    /// As [`try_insert`](Self::try_insert).
    pub fn try_pop_back(&mut self) -> Result<Option<A>> {
        if self.is_empty() { Ok(None) } else { self.body.pop(Side::Back).map(Some) }
    }

    /// As [`pop_front`](Self::pop_front).
    ///
    /// # Errors
    /// As [`try_insert`](Self::try_insert).
    pub fn try_pop_front(&mut self) -> Result<Option<A>> {
        if self.is_empty() { Ok(None) } else { self.body.pop(Side::Front).map(Some) }
    }

    /// As [`set`](Self::set).
    ///
    /// # Errors
    /// As [`try_insert`](Self::try_insert).
    ///
    /// # Panics
    /// If there are not so many elements.
    pub fn try_set(&mut self, index: usize, value: A) -> Result<A> {
        if index >= self.len() {
            no_such("Vector::try_set", index, self.len())
        }
        self.body.element_mut(index).map(|place| core::mem::replace(place, value))
    }

    /// As [`insert`](Self::insert).
    ///
    /// # Errors
    /// `Io`, `Corrupt` or `Incompatible` if a stored node cannot be read; the vector has the elements it had.
    ///
    /// # Panics
    /// If there are not so many elements.
    pub fn try_insert(&mut self, index: usize, value: A) -> Result<()> {
        if index > self.len() {
            no_such("Vector::try_insert", index, self.len())
        }
        self.body.insert(index, value)
    }

    /// As [`remove`](Self::remove).
    ///
    /// # Errors
    /// As [`try_insert`](Self::try_insert).
    ///
    /// # Panics
    /// If there are not so many elements.
    pub fn try_remove(&mut self, index: usize) -> Result<A> {
        if index >= self.len() {
            no_such("Vector::try_remove", index, self.len())
        }
        self.body.remove(index)
    }
}
