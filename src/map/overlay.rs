//! Overlays, and divided nodes of either kind: reading slots.
//!
//! An *overlay* is an inner node seen through up to 7 blocks of its own; override j covers slot s iff
//! `s & mask[j] == first[j]`.
//!
//! In: a slot. Out: the child there, from an override or from the base.
//! Must hold: M2 (an overlay's base is an inner node, never an overlay; its blocks are aligned and disjoint, and cover
//! whole blocks of the base), L8 (an overlay's stored words have its base's origin).
//! Uses: `link`, `node`, `inner`, `lazy`, `leaf`, `error`. Source: overlays are our own.
#![allow(unsafe_code)] // Node layout: docs/ARCHITECTURE.md, "Unsafe".

use super::inner::*;
use super::lazy::whole;
use super::leaf::{Leaf, zero_bytes};
use super::node::*;
use crate::error::Result;
use crate::link::{Count, Header, Origin, Slot, Word};
use alloc::sync::Arc;
use core::marker::PhantomData;
use core::ptr::NonNull;

/// How many bytes of a set have their high bit set, where no other bit is.
#[inline(always)]
pub(super) fn count(bytes: u64) -> usize {
    ((bytes >> 7).wrapping_mul(0x0101_0101_0101_0101) >> 56) as usize
}

/// The 2^k slots at `first`, a bit each.
#[inline(always)]
pub(super) fn slots(first: usize, k: u32) -> u64 {
    u64::MAX >> (64 - (1 << k)) << first
}

/// Borrows an overlay.
pub(crate) struct Overlay<'a, K, V, C: Count>(Word, PhantomData<NodeRef<'a, K, V, C>>);

impl<K, V, C: Count> Clone for Overlay<'_, K, V, C> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<K, V, C: Count> Copy for Overlay<'_, K, V, C> {}

impl<'a, K, V, C: Count> Overlay<'a, K, V, C> {
    /// # Safety
    /// The word names an overlay of this tree that lives for `'a`.
    #[inline(always)]
    pub(super) unsafe fn from_word(word: Word) -> Self {
        Overlay(word, PhantomData)
    }

    #[inline(always)]
    fn at(self) -> NonNull<Header> {
        self.0.pointer(OVERLAY)
    }

    #[inline(always)]
    pub(super) fn len(self) -> usize {
        // SAFETY: the node lives for 'a.
        unsafe { self.at().as_ref().len as usize }
    }

