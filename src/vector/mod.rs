//! The RRB vector: its type, and how it is read and edited.
//!
//! In: elements. Out: versions that share structure.
//! The data's way: `mod.rs` (this type) → `find` | `ends` | `middle` | `cut` | `join` → `edge` → `spine`, `inner`, `leaf` →
//! `node` → `link`.
//! Uses: `link`, `hash`, `id`, `error`.
//!
//! A vector is nothing, a leaf, or a spine: a leaf in front (the head), a tree, a leaf at the back (the tail).
//!
//! - **V1** What a version sees of a leaf are elements: it lies between the leaf's `first` and `end`.
//! - **V2** All leaves of a tree are at level 0, the nodes above at levels 1, 2, ..; a node's ends grow, and the last is its
//!   length; all children of a strict node are full but the last.
//! - **V3** Nodes of a tree are half full at least, but for those at its left and right edge, which are not empty. So the
//!   height is O(log n) whatever the history.
//! - **V4** A tree of level 1 or more has two children at least; if it has two, of level 1 or more, these have more children
//!   than fit into one node. Where a child could not be read when this was to be restored it may not be so, which is only
//!   slower.

#[macro_use]
mod count;
#[cfg(test)]
mod check;
#[cfg(doctest)]
mod compile_fail;
mod cut;
mod edge;
mod edit;
mod ends;
mod fallible;
mod find;
mod focus;
#[cfg(feature = "timeline")]
mod fold;
mod inner;
mod iter;
mod join;
mod leaf;
mod lockstep;
mod middle;
mod node;
mod order;
#[cfg_attr(not(any(test, feature = "timeline")), expect(dead_code))] // Nothing is stored then.
mod revive;
mod spine;
mod store;
#[cfg(test)]
mod table;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_failing;
#[cfg(test)]
mod tests_stored;
mod traits;

pub use focus::{Focus, FocusMut};
pub use iter::{Chunks, ChunksMut, ConsumingIter, Iter, IterMut};
pub use lockstep::Splice;
pub(crate) use store::{Commit, NodeRecord, Records, write};
#[cfg(feature = "timeline")]
pub(crate) use {
    ends::Ends,
    fold::{Fold, fold},
    revive::{Base, NodeParts, revive},
    store::{SpineParts, StoredLink, stored_mark},
};

use crate::error::thawed;
use crate::link::Kind;
use archery::ArcTK;
use core::ops::{Bound, Range, RangeBounds};
use ends::Body;
use iter::SlicesMut;
use spine::Side;

/// A vector of these elements: `vector![1, 2, 3]`.
#[macro_export]
macro_rules! vector {
    ($(,)?) => { $crate::Vector::new() };
    ($($element:expr),+ $(,)?) => {{
        let mut vector = $crate::Vector::new();
        $(vector.push_back($element);)+
        vector
    }};
}

/// A persistent vector: a value that is cheap to copy, every edit of which can be a new version.
///
/// `A` elements, `P` how nodes are counted ([`Kind`]). [`Vector`] fixes the last.
///
/// A version shares with the one it was made from all but the nodes on the path of the edit. Pushing to a shared version
/// makes no node at all, as long as the leaf at that end has room that no other version has taken: the push costs nothing
/// but a handle. Cloning costs one count. `==` and [`diff`](Self::diff) read only what two versions do not share,
/// wherever in them it stands.
///
/// | operation | time | against `Vec` |
/// |---|---|---|
/// | [`get`](Self::get), [`set`](Self::set), indexing | O(log n) | O(1) |
/// | [`push_back`](Self::push_back), [`pop_back`](Self::pop_back) | O(1) amortised, shared or not ¹ | O(1) amortised; shared: clone first, O(n) |
/// | [`push_front`](Self::push_front), [`pop_front`](Self::pop_front) | O(1) amortised, shared or not ¹ | O(n) |
/// | [`insert`](Self::insert), [`remove`](Self::remove) | O(log n) | O(n) |
/// | [`append`](Self::append), [`split_off`](Self::split_off), [`slice`](Self::slice) | O(log n) | O(n) |
/// | [`splice`](Self::splice) | O(log n + new elements) | O(n) |
/// | [`clone`](Clone::clone) | O(1) | O(n) |
/// | `==`, [`diff`](Self::diff) of versions | O(log n + what differs) | O(n) |
/// | [`iter`](Self::iter), [`leaves`](Self::leaves), [`collect`](FromIterator), [`sort`](Self::sort) | as there | O(n), O(n log n) |
///
/// ¹ A chain of versions, each pushed from the last. Where a second version is pushed from the same one, the leaf at that
/// end is copied, as it is for every edit of a shared leaf: at most 512 bytes of elements, or 2 elements.
///
/// log n stands for the height of the tree: a leaf has up to 512 bytes of elements (64 of 8 bytes, and at least 2), an
/// inner node up to 32 children. The height is at most log₃₂ n + 2 whatever was joined and cut. Where a version is the only
/// owner of the nodes on a path they are changed in place.
///
/// # Limits
///
/// A vector has at most 2⁴⁸ − 2¹⁶ elements, which one joined with itself can come to; more is a panic. 2³¹ clones of one
/// version that live at once end the process, as they do for std's `Arc` at 2⁶³. A `Clone`, `Drop` or closure that panics
/// leaves the vector whole, the edit done or not; what was about to be dropped may leak. What one version pushed and a
/// clone of it does not see lives as long as the leaf they share.
///
/// Where a stored node cannot be read, calls panic and say so; those in [`try_get`](Self::try_get) and its kin give the
/// error instead. Vectors that were made in memory have no stored nodes.
///
/// Sources: Bagwell & Rompf, "RRB-Trees: Efficient Immutable Vectors", 2011; Stucki, Rompf, Ureche & Bagwell, "RRB
/// Vector: A Practical General Purpose Immutable Sequence", ICFP 2015; Puente, "Persistence for the Masses", ICFP 2017.
/// Inserting and removing rebalance as B-trees do (Bayer & McCreight, 1972).
///
/// # Examples
///
/// ```
/// use backstory::vector::Splice;
/// use backstory::{Vector, vector};
///
/// let draft: Vector<&str> = vector!["dear", "reader"];
/// let mut letter = draft.clone();
/// letter.insert(1, "patient");
/// letter.push_back("...");
///
/// // The old version is what it was, and undo is to look at it.
/// assert_eq!(draft, vector!["dear", "reader"]);
/// assert_eq!(letter, vector!["dear", "patient", "reader", "..."]);
///
/// // What came between them, without reading what they share.
/// let changes: Vec<Splice> = draft.diff(&letter).collect();
/// assert_eq!(changes, [Splice { old: 1..2, new: 1..4 }]);
///
/// // Halves and wholes share what they are made of.
/// let (greeting, rest) = letter.split_at(2);
/// assert_eq!(greeting + rest, vector!["dear", "patient", "reader", "..."]);
/// ```
pub struct GenericVector<A, P: Kind> {
    pub(crate) body: Body<A, P::Count>,
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

