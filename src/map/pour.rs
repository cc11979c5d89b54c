//! Entries on their way from leaves into new leaves.
//!
//! In: leaves, shared or ours. Out: new leaves with clones of what is shared and what is ours moved over.
//! Must hold: all clones are made before the first move, and no user code runs between the first and the last
//! move: a panic leaves the sources as they were, and what was cloned is dropped with the new leaf. To which place
//! an entry goes depends on the contents alone, never on what is shared: so does the order of iteration.
//! Uses: `link`, `node`, `leaf`, `leaf_mut`.
#![allow(unsafe_code)] // Node layout: docs/ARCHITECTURE.md, "Unsafe".

use super::leaf::*;
use super::leaf_mut::*;
use super::node::*;
use crate::link::{Count, MarkCell};

/// A new leaf being filled: the length is written once, at the end or when a panic ends it.
pub(super) struct Filler<'a, K, V, C: Count> {
    leaf: LeafMut<'a, K, V, C>,
    entries: *mut (K, V),
    tags: *mut u8,
    len: usize,
}

impl<'a, K, V, C: Count> Filler<'a, K, V, C> {
    /// `leaf` is a plain leaf.
    #[inline(always)]
    pub(super) fn new(leaf: LeafMut<'a, K, V, C>) -> Self {
        let (len, mut leaf) = (leaf.get().own_len(), leaf);
        let (entries, tags) = (leaf.entry_at(0), leaf.tag_place());
        Filler { leaf, entries, tags, len }
    }

    /// Fills a free place.
    #[inline(always)]
    pub(super) fn put_at(&mut self, place: Place, tag: u8, entry: (K, V), mark: MarkCell) {
        debug_assert!(place < self.leaf.get().cap() && self.leaf.get().tags()[place] == 0);
        // SAFETY: the leaf is exclusive and has room (the maker's count).
        unsafe {
            self.entries.add(place).write(entry);
            self.tags.add(place).write(tag);
            if Trie::<K, V, C>::HAS_MARKS {
                self.leaf.mark_at(place).write(mark)
            }
        }
        self.len += 1;
    }
}

impl<K, V, C: Count> Drop for Filler<'_, K, V, C> {
    #[inline(always)]
    fn drop(&mut self) {
        self.leaf.set_len(self.len)
    }
}

impl<'a, K, V, C: Count> LeafMut<'a, K, V, C> {
    /// Moves the entries of a plain leaf at the places in `goes` to the first places of a new leaf. Runs no user code.
    #[inline]
    pub(super) fn move_out(&mut self, goes: u32, to: &mut Node<K, V, C>) {
        let mut to = Filler::new(LeafMut::new(to));
        let (entries, tags) = (self.entry_at(0), self.tag_place());
        for (n, place) in bits(goes).enumerate() {
            let mark = self.get().mark_of(place);
            // SAFETY: exclusive; each entry is read once, as its place is free from now on.
            unsafe { to.put_at(n, tags.add(place).replace(0), entries.add(place).read(), mark) }
        }
        let left = self.get().own_len() - goes.count_ones() as usize;
        self.set_len(left)
    }

    /// Moves all entries of another plain leaf to these free places, as many, and leaves that one empty. Runs no user
    /// code. There is room.
    #[inline]
    pub(super) fn move_in(self, mut from: LeafMut<'_, K, V, C>, free: u32) {
        let mut to = Filler::new(self);
        let (entries, tags) = (from.entry_at(0), from.tag_place());
        for (place, free) in bits(from.get().live()).zip(bits(free)) {
            let mark = from.get().mark_of(place);
            // SAFETY: exclusive; each entry is read once, as its place is free from now on.
            unsafe { to.put_at(free, tags.add(place).replace(0), entries.add(place).read(), mark) }
        }
        from.set_len(0)
    }
}

/// Entries on their way from leaves into new leaves: leaves, and which of their entries go.
pub(super) struct Pour<'a, K, V, C: Count, const LEAVES: usize> {
    leaves: [Option<Source<'a, K, V, C>>; LEAVES],
    len: usize,
}

/// A leaf and its siblings on all levels.
pub(super) const SIBLINGS: usize = MOST_BITS as usize + 1;

struct Source<'a, K, V, C: Count> {
    leaf: Leaf<'a, K, V, C>,
    goes: u32,
    /// How many go.
    len: usize,
    /// Which of these are ours to move.
    mine: u32,
}

