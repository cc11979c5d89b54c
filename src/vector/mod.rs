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
mod compile_fail;
mod cut;
mod edge;
mod edit;
mod ends;
mod find;
mod focus;
mod inner;
mod iter;
mod join;
mod leaf;
mod lockstep;
mod middle;
mod node;
mod order;
mod revive;
mod spine;
#[cfg(test)]
mod tests;
mod traits;

pub use focus::{Focus, FocusMut};
pub use iter::{Chunks, ChunksMut, ConsumingIter, Iter, IterMut};
pub use lockstep::Splice;

use crate::error::{Result, thawed};
use crate::link::Kind;
use archery::ArcTK;
use ends::Body;
use iter::SlicesMut;
use spine::Side;
use std::cmp::Ordering;
use std::ops::{Bound, Range, RangeBounds};

/// A vector of these elements: `vector![1, 2, 3]`.
#[macro_export]
macro_rules! vector {
    ($($element:expr),* $(,)?) => {{
        #[allow(unused_mut)] // Nothing is pushed to an empty one.
        let mut vector = $crate::Vector::new();
        $(vector.push_back($element);)*
        vector
    }};
}

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

impl<A, P: Kind> GenericVector<A, P> {
    /// The elements, from the first to the last. Time: O(n) for all, O(log n) for the first.
    ///
    /// # Panics
    /// The iterator panics if a stored node cannot be read.
    #[must_use]
    pub fn iter(&self) -> Iter<'_, A, P> {
        Iter::new(&self.body, 0..self.len())
    }

    /// A view that remembers where it looked last: reading neighbours costs no lookup. Time: O(1).
    #[must_use]
    pub fn focus(&self) -> Focus<'_, A, P> {
        Focus::new(self)
    }

    /// The elements as slices, one for each leaf. Time: O(n / 64) for all.
    #[must_use]
    pub fn leaves(&self) -> Chunks<'_, A, P> {
        Chunks::new(self)
    }

    /// The first element. Time: O(1).
    #[must_use]
    pub fn front(&self) -> Option<&A> {
        self.get(0)
    }

    /// The first element. Time: O(1).
    #[must_use]
    pub fn head(&self) -> Option<&A> {
        self.front()
    }

    /// The last element. Time: O(1).
    #[must_use]
    pub fn back(&self) -> Option<&A> {
        self.get(self.len().wrapping_sub(1))
    }

    /// The last element. Time: O(1).
    #[must_use]
    pub fn last(&self) -> Option<&A> {
        self.back()
    }

    /// The number of the first element that is equal to `value`. Time: O(n).
    #[must_use]
    pub fn index_of(&self, value: &A) -> Option<usize>
    where
        A: PartialEq,
    {
        self.iter().position(|element| element == value)
    }

    /// True if an element is equal to `value`. Time: O(n).
    #[must_use]
    pub fn contains(&self, value: &A) -> bool
    where
        A: PartialEq,
    {
        self.index_of(value).is_some()
    }

    /// A vector of one element. Time: O(1).
    #[must_use]
    pub fn unit(a: A) -> Self
    where
        A: Clone,
    {
        let mut vector = Self::new();
        vector.push_back(a);
        vector
    }

    /// False: no vector stands in its handle, as small ones of `imbl` do.
    #[must_use]
    pub fn is_inline(&self) -> bool {
        false
    }

    /// Removes all elements. Time: O(1) if they are shared, else O(n) to drop them.
    pub fn clear(&mut self) {
        drop(std::mem::take(self))
    }

    /// The number of an element that `f` calls equal, or else where one would belong; `f` compares an element with what
    /// is sought, and the vector is sorted by it. Time: O(log n) comparisons.
    ///
    /// # Errors
    /// Where such an element would belong, if there is none.
    pub fn binary_search_by<F: FnMut(&A) -> Ordering>(&self, mut f: F) -> std::result::Result<usize, usize> {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = from + (to - from) / 2;
            match f(&self[middle]) {
                Ordering::Equal => return Ok(middle),
                Ordering::Less => from = middle + 1,
                Ordering::Greater => to = middle,
            }
        }
        Err(from)
    }

    /// The number of an element that is equal to `value` in a sorted vector. Time: O(log n) comparisons.
    ///
    /// # Errors
    /// Where such an element would belong, if there is none.
    pub fn binary_search(&self, value: &A) -> std::result::Result<usize, usize>
    where
        A: Ord,
    {
        self.binary_search_by(|element| element.cmp(value))
    }

    /// The number of an element with the key `b` in a vector that is sorted by the key that `f` says. Time: O(log n)
    /// comparisons.
    ///
    /// # Errors
    /// Where such an element would belong, if there is none.
    pub fn binary_search_by_key<B: Ord, F: FnMut(&A) -> B>(
        &self,
        b: &B,
        mut f: F,
    ) -> std::result::Result<usize, usize> {
        self.binary_search_by(|element| f(element).cmp(b))
    }

    /// True if the two are one version. Time: O(1). False proves nothing.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.body.root.word() == other.body.root.word() && self.body.ends == other.body.ends
    }

    fn is_equal(&self, other: &Self) -> bool
    where
        A: PartialEq,
    {
        self.ptr_eq(other) || thawed(lockstep::is_equal(&self.body, &other.body))
    }

    /// What differs between two versions: which elements of this one are replaced by which of `other`, in order.
    ///
    /// Leaves that both share are paired, wherever they stand in either, and not read. Between two of them the elements
    /// are compared: where as many stand on both sides, one by one, else from the front and from the back.
    ///
    /// Time: O(log n + what differs) on versions that share structure, else O(n).
    ///
    /// ```
    /// use backstory::vector::Splice;
    /// use backstory::{Vector, vector};
    ///
    /// let monday: Vector<u32> = vector![1, 2, 3];
    /// let mut tuesday = monday.clone();
    /// tuesday.insert(1, 7);
    /// assert_eq!(monday.diff(&tuesday).collect::<Vec<_>>(), [Splice { old: 1..1, new: 1..2 }]);
    /// ```
    pub fn diff(&self, other: &Self) -> std::vec::IntoIter<Splice>
    where
        A: PartialEq,
    {
        thawed(self.try_diff(other))
    }

    /// As [`diff`](Self::diff).
    ///
    /// # Errors
    /// `Io`, `Corrupt` or `Incompatible` if a stored node cannot be read.
    pub fn try_diff(&self, other: &Self) -> Result<std::vec::IntoIter<Splice>>
    where
        A: PartialEq,
    {
        lockstep::diff(&self.body, &other.body).map(Vec::into_iter)
    }
}