    #[inline(always)]
    pub(super) fn base(self) -> Inner<'a, K, V, C> {
        // SAFETY: an overlay has its base at 16; its lender keeps it alive.
        unsafe { Inner::from_word(*field(self.at(), 16)) }
    }

    /// First slots and masks of the overrides, a byte each.
    #[inline(always)]
    pub(super) fn covers(self) -> [u64; 2] {
        // SAFETY: an overlay has them at 24.
        unsafe { *field(self.at(), 24) }
    }

    /// The block of override `j`: its first slot, and log2 of its slots.
    #[inline(always)]
    pub(super) fn range(self, j: usize) -> (usize, u32) {
        let [first, mask] = self.covers();
        ((first >> (8 * j)) as usize & 255, ((mask >> (8 * j)) as u8).trailing_zeros())
    }

    #[inline(always)]
    pub(super) fn slot(self, j: usize) -> &'a Slot {
        debug_assert!(j < self.len());
        // SAFETY: an overlay has `len` child slots from 48.
        unsafe { &*field::<Slot>(self.at(), 48).add(j) }
    }

    /// Room for overrides.
    #[inline(always)]
    pub(super) fn cap(self) -> u8 {
        // SAFETY: the node lives for 'a.
        unsafe { self.at().as_ref().cap }
    }

    /// Where the child slots stand; there are `cap` of them, `len` in use.
    #[inline(always)]
    pub(super) fn slots(self) -> *const Slot {
        field::<Slot>(self.at(), 48)
    }

    /// What keeps the base and the borrowed overrides alive: the base, or another overlay over it.
    #[inline(always)]
    pub(super) fn lender(self) -> Word {
        // SAFETY: an overlay has its lender at 40.
        unsafe { *field(self.at(), 40) }
    }

    #[inline(always)]
    pub(super) fn extra(self) -> u16 {
        // SAFETY: the node lives for 'a.
        unsafe { self.at().as_ref().extra }
    }

    /// True if the overlay counts the child of override `j` itself.
    #[inline(always)]
    pub(super) fn owns(self, j: usize) -> bool {
        self.extra() >> j & 1 == 1
    }

    /// How many lenders stand behind the overlay in a row.
    #[inline(always)]
    pub(super) fn lenders(self) -> usize {
        (self.extra() >> 8) as usize
    }

    /// The override that covers slot `s`: eight comparisons in two words.
    #[inline(always)]
    pub(super) fn over(self, s: usize) -> Option<usize> {
        let [first, mask] = self.covers();
        let x = ((s as u64 * 0x0101_0101_0101_0101) & mask) ^ first;
        let zero = x.wrapping_sub(0x0101_0101_0101_0101) & !x & 0x8080_8080_8080_8080;
        if zero == 0 { None } else { Some(zero.trailing_zeros() as usize / 8) }
    }

    /// The slots that overrides cover.
    fn overridden(self) -> u64 {
        (0..self.len()).map(|j| self.range(j)).fold(0, |all, (first, k)| all | slots(first, k))
    }

    /// The overrides within the aligned block of 2^k slots at `block`: for override j the high bit of byte j.
    #[inline(always)]
    pub(super) fn covered(self, block: usize, k: u32) -> u64 {
        let [first, _] = self.covers();
        // Bytes whose bits from k up are those of the block; unused bytes are 255 and no slot.
        let mask = (u8::MAX << k) as u64 * 0x0101_0101_0101_0101;
        zero_bytes((first ^ (block as u64 * 0x0101_0101_0101_0101)) & mask)
    }

    /// As [`Inner::met`].
    #[inline(always)]
    pub(super) fn met(self, j: usize) -> Result<NodeRef<'a, K, V, C>> {
        let slot = self.slot(j);
        let word = slot.get();
        let word = match word.is_stored() {
            true => thaw::<K, V, C>(slot, word, self.base().origin())?,
            false => word,
        };
        // SAFETY: as Inner::met.
        Ok(unsafe { NodeRef::from_word(word) })
    }
}

/// A divided node: an inner node, maybe through an overlay.
pub(crate) struct Divided<'a, K, V, C: Count> {
    pub(super) base: Inner<'a, K, V, C>,
    pub(super) overlay: Option<Overlay<'a, K, V, C>>,
}

impl<K, V, C: Count> Clone for Divided<'_, K, V, C> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<K, V, C: Count> Copy for Divided<'_, K, V, C> {}

impl<'a, K, V, C: Count> Divided<'a, K, V, C> {
    /// The view of a node of [`Form::Divided`].
    #[inline(always)]
    pub(super) fn new(node: NodeRef<'a, K, V, C>) -> Self {
        debug_assert!(form(node.word()) == Form::Divided);
        // SAFETY: the tag says which of the two it is, and the node lives for 'a.
        unsafe {
            if node.tag() == OVERLAY {
                let overlay = Overlay::from_word(node.word());
                Divided { base: overlay.base(), overlay: Some(overlay) }
            } else {
                Divided { base: Inner::from_word(node.word()), overlay: None }
            }
        }
    }

    /// The view of a node of [`Form::Divided`] that begins at bit `shift`.
    ///
    /// # Errors
    /// `Corrupt` if it divides more bits than hashes have: a forged one.
    #[inline(always)]
    pub(super) fn at(node: NodeRef<'a, K, V, C>, shift: u32) -> Result<Self> {
        let view = Self::new(node);
        if shift + view.bits() <= u64::BITS { Ok(view) } else { Err(too_deep()) }
    }

    #[inline(always)]
    pub(super) fn bits(self) -> u32 {
        self.base.bits()
    }