impl<K, V, C: Count> Source<'_, K, V, C> {
    /// Calls `f` with each of these entries, in the order of their places: its place, its tag, where it stands, its mark.
    #[inline(always)]
    fn each(&self, which: u32, mut f: impl FnMut(Place, u8, *const (K, V), MarkCell)) {
        let leaf = self.leaf;
        let plain = leaf.base().map_or(leaf, |(base, _)| base);
        let own = if is_leaf_overlay(leaf.word().tag()) { leaf.own_places() } else { 0 };
        let (tags, entries) = (plain.tags(), plain.entries_at());
        for place in bits(which) {
            if own >> place & 1 == 0 {
                f(place, tags[place], entries.wrapping_add(place), plain.mark_of(place))
            } else {
                let i = rank(own, place);
                f(place, leaf.overlay_tags()[i], leaf.entries_at().wrapping_add(i), leaf.mark_of(place))
            }
        }
    }
}

impl<'a, K, V, C: Count, const LEAVES: usize> Pour<'a, K, V, C, LEAVES> {
    pub(super) fn new() -> Self {
        Pour { leaves: [const { None }; LEAVES], len: 0 }
    }

    /// Adds a leaf or leaf overlay, without the entry at `skip`. An empty block adds nothing.
    ///
    /// # Safety
    /// `mine` is true only if nobody can reach the node but through the path that the caller changes: its
    /// entries may then be moved out, if the node is exclusive too. Each node is added once.
    #[inline(always)]
    pub(super) unsafe fn add(&mut self, node: NodeRef<'a, K, V, C>, mine: bool, skip: Option<Place>) {
        if !node.word().is_node() {
            return;
        }
        let leaf = Leaf::new(node);
        let goes = leaf.live() & !skip.map_or(0, |place| 1 << place);
        let mine = match leaf.base() {
            _ if !mine || !leaf.header().is_exclusive() => 0,
            Some((base, _)) if !base.header().is_exclusive() => goes & leaf.own_places(),
            _ => goes,
        };
        let len = leaf.len() - skip.is_some() as usize;
        self.leaves[self.len] = Some(Source { leaf, goes, len, mine });
        self.len += 1;
    }

    /// Adds entries of a leaf or leaf overlay that is not ours.
    pub(super) fn add_some(&mut self, leaf: Leaf<'a, K, V, C>, goes: u32) {
        self.leaves[self.len] = Some(Source { leaf, goes, len: goes.count_ones() as usize, mine: 0 });
        self.len += 1;
    }

    /// Entries of one leaf or leaf overlay that is not ours.
    pub(super) fn of(leaf: Leaf<'a, K, V, C>, goes: u32) -> Self {
        let mut pour = Self::new();
        pour.add_some(leaf, goes);
        pour
    }

