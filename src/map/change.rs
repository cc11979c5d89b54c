//! Changes of inner nodes and overlays: in place where a node is ours, else as a new node that borrows the rest.
//!
//! In: a node and a [`Change`] of one of its blocks. Out: the node with the change in it.
//! Must hold: M2; L1 (only exclusive nodes change); a borrower's lender keeps alive what the borrower does not count;
//! at most [`most_lenders`] stand in a row.
//! Uses: `link`, `node`, `inner`, `overlay`, `overlay_mut`.
#![allow(unsafe_code)] // Node layout: docs/ARCHITECTURE.md, "Unsafe".

use super::inner::*;
use super::node::*;
use super::overlay::*;
use super::overlay_mut::*;
use crate::link::{Count, Origin, Slot, Word};
use alloc::sync::Arc;

/// New children for a block of a node.
///
/// `child` takes the block `prefix` of local depth `depth`; `other`, if there is one, its sibling
/// `prefix ^ 1`. Where a split went down from depth `from` past levels on which all entries stay together, the
/// other halves of those levels become empty: `(prefix >> i) ^ 1` at depth `depth - i`, down to depth `from + 1`.
/// With `other` the siblings of the last level are these two.
pub(super) struct Change<K, V, C: Count> {
    pub(super) from: u32,
    pub(super) depth: u32,
    pub(super) prefix: usize,
    pub(super) child: Node<K, V, C>,
    pub(super) other: Option<Node<K, V, C>>,
}

impl<K, V, C: Count> Change<K, V, C> {
    /// One block, one child.
    #[inline(always)]
    pub(super) fn one(depth: u32, prefix: usize, child: Node<K, V, C>) -> Self {
        Change { from: depth, depth, prefix, child, other: None }
    }

    /// The overrides of a node that the change replaces, as [`Overlay::covered`] says.
    #[inline(always)]
    pub(super) fn covered(&self, overlay: Overlay<'_, K, V, C>) -> u64 {
        let k = overlay.base().bits() - self.from;
        overlay.covered((self.prefix >> (self.depth - self.from)) << k, k)
    }

    /// How many blocks the change makes.
    pub(super) fn len(&self) -> usize {
        1 + (self.depth - self.from) as usize
    }

    /// Gives the counts away: each block as (prefix, depth, word). Together they fill `prefix >> (depth - from)`
    /// at depth `from`.
    #[inline(always)]
    pub(super) fn into_blocks(self) -> impl Iterator<Item = (usize, u32, Word)> {
        let (from, depth, prefix) = (self.from, self.depth, self.prefix);
        for node in core::iter::once(&self.child).chain(&self.other) {
            Trie::note_depth(node, depth)
        }
        let child = self.child.into_word();
        let other = self.other.map(|o| o.into_word());
        let siblings = (from + 1..=depth).rev().map(move |d| {
            let word = match other {
                Some(word) if d == depth => word,
                _ => Word::plain(d as usize),
            };
            ((prefix >> (depth - d)) ^ 1, d, word)
        });
        core::iter::once((prefix, depth, child)).chain(siblings)
    }

    /// An inner node that is all this change (from depth 0).
    pub(super) fn into_node(self) -> Node<K, V, C> {
        debug_assert!(self.from == 0);
        let bits = self.depth;
        let mut words = [Word::plain(0); 1 << MOST_BITS];
        for (prefix, depth, word) in self.into_blocks() {
            let k = bits - depth;
            words[prefix << k..(prefix + 1) << k].fill(word);
        }
        // SAFETY: the blocks fill the node and give one count each; none is stored.
        unsafe { Trie::new_inner(&words[..1 << bits], None) }
    }
}

/// An exclusive inner node.
pub(super) struct InnerMut<'a, K, V, C: Count>(&'a mut Node<K, V, C>);

impl<'a, K, V, C: Count> InnerMut<'a, K, V, C> {
    /// `node` is exclusive and an inner node, not an overlay.
    #[inline(always)]
    pub(super) fn new(node: &'a mut Node<K, V, C>) -> Self {
        debug_assert!(Inner::if_exclusive(node).is_some());
        InnerMut(node)
    }

