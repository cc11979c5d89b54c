//! Inner nodes: reading slots.
//!
//! An inner node has 2^b slots. A child of local depth d (d ≤ b bits below the node) fills an aligned *block* of
//! 2^(b-d) equal words and has one count, whatever the block's size. `b` is physical: it says nothing of the
//! contents, except that a divided child stands at depth [`MOST_BITS`], one slot.
//!
//! In: a hash and a shift (the bits above the node). Out: children.
//! Must hold: M2 (blocks are aligned and disjoint), L3 (a stored block is thawed through its first slot).
//! Uses: `link`, `node`, `lazy`, `leaf`, `id`, `error`. Source: Bagwell 2001.
#![allow(unsafe_code)] // Node layout: docs/ARCHITECTURE.md, "Unsafe".

use super::lazy::whole;
use super::leaf::Leaf;
use super::node::*;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Address;
use crate::link::{self, Count, Header, Origin, Slot, Word};
use alloc::sync::Arc;
use core::marker::PhantomData;
use core::ptr::NonNull;

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
    pub(crate) fn from_bits(bits: u16) -> Self {
        Note { depth: bits as u32 & 15, len: (bits >> 4) as usize & 15 }
    }
    pub(crate) fn of(word: Word) -> Self {
        Self::from_bits(word.note())
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

    /// Slot `s`.
    ///
    /// # Safety
    /// `s` is below 2^bits.
    #[inline(always)]
    pub(super) unsafe fn at_slot(self, s: usize) -> &'a Slot {
        debug_assert!(s >> self.bits() == 0);
        // SAFETY: the caller's promise.
        unsafe { self.slots().get_unchecked(s) }
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
        unsafe { core::slice::from_raw_parts(field(self.at(), 24), 1 << self.bits()) }
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

    /// The words of all slots, in a node of 2^bits slots, which is as wide as this one or wider.
    #[inline(always)]
    pub(super) fn words(self, bits: u32) -> [Word; 1 << MOST_BITS] {
        let mut words = [Word::plain(0); 1 << MOST_BITS];
        if self.origin().is_none() && bits == self.bits() {
            let slots = self.slots();
            // SAFETY: nothing thaws in a node without an origin, so that nobody writes to a slot while it is shared.
            unsafe { words.as_mut_ptr().copy_from_nonoverlapping(slots.as_ptr().cast(), slots.len()) }
            return words;
        }
        let x = bits - self.bits();
        if self.origin().is_none() {
            for (slot, wide) in self.slots().iter().zip(words.chunks_exact_mut(1 << x)) {
                wide.fill(slot.get())
            }
            return words;
        }
        // Each block is read once: another thread may thaw it meanwhile, and then its slots would not be alike.
        for (first, k, word) in self.blocks(0, 1 << self.bits()) {
            words[first << x..(first + (1 << k)) << x].fill(word)
        }
        words
    }

    /// The child at slot `s`, thawed if it is stored; a leaf with all its entries.
    #[inline(always)]
    pub(super) fn child(self, s: usize) -> Result<NodeRef<'a, K, V, C>> {
        whole(self.met(s)?)
    }

    /// The child at slot `s`, thawed if it is stored, for a lookup: of a lazy leaf entries may be missing.
    #[inline(always)]
    pub(super) fn met(self, s: usize) -> Result<NodeRef<'a, K, V, C>> {
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
            _ if self.origin().is_none() => self.run_of(s, word),
            _ => {
                let mut k = 0;
                while k < self.bits() && self.peek(((s >> k) ^ 1) << k) == word {
                    k += 1
                }
                k
            }
        }
    }

    /// As [`block`](Self::block), where `word` is that of a leaf at slot `s`, which is going to be read anyway: it says how
    /// deep it once stood, and two comparisons tell whether it still does.
    #[inline(always)]
    pub(super) fn leaf_block(self, s: usize, word: Word) -> u32 {
        if word.tag() == LEAF && self.origin().is_none() {
            // SAFETY: a child lives while its parent does.
            let depth = unsafe { word.header() }.extra as u32;
            let slots = self.slots();
            if (1..=self.bits()).contains(&depth) {
                let k = self.bits() - depth;
                // The other half of the block, and the block beside it.
                let is_word = |s: usize| slots[s & (slots.len() - 1)].get() == word;
                if is_word(s ^ 1 << k >> 1) && !is_word(s ^ 1 << k) {
                    return k;
                }
            }
        }
        self.block_anew(s)
    }

    /// [`block`](Self::block), as a call: it is long.
    #[inline(never)]
    fn block_anew(self, s: usize) -> u32 {
        self.block(s)
    }

    /// As [`block`](Self::block), of a node whose links are all resident. Without branches: how many slots a leaf fills
    /// cannot be predicted.
    #[inline(always)]
    fn run_of(self, s: usize, word: Word) -> u32 {
        let slots = self.slots();
        let (mut is_run, mut k) = (true, 0);
        for level in 0..MOST_BITS {
            let beside = (((s >> level) ^ 1) << level) & (slots.len() - 1);
            is_run &= (slots[beside].get() == word) & (level < self.bits());
            k += is_run as u32
        }
        k
    }

    /// The children of slots `from..to`, each as (first slot, log2 of slots, word), not thawed. `from` begins a block.
    #[inline(always)]
    pub(super) fn blocks(self, from: usize, to: usize) -> impl Iterator<Item = (usize, u32, Word)> + use<'a, K, V, C> {
        let mut s = from;
        core::iter::from_fn(move || {
            if s >= to {
                return None;
            }
            let (first, word) = (s, self.peek(s));
            s += match word.tag() {
                LEAF..=COLLISION => {
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

#[cold]
pub(super) fn too_deep() -> Error {
    Error::new(ErrorKind::Corrupt, "a stored map is deeper than its hashes have bits")
}

/// Of a forged map, or of keys whose `Hash` and `Eq` do not agree.
#[cold]
pub(super) fn wrong_len() -> Error {
    Error::new(ErrorKind::Corrupt, "a map has more entries than it says, or fewer")
}

/// The entries of a leaf, an empty block or a stored leaf; None for anything else. Reads no stored node (notes tell the lengths).
///
/// # Safety
/// The node that the word names lives, if it names one.
#[inline(always)]
pub(super) unsafe fn leaf_len<K, V, C: Count>(word: Word) -> Option<usize> {
    if word.is_stored() {
        return Some(Note::of(word).len).filter(|&n| n > 0);
    }
    // SAFETY: the caller's promise.
    Leaf::len_of(unsafe { NodeRef::<K, V, C>::from_word(word) })
}

/// From stored to resident, through the slot that decides.
pub(super) fn thaw<K, V, C: Count>(slot: &Slot, stored: Word, origin: Option<&Arc<Origin>>) -> Result<Word> {
    slot.thaw::<Trie<K, V, C>>(stored, || load(stored, origin))
}

/// A root, or the node behind a stub, thawed if it is stored; a leaf with all its entries.
pub(super) fn through_stub<K, V, C: Count>(root: NodeRef<'_, K, V, C>) -> Result<NodeRef<'_, K, V, C>> {
    whole(met_root(root)?)
}

/// A root, or the node behind a stub, thawed if it is stored, for a lookup: of a lazy leaf entries may be missing.
pub(super) fn met_root<K, V, C: Count>(stub: NodeRef<'_, K, V, C>) -> Result<NodeRef<'_, K, V, C>> {
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
    let node = origin.source.load(origin, address).map(|word| unsafe { Node::<K, V, C>::from_word(word) })?;
    let note = Note::of(stored);
    let is_noted = match form(node.word()) {
        // Of a root nothing is known before it is read.
        _ if note.depth == 0 => true,
        Form::Leaf => Leaf::len_of(node.link()) == Some(note.len),
        Form::Divided => note == Note { depth: MOST_BITS, len: 0 },
        Form::Collision => note.len == 0,
        Form::Stored => false,
    };
    if !is_noted {
        return Err(corrupt(address, "it is not what the link to it says"));
    }
    Ok(node)
}

/// The node stored at `at` is none of a map.
pub(super) fn corrupt(at: Address, what: &str) -> Error {
    link::corrupt(at, format_args!("map node: {what}"))
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