    fn sources(&self) -> impl Iterator<Item = &Source<'a, K, V, C>> {
        self.leaves[..self.len].iter().flatten()
    }

    /// True if all that goes is ours: nothing will be cloned.
    pub(super) fn is_mine(&self) -> bool {
        self.sources().all(|source| source.mine == source.goes)
    }

    /// Gives each entry to `put`, with its place and its tag: first clones of what is shared, then what is ours, which is
    /// moved out. No user code runs from the first move on.
    #[inline(always)]
    pub(super) fn pour(self, mut put: impl FnMut(Place, u8, (K, V), MarkCell))
    where
        K: Clone,
        V: Clone,
    {
        for source in self.sources() {
            source.each(source.goes & !source.mine, |place, tag, entry, mark| {
                // SAFETY: an entry in use, which the node's owner keeps alive.
                put(place, tag, unsafe { (*entry).clone() }, mark)
            })
        }
        for source in self.sources().filter(|source| source.mine != 0) {
            source.each(source.mine, |place, tag, entry, mark| {
                // SAFETY: exclusive and reached through exclusive nodes only (`add`); abandoned below, so that the
                // entry is read once.
                put(place, tag, unsafe { entry.read() }, mark)
            })
        }
        // SAFETY: they were moved just now.
        unsafe { self.abandon() }
    }

    /// # Safety
    /// What is ours has been moved elsewhere.
    #[inline(always)]
    unsafe fn abandon(self) {
        for &Source { leaf, mine, .. } in self.sources().filter(|source| source.mine != 0) {
            // SAFETY: the caller's promise; a base is ours if one of its entries is, and not touched if none is.
            unsafe {
                let of_base = leaf.base().map_or(0, |_| mine & !leaf.own_places());
                if let Some((base, _)) = leaf.base().filter(|_| of_base != 0) {
                    LeafMut::<K, V, C>::from_word(base.word()).abandon(of_base)
                }
                LeafMut::<K, V, C>::from_word(leaf.word()).abandon(mine & !of_base)
            }
        }
    }

    /// One leaf of all entries. Those of the largest leaf, the first of them, keep their places; the others take the
    /// lowest free ones. If all is ours and there is room the largest leaf is the one, and its count is the caller's.
    pub(super) fn merged(self) -> Node<K, V, C>
    where
        K: Clone,
        V: Clone,
    {
        let (mut most, mut stays) = (0, 0);
        for (n, source) in self.sources().enumerate() {
            if source.len > most {
                (most, stays) = (source.len, n)
            }
        }
        self.merged_into(stays)
    }

    /// As [`merged`](Self::merged), but those of the leaf numbered `stays` keep their places.
    pub(super) fn merged_into(mut self, stays: usize) -> Node<K, V, C>
    where
        K: Clone,
        V: Clone,
    {
        let total = self.sources().map(|source| source.len).sum::<usize>();
        let is_mine = self.is_mine();
        let source = self.leaves[stays].as_mut().expect("below len");
        let (leaf, kept) = (source.leaf, source.goes);
        let all = and_lowest_free(kept, total - source.len);
        let need = places(all);
        let in_place = is_mine && leaf.word().tag() == LEAF && leaf.cap() >= need;
        let new = match in_place {
            true => {
                source.goes = 0;
                source.mine = 0;
                leaf.to_owned()
            }
            false => Trie::new_leaf(leaf_cap::<K, V>(need)),
        };
        // SAFETY: a new leaf, or one that is ours and reached through exclusive nodes only (`add`).
        let mut filler = Filler::new(unsafe { LeafMut::<K, V, C>::from_word(new.word()) });
        let free = all & !kept;
        // SAFETY: an entry in use, which the node's owner keeps alive.
        let clone = |entry: *const (K, V)| unsafe { (*entry).clone() };
        self.put_merged(stays, free, |source| source.goes & !source.mine, &mut filler, clone);
        if self.sources().any(|source| source.mine != 0) {
            // SAFETY: exclusive and reached through exclusive nodes only (`add`); abandoned below, so that the entry is
            // read once.
            let take = |entry: *const (K, V)| unsafe { entry.read() };
            self.put_merged(stays, free, |source| source.mine, &mut filler, take)
        }
        drop(filler);
        // SAFETY: they were moved just now.
        unsafe { self.abandon() }
        new
    }

    /// Puts the entries that `which` names to their places: those of the leaf numbered `stays` keep them, all others
    /// together take these free ones, each leaf's in their order.
    #[inline(always)]
    fn put_merged(
        &self,
        stays: usize,
        free: u32,
        which: impl Fn(&Source<'a, K, V, C>) -> u32,
        filler: &mut Filler<'_, K, V, C>,
        take: impl Fn(*const (K, V)) -> (K, V),
    ) {
        let mut free = bits(free);
        for (n, source) in self.sources().enumerate() {
            let which = which(source);
            source.each(source.goes, |place, tag, entry, mark| {
                let to = if n == stays { place } else { free.next().expect("as many as go") };
                if which >> place & 1 == 1 {
                    filler.put_at(to, tag, take(entry), mark)
                }
            })
        }
    }
}

/// Room for `n` entries in a new leaf: what the allocator would round to anyway.
#[inline(always)]
pub(super) fn leaf_cap<K, V>(n: usize) -> usize {
    let step = match size_of::<(K, V)>() {
        0..8 => 4,
        8..16 => 2,
        _ => 1,
    };
    n.next_multiple_of(step).min(LEAF_MAX)
}

/// All entries of a leaf at their places in a new one, with room for so many places.
pub(super) fn poured<K: Clone, V: Clone, C: Count>(pour: Pour<'_, K, V, C, 1>, cap: usize) -> Node<K, V, C> {
    let mut new = Trie::new_leaf(cap);
    let mut to = Filler::new(LeafMut::new(&mut new));
    pour.pour(|place, tag, entry, mark| to.put_at(place, tag, entry, mark));
    drop(to);
    new
}