    #[inline(always)]
    pub(super) fn get(&self) -> Inner<'_, K, V, C> {
        // SAFETY: the node is an inner node, and we borrow its owner.
        unsafe { Inner::from_word(self.0.word()) }
    }

    /// The owner in slot `s` of a child that fills just this slot, as divided children do.
    #[inline(always)]
    pub(super) fn divided_mut(self, s: usize) -> &'a mut Node<K, V, C> {
        debug_assert!(form(self.get().slots()[s].get()) == Form::Divided);
        let place = self.get().slots()[s].place();
        // SAFETY: we borrow the exclusive node for 'a, so the slot is ours to change; it holds one count, as an
        // `Owned` does, and has its layout.
        unsafe { &mut *place.cast::<Node<K, V, C>>() }
    }

    /// The child that fills the 2^k slots at `s`, borrowed mutably, after `prepare` has made it exclusive; and what
    /// that said.
    ///
    /// # Safety
    /// The child is resident, and the caller neither asks for it again nor changes the node while the borrow lives.
    pub(super) unsafe fn child_for_walk<T>(
        &mut self,
        s: usize,
        k: u32,
        prepare: impl FnOnce(&mut Node<K, V, C>) -> T,
    ) -> (&'a mut Node<K, V, C>, T) {
        // SAFETY: as `divided_mut`; the other slots of the block follow the first, which is borrowed after that.
        unsafe {
            let first = self.get().slots()[s].place().cast::<Node<K, V, C>>();
            let said = prepare(&mut *first);
            self.fill(s, k, (*first).word());
            (&mut *first, said)
        }
    }

    /// Takes the child at slot `s` out, which begins its block; the block is empty then.
    pub(super) fn take_block(&mut self, s: usize) -> Node<K, V, C> {
        let (k, word) = (self.get().block(s), self.get().peek(s));
        let depth = self.get().bits() - k;
        // SAFETY: the block's count moves to the caller; an empty word has none.
        unsafe {
            self.fill(s, k, Word::plain(depth as usize));
            Node::from_word(word)
        }
    }

    /// Puts `word` into all slots of a block. Counts are the caller's affair.
    ///
    /// # Safety
    /// The caller passes on the count of `word` and takes over that of the word which stood there.
    #[inline(always)]
    pub(super) unsafe fn fill(&mut self, first: usize, k: u32, word: Word) {
        let slots = self.get().slots().as_ptr().cast_mut();
        for s in first..first + (1 << k) {
            // SAFETY: the slots are within the node, which is exclusive: nobody reads while we write.
            unsafe { slots.add(s).write(Slot::new(word)) }
        }
    }

    /// Puts `word` into all slots of the block at slot `s`, which holds a leaf. Counts are the caller's affair.
    ///
    /// # Safety
    /// As [`fill`](Self::fill).
    #[inline]
    pub(super) unsafe fn replace_word(&mut self, s: usize, word: Word) {
        let slots = self.get().slots();
        let old = slots[s].get();
        let is_old = |slot: &Slot| slot.get() == old;
        let first = s - slots[..s].iter().rev().take_while(|slot| is_old(slot)).count();
        let len = slots[first..].iter().take_while(|slot| is_old(slot)).count();
        // SAFETY: the caller's promise; the slots of a leaf are those with its word.
        unsafe { self.fill(first, len.ilog2(), word) }
    }

    /// Replaces blocks by `change`. Grows to its depth.
    #[inline]
    pub(super) fn apply(mut self, change: Change<K, V, C>, gone: &mut Gone<K, V, C>) {
        if change.depth > self.get().bits() {
            self.widen(change.depth)
        }
        let bits = self.get().bits();
        let k = bits - change.from;
        let first = (change.prefix >> (change.depth - change.from)) << k;
        for (_, _, word) in self.get().blocks(first, first + (1 << k)) {
            // SAFETY: the node gives the count up, below.
            gone.push(unsafe { Node::from_word(word) })
        }
        for (prefix, depth, word) in change.into_blocks() {
            let k = bits - depth;
            // SAFETY: the blocks fill exactly those that are gone.
            unsafe { self.fill(prefix << k, k, word) }
        }
    }

    /// Doubles the slots until there are 2^bits.
    #[inline(never)]
    pub(super) fn widen(&mut self, bits: u32) {
        count!(Widen);
        let inner = self.get();
        // SAFETY: same blocks, same counts, same origin; the old node's memory is given back without its contents.
        unsafe {
            let origin = inner.origin().cloned();
            let wide = Trie::new_inner(&inner.words(bits)[..1 << bits], origin);
            self.replace_shell(wide)
        }
    }

    /// Halves the node while no child stands that deep, once it could shrink to a quarter: a remove and an insert
    /// in turn shall not resize it each time.
    pub(super) fn shrink(&mut self) {
        let inner = self.get();
        let slots = inner.slots();
        // Every block has 2^x slots at least if the two halves of each such block are alike.
        let are_blocks = |x: u32| slots.chunks_exact(1 << x).all(|block| block[0].get() == block[1 << x >> 1].get());
        if inner.bits() < 3 || !are_blocks(2) {
            return;
        }
        count!(Shrink);
        let x = (3..inner.bits()).take_while(|&x| are_blocks(x)).last().unwrap_or(2);
        let mut words = [Word::plain(0); 1 << MOST_BITS];
        for (word, slot) in words.iter_mut().zip(slots.iter().step_by(1 << x)) {
            *word = slot.get()
        }
        // SAFETY: as in `widen`; the node is exclusive, so that nothing thaws in it meanwhile.
        unsafe {
            let narrow = Trie::new_inner(&words[..slots.len() >> x], inner.origin().cloned());
            self.replace_shell(narrow)
        }
    }

    /// # Safety
    /// `new` has taken the children's counts over.
    unsafe fn replace_shell(&mut self, new: Node<K, V, C>) {
        let old = core::mem::replace(self.0, new).into_word();
        // SAFETY: exclusive and replaced; only the origin's count is still its own.
        unsafe {
            field::<Option<Arc<Origin>>>(old.pointer(old.tag()), 16).drop_in_place();
            Trie::<K, V, C>::free_shell(old)
        }
    }
}

