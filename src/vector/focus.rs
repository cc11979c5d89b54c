//! Views of a vector that remember where they looked last, so that reading or changing neighbours costs no lookup.
//!
//! In: a vector, or a range of it. Out: elements and slices, by their numbers in the range; parts for other threads.
//! Must hold: two mutable views that were split from one have disjoint ranges; what lies above the leaves of both is
//! exclusive since then, and neither changes it.
//! Uses: `link`, `find`, `ends`, `iter`, `error`.
#![allow(unsafe_code)] // Elements of exclusive leaves: docs/ARCHITECTURE.md, "Unsafe".

use super::ends::Body;
use super::find::chunk;
use super::iter::SlicesMut;
use super::{GenericVector, Iter, IterMut, bounds, no_such};
use crate::error::thawed;
use crate::link::Kind;
use core::ops::{Range, RangeBounds};

/// The range of a view that a range of it names.
///
/// # Panics
/// If that is not within the view.
fn narrowed(what: &str, view: &Range<usize>, range: impl RangeBounds<usize>) -> Range<usize> {
    let len = view.end - view.start;
    let Range { start, end } = bounds(range, len);
    if start > end || end > len {
        panic!("{what}: the range {start}..{end} is not within the view, which has {len} elements")
    }
    view.start + start..view.start + end
}

/// A view of a vector, or of a range of it. From [`GenericVector::focus`].
///
/// ```
/// use backstory::Vector;
///
/// let vector: Vector<u32> = (0..1000).collect();
/// let mut view = vector.focus();
/// assert_eq!((0..1000).map(|i| view.index(i)).sum::<u32>(), 499_500);
/// let (left, mut right) = vector.focus().split_at(400);
/// assert_eq!((left.len(), right.index(0)), (400, &400));
/// ```
pub struct Focus<'a, A, P: Kind> {
    body: &'a Body<A, P::Count>,
    range: Range<usize>,
    /// The slice looked at last, and where it begins in the vector.
    slice: &'a [A],
    at: usize,
}

impl<'a, A, P: Kind> Focus<'a, A, P> {
    /// A view of all of a vector. Time: O(1).
    #[must_use]
    pub fn new(vector: &'a GenericVector<A, P>) -> Self {
        Self::of(&vector.body, 0..vector.len())
    }

    fn of(body: &'a Body<A, P::Count>, range: Range<usize>) -> Self {
        Focus { body, range, slice: &[], at: 0 }
    }

    /// The number of elements in the view. Time: O(1).
    #[must_use]
    pub fn len(&self) -> usize {
        self.range.end - self.range.start
    }

    /// True if there is no element in the view. Time: O(1).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Looks at the leaf with this element of the vector; gives its number there.
    #[inline]
    fn look(&mut self, i: usize) -> usize {
        if i.wrapping_sub(self.at) >= self.slice.len() {
            (self.at, self.slice) = thawed(chunk(self.body.root.link(), self.body.ends, i, &self.range))
        }
        i - self.at
    }

    /// The element numbered `index` in the view, if there are so many. Time: O(1) beside the last one, else O(log n).
    ///
    /// # Panics
    /// If a stored node cannot be read.
    #[inline]
    pub fn get(&mut self, index: usize) -> Option<&'a A> {
        if index >= self.len() {
            return None;
        }
        let i = self.look(self.range.start + index);
        Some(&self.slice[i])
    }

    /// The element numbered `index` in the view. Time: as [`get`](Self::get).
    ///
    /// # Panics
    /// If there are not so many elements, or a stored node cannot be read.
    #[inline]
    pub fn index(&mut self, index: usize) -> &'a A {
        let len = self.len();
        match self.get(index) {
            Some(element) => element,
            None => no_such("Focus::index", index, len),
        }
    }

    /// The slice with the element numbered `index`, and its range in the view. Time: as [`get`](Self::get).
    ///
    /// # Panics
    /// If there are not so many elements, or a stored node cannot be read.
    pub fn chunk_at(&mut self, index: usize) -> (Range<usize>, &'a [A]) {
        if index >= self.len() {
            no_such("Focus::chunk_at", index, self.len())
        }
        self.look(self.range.start + index);
        let from = self.at.max(self.range.start);
        let to = (self.at + self.slice.len()).min(self.range.end);
        (from - self.range.start..to - self.range.start, &self.slice[from - self.at..to - self.at])
    }

    /// A view of a range of this view. Time: O(1).
    ///
    /// # Panics
    /// If the range is not within the view.
    #[must_use]
    pub fn narrow<R: RangeBounds<usize>>(self, range: R) -> Self {
        let range = narrowed("Focus::narrow", &self.range, range);
        Focus { range, ..self }
    }

    /// A view of the elements before `index`, and one of those from there on. Time: O(1).
    ///
    /// # Panics
    /// If there are not so many elements.
    #[must_use]
    pub fn split_at(self, index: usize) -> (Self, Self) {
        if index > self.len() {
            no_such("Focus::split_at", index, self.len())
        }
        (self.clone().narrow(..index), self.narrow(index..))
    }
}

