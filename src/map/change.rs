//! Changes of inner nodes and overlays: in place where a node is ours, else as a new node that borrows the rest.
//!
//! In: a node and a [`Change`] of one of its blocks. Out: the node with the change in it.
//! Must hold: M2; L1 (only exclusive nodes change); a borrower's lender keeps alive what the borrower does not count;
//! at most [`most_lenders`] stand in a row.
//! Uses: `link`, `node`, `inner`.
#![allow(unsafe_code)] // Node layout: docs/ARCHITECTURE.md, "Unsafe".

use super::inner::*;
use super::node::*;
use crate::link::{Count, Header, Origin, Slot, Word, release};
use std::ptr::NonNull;
use std::sync::Arc;

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
    fn covered(&self, overlay: Overlay<'_, K, V, C>) -> u64 {
        let k = overlay.base().bits() - self.from;
        overlay.covered((self.prefix >> (self.depth - self.from)) << k, k)
    }

    /// How many blocks the change makes.
    fn len(&self) -> usize {
        1 + (self.depth - self.from) as usize
    }

    /// Gives the counts away: each block as (prefix, depth, word). Together they fill `prefix >> (depth - from)`
    /// at depth `from`.
    #[inline(always)]
    fn into_blocks(self) -> impl Iterator<Item = (usize, u32, Word)> {
        let (from, depth, prefix) = (self.from, self.depth, self.prefix);
        let child = self.child.into_word();
        let other = self.other.map(|o| o.into_word());
        let siblings = (from + 1..=depth).rev().map(move |d| {
            let word = match other {
                Some(word) if d == depth => word,
                _ => Word::plain(d as usize),
            };
            ((prefix >> (depth - d)) ^ 1, d, word)
        });
        std::iter::once((prefix, depth, child)).chain(siblings)
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

    /// The child that fills the 2^k slots at `s`, borrowed mutably, after `prepare` has made it exclusive.
    ///
    /// # Safety
    /// The child is resident, and the caller neither asks for it again nor changes the node while the borrow lives.
    pub(super) unsafe fn child_for_walk(
        &mut self,
        s: usize,
        k: u32,
        prepare: impl FnOnce(&mut Node<K, V, C>),
    ) -> &'a mut Node<K, V, C> {
        // SAFETY: as `divided_mut`; the other slots of the block follow the first.
        unsafe {
            let first = &mut *self.get().slots()[s].place().cast::<Node<K, V, C>>();
            prepare(first);
            self.fill(s, k, first.word());
            first
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

    /// Replaces the block of 2^k slots at `first`, whose child is released, by `change`. Grows to its depth.
    #[inline]
    pub(super) fn apply(mut self, change: Change<K, V, C>) {
        if change.depth > self.get().bits() {
            self.widen(change.depth)
        }
        let bits = self.get().bits();
        let k = bits - change.from;
        let first = (change.prefix >> (change.depth - change.from)) << k;
        let mut gone = OldBlocks { at: [Word::plain(0); 1 << MOST_BITS], len: 0 };
        for (_, _, word) in self.get().blocks(first, first + (1 << k)) {
            gone.at[gone.len] = word;
            gone.len += 1;
        }
        for (prefix, depth, word) in change.into_blocks() {
            let k = bits - depth;
            // SAFETY: the blocks fill exactly those whose words are in `gone`.
            unsafe { self.fill(prefix << k, k, word) }
        }
        for &word in &gone.at[..gone.len] {
            // SAFETY: the node gave these counts up. Last, because a user's Drop may panic.
            unsafe { release::<Trie<K, V, C>>(word) }
        }
    }

    /// Doubles the slots until there are 2^bits.
    #[inline(never)]
    fn widen(&mut self, bits: u32) {
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
        let deepest = inner.blocks(0, 1 << inner.bits()).map(|(_, k, _)| inner.bits() - k).max().unwrap_or(0);
        let bits = deepest.max(1);
        if bits + 2 > inner.bits() {
            return;
        }
        count!(Shrink);
        let x = inner.bits() - bits;
        // SAFETY: as in `widen`; every block has 2^x slots at least.
        unsafe {
            let origin = inner.origin().cloned();
            let words: [Word; 1 << MOST_BITS] =
                std::array::from_fn(|s| inner.peek((s << x) & ((1 << inner.bits()) - 1)));
            let narrow = Trie::new_inner(&words[..1 << bits], origin);
            self.replace_shell(narrow)
        }
    }

    /// # Safety
    /// `new` has taken the children's counts over.
    unsafe fn replace_shell(&mut self, new: Node<K, V, C>) {
        let old = std::mem::replace(self.0, new).into_word();
        // SAFETY: exclusive and replaced; only the origin's count is still its own.
        unsafe {
            field::<Option<Arc<Origin>>>(old.pointer(old.tag()), 16).drop_in_place();
            Trie::<K, V, C>::free_shell(old)
        }
    }
}

/// Down exclusive inner nodes that borrow nothing: the lowest of them (or the root, if that is none), the bit at which it
/// begins, and the word there in which the hash goes on, which is no inner node.
#[inline(always)]
pub(super) fn exclusive_path<K, V, C: Count>(
    root: &mut Node<K, V, C>,
    hash: u64,
) -> (&mut Node<K, V, C>, u32, Option<Word>) {
    let (mut node, mut shift) = (root, 0);
    loop {
        let Some(inner) = Inner::if_exclusive(node) else { return (node, shift, None) };
        let bits = inner.bits();
        let s = slot_of(hash, shift, bits);
        // SAFETY: `s` is `bits` bits of the hash.
        let word = unsafe { inner.at_slot(s) };
        if !Inner::<K, V, C>::is(word) {
            return (node, shift, Some(word));
        }
        (node, shift) = (InnerMut::new(node).divided_mut(s), shift + bits);
    }
}

struct OldBlocks {
    at: [Word; 1 << MOST_BITS],
    len: usize,
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
        OverlayMut::new(&mut new).replace(change);
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
            let mut last = None;
            for &word in words[..first].iter().chain(&words[end..slots]) {
                // Two empty blocks may be equal neighbours; they have no count.
                if last != Some(word) {
                    // SAFETY: the child lives in this node; the new node holds one count more.
                    unsafe { std::mem::forget(NodeRef::<K, V, C>::from_word(word).to_owned()) }
                    last = Some(word)
                }
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
    fn new_over(self, cap: usize) -> Node<K, V, C> {
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

/// How many bytes of a set have their high bit set, where no other bit is.
#[inline(always)]
fn count(bytes: u64) -> usize {
    ((bytes >> 7).wrapping_mul(0x0101_0101_0101_0101) >> 56) as usize
}

/// An exclusive overlay.
pub(super) struct OverlayMut<'a, K, V, C: Count>(&'a mut Node<K, V, C>);

impl<'a, K, V, C: Count> OverlayMut<'a, K, V, C> {
    /// `node` is exclusive and an overlay.
    #[inline(always)]
    pub(super) fn new(node: &'a mut Node<K, V, C>) -> Self {
        debug_assert!(node.is_exclusive() && node.word().tag() == OVERLAY);
        OverlayMut(node)
    }

    #[inline(always)]
    pub(super) fn get(&self) -> Overlay<'_, K, V, C> {
        // SAFETY: the node is an overlay, and we borrow its owner.
        unsafe { Overlay::from_word(self.0.word()) }
    }

    fn at(&mut self) -> NonNull<Header> {
        self.0.word().pointer(OVERLAY)
    }

    /// # Safety
    /// There is room; the block is aligned and covered by no other override. If the override is to be the
    /// overlay's own the count of `word` is passed on, else the lender keeps its node alive.
    pub(super) unsafe fn push(&mut self, first: usize, k: u32, word: Word, own: bool) {
        let mut at = self.at();
        // SAFETY: exclusive, and there is room.
        unsafe {
            let j = at.as_ref().len as usize;
            debug_assert!(j < at.as_ref().cap as usize);
            field::<u8>(at, 24 + j).write(first as u8);
            field::<u8>(at, 32 + j).write((u8::MAX as u32 & !((1 << k) - 1)) as u8);
            field::<Slot>(at, 48).add(j).write(Slot::new(word));
            at.as_mut().len = j as u8 + 1;
            at.as_mut().extra |= (own as u16) << j;
        }
    }

    /// The owner in override `j`, which is the overlay's own.
    #[inline(always)]
    pub(super) fn child_mut(self, j: usize) -> &'a mut Node<K, V, C> {
        let place = self.get().slot(j).place();
        // SAFETY: as `InnerMut::divided_mut`.
        unsafe { &mut *place.cast::<Node<K, V, C>>() }
    }

    /// Puts `change` in: in place where there is room, else as a new node.
    pub(super) fn apply(mut self, change: Change<K, V, C>) {
        let view = Divided::new(self.0.link());
        // SAFETY: exclusive.
        let cap = unsafe { self.0.word().pointer(OVERLAY).as_ref().cap as usize };
        let total = self.get().len() - count(change.covered(self.get())) + change.len();
        if change.depth > view.bits() || total > cap.min(OVERLAY_MAX) {
            let new = view.with(change);
            *self.0 = new;
            return;
        }
        self.replace(change)
    }

    /// Takes the overrides of another overlay over the same base, counted or borrowed. This one has none yet, but
    /// room for them.
    #[inline(always)]
    fn copy(&mut self, from: Overlay<'_, K, V, C>, counted: bool, may_be_stored: bool) {
        let mut at = self.at();
        let len = from.len();
        let mut own = 0;
        // SAFETY: exclusive, and there is room; what is not counted here the lender keeps alive.
        unsafe {
            field::<[u64; 2]>(at, 24).write(from.covers());
            let to = field::<Slot>(at, 48);
            if counted || may_be_stored {
                for j in 0..len {
                    let word = from.slot(j).get();
                    if counted {
                        std::mem::forget(NodeRef::<K, V, C>::from_word(word).to_owned())
                    }
                    // A stored word has no count; once thawed in the new node it is that node's.
                    if counted || word.is_stored() {
                        own |= 1 << j
                    }
                    to.add(j).write(Slot::new(word));
                }
            } else if at.as_ref().cap.min(from.cap()) as usize == OVERLAY_FEW {
                // Nothing thaws below a base without an origin, so that nobody writes to a slot while it is shared.
                to.copy_from_nonoverlapping(from.slots(), OVERLAY_FEW)
            } else {
                to.copy_from_nonoverlapping(from.slots(), OVERLAY_MAX)
            }
            at.as_mut().len = len as u8;
            at.as_mut().extra |= own;
        }
    }

    /// Puts the blocks of `change` beside the overrides that are there. There is room, and they cover none.
    #[inline(always)]
    fn push_all(&mut self, change: Change<K, V, C>) {
        let bits = self.get().base().bits();
        for (prefix, depth, word) in change.into_blocks() {
            // SAFETY: there is room; the blocks are aligned, and each passes its count on.
            unsafe { self.push(prefix << (bits - depth), bits - depth, word, true) }
        }
    }

    /// Puts `change` in. There is room for all overrides that are there and those of the change, less those it covers.
    #[inline]
    fn replace(&mut self, change: Change<K, V, C>) {
        let covered = change.covered(self.get());
        if covered == 0 {
            return self.push_all(change);
        }
        let mut gone = [Word::plain(0); 8];
        let mut at = self.at();
        // SAFETY: exclusive. Overrides that stay are moved down, those that go are released at the end (a user's
        // Drop may panic), then the change's blocks are added: there is room.
        unsafe {
            let len = self.get().len();
            let (firsts, masks) = (field::<u8>(at, 24), field::<u8>(at, 32));
            let slots = field::<Slot>(at, 48);
            let was = at.as_ref().extra;
            at.as_mut().extra &= !255;
            let mut n = 0;
            for (j, gone) in gone[..len].iter_mut().enumerate() {
                if covered >> (8 * j + 7) & 1 == 0 {
                    firsts.add(n).write(*firsts.add(j));
                    masks.add(n).write(*masks.add(j));
                    slots.add(n).write(Slot::new((*slots.add(j)).get()));
                    at.as_mut().extra |= (was >> j & 1) << n;
                    n += 1;
                } else if was >> j & 1 == 1 {
                    *gone = (*slots.add(j)).get();
                }
            }
            firsts.add(n).write_bytes(255, 8 - n);
            masks.add(n).write_bytes(255, 8 - n);
            at.as_mut().len = n as u8;
            self.push_all(change);
            for word in gone {
                release::<Trie<K, V, C>>(word)
            }
        }
    }

    /// Puts another child into override `j`.
    #[inline(always)]
    fn set_child(&mut self, j: usize, child: Node<K, V, C>) {
        let mut at = self.at();
        // SAFETY: exclusive. The old child is released, at the end, if it was the overlay's own.
        unsafe {
            let slot = field::<Slot>(at, 48).add(j);
            let old = (*slot).get();
            slot.write(Slot::new(child.into_word()));
            let own = at.as_ref().extra >> j & 1 == 1;
            at.as_mut().extra |= 1 << j;
            if own {
                release::<Trie<K, V, C>>(old)
            }
        }
    }

    /// Counts what the overlay borrows, and gives the lender back: the base alone stands behind it then.
    fn settle(&mut self) {
        count!(LenderReturned);
        let mut at = self.at();
        let base = self.get().base();
        let (lender, len, extra) = (self.get().lender(), self.get().len(), self.get().extra());
        for j in (0..len).filter(|j| extra >> j & 1 == 0) {
            // SAFETY: the lender keeps the child alive until it is released below.
            unsafe { std::mem::forget(NodeRef::<K, V, C>::from_word(self.get().slot(j).get()).to_owned()) }
        }
        // SAFETY: exclusive. The base's new count stands where the lender's was, which is given up.
        unsafe {
            at.as_mut().extra = ((base.lenders() as u16 + 1) << 8) | ((1 << len) - 1);
            field::<Word>(at, 40).write(base.to_owned().into_word());
            release::<Trie<K, V, C>>(lender);
        }
    }

    /// The base with the overrides put into it. Both are exclusive, and neither borrows.
    #[inline(never)]
    fn fold(self) {
        count!(Fold);
        let overlay = self.get();
        let base = overlay.base();
        let mut gone = OldBlocks { at: [Word::plain(0); 1 << MOST_BITS], len: 0 };
        let mut inner_node;
        // SAFETY: both nodes are exclusive; the overrides' counts move into the base, those of the blocks they
        // cover are released at the end, the shell is given back. A base block may lie under several overrides:
        // it is counted at its first slot.
        unsafe {
            for j in 0..overlay.len() {
                let (first, k) = overlay.range(j);
                for s in first..first + (1 << k) {
                    let word = base.peek(s);
                    let own_first = s >> base.block(s) << base.block(s) == s;
                    if word.is_node() && own_first {
                        gone.at[gone.len] = word;
                        gone.len += 1;
                    }
                }
            }
            inner_node = Node::from_word(base.word());
            for j in 0..overlay.len() {
                let (first, k) = overlay.range(j);
                InnerMut(&mut inner_node).fill(first, k, overlay.slot(j).get());
            }
            let shell = std::mem::replace(self.0, inner_node).into_word();
            Trie::<K, V, C>::free_shell(shell);
            for &word in &gone.at[..gone.len] {
                release::<Trie<K, V, C>>(word)
            }
        }
    }
}

/// Makes an exclusive divided node one that can be changed in place: an inner node that borrows nothing; or an
/// overlay over a base that others use too, where only its own overrides can be.
#[inline(always)]
pub(super) fn own_up<K, V, C: Count>(node: &mut Node<K, V, C>) {
    debug_assert!(node.is_exclusive());
    if form(node.word()) == Form::Divided && Inner::if_exclusive(node).is_none() {
        own_up_rare(node)
    }
}

#[inline(never)]
fn own_up_rare<K, V, C: Count>(node: &mut Node<K, V, C>) {
    if node.word().tag() != OVERLAY {
        *node = Divided::new(node.link()).copied();
        return;
    }
    let mut overlay = OverlayMut::new(node);
    // SAFETY: an overlay owns a count of its lender.
    if overlay.get().lender() != overlay.get().base().word() && unsafe { overlay.get().lender().header() }.owners() == 1
    {
        overlay.settle()
    }
    let base = overlay.get().base();
    // SAFETY: the base lives; if it is its own lender, the overlay owns its count.
    let base_is_ours = overlay.get().lender() == base.word() && unsafe { base.word().header() }.is_exclusive();
    if base_is_ours && base.lenders() == 0 {
        overlay.fold()
    } else if base_is_ours {
        *node = Divided::new(node.link()).copied()
    }
}
