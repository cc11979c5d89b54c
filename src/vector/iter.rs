//! The iterators of a vector.
//!
//! A leaf's slice at a time: it is looked up from the root when the one before is used up, which costs little for each
//! element.
//!
//! In: a vector. Out: elements or slices, from both ends.
//! Must hold: each slice is given to one end only; what is left is `next..end`, and the rest of the two slices.
//! Uses: `link`, `find`, `ends`, `node`, `error`.
#![allow(unsafe_code)] // Mutable slices of different leaves: docs/ARCHITECTURE.md, "Unsafe".

use super::GenericVector;
use super::ends::{Body, Ends};
use super::find::chunk;
use super::node::*;
use crate::error::thawed;
use crate::link::{Count, Kind};
use core::iter::FusedIterator;
use core::marker::PhantomData;
use core::ops::Range;
use core::slice;

/// The slices of a range of a vector.
struct Slices<'a, A, C: Count> {
    root: NodeRef<'a, A, C>,
    ends: Ends,
    range: Range<usize>,
}

impl<A, C: Count> Clone for Slices<'_, A, C> {
    fn clone(&self) -> Self {
        Slices { root: self.root, ends: self.ends, range: self.range.clone() }
    }
}

impl<'a, A, C: Count> Slices<'a, A, C> {
    #[inline(never)]
    fn first(&mut self) -> Option<&'a [A]> {
        if self.range.is_empty() {
            return None;
        }
        let (_, slice) = thawed(chunk(self.root, self.ends, self.range.start, &self.range));
        self.range.start += slice.len();
        Some(slice)
    }

    #[inline(never)]
    fn last(&mut self) -> Option<&'a [A]> {
        if self.range.is_empty() {
            return None;
        }
        let (_, slice) = thawed(chunk(self.root, self.ends, self.range.end - 1, &self.range));
        self.range.end -= slice.len();
        Some(slice)
    }
}

/// The slices of a range of a vector, made exclusive one by one.
pub(super) struct SlicesMut<'a, A, C: Count> {
    body: *mut Body<A, C>,
    pub(super) range: Range<usize>,
    /// Others have other ranges of the vector: then what lies above the leaves is exclusive already, and stays as it is.
    is_split: bool,
    of: PhantomData<&'a mut Body<A, C>>,
}

// SAFETY: it is a mutable borrow of a vector.
unsafe impl<'a, A, C: Count> Send for SlicesMut<'a, A, C> where &'a mut Body<A, C>: Send {}
// SAFETY: as above.
unsafe impl<'a, A, C: Count> Sync for SlicesMut<'a, A, C> where &'a mut Body<A, C>: Sync {}

impl<'a, A, C: Count> SlicesMut<'a, A, C> {
    /// The same elements, to be read.
    pub(super) fn into_shared(self) -> (&'a Body<A, C>, Range<usize>) {
        // SAFETY: borrowed for 'a; nobody changes these elements any more, nor what lies above them.
        (unsafe { &*self.body }, self.range)
    }
}

impl<'a, A: Clone, C: Count> SlicesMut<'a, A, C> {
    /// All of a vector.
    pub(super) fn new(vector: &'a mut Body<A, C>) -> Self {
        let range = 0..vector.len();
        SlicesMut { body: vector, range, is_split: false, of: PhantomData }
    }

    /// Where the elements stand of the leaf with element `i`, as far as they lie in the range; and the number of the
    /// first.
    pub(super) fn at(&mut self, i: usize) -> (usize, *mut [A]) {
        // SAFETY: the vector is borrowed mutably for 'a. A leaf whose elements were given out before is exclusive, so that
        // it is not made anew. Other parts of a vector that was split have other leaves; the one at a border is exclusive.
        let (at, slice) = unsafe {
            match self.is_split {
                true => (*self.body).chunk_below(i),
                false => thawed((*self.body).chunk_mut(i)),
            }
        };
        let from = self.range.start.saturating_sub(at);
        let to = slice.len().min(self.range.end - at);
        let first = slice.cast::<A>().wrapping_add(from);
        (at + from, core::ptr::slice_from_raw_parts_mut(first, to - from))
    }