/// Where a walk down exclusive inner nodes that borrow nothing came to: the lowest of them (or the root, if that is none),
/// and the bit at which it begins.
pub(super) struct ExclusivePath<'a, K, V, C: Count> {
    pub(super) node: &'a mut Node<K, V, C>,
    pub(super) shift: u32,
    /// The slot in which the hash goes on, and the word there, which is no inner node. None if the root is none.
    pub(super) at: Option<(usize, Word)>,
}

#[inline(always)]
pub(super) fn exclusive_path<K, V, C: Count>(root: &mut Node<K, V, C>, hash: u64) -> ExclusivePath<'_, K, V, C> {
    let (mut node, mut shift, mut rest) = (root, 0, hash);
    loop {
        let Some(inner) = Inner::if_exclusive(node) else { return ExclusivePath { node, shift, at: None } };
        let bits = inner.bits();
        let s = slot_of(rest, 0, bits);
        // SAFETY: the index is `bits` bits of the hash.
        let slot = unsafe { inner.at_slot(s) };
        let word = slot.get();
        if !Inner::<K, V, C>::is(word) {
            return ExclusivePath { node, shift, at: Some((s, word)) };
        }
        // SAFETY: as `divided_mut`: the slot of an exclusive node that we borrow holds one count, as an `Owned` does.
        node = unsafe { &mut *slot.place().cast::<Node<K, V, C>>() };
        shift += bits;
        rest <<= bits
    }
}

