//! Leaves: elements side by side.
//!
//! In: a leaf, and the range of its places that a version sees. Out: slices, and leaves changed in place.
//! Must hold: V1 (what a version sees lies between `first` and `end`; those are elements, all else is free room), L1
//! (only exclusive leaves change, but for claims beyond what any version sees). User code (`Clone`, `Drop`) runs when
//! the leaf is whole.
//! Uses: `link`, `node`.
#![allow(unsafe_code)] // Node layout: docs/ARCHITECTURE.md, "Unsafe".

use super::node::*;
use crate::link::{Count, Mark, Word};
use core::marker::PhantomData;
use core::ops::Range;
use core::ptr::NonNull;

/// Borrows a leaf.
pub(super) struct Leaf<'a, A, C: Count>(Word, PhantomData<(NodeRef<'a, A, C>, &'a A)>);

impl<A, C: Count> Clone for Leaf<'_, A, C> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<A, C: Count> Copy for Leaf<'_, A, C> {}

impl<'a, A, C: Count> Leaf<'a, A, C> {
    #[inline(always)]
    pub(super) fn new(node: NodeRef<'a, A, C>) -> Self {
        debug_assert!(node.tag() == LEAF);
        Leaf(node.word(), PhantomData)
    }

    /// # Safety
    /// The word names a leaf of this tree that lives for `'a`.
    #[inline(always)]
    pub(super) unsafe fn from_word(word: Word) -> Self {
        debug_assert!(word.tag() == LEAF);
        Leaf(word, PhantomData)
    }

    #[inline(always)]
    fn at(self) -> NonNull<LeafHead> {
        self.0.pointer(LEAF).cast()
    }

    #[inline(always)]
    pub(super) fn head(self) -> &'a LeafHead {
        // SAFETY: the leaf lives for 'a.
        unsafe { self.at().as_ref() }
    }

    #[inline(always)]
    pub(super) fn room(self) -> usize {
        self.head().header.extra as usize
    }

    /// True if neither it nor what it was copied from is stored.
    #[inline(always)]
    pub(super) fn is_unstored(self) -> bool {
        self.head().header.mark() == Mark::NONE && self.head().base.get() == Mark::NONE
    }

    /// True if some of it is said to be as in its base.
    pub(super) fn is_as_base(self) -> bool {
        self.head().header.len != 0 || self.head().header.cap != 0
    }

    /// What these places, as a version sees them, have in common with a leaf that is stored with all its elements.
    pub(super) fn common(self, places: Range<usize>) -> Common {
        self.head().stored().map_or(Common::NOTHING, |stored| self.common_with(&stored, places))
    }

    /// The same if this is how it is stored.
    pub(super) fn common_with(self, stored: &StoredLeaf, places: Range<usize>) -> Common {
        let (head, len) = (self.head(), places.len());
        let ((front, back), here, base) = match stored.is_whole() {
            // Itself: a copy of all that is stored.
            true => ((stored.places.len(), stored.places.len()), stored.places.clone(), stored.mark),
            // No claim has moved an end where something is as in the base.
            false => {
                let same = (head.header.len as usize, head.header.cap as usize);
                (same, head.first.get()..head.end.get(), stored.base)
            }
        };
        let front = if here.start == places.start { front.min(len) } else { 0 };
        let back = if here.end == places.end { back.min(len) } else { 0 };
        Common { base, front, back }
    }

    /// Where place 0 stands.
    #[inline(always)]
    pub(super) fn places(self) -> *mut A {
        self.at().as_ptr().wrapping_byte_add(Rrb::<A, C>::ELEMENTS).cast()
    }

    /// The elements in these places.
    ///
    /// # Safety
    /// A version sees them (V1).
    #[inline(always)]
    pub(super) unsafe fn slice(self, places: Range<usize>) -> &'a [A] {
        debug_assert!(self.head().first.get() <= places.start && places.end <= self.head().end.get());
        // SAFETY: these are elements (the caller's promise), and stay so while the leaf lives.
        unsafe { core::slice::from_raw_parts(self.places().add(places.start), places.len()) }
    }

    /// The element in this place.
    ///
    /// # Safety
    /// A version sees it (V1).
    #[inline(always)]
    pub(super) unsafe fn element(self, place: usize) -> &'a A {
        debug_assert!(self.head().first.get() <= place && place < self.head().end.get());
        // SAFETY: as `slice`.
        unsafe { &*self.places().add(place) }
    }
}