    #[inline(always)]
    pub(super) fn origin(self) -> Option<&'a Arc<Origin>> {
        self.base.origin()
    }

    #[inline(always)]
    pub(super) fn over(self, s: usize) -> Option<usize> {
        self.overlay.and_then(|o| o.over(s))
    }

    /// True if the node counts the child at slot `s` itself.
    #[inline(always)]
    pub(super) fn owns(self, s: usize) -> bool {
        match (self.overlay, self.over(s)) {
            (Some(o), Some(j)) => o.owns(j),
            (Some(_), None) => false,
            (None, _) => self.base.loan().is_none_or(|(_, own)| own >> s & 1 == 1),
        }
    }

    /// The node itself.
    pub(super) fn node(self) -> NodeRef<'a, K, V, C> {
        // SAFETY: it lives for 'a.
        unsafe { NodeRef::from_word(self.as_lender().0) }
    }

    /// The slots in which this node and another of its prefix may show something different, in the measure of the wider
    /// one; what is stored may.
    pub(super) fn differing<D: Count>(self, other: Divided<'_, K, V, D>) -> u64 {
        let bits = self.bits().max(other.bits());
        let overridden = |o: Option<u64>| o.unwrap_or(0);
        if self.base.word() == other.base.word() {
            return overridden(self.overlay.map(Overlay::overridden))
                | overridden(other.overlay.map(Overlay::overridden));
        }
        if self.origin().is_some() || other.origin().is_some() {
            return slots(0, bits);
        }
        let (a, b) = (self.words(bits), other.words(bits));
        (0..1 << bits).fold(0, |set, s| set | ((a[s] != b[s]) as u64) << s)
    }

    /// The node itself, as a lender of its children, and how many lenders a borrower then has in a row.
    pub(super) fn as_lender(self) -> (Word, usize) {
        match self.overlay {
            Some(o) => (o.0, o.lenders() + 1),
            None => (self.base.word(), self.base.lenders() + 1),
        }
    }

    /// The child at slot `s`, thawed if it is stored, for a lookup: of a lazy leaf entries may be missing.
    #[inline(always)]
    pub(super) fn met(self, s: usize) -> Result<NodeRef<'a, K, V, C>> {
        match (self.overlay, self.over(s)) {
            (Some(o), Some(j)) => o.met(j),
            _ => self.base.met(s),
        }
    }

    /// The child at slot `s`, thawed if it is stored; a leaf with all its entries.
    #[inline(always)]
    pub(super) fn child(self, s: usize) -> Result<NodeRef<'a, K, V, C>> {
        Ok(self.child_over(s)?.0)
    }

    /// As [`child`](Self::child), and the override that it is.
    #[inline(always)]
    pub(super) fn child_over(self, s: usize) -> Result<(NodeRef<'a, K, V, C>, Option<usize>)> {
        let over = self.over(s);
        let child = match (self.overlay, over) {
            (Some(o), Some(j)) => o.met(j)?,
            _ => self.base.met(s)?,
        };
        Ok((whole(child)?, over))
    }

    /// The word at slot `s`, not thawed.
    #[inline(always)]
    pub(super) fn peek(self, s: usize) -> Word {
        match (self.overlay, self.over(s)) {
            (Some(o), Some(j)) => o.slot(j).get(),
            _ => self.base.peek(s),
        }
    }

    /// The word in slot `s` as it stands, for a reader that starts again when it is stored.
    #[inline(always)]
    pub(super) fn raw(self, s: usize) -> Word {
        match (self.overlay, self.over(s)) {
            (Some(o), Some(j)) => o.slot(j).get(),
            _ => self.base.slots()[s].get(),
        }
    }

    /// log2 of the number of slots that the child at slot `s` fills.
    #[inline(always)]
    pub(super) fn block(self, s: usize) -> u32 {
        match (self.overlay, self.over(s)) {
            (Some(o), Some(j)) => o.range(j).1,
            _ => self.base.block(s),
        }
    }

    /// As [`block`](Self::block), where `child` is at slot `s`, under this override, and going to be read anyway.
    #[inline(always)]
    pub(super) fn leaf_block(self, s: usize, over: Option<usize>, child: Word) -> u32 {
        match (self.overlay, over) {
            (Some(o), Some(j)) => o.range(j).1,
            _ => self.base.leaf_block(s, child),
        }
    }

    /// True if one child fills the 2^k slots at `first`, and no more.
    #[inline(always)]
    pub(super) fn fills(self, first: usize, k: u32) -> bool {
        let word = self.peek(first);
        match form(word) {
            Form::Divided => k == 0,
            _ if word.is_stored() => self.bits() - Note::of(word).depth == k,
            _ if !word.is_node() => self.bits() - word.value() as u32 == k,
            _ => {
                let half = (1 << k) >> 1;
                self.peek(first + half) == word && self.peek(first ^ 1 << k) != word
            }
        }
    }

    /// The first slot after the block at slot `s`, whose child is `word`. `s` begins the block.
    #[inline(always)]
    pub(super) fn after(self, s: usize, word: Word) -> usize {
        if self.overlay.is_some() || !(LEAF..=COLLISION).contains(&word.tag()) {
            return s + (1 << self.block(s));
        }
        let slots = self.base.slots();
        let mut next = s + 1;
        while next < slots.len() && self.base.peek(next) == word {
            next += 1
        }
        next
    }

    /// A full copy that shares the children.
    pub(super) fn copied(self) -> Node<K, V, C> {
        count!(Copied);
        let words = self.words(self.bits());
        let words = &words[..1 << self.bits()];
        // SAFETY: this node's blocks with one count more each; stored words have this node's origin.
        unsafe {
            self.count_all(words);
            Trie::new_inner(words, self.origin().cloned())
        }
    }

    /// One count more of each child among these words of [`words`](Self::words), whole blocks side by side. The very
    /// words that go into a node are counted: read again, one that was stored may have been thawed.
    ///
    /// # Safety
    /// The caller passes the counts on.
    pub(super) unsafe fn count_all(self, words: &[Word]) {
        let mut last = None;
        for &word in words {
            // Two empty blocks may be equal neighbours; they have no count.
            if last != Some(word) {
                // SAFETY: the child lives in this node.
                unsafe { core::mem::forget(NodeRef::<K, V, C>::from_word(word).to_owned()) }
                last = Some(word)
            }
        }
    }

    /// The words of all slots, in a node of 2^bits slots, which is as wide as this one or wider.
    #[inline]
    pub(super) fn words(self, bits: u32) -> [Word; 1 << MOST_BITS] {
        let mut words = self.base.words(bits);
        if let Some(overlay) = self.overlay {
            let x = bits - self.bits();
            for j in 0..overlay.len() {
                let ((first, k), word) = (overlay.range(j), overlay.slot(j).get());
                match k + x {
                    // One slot, as divided children have: a store.
                    0 => words[first] = word,
                    _ => words[first << x..(first + (1 << k)) << x].fill(word),
                }
            }
        }
        words
    }

    /// All children, each as (first slot, log2 of slots, word), not thawed.
    #[inline]
    pub(super) fn blocks(self) -> impl Iterator<Item = (usize, u32, Word)> + use<'a, K, V, C> {
        let mut s = 0;
        core::iter::from_fn(move || {
            if s >> self.bits() != 0 {
                return None;
            }
            let (first, k) = (s, self.block(s));
            s += 1 << k;
            Some((first, k, self.peek(first)))
        })
    }
}

/// How many entries the blocks of slots `from..to` hold, in a node that begins at bit `shift`.
pub(super) fn entries_in<K, V, C: Count>(
    view: Divided<'_, K, V, C>,
    shift: u32,
    from: usize,
    to: usize,
) -> Result<usize> {
    let (mut s, mut sum) = (from, 0);
    while s < to {
        let word = view.peek(s);
        sum += match Note::of(word).len {
            n if word.is_stored() && n > 0 => n,
            _ => entries_below(view.child(s)?, shift + view.bits())?,
        };
        s += 1 << view.block(s)
    }
    Ok(sum)
}

fn entries_below<K, V, C: Count>(node: NodeRef<'_, K, V, C>, shift: u32) -> Result<usize> {
    match form(node.word()) {
        Form::Divided => {
            let view = Divided::at(node, shift)?;
            entries_in(view, shift, 0, 1 << view.bits())
        }
        _ if !node.word().is_node() => Ok(0),
        _ => Ok(Leaf::new(node).len()),
    }
}