    /// The part before `i`, and the part from there on.
    pub(super) fn split_at(self, i: usize) -> (Self, Self) {
        let SlicesMut { body, range, is_split, of } = self;
        if !is_split {
            // SAFETY: the vector is borrowed mutably for 'a.
            thawed(unsafe { (*body).own_above_leaves(range.clone()) })
        }
        if range.contains(&i) {
            // The leaf that both parts have.
            let mut all = SlicesMut { body, range: range.clone(), is_split: true, of };
            all.at(i);
        }
        let part = |range| SlicesMut { body, range, is_split: true, of };
        (part(range.start..i), part(i..range.end))
    }

    #[inline(never)]
    fn first(&mut self) -> Option<&'a mut [A]> {
        if self.range.is_empty() {
            return None;
        }
        let (_, slice) = self.at(self.range.start);
        self.range.start += slice.len();
        // SAFETY: these elements are in the range no more, so that they are given out once.
        Some(unsafe { &mut *slice })
    }

    #[inline(never)]
    fn last(&mut self) -> Option<&'a mut [A]> {
        if self.range.is_empty() {
            return None;
        }
        let (at, slice) = self.at(self.range.end - 1);
        self.range.end = at;
        // SAFETY: as above.
        Some(unsafe { &mut *slice })
    }
}

/// The elements of a vector. From [`GenericVector::iter`].
pub struct Iter<'a, A, P: Kind> {
    front: slice::Iter<'a, A>,
    slices: Slices<'a, A, P::Count>,
    back: slice::Iter<'a, A>,
}

impl<'a, A, P: Kind> Iter<'a, A, P> {
    pub(super) fn new(body: &'a Body<A, P::Count>, range: Range<usize>) -> Self {
        let slices = Slices { root: body.root.link(), ends: body.ends, range };
        Iter { front: [].iter(), slices, back: [].iter() }
    }
}

impl<A, P: Kind> Clone for Iter<'_, A, P> {
    fn clone(&self) -> Self {
        Iter { front: self.front.clone(), slices: self.slices.clone(), back: self.back.clone() }
    }
}

impl<'a, A, P: Kind> Iterator for Iter<'a, A, P> {
    type Item = &'a A;

    #[inline]
    fn next(&mut self) -> Option<&'a A> {
        loop {
            if let Some(element) = self.front.next() {
                return Some(element);
            }
            match self.slices.first() {
                Some(slice) => self.front = slice.iter(),
                None => return self.back.next(),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let n = self.front.len() + self.slices.range.len() + self.back.len();
        (n, Some(n))
    }

    /// Time: O(log n).
    fn nth(&mut self, n: usize) -> Option<&'a A> {
        let in_front = self.front.len();
        if n >= in_front {
            let range = &mut self.slices.range;
            let skipped = range.len().min(n - in_front);
            range.start += skipped;
            self.front = [].iter();
            return match range.start == range.end {
                true => self.back.nth(n - in_front - skipped),
                false => self.next(),
            };
        }
        self.front.nth(n)
    }

    #[inline]
    fn fold<B, F: FnMut(B, &'a A) -> B>(mut self, init: B, mut f: F) -> B {
        let mut all = self.front.fold(init, &mut f);
        while let Some(slice) = self.slices.first() {
            all = slice.iter().fold(all, &mut f)
        }
        self.back.fold(all, f)
    }
}

impl<A, P: Kind> DoubleEndedIterator for Iter<'_, A, P> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(element) = self.back.next_back() {
                return Some(element);
            }
            match self.slices.last() {
                Some(slice) => self.back = slice.iter(),
                None => return self.front.next_back(),
            }
        }
    }
}

impl<A, P: Kind> ExactSizeIterator for Iter<'_, A, P> {}
impl<A, P: Kind> FusedIterator for Iter<'_, A, P> {}

/// The elements of a vector, to be changed. From [`GenericVector::iter_mut`].
pub struct IterMut<'a, A, P: Kind> {
    front: slice::IterMut<'a, A>,
    slices: SlicesMut<'a, A, P::Count>,
    back: slice::IterMut<'a, A>,
}

impl<'a, A, P: Kind> IterMut<'a, A, P> {
    pub(super) fn new(slices: SlicesMut<'a, A, P::Count>) -> Self {
        IterMut { front: [].iter_mut(), slices, back: [].iter_mut() }
    }
}