impl<A, P: Kind> Clone for Focus<'_, A, P> {
    fn clone(&self) -> Self {
        Focus { body: self.body, range: self.range.clone(), slice: self.slice, at: self.at }
    }
}

impl<'a, A, P: Kind> IntoIterator for Focus<'a, A, P> {
    type Item = &'a A;
    type IntoIter = Iter<'a, A, P>;
    fn into_iter(self) -> Iter<'a, A, P> {
        Iter::new(self.body, self.range)
    }
}

/// A view of a vector, or of a range of it, for elements to be changed. From [`GenericVector::focus_mut`].
///
/// Leaves that are shared are copied when they are looked at.
///
/// ```
/// use backstory::Vector;
///
/// let mut vector: Vector<u32> = (0..1000).collect();
/// let (mut left, mut right) = vector.focus_mut().split_at(500);
/// std::thread::scope(|threads| {
///     threads.spawn(move || (0..left.len()).for_each(|i| *left.index_mut(i) += 1));
///     threads.spawn(move || (0..right.len()).for_each(|i| *right.index_mut(i) = 0));
/// });
/// assert_eq!((vector[499], vector[500]), (500, 0));
/// ```
pub struct FocusMut<'a, A, P: Kind> {
    slices: SlicesMut<'a, A, P::Count>,
    /// Where the elements stand that were looked at last, and the first one's number in the vector.
    slice: Elements<A>,
    at: usize,
}

struct Elements<A>(*mut [A]);
// SAFETY: elements of the vector that the view borrows mutably; the view's slices say who may have that.
unsafe impl<A> Send for Elements<A> {}
// SAFETY: as above.
unsafe impl<A> Sync for Elements<A> {}

impl<A> Elements<A> {
    fn none() -> Self {
        Elements(core::ptr::slice_from_raw_parts_mut(core::ptr::dangling_mut(), 0))
    }
}

impl<'a, A, P: Kind> FocusMut<'a, A, P> {
    fn of(slices: SlicesMut<'a, A, P::Count>) -> Self {
        FocusMut { slices, slice: Elements::none(), at: 0 }
    }

    /// The number of elements in the view. Time: O(1).
    #[must_use]
    pub fn len(&self) -> usize {
        self.slices.range.end - self.slices.range.start
    }

    /// True if there is no element in the view. Time: O(1).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A view of a range of this view. Time: O(1).
    ///
    /// # Panics
    /// If the range is not within the view.
    #[must_use]
    pub fn narrow<R: RangeBounds<usize>>(mut self, range: R) -> Self {
        self.slices.range = narrowed("FocusMut::narrow", &self.slices.range, range);
        Self::of(self.slices)
    }

    /// The same view, for reading. Time: O(1).
    pub fn unmut(self) -> Focus<'a, A, P> {
        let (body, range) = self.slices.into_shared();
        Focus::of(body, range)
    }
}

impl<'a, A: Clone, P: Kind> FocusMut<'a, A, P> {
    /// A view of all of a vector. Time: O(1).
    pub fn new(vector: &'a mut GenericVector<A, P>) -> Self {
        Self::of(SlicesMut::new(&mut vector.body))
    }

    /// Where the element of the view stands, which there is; its leaf is exclusive.
    #[inline]
    fn place(&mut self, index: usize) -> *mut A {
        let i = self.slices.range.start + index;
        if i.wrapping_sub(self.at) >= self.slice.0.len() {
            let (at, slice) = self.slices.at(i);
            (self.at, self.slice) = (at, Elements(slice))
        }
        self.slice.0.cast::<A>().wrapping_add(i - self.at)
    }

    /// Where this element stands.
    ///
    /// # Panics
    /// If there are not so many elements.
    fn place_of(&mut self, what: &str, index: usize) -> *mut A {
        if index >= self.len() {
            no_such(what, index, self.len())
        }
        self.place(index)
    }

    /// The element numbered `index` in the view, if there are so many. Time: as [`get_mut`](Self::get_mut).
    pub fn get(&mut self, index: usize) -> Option<&A> {
        self.get_mut(index).map(|element| &*element)
    }

    /// The element numbered `index` in the view, to be changed. Time: O(1) beside the last one, else O(log n).
    ///
    /// # Panics
    /// If a stored node cannot be read.
    #[inline]
    pub fn get_mut(&mut self, index: usize) -> Option<&mut A> {
        // SAFETY: an element of an exclusive leaf in the view's range; the view is borrowed mutably.
        (index < self.len()).then(|| unsafe { &mut *self.place(index) })
    }

