//! Inner nodes and their overlays: reading slots, and replacing blocks of them.
//!
//! An inner node has 2^b slots. A child of local depth d (d ≤ b bits below the node) fills an aligned *block* of
//! 2^(b-d) equal words and has one count, whatever the block's size. `b` is physical: it says nothing of the
//! contents, except that a divided child stands at depth [`MOST_BITS`], one slot.
//! An *overlay* is an inner node seen through up to 7 blocks of its own; override j covers slot s iff
//! `s & mask[j] == first[j]`.
//!
//! In: a hash and a shift (the bits above the node). Out: children; new nodes with a [`Change`] in them.
//! Must hold: M2 (an overlay's base is an inner node, never an overlay; blocks are aligned and disjoint),
//! L3 (a stored block is thawed through its first slot), L8 (an overlay's stored words have its base's origin).
//! Uses: `link`, `node`. Source: Bagwell 2001; overlays are our own.
#![allow(unsafe_code)] // Node layout: DESIGN.md, section 7.

use super::node::*;
use crate::error::Result;
use crate::link::{Count, Header, Origin, Slot, Word, release};
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;

/// The slot for `hash` in a node of 2^bits slots that begins `shift` bits down.
#[inline(always)]
pub(super) fn slot_of(hash: u64, shift: u32, bits: u32) -> usize {
    ((hash << shift) >> (64 - bits)) as usize
}

/// The note of a stored word: its local depth, and the entries of a leaf (0: not a leaf).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Note {
    pub(crate) depth: u32,
    pub(crate) len: usize,
}

impl Note {
    pub(crate) fn bits(self) -> u16 {
        (self.depth | (self.len as u32) << 4) as u16
    }
    pub(crate) fn of(word: Word) -> Self {
        let n = word.note();
        Note { depth: n as u32 & 15, len: (n >> 4) as usize & 15 }
    }
}

/// Borrows an inner node.
pub(crate) struct Inner<'a, K, V, C: Count>(Word, PhantomData<NodeRef<'a, K, V, C>>);

impl<K, V, C: Count> Clone for Inner<'_, K, V, C> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<K, V, C: Count> Copy for Inner<'_, K, V, C> {}

impl<'a, K, V, C: Count> Inner<'a, K, V, C> {
    /// # Safety
    /// The word names an inner node of this tree that lives for `'a`.
    #[inline(always)]
    pub(super) unsafe fn from_word(word: Word) -> Self {
        debug_assert!((1..=MOST_BITS as usize).contains(&word.tag()));
        Inner(word, PhantomData)
    }

    /// True if the word names an inner node.
    #[inline(always)]
    pub(super) fn is(word: Word) -> bool {
        word.tag() <= MOST_BITS as usize
    }

    /// `node`, if it is an inner node, exclusive, and borrows nothing.
    #[inline(always)]
    pub(super) fn if_exclusive(node: &'a Node<K, V, C>) -> Option<Self> {
        if !Self::is(node.word()) {
            return None;
        }
        // SAFETY: the tag of an inner node names a node; the owner keeps it alive.
        let header = unsafe { node.word().header() };
        (header.is_exclusive() && header.extra == 0).then_some(Inner(node.word(), PhantomData))
    }

    /// How many lenders stand behind the node in a row.
    #[inline(always)]
    pub(super) fn lenders(self) -> usize {
        // SAFETY: the node lives for 'a.
        unsafe { self.at().as_ref().extra as usize }
    }

    /// The lender, and which slots' children the node counts itself; None if it counts all.
    #[inline(always)]
    pub(super) fn loan(self) -> Option<(Word, u64)> {
        let behind = 24 + (8 << self.bits());
        // SAFETY: a node with lenders has lender and mask behind its slots.
        (self.lenders() > 0).then(|| unsafe { (*field(self.at(), behind), *field(self.at(), behind + 8)) })
    }

    /// The word in slot `s` as it stands.
    ///
    /// # Safety
    /// `s` is below 2^bits.
    #[inline(always)]
    pub(super) unsafe fn at_slot(self, s: usize) -> Word {
        debug_assert!(s >> self.bits() == 0);
        // SAFETY: the caller's promise.
        unsafe { self.slots().get_unchecked(s) }.get()
    }

