//! Leaves that are ours: entries added, replaced, taken out.
//!
//! In: an exclusive leaf, leaf overlay or collision leaf. Out: the same with its entries changed.
//! Must hold: L1 (it is exclusive), M2 (tags match hashes, free places have none, a leaf overlay's own entries stand in
//! the order of their places). No user code runs while an entry is on its way.
//! Uses: `link`, `node`, `leaf`.
#![allow(unsafe_code)] // Node layout: docs/ARCHITECTURE.md, "Unsafe".

use super::leaf::*;
use super::node::*;
use crate::link::{Count, Header, MarkCell, Word};
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

/// An exclusive node with entries: a leaf, a leaf overlay or a collision leaf.
pub(super) struct LeafMut<'a, K, V, C: Count>(Word, PhantomData<&'a mut Node<K, V, C>>);

impl<'a, K, V, C: Count> LeafMut<'a, K, V, C> {
    /// `node` is exclusive and has entries.
    #[inline(always)]
    pub(super) fn new(node: &'a mut Node<K, V, C>) -> Self {
        debug_assert!(node.is_exclusive());
        // SAFETY: exclusive, borrowed for 'a.
        unsafe { Self::from_word(node.word()) }
    }

    /// The leaf that a word in an exclusive node names, if it is a plain leaf and exclusive.
    ///
    /// # Safety
    /// The word stands in an exclusive node, reached through exclusive nodes only, which stays so during `'a`.
    #[inline(always)]
    pub(super) unsafe fn if_exclusive_leaf(word: Word) -> Option<Self> {
        // SAFETY: the node keeps the leaf alive.
        let ours = word.tag() == LEAF && unsafe { word.header() }.is_exclusive();
        ours.then_some(LeafMut(word, PhantomData))
    }

    /// # Safety
    /// The word names an exclusive leaf, leaf overlay or collision leaf that nobody else touches during `'a`.
    #[inline(always)]
    pub(super) unsafe fn from_word(word: Word) -> Self {
        debug_assert!(matches!(word.tag(), LEAF | LEAF_OVERLAY | COLLISION));
        LeafMut(word, PhantomData)
    }

    #[inline(always)]
    fn at(&self) -> NonNull<Header> {
        self.0.pointer(self.0.tag())
    }