    /// The elements as slices, one for each leaf. Time: O(log n) for each leaf.
    #[must_use]
    pub fn leaves(&self) -> Chunks<'_, A, P> {
        Chunks::new(self)
    }

    /// The first element. Time: O(log n); O(1) where elements were pushed at that end and stand there still.
    #[must_use]
    pub fn front(&self) -> Option<&A> {
        self.get(0)
    }

    /// As [`front`](Self::front).
    #[must_use]
    pub fn head(&self) -> Option<&A> {
        self.front()
    }

    /// The last element. Time: O(log n); O(1) where elements were pushed at that end and stand there still.
    #[must_use]
    pub fn back(&self) -> Option<&A> {
        self.get(self.len().wrapping_sub(1))
    }

    /// As [`back`](Self::back).
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
    pub fn unit(a: A) -> Self {
        GenericVector { body: Body::unit(a) }
    }

    /// False: no vector stands in its handle, as small ones of `imbl` do.
    #[must_use]
    pub fn is_inline(&self) -> bool {
        false
    }

    /// Removes all elements. Time: O(1) if they are shared, else O(n) to drop them.
    pub fn clear(&mut self) {
        drop(core::mem::take(self))
    }

    /// True if the two are one version. Time: O(1). False proves nothing.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        store::is_same_version(&self.body, &other.body)
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
    pub fn diff(&self, other: &Self) -> alloc::vec::IntoIter<Splice>
    where
        A: PartialEq,
    {
        thawed(self.try_diff(other))
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
    /// Time: O(log n) for each leaf.
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
            Some(place) => core::mem::replace(place, value),
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

    /// Exchanges two elements; one with itself is nothing to do. Time: O(log n).
    ///
    /// # Panics
    /// If there are not so many elements.
    pub fn swap(&mut self, i: usize, j: usize) {
        if i == j {
            return;
        }
        for index in [i, j] {
            if index >= self.len() {
                no_such("Vector::swap", index, self.len())
            }
        }
        self.exchange(i, j)
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
    ///
    /// # Panics
    /// If there are not so many elements ([`truncate`](Self::truncate) does not).
    #[must_use]
    pub fn take(&self, count: usize) -> Self {
        if count > self.len() {
            no_such("Vector::take", count, self.len())
        }
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

    /// Takes a range of elements out of the vector, and gives it; nothing if the range is empty or begins behind the
    /// vector's end. Time: O(log n).
    ///
    /// # Panics
    /// If another range ends behind the vector's end.
    #[must_use]
    pub fn slice<R: RangeBounds<usize>>(&mut self, range: R) -> Self {
        let Range { start, end } = bounds(range, self.len());
        if start >= end || start >= self.len() {
            return Self::new();
        }
        if end > self.len() {
            no_such("Vector::slice", end - 1, self.len())
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
    /// If the range begins behind its end, or ends behind the vector's, as std's.
    pub fn splice<R: RangeBounds<usize>, I: IntoIterator<Item = A>>(&mut self, range: R, replace_with: I) -> Self {
        let (Range { start, end }, len) = (bounds(range, self.len()), self.len());
        if start > end || end > len {
            panic!("Vector::splice: the range {start}..{end} is not within the vector, which has {len} elements")
        }
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
}

/// From where to where a range of so many elements goes; that may be anywhere.
pub(crate) fn bounds(range: impl RangeBounds<usize>, len: usize) -> Range<usize> {
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

#[cold]
#[inline(never)]
fn no_such(what: &str, index: usize, len: usize) -> ! {
    panic!("{what}: index {index} is out of bounds: there are {len} elements")
}
