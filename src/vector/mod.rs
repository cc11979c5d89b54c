//! The RRB vector: its type, and how it is read and edited.
//!
//! In: elements. Out: versions that share structure.
//! The data's way: `mod.rs` (this type) → `find` | `ends` | `middle` | `cut` | `join` → `edge` → `spine`, `inner`, `leaf` →
//! `node` → `link`.
//!
//! A vector is nothing, a leaf, or a spine: a leaf in front (the head), a tree, a leaf at the back (the tail).
//!
//! - **V1** What a version sees of a leaf are elements: it lies between the leaf's `first` and `end`.
//! - **V2** All leaves of a tree are at level 0, the nodes above at levels 1, 2, ..; a node's ends grow, and the last is its
//!   length; all children of a strict node are full but the last.
//! - **V3** Nodes of a tree are half full at least, but for those at its left and right edge, which are not empty. So the
//!   height is O(log n) whatever the history.
//! - **V4** A tree of level 1 or more has two children at least; if it has two, of level 1 or more, these have more children
//!   than fit into one node.

#[macro_use]
mod count;
#[cfg(test)]
mod check;
mod cut;
mod edge;
mod edit;
mod ends;
mod find;
mod inner;
mod join;
mod leaf;
mod middle;
mod node;
mod revive;
mod spine;
#[cfg(test)]
mod tests;

use crate::error::{Result, thawed};
use crate::link::Kind;
use archery::ArcTK;
use ends::Body;
use spine::Side;

/// A persistent vector: a value that is cheap to copy, every edit of which can be a new version.
pub struct GenericVector<A, P: Kind> {
    body: Body<A, P::Count>,
}

/// A [`GenericVector`] with atomic counts.
pub type Vector<A> = GenericVector<A, ArcTK>;

impl<A, P: Kind> GenericVector<A, P> {
    /// An empty vector. Allocates nothing. Time: O(1).
    #[must_use]
    pub fn new() -> Self {
        GenericVector { body: Body::new() }
    }

    /// The number of elements. Time: O(1).
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.body.len()
    }

    /// True if there is no element. Time: O(1).
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element numbered `index`, if there are so many. Time: O(log n).
    ///
    /// # Panics
    /// If a stored node cannot be read ([`try_get`](Self::try_get) does not).
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&A> {
        if index >= self.len() {
            return None;
        }
        match find::element(self.body.root.link(), self.body.ends, index) {
            None => Some(thawed(find::element_thawed(self.body.root.link(), self.body.ends, index))),
            found => found,
        }
    }

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
}

impl<A: Clone, P: Kind> GenericVector<A, P> {
    /// Appends an element. Time: O(1) amortised.
    #[inline]
    pub fn push_back(&mut self, value: A) {
        thawed(self.body.push(Side::Back, value))
    }

    /// Puts an element in front. Time: O(1) amortised.
    #[inline]
    pub fn push_front(&mut self, value: A) {
        thawed(self.body.push(Side::Front, value))
    }

    /// Takes the last element out. Time: O(1) amortised.
    #[inline]
    pub fn pop_back(&mut self) -> Option<A> {
        if self.is_empty() {
            return None;
        }
        Some(thawed(self.body.pop(Side::Back)))
    }

    /// Takes the first element out. Time: O(1) amortised.
    #[inline]
    pub fn pop_front(&mut self) -> Option<A> {
        if self.is_empty() {
            return None;
        }
        Some(thawed(self.body.pop(Side::Front)))
    }

    /// The element numbered `index`, to be changed. Time: O(log n).
    #[inline]
    pub fn get_mut(&mut self, index: usize) -> Option<&mut A> {
        if index >= self.len() {
            return None;
        }
        Some(thawed(self.body.element_mut(index)))
    }

    /// Replaces the element numbered `index`; gives the one before. Time: O(log n).
    ///
    /// # Panics
    /// If there are not so many elements.
    pub fn set(&mut self, index: usize, value: A) -> A {
        let len = self.len();
        match self.get_mut(index) {
            Some(place) => std::mem::replace(place, value),
            None => no_such("Vector::set", index, len),
        }
    }

    /// Puts an element before the one numbered `index`. Time: O(log n).
    ///
    /// # Panics
    /// If there are not so many elements.
    pub fn insert(&mut self, index: usize, value: A) {
        if index > self.len() {
            no_such("Vector::insert", index, self.len())
        }
        thawed(self.body.insert(index, value))
    }

    /// Takes the element numbered `index` out. Time: O(log n).
    ///
    /// # Panics
    /// If there are not so many elements.
    pub fn remove(&mut self, index: usize) -> A {
        if index >= self.len() {
            no_such("Vector::remove", index, self.len())
        }
        thawed(self.body.remove(index))
    }

    /// Puts all elements of `other` behind these. Time: O(log n).
    pub fn append(&mut self, other: Self) {
        thawed(self.body.append(other.body))
    }

    /// Takes the elements from `index` on out. Time: O(log n).
    ///
    /// # Panics
    /// If there are not so many elements.
    #[must_use]
    pub fn split_off(&mut self, index: usize) -> Self {
        if index > self.len() {
            no_such("Vector::split_off", index, self.len())
        }
        GenericVector { body: thawed(self.body.split_off(index)) }
    }
}

impl<A, P: Kind> Clone for GenericVector<A, P> {
    /// Time: O(1): one count.
    #[inline]
    fn clone(&self) -> Self {
        GenericVector { body: self.body.clone() }
    }
}

impl<A, P: Kind> Default for GenericVector<A, P> {
    fn default() -> Self {
        Self::new()
    }
}

#[cold]
#[inline(never)]
fn no_such(what: &str, index: usize, len: usize) -> ! {
    panic!("{what}: index {index} is out of bounds: the vector has {len} elements")
}