/// An exclusive leaf.
pub(super) struct LeafMut<'a, A, C: Count>(&'a mut Node<A, C>);

impl<'a, A, C: Count> LeafMut<'a, A, C> {
    /// `node` is exclusive and a leaf.
    #[inline(always)]
    pub(super) fn new(node: &'a mut Node<A, C>) -> Self {
        debug_assert!(node.word().tag() == LEAF && node.is_exclusive());
        LeafMut(node)
    }

    #[inline(always)]
    pub(super) fn get(&self) -> Leaf<'_, A, C> {
        Leaf::new(self.0.link())
    }

    /// An exclusive leaf whose elements are those in these places, with room for so many: a copy if it is shared, in the
    /// same places (dropping the other may panic, and the caller does not know of the copy then); where it is moved to
    /// larger memory they begin at 0.
    #[inline]
    pub(super) fn own(node: &'a mut Node<A, C>, places: Range<usize>, room: usize) -> Self
    where
        A: Clone,
    {
        debug_assert!(room >= places.len());
        if !node.is_exclusive() {
            *node = cloned(Leaf::new(node.link()), places, room);
            return LeafMut(node);
        }
        let mut leaf = LeafMut(node);
        leaf.settle(places.clone());
        if leaf.get().room() < places.start + room {
            leaf.grow(room)
        }
        leaf
    }

    /// Drops what no version sees any more.
    #[inline(always)]
    pub(super) fn settle(&mut self, places: Range<usize>) {
        let head = self.get().head();
        let (first, end) = (head.first.get(), head.end.get());
        debug_assert!(first <= places.start && places.end <= end);
        if first != places.start || end != places.end {
            self.drop_all_but(first, places, end)
        }
    }

    #[cold]
    #[inline(never)]
    fn drop_all_but(&mut self, first: usize, places: Range<usize>, end: usize) {
        let header = &self.get().head().header;
        let front = if first == places.start { header.len } else { 0 };
        let back = if end == places.end { header.cap } else { 0 };
        self.set_same(places.len().min(front as usize), places.len().min(back as usize));
        let (head, at) = (self.get().head(), self.get().places());
        head.first.set(places.start);
        head.end.set(places.end);
        // SAFETY: exclusive, and nobody sees these elements, nor are they the leaf's any more.
        unsafe {
            let front = core::ptr::slice_from_raw_parts_mut(at.add(first), places.start - first);
            let back = core::ptr::slice_from_raw_parts_mut(at.add(places.end), end - places.end);
            // The second goes too if a `Drop` in the first panics.
            let _back = DropLast(back);
            front.drop_in_place()
        }
    }

    /// Moves to larger memory; the elements begin at 0 then.
    #[cold]
    fn grow(&mut self, room: usize) {
        let (first, len) = (self.get().head().first.get(), self.len());
        let mut new = Rrb::<A, C>::new_leaf(Rrb::<A, C>::room(room), 0);
        let to = LeafMut::new(&mut new);
        to.inherit(self.get(), first..first + len);
        // SAFETY: exclusive; the elements move, and the old memory goes without them.
        unsafe {
            to.get().places().copy_from_nonoverlapping(self.get().places().add(first), len);
            to.get().head().end.set(len);
            Rrb::<A, C>::free_shell(core::mem::replace(self.0, new).into_word())
        }
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.get().head().end.get() - self.get().head().first.get()
    }

    /// Where the elements stand, of which some may be borrowed mutably.
    #[inline(always)]
    pub(super) fn elements(&self) -> *mut [A] {
        let first = self.get().places().wrapping_add(self.get().head().first.get());
        core::ptr::slice_from_raw_parts_mut(first, self.len())
    }

    /// Notes what these elements, copied from these places of `from`, have in common with what is stored of that.
    fn inherit(&self, from: Leaf<'_, A, C>, places: Range<usize>) {
        self.set_base(from.common(places))
    }

    /// Notes what the leaf has in common with a stored one.
    pub(super) fn set_base(&self, common: Common) {
        self.get().head().base.set(common.base);
        self.set_same(common.front, common.back)
    }

    #[inline(always)]
    fn set_same(&self, front: usize, back: usize) {
        let mut at = self.get().at();
        // SAFETY: exclusive: nobody reads these two.
        unsafe {
            at.as_mut().header.len = front.min(255) as u8;
            at.as_mut().header.cap = back.min(255) as u8
        }
    }

    /// Elements `i..i + removed` of `len` will be replaced.
    #[inline(always)]
    pub(super) fn touch(&self, len: usize, i: usize, removed: usize) {
        let head = self.get().head();
        self.set_same(i.min(head.header.len as usize), (len - i - removed).min(head.header.cap as usize))
    }

    /// Puts `element` before the one numbered `i`. The leaf begins at 0 and has room.
    #[inline]
    pub(super) fn insert(self, i: usize, element: A) {
        let (len, leaf) = (self.len(), self.get());
        debug_assert!(leaf.head().first.get() == 0 && i <= len && len < leaf.room());
        self.touch(len, i, 0);
        // SAFETY: exclusive, and there is room: all from `i` moves up by one.
        unsafe {
            let at = leaf.places().add(i);
            at.copy_to(at.add(1), len - i);
            at.write(element)
        }
        leaf.head().end.set(len + 1)
    }

    /// Takes element `i` out. The leaf begins at 0.
    #[inline]
    pub(super) fn remove(self, i: usize) -> A {
        let (len, leaf) = (self.len(), self.get());
        debug_assert!(leaf.head().first.get() == 0 && i < len);
        self.touch(len, i, 1);
        leaf.head().end.set(len - 1);
        // SAFETY: exclusive; what is read here is moved over or beyond the end.
        unsafe {
            let at = leaf.places().add(i);
            let element = at.read();
            at.copy_from(at.add(1), len - i - 1);
            element
        }
    }

    /// Takes the first element out; says where the others end.
    pub(super) fn pop_first(self) -> (A, usize) {
        let (len, leaf) = (self.len(), self.get());
        let first = leaf.head().first.get();
        self.touch(len, 0, 1);
        leaf.head().first.set(first + 1);
        // SAFETY: exclusive, and no element of the leaf any more.
        (unsafe { leaf.places().add(first).read() }, first + len)
    }

    /// Takes all elements out.
    pub(super) fn drain(self) -> Drain<'a, A, C> {
        self.touch(self.len(), 0, self.len());
        Drain(self)
    }

    /// Lets the elements begin at 0.
    pub(super) fn align(self) {
        let (len, leaf) = (self.len(), self.get());
        let first = leaf.head().first.get();
        // SAFETY: exclusive; the elements move, and the edges say so.
        unsafe { leaf.places().copy_from(leaf.places().add(first), len) }
        leaf.head().first.set(0);
        leaf.head().end.set(len)
    }

    /// Moves the elements from `i` on to a new leaf, with room for so many.
    pub(super) fn split(self, i: usize, room: usize) -> Node<A, C> {
        let (len, leaf) = (self.len(), self.get());
        debug_assert!(leaf.head().first.get() == 0 && i <= len);
        let new = Rrb::<A, C>::new_leaf(Rrb::<A, C>::room(room), 0);
        self.touch(len, i, len - i);
        leaf.head().end.set(i);
        let to = Leaf::new(new.link());
        // SAFETY: exclusive, and beyond the end now; the new leaf has room.
        unsafe { to.places().copy_from_nonoverlapping(leaf.places().add(i), len - i) }
        to.head().end.set(len - i);
        new
    }

    /// Moves `n` elements from the front of `next` to the end of this leaf, which has room. Both begin at 0.
    pub(super) fn take_front(self, next: LeafMut<'_, A, C>, n: usize) {
        let (len, rest) = (self.len(), next.len() - n);
        debug_assert!(len + n <= self.get().room());
        self.touch(len, len, 0);
        next.touch(rest + n, 0, n);
        // SAFETY: both exclusive, so two; the elements move, and the ends say so.
        unsafe {
            let from = next.get().places();
            self.get().places().add(len).copy_from_nonoverlapping(from, n);
            from.copy_from(from.add(n), rest);
        }
        self.get().head().end.set(len + n);
        next.get().head().end.set(rest)
    }

    /// Moves `n` elements from the end of `previous` to the front of this leaf, which has room. Both begin at 0.
    pub(super) fn take_back(self, previous: LeafMut<'_, A, C>, n: usize) {
        let (len, rest) = (self.len(), previous.len() - n);
        debug_assert!(len + n <= self.get().room());
        self.touch(len, 0, 0);
        previous.touch(rest + n, rest, n);
        // SAFETY: as `take_front`.
        unsafe {
            let to = self.get().places();
            to.copy_to(to.add(n), len);
            to.copy_from_nonoverlapping(previous.get().places().add(rest), n)
        }
        self.get().head().end.set(len + n);
        previous.get().head().end.set(rest)
    }
}