impl<'a, K, V, C: Count> Divided<'a, K, V, C> {
    /// A new node: this one with another child in the block at slot `s`; the rest is shared. The block is the override
    /// `over`, or one of the base of 2^k slots.
    #[inline(always)]
    pub(super) fn with_child(
        self,
        s: usize,
        over: Option<usize>,
        k: impl FnOnce() -> u32,
        child: Node<K, V, C>,
    ) -> Node<K, V, C> {
        let len = self.overlay.map_or(0, |o| o.len());
        let mut new;
        match over {
            Some(j) => {
                new = self.new_over(len);
                OverlayMut::new(&mut new).set_child(j, child)
            }
            None => {
                let k = k();
                if len == OVERLAY_MAX || self.bits() < OVERLAY_LEAST {
                    return self.rebuilt(Change::one(self.bits() - k, s >> k, child));
                }
                new = self.new_over(len + 1);
                // SAFETY: the block is whole and under no override; there is room for one more.
                unsafe { OverlayMut::new(&mut new).push(s >> k << k, k, child.into_word(), true) }
            }
        }
        new
    }

    /// A new node: this one with `change`; the rest is shared. An overlay where that costs less than a copy.
    pub(super) fn with(self, change: Change<K, V, C>) -> Node<K, V, C> {
        let len = self.overlay.map_or(0, |o| o.len());
        let total = len + change.len() - self.overlay.map_or(0, |o| count(change.covered(o)));
        if change.depth > self.bits() || self.bits() < OVERLAY_LEAST || total > OVERLAY_MAX {
            return self.rebuilt(change);
        }
        let mut new = self.new_over(total.max(len));
        OverlayMut::new(&mut new).replace(change, &mut Gone::new());
        new
    }

    /// A new inner node: this one with `change` in it.
    #[inline(never)]
    fn rebuilt(self, change: Change<K, V, C>) -> Node<K, V, C> {
        count!(Rebuild);
        let bits = self.bits();
        let wide = bits.max(change.depth);
        let slots = 1 << wide;
        let (first, end) = {
            let k = wide - change.from;
            let block = change.prefix >> (change.depth - change.from);
            (block << k, (block + 1) << k)
        };
        // What stays: the base, then the overrides; each block counted once.
        let mut words = self.words(wide);
        let (lender, lenders) = self.as_lender();
        let borrows = bits >= OVERLAY_LEAST && lenders + OVERLAY_MAX <= most_lenders(wide);
        let mut own = ((1u128 << end) - (1u128 << first)) as u64;
        if !borrows {
            // SAFETY: the counts go into the new node.
            unsafe {
                self.count_all(&words[..first]);
                self.count_all(&words[end..slots])
            }
        } else if self.origin().is_some() {
            // A stored word has no count; once thawed here it is ours.
            let stored = |s: &usize| words[*s].is_stored();
            own |= (0..slots).filter(stored).fold(0, |own, s| own | 1 << s)
        }
        for (prefix, depth, word) in change.into_blocks() {
            let k = wide - depth;
            words[prefix << k..(prefix + 1) << k].fill(word);
        }
        let origin = self.origin().cloned();
        // SAFETY: blocks of the change, one count each, and of this node, counted above or lent by it; stored words
        // have this node's origin.
        unsafe {
            match borrows {
                true => {
                    count!(Borrowed);
                    let lender = NodeRef::from_word(lender).to_owned();
                    Trie::new_borrower(&words[..slots], origin, lender, lenders, own)
                }
                false => Trie::new_inner(&words[..slots], origin),
            }
        }
    }

    /// A new overlay that shows what this node shows, with room for `cap` overrides.
    #[inline(always)]
    pub(super) fn new_over(self, cap: usize) -> Node<K, V, C> {
        count!(Overlaid);
        let (lender, lenders) = self.as_lender();
        let borrows = lenders <= most_lenders(self.bits());
        let mut new = match borrows {
            // SAFETY: this node keeps its base alive.
            true => unsafe { Trie::new_overlay(self.base.word(), NodeRef::from_word(lender).to_owned(), lenders, cap) },
            false => {
                count!(LastLender);
                Trie::new_overlay_over(self.base, cap)
            }
        };
        if let Some(overlay) = self.overlay {
            OverlayMut::new(&mut new).copy(overlay, !borrows, self.origin().is_some())
        }
        new
    }
}
