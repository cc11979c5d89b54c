//! Elements in another order, or fewer of them: sorting, retaining, exchanging; searches in sorted vectors.
//!
//! In: a vector and what the user's code says of its elements. Out: the vector with its elements moved.
//! Must hold: all user code runs before anything moves, so that a panic leaves the elements as they were.
//! Uses: `link`, `error`.
#![allow(unsafe_code)] // Elements moved between exclusive leaves: docs/ARCHITECTURE.md, "Unsafe".

use super::GenericVector;
use crate::error::thawed;
use crate::link::Kind;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;

/// Where a range of elements is taken out at a time, it costs as much as moving so many elements.
const RUN_COST: usize = 256;

impl<A, P: Kind> GenericVector<A, P> {
    /// The number of the last element that `f` calls equal, or else where one would belong; `f` compares an element with
    /// what is sought, and the vector is sorted by it. Time: O(log n) comparisons.
    ///
    /// # Errors
    /// Where such an element would belong, if there is none.
    pub fn binary_search_by<F: FnMut(&A) -> Ordering>(&self, mut f: F) -> Result<usize, usize> {
        let (mut from, mut to, mut is_found) = (0, self.len(), false);
        while from < to {
            let middle = from + (to - from) / 2;
            match f(&self[middle]) {
                Ordering::Greater => to = middle,
                order => (from, is_found) = (middle + 1, order == Ordering::Equal),
            }
        }
        if is_found { Ok(from - 1) } else { Err(from) }
    }

    /// The number of the last element that is equal to `value` in a sorted vector. Time: O(log n) comparisons.
    ///
    /// # Errors
    /// Where such an element would belong, if there is none.
    pub fn binary_search(&self, value: &A) -> Result<usize, usize>
    where
        A: Ord,
    {
        self.binary_search_by(|element| element.cmp(value))
    }

    /// The number of the last element with the key `b` in a vector that is sorted by the key that `f` says. Time:
    /// O(log n) comparisons.
    ///
    /// # Errors
    /// Where such an element would belong, if there is none.
    pub fn binary_search_by_key<B: Ord, F: FnMut(&A) -> B>(&self, b: &B, mut f: F) -> Result<usize, usize> {
        self.binary_search_by(|element| f(element).cmp(b))
    }
}

impl<A: Clone, P: Kind> GenericVector<A, P> {
    /// Exchanges two elements, both of which there are.
    pub(super) fn exchange(&mut self, i: usize, j: usize) {
        thawed(self.body.place_mut(i));
        let b = thawed(self.body.place_mut(j));
        // Both leaves are exclusive now, so that this moves neither.
        let a = thawed(self.body.place_mut(i));
        // SAFETY: elements of exclusive leaves, borrowed mutably; maybe one and the same.
        unsafe { core::ptr::swap(a, b) }
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

    /// Keeps the elements of which `f` says true, in their order.
    ///
    /// Time: O(n); where few are removed the rest stays shared.
    pub fn retain<F: FnMut(&A) -> bool>(&mut self, mut f: F) {
        let (mut gone, mut removed): (Vec<Range<usize>>, usize) = (Vec::new(), 0);
        for (i, element) in self.iter().enumerate() {
            if f(element) {
                continue;
            }
            removed += 1;
            match gone.last_mut() {
                Some(run) if run.end == i => run.end += 1,
                _ => gone.push(i..i + 1),
            }
        }
        if gone.len() * RUN_COST < self.len() {
            let mut new = self.clone();
            gone.into_iter().rev().for_each(|run| drop(new.slice(run)));
            *self = new;
            return;
        }
        let len = self.len();
        self.leaves_mut().for_each(drop);
        let mut to = gone.first().map_or(len, |run| run.start);
        let behind = gone.iter().zip(gone.iter().skip(1).map(|run| run.start).chain([len]));
        for (run, end) in behind {
            for i in run.end..end {
                self.exchange(to, i);
                to += 1
            }
        }
        debug_assert!(to == len - removed);
        self.truncate(to)
    }

    /// Sorts the elements; equal ones stay in their order.
    ///
    /// Time: O(n log n) comparisons. Space: O(n).
    pub fn sort(&mut self)
    where
        A: Ord,
    {
        self.sort_by(Ord::cmp)
    }

    /// Sorts by a key; elements with equal keys stay in their order.
    ///
    /// Time: O(n log n) comparisons. Space: O(n).
    pub fn sort_by_key<B: Ord, F: Fn(&A) -> B>(&mut self, f: F) {
        self.sort_by(|a, b| f(a).cmp(&f(b)))
    }

    /// Sorts by a comparison; elements that compare equal stay in their order.
    ///
    /// Time: O(n log n) comparisons. Space: O(n).
    pub fn sort_by<F: Fn(&A, &A) -> Ordering>(&mut self, cmp: F) {
        let mut leaves: Vec<&mut [A]> = self.leaves_mut().collect();
        let mut order: Vec<&A> = leaves.iter().flat_map(|leaf| leaf.iter()).collect();
        order.sort_by(|a, b| cmp(a, b));
        // SAFETY: each element is read once and each place written once, and no user code runs meanwhile.
        unsafe {
            let sorted: Vec<core::mem::ManuallyDrop<A>> = order
                .into_iter()
                .map(|element| core::ptr::from_ref(element).cast::<core::mem::ManuallyDrop<A>>().read())
                .collect();
            let places = leaves.iter_mut().flat_map(|leaf| leaf.iter_mut());
            for (place, element) in places.zip(sorted) {
                core::ptr::from_mut(place).write(core::mem::ManuallyDrop::into_inner(element))
            }
        }
    }
}