/// The elements of a leaf, taken out from the front; what is not taken stays.
pub(super) struct Drain<'a, A, C: Count>(LeafMut<'a, A, C>);
impl<A, C: Count> Iterator for Drain<'_, A, C> {
    type Item = A;
    #[inline]
    fn next(&mut self) -> Option<A> {
        let (leaf, len) = (self.0.get(), self.0.len());
        let first = leaf.head().first.get();
        leaf.head().first.set(first + (len > 0) as usize);
        // SAFETY: exclusive, and no element of the leaf any more.
        (len > 0).then(|| unsafe { leaf.places().add(first).read() })
    }
}

struct DropLast<A>(*mut [A]);
impl<A> Drop for DropLast<A> {
    fn drop(&mut self) {
        // SAFETY: made of elements that nobody else drops.
        unsafe { self.0.drop_in_place() }
    }
}

/// A new leaf of clones of what stands in these places of a leaf, as a version sees them, in the same places.
#[inline(never)]
fn cloned<A: Clone, C: Count>(from: Leaf<'_, A, C>, places: Range<usize>, room: usize) -> Node<A, C> {
    let mut new = Rrb::<A, C>::new_leaf(Rrb::<A, C>::room(places.start + room), places.start);
    let leaf = LeafMut::new(&mut new);
    leaf.inherit(from, places.clone());
    // SAFETY: a version sees the places.
    fill(leaf, unsafe { from.slice(places) }.iter().cloned());
    new
}

/// Fills an exclusive leaf without elements with the items, which there is room for.
pub(super) fn fill<A, C: Count>(leaf: LeafMut<'_, A, C>, items: impl Iterator<Item = A>) {
    struct Filling<'a, A, C: Count>(Leaf<'a, A, C>, usize);
    impl<A, C: Count> Drop for Filling<'_, A, C> {
        fn drop(&mut self) {
            self.0.head().end.set(self.1)
        }
    }
    let at = leaf.get().places();
    let mut filling = Filling(leaf.get(), leaf.get().head().end.get());
    let room = leaf.get().room();
    for item in items {
        assert!(filling.1 < room, "more items than there is room for");
        // SAFETY: exclusive, and there is room. The guard's end says what is there if an item's making panics.
        unsafe { at.add(filling.1).write(item) }
        filling.1 += 1
    }
}