impl<'a, A: Clone, P: Kind> Iterator for IterMut<'a, A, P> {
    type Item = &'a mut A;

    #[inline]
    fn next(&mut self) -> Option<&'a mut A> {
        loop {
            if let Some(element) = self.front.next() {
                return Some(element);
            }
            match self.slices.first() {
                Some(slice) => self.front = slice.iter_mut(),
                None => return self.back.next(),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let n = self.front.len() + self.slices.range.len() + self.back.len();
        (n, Some(n))
    }
}

impl<A: Clone, P: Kind> DoubleEndedIterator for IterMut<'_, A, P> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(element) = self.back.next_back() {
                return Some(element);
            }
            match self.slices.last() {
                Some(slice) => self.back = slice.iter_mut(),
                None => return self.front.next_back(),
            }
        }
    }
}

impl<A: Clone, P: Kind> ExactSizeIterator for IterMut<'_, A, P> {}
impl<A: Clone, P: Kind> FusedIterator for IterMut<'_, A, P> {}

/// The elements of a vector, taken out of it. From [`IntoIterator`].
pub struct ConsumingIter<A, P: Kind>(pub(super) GenericVector<A, P>);

impl<A, P: Kind> Clone for ConsumingIter<A, P> {
    fn clone(&self) -> Self {
        ConsumingIter(self.0.clone())
    }
}

impl<A: Clone, P: Kind> Iterator for ConsumingIter<A, P> {
    type Item = A;

    #[inline]
    fn next(&mut self) -> Option<A> {
        self.0.pop_front()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.len(), Some(self.0.len()))
    }
}

impl<A: Clone, P: Kind> DoubleEndedIterator for ConsumingIter<A, P> {
    #[inline]
    fn next_back(&mut self) -> Option<A> {
        self.0.pop_back()
    }
}

impl<A: Clone, P: Kind> ExactSizeIterator for ConsumingIter<A, P> {}
impl<A: Clone, P: Kind> FusedIterator for ConsumingIter<A, P> {}

/// The slices of a vector, one for each leaf. From [`GenericVector::leaves`].
pub struct Chunks<'a, A, P: Kind>(Slices<'a, A, P::Count>);

impl<'a, A, P: Kind> Chunks<'a, A, P> {
    pub(super) fn new(vector: &'a GenericVector<A, P>) -> Self {
        Chunks(Iter::<A, P>::new(&vector.body, 0..vector.len()).slices)
    }
}

impl<A, P: Kind> Clone for Chunks<'_, A, P> {
    fn clone(&self) -> Self {
        Chunks(self.0.clone())
    }
}

impl<'a, A, P: Kind> Iterator for Chunks<'a, A, P> {
    type Item = &'a [A];

    fn next(&mut self) -> Option<&'a [A]> {
        self.0.first()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.range.len().div_ceil(Rrb::<A, P::Count>::LEAF_MAX), Some(self.0.range.len()))
    }
}

impl<A, P: Kind> DoubleEndedIterator for Chunks<'_, A, P> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.last()
    }
}

impl<A, P: Kind> FusedIterator for Chunks<'_, A, P> {}

/// The slices of a vector, one for each leaf, to be changed. From [`GenericVector::leaves_mut`].
pub struct ChunksMut<'a, A, P: Kind>(SlicesMut<'a, A, P::Count>);

impl<'a, A, P: Kind> ChunksMut<'a, A, P> {
    pub(super) fn new(slices: SlicesMut<'a, A, P::Count>) -> Self {
        ChunksMut(slices)
    }
}

impl<'a, A: Clone, P: Kind> Iterator for ChunksMut<'a, A, P> {
    type Item = &'a mut [A];

    fn next(&mut self) -> Option<&'a mut [A]> {
        self.0.first()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.range.len().div_ceil(Rrb::<A, P::Count>::LEAF_MAX), Some(self.0.range.len()))
    }
}

impl<A: Clone, P: Kind> DoubleEndedIterator for ChunksMut<'_, A, P> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.last()
    }
}

impl<A: Clone, P: Kind> FusedIterator for ChunksMut<'_, A, P> {}