    /// The element numbered `index` in the view. Time: as [`get_mut`](Self::get_mut).
    ///
    /// # Panics
    /// If there are not so many elements, or a stored node cannot be read.
    pub fn index(&mut self, index: usize) -> &A {
        self.index_mut(index)
    }

    /// The element numbered `index` in the view, to be changed. Time: as [`get_mut`](Self::get_mut).
    ///
    /// # Panics
    /// If there are not so many elements, or a stored node cannot be read.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "imbl's name, which takes no Index of a shared view")]
    pub fn index_mut(&mut self, index: usize) -> &mut A {
        let len = self.len();
        match self.get_mut(index) {
            Some(element) => element,
            None => no_such("FocusMut::index_mut", index, len),
        }
    }

    /// Replaces the element numbered `index`, if there are so many; gives the one before.
    pub fn set(&mut self, index: usize, value: A) -> Option<A> {
        self.get_mut(index).map(|element| core::mem::replace(element, value))
    }

    /// Exchanges two elements; one with itself is nothing to do.
    ///
    /// # Panics
    /// If there are not so many elements, or a stored node cannot be read.
    pub fn swap(&mut self, a: usize, b: usize) {
        if a == b {
            return;
        }
        let [a, b] = [a, b].map(|index| self.place_of("FocusMut::swap", index));
        // SAFETY: two elements of exclusive leaves in the view's range.
        unsafe { core::ptr::swap(a, b) }
    }

    /// Lets `f` change two elements at once.
    ///
    /// # Panics
    /// If they are one, or there are not so many elements, or a stored node cannot be read.
    pub fn pair<F: FnMut(&mut A, &mut A) -> B, B>(&mut self, a: usize, b: usize, mut f: F) -> B {
        assert!(a != b, "FocusMut::pair: element {a} cannot be changed as two");
        let [a, b] = [a, b].map(|index| self.place_of("FocusMut::pair", index));
        // SAFETY: two elements of exclusive leaves in the view's range.
        unsafe { f(&mut *a, &mut *b) }
    }

    /// Lets `f` change three elements at once.
    ///
    /// # Panics
    /// If two of them are one, or there are not so many elements, or a stored node cannot be read.
    pub fn triplet<F: FnMut(&mut A, &mut A, &mut A) -> B, B>(&mut self, a: usize, b: usize, c: usize, mut f: F) -> B {
        assert!(a != b && b != c && a != c, "FocusMut::triplet: one of {a}, {b}, {c} cannot be changed as two");
        let [a, b, c] = [a, b, c].map(|index| self.place_of("FocusMut::triplet", index));
        // SAFETY: three elements of exclusive leaves in the view's range.
        unsafe { f(&mut *a, &mut *b, &mut *c) }
    }

    /// The slice with the element numbered `index`, to be changed, and its range in the view. Time: as
    /// [`get_mut`](Self::get_mut).
    ///
    /// # Panics
    /// If there are not so many elements, or a stored node cannot be read.
    pub fn chunk_at(&mut self, index: usize) -> (Range<usize>, &mut [A]) {
        self.place_of("FocusMut::chunk_at", index);
        let from = self.at - self.slices.range.start;
        // SAFETY: elements of an exclusive leaf in the view's range; the view is borrowed mutably.
        (from..from + self.slice.0.len(), unsafe { &mut *self.slice.0 })
    }

    /// A view of the elements before `index`, and one of those from there on; they can be sent to other threads.
    ///
    /// Time: O(log n); the first split of a view of n elements O(n / 64): it thaws its leaves and copies what is shared above
    /// them.
    ///
    /// # Panics
    /// If there are not so many elements, or a stored node cannot be read.
    #[must_use]
    pub fn split_at(self, index: usize) -> (Self, Self) {
        if index > self.len() {
            no_such("FocusMut::split_at", index, self.len())
        }
        let at = self.slices.range.start + index;
        let (left, right) = self.slices.split_at(at);
        (Self::of(left), Self::of(right))
    }
}

impl<'a, A: Clone, P: Kind> IntoIterator for FocusMut<'a, A, P> {
    type Item = &'a mut A;
    type IntoIter = IterMut<'a, A, P>;
    fn into_iter(self) -> IterMut<'a, A, P> {
        IterMut::new(self.slices)
    }
}

impl<'a, A: Clone, P: Kind> From<FocusMut<'a, A, P>> for Focus<'a, A, P> {
    fn from(view: FocusMut<'a, A, P>) -> Self {
        view.unmut()
    }
}