    #[inline(always)]
    pub(super) fn word(self) -> Word {
        self.0
    }

    #[inline(always)]
    pub(super) fn bits(self) -> u32 {
        self.0.tag() as u32
    }

    /// A count of the node.
    pub(super) fn to_owned(self) -> Node<K, V, C> {
        // SAFETY: the node lives for 'a.
        unsafe { NodeRef::from_word(self.0) }.to_owned()
    }

    #[inline(always)]
    fn at(self) -> NonNull<Header> {
        self.0.pointer(self.0.tag())
    }

    #[inline(always)]
    pub(super) fn slots(self) -> &'a [Slot] {
        // SAFETY: an inner node has 2^tag slots at 24 and lives for 'a.
        unsafe { std::slice::from_raw_parts(field(self.at(), 24), 1 << self.bits()) }
    }

    #[inline(always)]
    pub(super) fn origin(self) -> Option<&'a Arc<Origin>> {
        // SAFETY: an inner node has its origin at 16; it is set when the node is made.
        unsafe { (*field::<Option<Arc<Origin>>>(self.at(), 16)).as_ref() }
    }

    /// The first slot of the block of 2^(b-depth) slots that slot `s` is in.
    #[inline(always)]
    fn first(self, s: usize, depth: u32) -> usize {
        s & !((1usize << (self.bits() - depth)) - 1)
    }

    /// The word of slot `s`, not thawed. A block that is just being thawed is read through its first slot, so
    /// that it stays one block (L3).
    #[inline(always)]
    pub(super) fn peek(self, s: usize) -> Word {
        let word = self.slots()[s].get();
        if !word.is_stored() {
            return word;
        }
        self.slots()[self.first(s, Note::of(word).depth)].get()
    }

    /// The child at slot `s`, thawed if it is stored.
    #[inline(always)]
    pub(super) fn child(self, s: usize) -> Result<NodeRef<'a, K, V, C>> {
        let word = self.slots()[s].get();
        let word = if word.is_stored() { self.thaw(s, word)? } else { word };
        // SAFETY: the slot holds a word of this tree and its count; it keeps them while the node lives (L3).
        Ok(unsafe { NodeRef::from_word(word) })
    }

    #[cold]
    #[inline(never)]
    fn thaw(self, s: usize, stored: Word) -> Result<Word> {
        let depth = Note::of(stored).depth;
        let first = self.first(s, depth);
        let word = thaw::<K, V, C>(&self.slots()[first], stored, self.origin())?;
        for slot in &self.slots()[first..first + (1 << (self.bits() - depth))] {
            slot.publish(word);
        }
        Ok(word)
    }

    /// log2 of the number of slots that the child at slot `s` fills.
    #[inline]
    pub(super) fn block(self, s: usize) -> u32 {
        let word = self.peek(s);
        match form(word) {
            Form::Divided => 0,
            _ if word.is_stored() => self.bits() - Note::of(word).depth,
            _ if !word.is_node() => self.bits() - word.value() as u32,
            _ => {
                let mut k = 0;
                while k < self.bits() && self.peek(((s >> k) ^ 1) << k) == word {
                    k += 1
                }
                k
            }
        }
    }

    /// The children of slots `from..to`, each as (first slot, log2 of slots, word), not thawed. `from` begins a block.
    #[inline(always)]
    pub(super) fn blocks(self, from: usize, to: usize) -> impl Iterator<Item = (usize, u32, Word)> + use<'a, K, V, C> {
        let mut s = from;
        std::iter::from_fn(move || {
            if s >= to {
                return None;
            }
            let (first, word) = (s, self.peek(s));
            s += match word.tag() {
                LEAF | LEAF_OVERLAY | COLLISION => {
                    let mut n = 1;
                    while s + n < to && self.peek(s + n) == word {
                        n += 1
                    }
                    n
                }
                _ => 1 << self.block(s),
            };
            Some((first, (s - first).trailing_zeros(), word))
        })
    }
}

/// From stored to resident, through the slot that decides.
///
fn thaw<K, V, C: Count>(slot: &Slot, stored: Word, origin: Option<&Arc<Origin>>) -> Result<Word> {
    slot.thaw::<Trie<K, V, C>>(stored, || load(stored, origin))
}