    #[inline(always)]
    pub(super) fn get(&self) -> Leaf<'_, K, V, C> {
        // SAFETY: the node lives while it is borrowed.
        Leaf::new(unsafe { NodeRef::from_word(self.0) })
    }

    #[inline(always)]
    pub(super) fn entry_at(&mut self, i: usize) -> *mut (K, V) {
        // In bounds of the node's room for entries: wrapping only to stay safe here.
        field::<(K, V)>(self.at(), Trie::<K, V, C>::ENTRIES).wrapping_add(i)
    }

    #[inline(always)]
    pub(super) fn mark_at(&mut self, i: usize) -> *mut MarkCell {
        field::<MarkCell>(self.at(), Trie::<K, V, C>::marks_at(self.get().cap())).wrapping_add(i)
    }

    /// Where the tags of a leaf stand.
    #[inline(always)]
    pub(super) fn tag_place(&mut self) -> *mut u8 {
        debug_assert!(self.0.tag() == LEAF);
        field(self.at(), 16)
    }

    #[inline(always)]
    pub(super) fn set_len(&mut self, len: usize) {
        let mut at = self.at();
        // SAFETY: exclusive; a collision leaf has its length at 16.
        unsafe {
            match self.0.tag() {
                COLLISION => field::<u32>(at, 16).write(len as u32),
                _ => at.as_mut().len = len as u8,
            }
        }
    }

    /// As [`Trie::note_depth`].
    #[inline(always)]
    pub(super) fn note_depth(&mut self, depth: u32) {
        debug_assert!(self.0.tag() == LEAF);
        // SAFETY: exclusive.
        unsafe { self.at().as_mut().extra = depth as u16 }
    }

    /// # Safety
    /// There is room at index `i`, which is not in use.
    #[inline(always)]
    unsafe fn write(&mut self, i: usize, entry: (K, V), mark: MarkCell) {
        debug_assert!(i < self.get().cap());
        // SAFETY: the caller's promise.
        unsafe {
            self.entry_at(i).write(entry);
            if Trie::<K, V, C>::HAS_MARKS {
                self.mark_at(i).write(mark)
            }
        }
    }

    /// Adds an entry at a free place of a leaf. There is room.
    #[inline(always)]
    pub(super) fn put_at(&mut self, place: Place, tag: u8, entry: (K, V), mark: MarkCell) {
        debug_assert!(self.get().tags()[place] == 0 && tag != 0);
        let len = self.get().own_len();
        // SAFETY: exclusive, and there is room for entry and mark at the free place.
        unsafe {
            self.write(place, entry, mark);
            self.tag_place().add(place).write(tag)
        }
        self.set_len(len + 1);
    }

    /// Adds an entry that is stored nowhere at the lowest free place of a leaf, which it gives. There is room.
    #[inline(always)]
    pub(super) fn put_free(&mut self, hash: u64, entry: (K, V)) -> Place {
        let place = matches(self.get().tags(), 0).trailing_zeros() as usize;
        self.put_at(place, tag_of(hash), entry, Trie::<K, V, C>::new_mark(hash));
        place
    }

    /// Adds an entry at the end of a collision leaf. There is room.
    pub(super) fn push(&mut self, entry: (K, V), mark: MarkCell) {
        debug_assert!(self.0.tag() == COLLISION);
        let len = self.get().own_len();
        // SAFETY: exclusive, and there is room.
        unsafe { self.write(len, entry, mark) }
        self.set_len(len + 1)
    }

    /// Adds an entry of its own to a leaf overlay, at a place above those of the others. There is room.
    #[inline(always)]
    pub(super) fn push_over(&mut self, place: Place, tag: u8, entry: (K, V), mark: MarkCell) {
        let (len, own) = (self.get().own_len(), self.get().own_places());
        debug_assert!(self.get().live() >> place & 1 == 0 && own >> place == 0);
        // SAFETY: exclusive, and there is room.
        unsafe {
            self.write(len, entry, mark);
            field::<u8>(self.at(), 24 + len).write(tag);
            field::<u16>(self.at(), 28).write(own as u16 | 1 << place);
        }
        self.set_len(len + 1)
    }

    /// Adds an entry of its own to a leaf overlay, at a place that is free or whose base entry is dead. There is
    /// room.
    #[inline(always)]
    pub(super) fn put_over(&mut self, place: Place, tag: u8, entry: (K, V), mark: MarkCell) {
        let (len, own) = (self.get().own_len(), self.get().own_places());
        if own >> place == 0 {
            return self.push_over(place, tag, entry, mark);
        }
        let i = rank(own, place);
        // SAFETY: exclusive, and there is room; those of higher places move up by one.
        unsafe {
            self.entry_at(i).copy_to(self.entry_at(i + 1), len - i);
            field::<u8>(self.at(), 24 + i).copy_to(field(self.at(), 25 + i), len - i);
            if Trie::<K, V, C>::HAS_MARKS {
                self.mark_at(i).copy_to(self.mark_at(i + 1), len - i)
            }
            self.write(i, entry, mark);
            field::<u8>(self.at(), 24 + i).write(tag);
            field::<u16>(self.at(), 28).write(own as u16 | 1 << place);
        }
        self.set_len(len + 1)
    }

    /// The entry at a place of the node itself; it counts as not stored from now on. None if it is a base's.
    #[inline(always)]
    pub(super) fn entry_mut(mut self, place: Place) -> Option<&'a mut (K, V)> {
        assert!(self.get().is_used(place));
        let (node, i) = self.get().at_place(place);
        if node.word() != self.0 {
            return None;
        }
        // SAFETY: the place is in use, and the node is exclusive for 'a.
        unsafe {
            if Trie::<K, V, C>::HAS_MARKS {
                (*self.mark_at(i)).forget()
            }
            Some(&mut *self.entry_at(i))
        }
    }

    /// The entry at a place in use of a plain leaf; it counts as not stored from now on.
    ///
    /// # Safety
    /// The place is in use.
    #[inline(always)]
    pub(super) unsafe fn entry_unchecked(mut self, place: Place) -> &'a mut (K, V) {
        debug_assert!(self.0.tag() == LEAF && self.get().is_used(place));
        // SAFETY: the caller's promise, and the node is exclusive for 'a.
        unsafe {
            if Trie::<K, V, C>::HAS_MARKS {
                (*self.mark_at(place)).forget()
            }
            &mut *self.entry_at(place)
        }
    }

    /// The room of a leaf, by place; all entries count as not stored from now on.
    pub(super) fn room_mut(mut self) -> &'a mut [MaybeUninit<(K, V)>] {
        debug_assert!(self.0.tag() == LEAF);
        let cap = self.get().cap();
        self.forget_marks();
        // SAFETY: exclusive for 'a; there is room for `cap` entries.
        unsafe { core::slice::from_raw_parts_mut(self.entry_at(0).cast(), cap) }
    }

    /// All entries of a collision leaf; they count as not stored from now on.
    pub(super) fn entries_mut(mut self) -> &'a mut [(K, V)] {
        debug_assert!(self.0.tag() == COLLISION);
        let len = self.get().own_len();
        self.forget_marks();
        // SAFETY: exclusive for 'a; there are `len` entries.
        unsafe { core::slice::from_raw_parts_mut(self.entry_at(0), len) }
    }

    fn forget_marks(&mut self) {
        if Trie::<K, V, C>::HAS_MARKS {
            let leaf = self.get();
            leaf.places().filter_map(|place| leaf.mark_cell(place)).for_each(MarkCell::forget)
        }
    }

    /// Takes out the first entry of a leaf; the last one of a collision leaf.
    pub(super) fn pop(&mut self) -> Option<(K, V)> {
        let place = match self.0.tag() {
            COLLISION => self.get().own_len().checked_sub(1)?,
            _ => bits(self.get().live()).next()?,
        };
        Some(self.take(place))
    }

    /// Takes an entry out: a leaf's place is free then, later ones of a leaf overlay or a collision leaf move down.
    #[inline(always)]
    pub(super) fn take(&mut self, place: Place) -> (K, V) {
        let (tag, len) = (self.0.tag(), self.get().own_len());
        debug_assert!(self.get().is_used(place));
        if tag == LEAF {
            // SAFETY: exclusive; the entry is read once, as its place is free from now on.
            unsafe { self.tag_place().add(place).write(0) }
            self.set_len(len - 1);
            return unsafe { self.entry_at(place).read() };
        }
        self.take_closing_up(place, len)
    }

    #[inline(never)]
    fn take_closing_up(&mut self, place: Place, len: usize) -> (K, V) {
        let mut i = place;
        // SAFETY: exclusive; the entry is read once, and those behind it take its index, with tags and marks.
        unsafe {
            if self.0.tag() == LEAF_OVERLAY {
                let own = self.get().own_places();
                i = rank(own, place);
                field::<u8>(self.at(), 25 + i).copy_to(field(self.at(), 24 + i), len - 1 - i);
                field::<u16>(self.at(), 28).write((own & !(1 << place)) as u16);
            }
            let entry = self.entry_at(i).read();
            self.entry_at(i + 1).copy_to(self.entry_at(i), len - 1 - i);
            if Trie::<K, V, C>::HAS_MARKS {
                self.mark_at(i + 1).copy_to(self.mark_at(i), len - 1 - i)
            }
            self.set_len(len - 1);
            entry
        }
    }

    /// Marks an entry of a leaf overlay's base as dead.
    pub(super) fn kill(&mut self, place: Place) {
        debug_assert!(self.0.tag() == LEAF_OVERLAY);
        // SAFETY: exclusive.
        unsafe { self.at().as_mut().extra |= 1 << place }
    }

    /// Leaves the node without the entries at `moved`. Runs no user code.
    ///
    /// # Safety
    /// The entries at `moved` have been moved elsewhere.
    pub(super) unsafe fn abandon(&mut self, moved: u32) {
        let places = bits(moved);
        if self.0.tag() == LEAF {
            // SAFETY: exclusive.
            places.for_each(|place| unsafe { self.tag_place().add(place).write(0) });
            let left = self.get().own_len() - moved.count_ones() as usize;
            return self.set_len(left);
        }
        for place in places {
            core::mem::forget(self.take(place))
        }
    }

    /// Moves all entries of a collision leaf to the places of a new leaf, or to another collision leaf.
    pub(super) fn move_all(mut self, to: &mut LeafMut<'_, K, V, C>, tag: u8) {
        let len = self.get().own_len();
        self.set_len(0);
        for i in 0..len {
            let mark = match Trie::<K, V, C>::HAS_MARKS {
                // SAFETY: the mark of an entry that was there a moment ago.
                true => MarkCell::new(unsafe { (*self.mark_at(i)).get() }),
                false => MarkCell::default(),
            };
            // SAFETY: the length no longer counts the entry, so that it is read once.
            let entry = unsafe { self.entry_at(i).read() };
            match to.get().word().tag() {
                COLLISION => to.push(entry, mark),
                _ => to.put_at(i, tag, entry, mark),
            }
        }
    }
}