impl<A: Clone, P: Kind> GenericVector<A, P> {
    /// The elements, to be changed. Time: O(n) for all; leaves that are shared are copied when they are reached.
    pub fn iter_mut(&mut self) -> IterMut<'_, A, P> {
        IterMut::new(SlicesMut::new(&mut self.body))
    }

    /// As [`focus`](Self::focus), for elements to be changed.
    pub fn focus_mut(&mut self) -> FocusMut<'_, A, P> {
        FocusMut::new(self)
    }

    /// The elements as slices, one for each leaf, to be changed. Leaves that are shared are copied when they are reached.
    pub fn leaves_mut(&mut self) -> ChunksMut<'_, A, P> {
        ChunksMut::new(SlicesMut::new(&mut self.body))
    }

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
    ///
    /// If `other` is short and a `Clone` of an element panics, some of its elements may stand behind these.
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

    /// The same version with another element numbered `index`. Time: O(log n).
    ///
    /// # Panics
    /// If there are not so many elements.
    #[must_use]
    pub fn update(&self, index: usize, value: A) -> Self {
        let mut new = self.clone();
        new.set(index, value);
        new
    }

    /// Exchanges two elements. Time: O(log n).
    ///
    /// # Panics
    /// If there are not so many elements.
    pub fn swap(&mut self, i: usize, j: usize) {
        for index in [i, j] {
            if index >= self.len() {
                no_such("Vector::swap", index, self.len())
            }
        }
        if i != j {
            self.exchange(i, j)
        }
    }

    /// The first element, to be changed. Time: O(log n).
    pub fn front_mut(&mut self) -> Option<&mut A> {
        self.get_mut(0)
    }

    /// The last element, to be changed. Time: O(log n).
    pub fn back_mut(&mut self) -> Option<&mut A> {
        self.get_mut(self.len().wrapping_sub(1))
    }

    /// The elements before `index`, and those from there on. Time: O(log n).
    ///
    /// # Panics
    /// If there are not so many elements.
    #[must_use]
    pub fn split_at(mut self, index: usize) -> (Self, Self) {
        let right = self.split_off(index);
        (self, right)
    }

    /// The version without its first `count` elements. Time: O(log n).
    #[must_use]
    pub fn skip(&self, count: usize) -> Self {
        match count < self.len() {
            true => self.clone().split_off(count),
            false => Self::new(),
        }
    }

    /// The version of the first `count` elements. Time: O(log n).
    #[must_use]
    pub fn take(&self, count: usize) -> Self {
        let mut left = self.clone();
        left.truncate(count);
        left
    }

    /// Drops all but the first `len` elements. Time: O(log n), and what it takes to drop the others.
    pub fn truncate(&mut self, len: usize) {
        if len < self.len() {
            drop(self.split_off(len))
        }
    }

    /// Takes a range of elements out of the vector, and gives it. Time: O(log n).
    ///
    /// # Panics
    /// If the range begins behind its end. What lies behind the vector's end is left out.
    #[must_use]
    pub fn slice<R: RangeBounds<usize>>(&mut self, range: R) -> Self {
        let Range { start, end } = within("Vector::slice", range, self.len());
        if start == end {
            return Self::new();
        }
        let mut rest = self.clone();
        let behind = rest.split_off(end);
        let middle = rest.split_off(start);
        rest.append(behind);
        *self = rest;
        middle
    }

    /// Puts elements where a range of others was; gives those. Time: O(log n + new elements).
    ///
    /// ```
    /// use backstory::{Vector, vector};
    ///
    /// let mut text: Vector<char> = "colour".chars().collect();
    /// let gone = text.splice(4..5, []);
    /// assert_eq!((text, gone), ("color".chars().collect(), vector!['u']));
    /// ```
    ///
    /// # Panics
    /// If the range begins behind its end. What lies behind the vector's end is left out.
    pub fn splice<R: RangeBounds<usize>, I: IntoIterator<Item = A>>(&mut self, range: R, replace_with: I) -> Self {
        let Range { start, end } = within("Vector::splice", range, self.len());
        let new: Self = replace_with.into_iter().collect();
        let mut gone = Self::new();
        if thawed(self.body.own_leaf_of(start, end, new.len())) {
            // All of it before the leaf's end, behind which another may be shared.
            let (n, more) = (new.len(), new.len().saturating_sub(end - start));
            for (i, element) in new.into_iter().enumerate() {
                match i < more {
                    true => self.insert(start + i, element),
                    false => gone.push_back(self.set(start + i, element)),
                }
            }
            for _ in start + n..end {
                gone.push_back(self.remove(start + n))
            }
            return gone;
        }
        let mut all = self.clone();
        let behind = all.split_off(end);
        gone = all.split_off(start);
        all.append(new);
        all.append(behind);
        *self = all;
        gone
    }

    /// Puts an element into a sorted vector, where it belongs. Time: O(log n) comparisons.
    pub fn insert_ord(&mut self, item: A)
    where
        A: Ord,
    {
        self.insert_ord_by(item, A::cmp)
    }

    /// The same, of a vector that is sorted by `f`.
    pub fn insert_ord_by<F: FnMut(&A, &A) -> Ordering>(&mut self, item: A, mut f: F) {
        let (Ok(index) | Err(index)) = self.binary_search_by(|other| f(other, &item));
        self.insert(index, item)
    }

    /// The same, of a vector that is sorted by the key that `f` says.
    pub fn insert_ord_by_key<B: Ord, F: FnMut(&A) -> B>(&mut self, item: A, mut f: F) {
        let key = f(&item);
        let (Ok(index) | Err(index)) = self.binary_search_by_key(&key, f);
        self.insert(index, item)
    }
}

/// From where to where a range of so many elements goes; that may be anywhere.
fn bounds(range: impl RangeBounds<usize>, len: usize) -> Range<usize> {
    let start = match range.start_bound() {
        Bound::Included(&start) => start,
        Bound::Excluded(&start) => start.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(&end) => end.saturating_add(1),
        Bound::Excluded(&end) => end,
        Bound::Unbounded => len,
    };
    start..end
}

/// A range within a vector of so many elements.
fn within(what: &str, range: impl RangeBounds<usize>, len: usize) -> Range<usize> {
    let Range { start, end } = bounds(range, len);
    if start > end {
        panic!("{what}: the range begins at {start}, behind its end {end}")
    }
    start.min(len)..end.min(len)
}

#[cold]
#[inline(never)]
fn no_such(what: &str, index: usize, len: usize) -> ! {
    panic!("{what}: index {index} is out of bounds: there are {len} elements")
}
