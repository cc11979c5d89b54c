//! Entries on their way from leaves into new leaves.
//!
//! In: leaves, shared or ours. Out: new leaves with clones of what is shared and what is ours moved over.
//! Must hold: all clones are made before the first move, and no user code runs between the first and the last
//! move: a panic leaves the sources as they were, and what was cloned is dropped with the new leaf.
//! Uses: `link`, `node`, `leaf`.
#![allow(unsafe_code)] // Node layout: docs/ARCHITECTURE.md, "Unsafe".

use super::leaf::*;
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
    /// `leaf` is a new, empty, plain leaf.
    #[inline(always)]
    pub(super) fn new(leaf: &'a mut Node<K, V, C>) -> Self {
        debug_assert!(leaf.word().tag() == LEAF);
        let mut leaf = LeafMut::new(leaf);
        let (entries, tags) = (leaf.entry_at(0), leaf.tag_place());
        Filler { leaf, entries, tags, len: 0 }
    }

    #[inline(always)]
    pub(super) fn push(&mut self, tag: u8, entry: (K, V), mark: MarkCell) {
        debug_assert!(self.len < self.leaf.get().cap());
        // SAFETY: the leaf is exclusive and has room (the maker's count).
        unsafe {
            self.entries.add(self.len).write(entry);
            self.tags.add(self.len).write(tag);
            if Trie::<K, V, C>::HAS_MARKS {
                self.leaf.mark_at(self.len).write(mark)
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

impl<K, V, C: Count> LeafMut<'_, K, V, C> {
    /// Moves the entries of a plain leaf whose bit is set to a new leaf; the others close up. Runs no user code.
    #[inline]
    pub(super) fn move_out(&mut self, goes: u32, to: &mut Node<K, V, C>) {
        let len = self.get().own_len();
        let tags = *self.get().tags();
        let mut kept = 0;
        let mut to = Filler::new(to);
        // SAFETY: exclusive; each entry is moved once, out or down, and the length says which places are left.
        unsafe {
            for (i, &tag) in tags[..len].iter().enumerate() {
                if goes >> i & 1 == 1 {
                    to.push(tag, self.entry_at(i).read(), self.get().mark_of(i));
                    continue;
                }
                if i != kept {
                    self.entry_at(kept).copy_from_nonoverlapping(self.entry_at(i), 1);
                    self.tag_place().add(kept).write(tag);
                    if Trie::<K, V, C>::HAS_MARKS {
                        let mark = self.get().mark_of(i);
                        self.mark_at(kept).write(mark)
                    }
                }
                kept += 1
            }
            self.tag_place().add(kept).write_bytes(0, len - kept);
        }
        self.set_len(kept)
    }
}

/// Entries on their way from leaves into new leaves: parts of leaves, and which of their entries go.
///
/// Two steps, so that a panicking `Clone` leaves the sources as they were: [`clone_shared`](Self::clone_shared)
/// first, [`move_owned`](Self::move_owned) then.
pub(super) struct Pour<'a, K, V, C: Count, const PARTS: usize> {
    parts: [Option<Part<'a, K, V, C>>; PARTS],
    len: usize,
}

/// Parts of one leaf.
pub(super) const ONE_LEAF: usize = 2;
/// Parts of a leaf and its siblings on all levels.
pub(super) const SIBLINGS: usize = 2 * MOST_BITS as usize + 2;

struct Part<'a, K, V, C: Count> {
    leaf: Leaf<'a, K, V, C>,
    live: u32,
    mine: bool,
}

impl<'a, K, V, C: Count, const PARTS: usize> Pour<'a, K, V, C, PARTS> {
    pub(super) fn new() -> Self {
        Pour { parts: [const { None }; PARTS], len: 0 }
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
        let mine = mine && leaf.header().is_exclusive();
        for (part, live) in leaf.parts() {
            let own = part.word() == leaf.word();
            let live = match skip {
                Some(Place::Own(i)) if own => live & !(1 << i),
                Some(Place::Base(i)) if !own => live & !(1 << i),
                _ => live,
            };
            let mine = mine && (own || part.header().is_exclusive());
            self.parts[self.len] = Some(Part { leaf: part, live, mine });
            self.len += 1;
        }
    }

    /// All entries that go, each with a bit of 0 to 15 that names it.
    #[inline(always)]
    pub(super) fn entries(&self) -> impl Iterator<Item = &'a (K, V)> {
        self.parts.iter().flatten().flat_map(|p| {
            let entries = p.leaf.entries();
            bits(p.live).map(move |i| &entries[i])
        })
    }

    /// Clones what is shared and gives each to `put`, with its number in [`entries`](Self::entries) and its tag.
    #[inline(always)]
    pub(super) fn clone_shared(&self, mut put: impl FnMut(usize, u8, (K, V), MarkCell))
    where
        K: Clone,
        V: Clone,
    {
        let mut n = 0;
        for part in self.parts.iter().flatten() {
            if part.mine {
                n += part.live.count_ones() as usize;
                continue;
            }
            for i in bits(part.live) {
                let leaf = part.leaf;
                put(n, leaf.tag_at(i), leaf.entries()[i].clone(), leaf.mark_of(i));
                n += 1;
            }
        }
    }

    /// Moves what is ours and gives each to `put`, as [`clone_shared`](Self::clone_shared) does; the sources are
    /// left without entries. No user code runs, but the `Drop` of entries that do not go, at the end.
    #[inline(always)]
    pub(super) fn move_owned(self, mut put: impl FnMut(usize, u8, (K, V), MarkCell)) {
        let mut n = 0;
        for part in self.parts.iter().flatten() {
            if !part.mine {
                n += part.live.count_ones() as usize;
                continue;
            }
            for i in bits(part.live) {
                let leaf = part.leaf;
                // SAFETY: exclusive and reached through exclusive nodes only (`add`); abandoned below, so that
                // the entry is read once.
                let entry = unsafe { std::ptr::read(&leaf.entries()[i]) };
                put(n, leaf.tag_at(i), entry, leaf.mark_of(i));
                n += 1;
            }
        }
        for part in self.parts.iter().flatten().filter(|p| p.mine) {
            // SAFETY: the entries in `live` were moved just now.
            unsafe { LeafMut::<K, V, C>::from_word(part.leaf.word()).abandon(part.live) }
        }
    }
}

/// Room for `n` entries in a new leaf: rounded to what the allocator would round to anyway.
#[inline(always)]
pub(super) fn leaf_cap<K, V>(n: usize) -> usize {
    let step = match size_of::<(K, V)>() {
        0..16 => 4,
        _ => 2,
    };
    n.next_multiple_of(step).min(LEAF_MAX)
}

/// All entries of `pour` into one new leaf.
pub(super) fn pour_into<K: Clone, V: Clone, C: Count, const PARTS: usize>(
    pour: Pour<'_, K, V, C, PARTS>,
    new: &mut Node<K, V, C>,
) {
    let mut to = Filler::new(new);
    pour.clone_shared(|_, tag, entry, mark| to.push(tag, entry, mark));
    pour.move_owned(|_, tag, entry, mark| to.push(tag, entry, mark));
}