/// The node behind a stub, thawed if it is stored.
pub(super) fn through_stub<K, V, C: Count>(stub: NodeRef<'_, K, V, C>) -> Result<NodeRef<'_, K, V, C>> {
    if stub.tag() != STUB {
        return Ok(stub);
    }
    let at = stub.word().pointer(STUB);
    // SAFETY: a stub has origin and slot there and lives as long as the borrow; its origin fits the tree.
    unsafe {
        let origin = (*field::<Option<Arc<Origin>>>(at, 16)).as_ref();
        let slot = &*field::<Slot>(at, 24);
        let word = slot.get();
        let word = if word.is_stored() { thaw::<K, V, C>(slot, word, origin)? } else { word };
        Ok(NodeRef::from_word(word))
    }
}

/// The node of a stored word that stands in no node yet.
pub(super) fn load<K, V, C: Count>(stored: Word, origin: Option<&Arc<Origin>>) -> Result<Node<K, V, C>> {
    count!(Thaw);
    let origin = origin.expect("L8: stored links have an origin");
    let address = stored.address().expect("stored");
    // SAFETY: origins in nodes of this tree load nodes of this tree, and the count is ours.
    origin.source.load(origin, address).map(|word| unsafe { Node::from_word(word) })
}

/// What a stub says without thawing: its word and origin.
pub(super) fn peek_stub<K, V, C: Count>(stub: NodeRef<'_, K, V, C>) -> (Word, Option<&Arc<Origin>>) {
    if stub.tag() != STUB {
        return (stub.word(), None);
    }
    let at = stub.word().pointer(STUB);
    // SAFETY: a stub has origin and slot there and lives as long as the borrow.
    unsafe { ((*field::<Slot>(at, 24)).get(), (*field::<Option<Arc<Origin>>>(at, 16)).as_ref()) }
}

/// The high bit of each byte that is 0, exactly.
#[inline(always)]
fn zero_bytes(x: u64) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    !(((x & LOW) + LOW) | x | LOW)
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
    fn covers(self) -> [u64; 2] {
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

    /// What keeps the base and the borrowed overrides alive: the base, or another overlay over it.
    #[inline(always)]
    pub(super) fn lender(self) -> Word {
        // SAFETY: an overlay has its lender at 40.
        unsafe { *field(self.at(), 40) }
    }

    #[inline(always)]
    fn extra(self) -> u16 {
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

    /// The overrides within the block that `change` replaces: the high bit of byte j.
    #[inline(always)]
    fn covered(self, change: &Change<K, V, C>) -> u64 {
        let k = self.base().bits() - change.from;
        let block = (change.prefix >> (change.depth - change.from)) << k;
        let [first, _] = self.covers();
        // Bytes whose bits from k up are those of the block; unused bytes are 255 and no slot.
        let mask = (u8::MAX << k) as u64 * 0x0101_0101_0101_0101;
        zero_bytes((first ^ (block as u64 * 0x0101_0101_0101_0101)) & mask)
    }

    #[inline(always)]
    pub(super) fn child(self, j: usize) -> Result<NodeRef<'a, K, V, C>> {
        let slot = self.slot(j);
        let word = slot.get();
        let word = match word.is_stored() {
            true => thaw::<K, V, C>(slot, word, self.base().origin())?,
            false => word,
        };
        // SAFETY: as Inner::child.
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

    /// The node itself, as a lender of its children, and how many lenders a borrower then has in a row.
    fn as_lender(self) -> (Word, usize) {
        match self.overlay {
            Some(o) => (o.0, o.lenders() + 1),
            None => (self.base.0, self.base.lenders() + 1),
        }
    }

    /// The child at slot `s`, thawed if it is stored.
    #[inline(always)]
    pub(super) fn child(self, s: usize) -> Result<NodeRef<'a, K, V, C>> {
        match (self.overlay, self.over(s)) {
            (Some(o), Some(j)) => o.child(j),
            _ => self.base.child(s),
        }
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

    /// The first slot after the block at slot `s`, whose child is `word`. `s` begins the block.
    #[inline(always)]
    pub(super) fn after(self, s: usize, word: Word) -> usize {
        if self.overlay.is_some() || !matches!(word.tag(), LEAF | LEAF_OVERLAY | COLLISION) {
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
        for (_, _, word) in self.blocks() {
            // SAFETY: the child lives in this node; the copy holds one count more.
            unsafe { std::mem::forget(NodeRef::<K, V, C>::from_word(word).to_owned()) }
        }
        // SAFETY: this node's blocks with one count more each; stored words have this node's origin.
        unsafe { Trie::new_inner(self.bits(), self.origin().cloned(), |s| self.peek(s)) }
    }

    /// All children, each as (first slot, log2 of slots, word), not thawed.
    #[inline]
    pub(super) fn blocks(self) -> impl Iterator<Item = (usize, u32, Word)> + use<'a, K, V, C> {
        let mut s = 0;
        std::iter::from_fn(move || {
            if s >> self.bits() != 0 {
                return None;
            }
            let (first, k) = (s, self.block(s));
            s += 1 << k;
            Some((first, k, self.peek(first)))
        })
    }
}

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
        unsafe { Trie::new_inner(bits, None, |s| words[s]) }
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
        let (inner, x) = (self.get(), bits - self.get().bits());
        // SAFETY: same blocks, same counts, same origin; the old node's memory is given back without its contents.
        unsafe {
            let origin = inner.origin().cloned();
            let wide = Trie::new_inner(bits, origin, |s| inner.peek(s >> x));
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
            let narrow = Trie::new_inner(bits, origin, |s| inner.peek(s << x));
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

struct OldBlocks {
    at: [Word; 1 << MOST_BITS],
    len: usize,
}

impl<'a, K, V, C: Count> Divided<'a, K, V, C> {
    /// A new node: this one with `change`; the rest is shared. An overlay where that costs less than a copy.
    pub(super) fn with(self, change: Change<K, V, C>) -> Node<K, V, C> {
        let bits = self.bits();
        // Fewer than 8 slots: a copy is as cheap as an overlay.
        if change.depth <= bits && bits >= 3 {
            let total = self.overlay.map_or(0, |o| o.len() - o.covered(&change).count_ones() as usize) + change.len();
            if total <= OVERLAY_MAX {
                return self.overlaid(change, total);
            }
        }
        self.rebuilt(change)
    }

    /// A new inner node: this one with `change` in it.
    #[inline(never)]
    fn rebuilt(self, change: Change<K, V, C>) -> Node<K, V, C> {
        count!(Rebuild);
        let bits = self.bits();
        let wide = bits.max(change.depth);
        let x = wide - bits;
        let (first, end) = {
            let k = wide - change.from;
            let block = change.prefix >> (change.depth - change.from);
            (block << k, (block + 1) << k)
        };
        let mut words = [Word::plain(0); 1 << MOST_BITS];
        let slots = 1 << wide;
        // What stays: the base, then the overrides; each block counted once.
        match self.origin() {
            None => {
                for (s, word) in words[..slots].iter_mut().enumerate() {
                    *word = self.base.slots()[s >> x].get()
                }
            }
            Some(_) => {
                for (s, word) in words[..slots].iter_mut().enumerate() {
                    *word = self.base.peek(s >> x)
                }
            }
        }
        for j in 0..self.overlay.map_or(0, |o| o.len()) {
            let o = self.overlay.expect("it has overrides");
            let (first, k) = o.range(j);
            words[first << x..(first + (1 << k)) << x].fill(o.slot(j).get())
        }
        let (lender, lenders) = self.as_lender();
        let borrows = bits >= 3 && lenders + OVERLAY_MAX <= MOST_LENDERS;
        let mut own = ((1u128 << end) - (1u128 << first)) as u64;
        if borrows {
            if self.origin().is_some() {
                // A stored word has no count; once thawed here it is ours.
                let stored = |s: &usize| words[*s].is_stored();
                own |= (0..slots).filter(stored).fold(0, |own, s| own | 1 << s)
            }
        } else {
            let mut last = None;
            for &word in words[..first].iter().chain(&words[end..slots]) {
                // Two empty blocks may be equal neighbours; they have no count.
                if last != Some(word) {
                    // SAFETY: the child lives in this node; the new node holds one count more.
                    unsafe { std::mem::forget(NodeRef::<K, V, C>::from_word(word).to_owned()) }
                    last = Some(word)
                }
            }
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
                    let lender = NodeRef::from_word(lender).to_owned();
                    Trie::new_borrower(&words[..slots], origin, lender, lenders, own)
                }
                false => Trie::new_inner(wide, origin, |s| words[s]),
            }
        }
    }

    /// A new overlay: this node's base and overrides, with `change` in it, which leaves room for `total` overrides.
    fn overlaid(self, change: Change<K, V, C>, total: usize) -> Node<K, V, C> {
        count!(Overlaid);
        let (lender, lenders) = self.as_lender();
        let borrows = lenders <= MOST_LENDERS;
        let cap = (total.max(self.overlay.map_or(0, |o| o.len())) + 1) & !1;
        let mut new = match borrows {
            // SAFETY: this node keeps its base alive.
            true => unsafe { Trie::new_overlay(self.base.0, NodeRef::from_word(lender).to_owned(), lenders, cap) },
            false => Trie::new_overlay_over(self.base, cap),
        };
        let mut to = OverlayMut::new(&mut new);
        if let Some(overlay) = self.overlay {
            to.copy(overlay, !borrows, self.origin().is_some())
        }
        to.replace(change);
        new
    }
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
        let total = self.get().len() - self.get().covered(&change).count_ones() as usize + change.len();
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
            for j in 0..len {
                let word = from.slot(j).get();
                if counted {
                    std::mem::forget(NodeRef::<K, V, C>::from_word(word).to_owned())
                }
                // A stored word has no count; once thawed in the new node it is that node's.
                if counted || may_be_stored && word.is_stored() {
                    own |= 1 << j
                }
                field::<Slot>(at, 48).add(j).write(Slot::new(word));
            }
            at.as_mut().len = len as u8;
            at.as_mut().extra |= own;
        }
    }

    /// Puts `change` in. There is room for all overrides that are there and those of the change, less those it covers.
    #[inline]
    fn replace(&mut self, change: Change<K, V, C>) {
        let bits = self.get().base().bits();
        let covered = self.get().covered(&change);
        let mut gone = [Word::plain(0); 8];
        let mut at = self.at();
        // SAFETY: exclusive. Overrides that stay are moved down, those that go are released at the end (a user's
        // Drop may panic), then the change's blocks are added: there is room.
        unsafe {
            if covered != 0 {
                let len = self.get().len();
                let (firsts, masks) = (field::<u8>(at, 24), field::<u8>(at, 32));
                let slots = field::<Slot>(at, 48);
                let was = at.as_ref().extra;
                at.as_mut().extra &= !255;
                let mut n = 0;
                for j in 0..len {
                    if covered >> (8 * j + 7) & 1 == 0 {
                        firsts.add(n).write(*firsts.add(j));
                        masks.add(n).write(*masks.add(j));
                        slots.add(n).write(Slot::new((*slots.add(j)).get()));
                        at.as_mut().extra |= (was >> j & 1) << n;
                        n += 1;
                    } else if was >> j & 1 == 1 {
                        gone[j] = (*slots.add(j)).get();
                    }
                }
                firsts.add(n).write_bytes(255, 8 - n);
                masks.add(n).write_bytes(255, 8 - n);
                at.as_mut().len = n as u8;
            }
            for (prefix, depth, word) in change.into_blocks() {
                self.push(prefix << (bits - depth), bits - depth, word, true)
            }
            if covered != 0 {
                for word in gone {
                    release::<Trie<K, V, C>>(word)
                }
            }
        }
    }

    /// Counts what the overlay borrows, and gives the lender back: the base alone stands behind it then.
    fn settle(&mut self) {
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
    if overlay.get().lender() != overlay.get().base().0 && unsafe { overlay.get().lender().header() }.owners() == 1 {
        overlay.settle()
    }
    let base = overlay.get().base();
    // SAFETY: the base lives; if it is its own lender, the overlay owns its count.
    let base_is_ours = overlay.get().lender() == base.0 && unsafe { base.0.header() }.is_exclusive();
    if base_is_ours && base.lenders() == 0 {
        overlay.fold()
    } else if base_is_ours {
        *node = Divided::new(node.link()).copied()
    }
}
