//! Leaves: up to 15 entries with a tag byte each, small overlays over them, and collision leaves.
//!
//! A tag is the low byte of the entry's hash (0 stands for a free place, so a 0 becomes 1): one 16-byte
//! comparison finds the candidates. A *leaf overlay* holds up to 4 entries over a base leaf, some of whose
//! entries are dead; a one-key version then costs the clones of at most 3 entries, not 14.
//!
//! In: a hash and a key, or entries. Out: places of entries; leaves with entries added, replaced or gathered.
//! Must hold: M2 (tags match hashes; a leaf and a leaf overlay are not empty once linked, and hold at most 15
//! live entries; a leaf overlay's base is a leaf).
//! No user code runs between the first and the last move of an entry: a panic leaves both sides whole.
//! Uses: `link`, `node`. Source of the tags: Steindorfer & Vinju 2015; SIMD search as in Swiss tables.
#![allow(unsafe_code)] // Node layout: docs/ARCHITECTURE.md, "Unsafe".

use super::node::*;
use crate::link::{Count, Header, Mark, MarkCell, Word};
use equivalent::Equivalent;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// The tag byte of a hash; never 0.
#[inline(always)]
pub(super) fn tag_of(hash: u64) -> u8 {
    let t = hash as u8;
    t + (t == 0) as u8
}

/// Which of 16 tags equal `tag`, a bit each.
#[inline(always)]
pub(super) fn matches(tags: &[u8; 16], tag: u8) -> u32 {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::*;
        // SAFETY: SSE2 is part of x86_64; 16 bytes are readable, aligned or not.
        unsafe {
            let tags = _mm_loadu_si128(tags.as_ptr().cast());
            _mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi8(tag as i8))) as u32
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    matches_portable(tags, tag)
}

/// [`matches`] in plain arithmetic, for other machines.
#[cfg(any(test, not(target_arch = "x86_64")))]
#[inline(always)]
pub(super) fn matches_portable(tags: &[u8; 16], tag: u8) -> u32 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let wanted = tag as u64 * 0x0101_0101_0101_0101;
    let half = |i: usize| {
        let x = u64::from_le_bytes(tags[8 * i..8 * i + 8].try_into().expect("8 bytes")) ^ wanted;
        // The high bit of each zero byte, exactly; then the eight bits side by side.
        let zero = !(((x & LOW) + LOW) | x | LOW);
        ((zero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
    };
    half(0) | half(1) << 8
}

/// Asks for the first line of a node that is going to be looked at.
#[inline(always)]
pub(super) fn leaf_prefetch(word: Word) {
    #[cfg(target_arch = "x86_64")]
    if word.is_node() {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing that the program could see, whatever the address.
        unsafe { _mm_prefetch(word.pointer(word.tag()).as_ptr().cast::<i8>(), _MM_HINT_T0) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = word;
}

/// Which part of a leaf an entry is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Index in the leaf, or in the leaf overlay itself, or in the collision leaf.
    Own(usize),
    /// Index in the base of a leaf overlay.
    Base(usize),
}

/// Borrows a node with entries: a leaf, a leaf overlay or a collision leaf.
pub(super) struct Leaf<'a, K, V, C: Count>(Word, PhantomData<NodeRef<'a, K, V, C>>);

impl<K, V, C: Count> Clone for Leaf<'_, K, V, C> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<K, V, C: Count> Copy for Leaf<'_, K, V, C> {}

impl<'a, K, V, C: Count> Leaf<'a, K, V, C> {
    /// `node` is a leaf, a leaf overlay or a collision leaf.
    #[inline(always)]
    pub(super) fn new(node: NodeRef<'a, K, V, C>) -> Self {
        debug_assert!(matches!(node.tag(), LEAF | LEAF_OVERLAY | COLLISION));
        Leaf(node.word(), PhantomData)
    }

    #[inline(always)]
    fn at(self) -> NonNull<Header> {
        self.0.pointer(self.0.tag())
    }

    #[inline(always)]
    pub(super) fn word(self) -> Word {
        self.0
    }

    #[inline(always)]
    pub(super) fn header(self) -> &'a Header {
        // SAFETY: the node lives for 'a.
        unsafe { self.0.header() }
    }

    #[inline(always)]
    fn lens(self) -> [u32; 2] {
        debug_assert!(self.0.tag() == COLLISION);
        // SAFETY: a collision leaf has len and cap at 16.
        unsafe { *field(self.at(), 16) }
    }

    /// The live entries of a leaf or an empty block; None for any other node.
    #[inline(always)]
    pub(super) fn len_of(node: NodeRef<'a, K, V, C>) -> Option<usize> {
        match form(node.word()) {
            Form::Leaf if node.word().is_node() => Some(Leaf::new(node).len()),
            Form::Leaf => Some(0),
            _ => None,
        }
    }

    /// A count of the node itself.
    pub(super) fn to_owned(self) -> Node<K, V, C> {
        // SAFETY: the node lives for 'a.
        unsafe { NodeRef::from_word(self.0) }.to_owned()
    }

    /// Entries in the node itself, not in a base.
    #[inline(always)]
    pub(super) fn own_len(self) -> usize {
        if self.0.tag() == COLLISION { self.lens()[0] as usize } else { self.header().len as usize }
    }

    /// Room for entries in the node itself.
    #[inline(always)]
    pub(super) fn cap(self) -> usize {
        if self.0.tag() == COLLISION { self.lens()[1] as usize } else { self.header().cap as usize }
    }

    /// The entries in the node itself.
    #[inline(always)]
    pub(super) fn entries(self) -> &'a [(K, V)] {
        // SAFETY: own_len entries stand at ENTRIES and live for 'a.
        unsafe { std::slice::from_raw_parts(field(self.at(), Trie::<K, V, C>::ENTRIES), self.own_len()) }
    }

    /// The marks of the entries in the node itself; empty if the type has none.
    #[inline(always)]
    pub(super) fn marks(self) -> &'a [MarkCell] {
        if !Trie::<K, V, C>::HAS_MARKS {
            return &[];
        }
        // SAFETY: own_len marks stand behind the room for entries.
        unsafe {
            let at = field(self.at(), Trie::<K, V, C>::marks_at(self.cap()));
            std::slice::from_raw_parts(at, self.own_len())
        }
    }

    /// The tags of a leaf; 0 is a free place.
    #[inline(always)]
    pub(super) fn tags(self) -> &'a [u8; 16] {
        debug_assert!(self.0.tag() == LEAF);
        // SAFETY: a leaf has its tags at 16.
        unsafe { &*field(self.at(), 16) }
    }

    /// The tags of a leaf overlay's own entries.
    #[inline(always)]
    pub(super) fn overlay_tags(self) -> &'a [u8; LEAF_OVERLAY_MAX] {
        debug_assert!(self.0.tag() == LEAF_OVERLAY);
        // SAFETY: a leaf overlay has its tags at 24.
        unsafe { &*field(self.at(), 24) }
    }

    /// The mark of entry `i` of the node itself.
    #[inline(always)]
    pub(super) fn mark_of(self, i: usize) -> MarkCell {
        self.marks().get(i).map_or_else(MarkCell::default, |m| MarkCell::new(m.get()))
    }

    #[inline(always)]
    pub(super) fn tag_at(self, i: usize) -> u8 {
        match self.0.tag() {
            LEAF => self.tags()[i],
            LEAF_OVERLAY => self.overlay_tags()[i],
            _ => 0,
        }
    }

    /// The base of a leaf overlay, and which of its entries are dead.
    #[inline(always)]
    pub(super) fn base(self) -> Option<(Leaf<'a, K, V, C>, u32)> {
        if self.0.tag() != LEAF_OVERLAY {
            return None;
        }
        // SAFETY: a leaf overlay has its base at 16 and owns a count of it.
        let base = unsafe { *field(self.at(), 16) };
        Some((Leaf(base, PhantomData), self.header().extra as u32))
    }

    /// Live entries.
    #[inline(always)]
    pub(super) fn len(self) -> usize {
        match self.base() {
            None => self.own_len(),
            Some((base, dead)) => self.own_len() + base.own_len() - dead.count_ones() as usize,
        }
    }

    /// The index of `key` among the entries of a leaf that are not dead.
    #[inline(always)]
    pub(super) fn find_tagged<Q: Equivalent<K> + ?Sized>(self, hash: u64, key: &Q, dead: u32) -> Option<usize> {
        let mut hits = matches(self.tags(), tag_of(hash)) & !dead;
        let entries = self.entries().as_ptr();
        while hits != 0 {
            let i = hits.trailing_zeros() as usize;
            // SAFETY: only places in use have a tag, and tag_of is never 0 (M2).
            if key.equivalent(unsafe { &(*entries.add(i)).0 }) {
                return Some(i);
            }
            hits &= hits - 1;
        }
        None
    }

    /// The live entry of a leaf or leaf overlay that has this tag and equals `key`.
    #[inline(always)]
    pub(super) fn get_tagged<Q: Equivalent<K> + ?Sized>(self, tag: u8, key: &Q) -> Option<&'a (K, V)> {
        // The tag is all that a search reads of the hash.
        self.get(tag as u64, key)
    }

    /// Where `key` is.
    #[inline(always)]
    pub(super) fn find<Q: Equivalent<K> + ?Sized>(self, hash: u64, key: &Q) -> Option<Place> {
        if self.0.tag() == LEAF {
            return self.find_tagged(hash, key, 0).map(Place::Own);
        }
        self.find_elsewhere(hash, key)
    }

    #[inline(never)]
    fn find_elsewhere<Q: Equivalent<K> + ?Sized>(self, hash: u64, key: &Q) -> Option<Place> {
        let own = self.entries();
        let tag = if self.0.tag() == LEAF_OVERLAY { tag_of(hash) } else { 0 };
        for (i, entry) in own.iter().enumerate() {
            if self.tag_at(i) == tag && key.equivalent(&entry.0) {
                return Some(Place::Own(i));
            }
        }
        let (base, dead) = self.base()?;
        base.find_tagged(hash, key, dead).map(Place::Base)
    }

    /// The entry at a place that [`find`](Self::find) gave.
    #[inline(always)]
    pub(super) fn entry(self, place: Place) -> &'a (K, V) {
        match place {
            Place::Own(i) => &self.entries()[i],
            Place::Base(i) => &self.base().expect("a base place").0.entries()[i],
        }
    }

    /// The live entry that equals `key`.
    #[inline(always)]
    pub(super) fn get<Q: Equivalent<K> + ?Sized>(self, hash: u64, key: &Q) -> Option<&'a (K, V)> {
        if self.0.tag() == LEAF {
            let i = self.find_tagged(hash, key, 0)?;
            // SAFETY: find_tagged gives places in use.
            return Some(unsafe { self.entries().get_unchecked(i) });
        }
        self.find_elsewhere(hash, key).map(|place| self.entry(place))
    }

    /// The parts of the leaf with their live entries: the base, then the overlay; or the leaf alone.
    #[inline(always)]
    pub(super) fn parts(self) -> impl Iterator<Item = (Leaf<'a, K, V, C>, u32)> {
        let base = self.base().map(|(base, dead)| (base, mask(base.own_len()) & !dead));
        base.into_iter().chain(std::iter::once((self, mask(self.own_len()))))
    }

    /// Calls `f` with each live entry, whatever kind of leaf it is, and its mark.
    pub(super) fn each(self, mut f: impl FnMut(&'a (K, V), Mark)) {
        if self.0.tag() == COLLISION {
            // More entries than a set of bits holds, and no base.
            for (i, entry) in self.entries().iter().enumerate() {
                f(entry, self.mark_of(i).get())
            }
            return;
        }
        for (part, live) in self.parts() {
            for i in bits(live) {
                f(&part.entries()[i], part.mark_of(i).get())
            }
        }
    }
}

#[inline(always)]
fn mask(len: usize) -> u32 {
    (1u32 << len) - 1
}

/// The indices of the bits set.
#[inline(always)]
pub(super) fn bits(mut set: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        if set == 0 {
            return None;
        }
        let i = set.trailing_zeros() as usize;
        set &= set - 1;
        Some(i)
    })
}

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
        Leaf(self.0, PhantomData)
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

    #[inline(always)]
    fn set_tag(&mut self, i: usize, tag: u8) {
        // SAFETY: exclusive; tags stand at 16 and 24.
        unsafe {
            match self.0.tag() {
                LEAF => field::<u8>(self.at(), 16 + i).write(tag),
                LEAF_OVERLAY => field::<u8>(self.at(), 24 + i).write(tag),
                _ => {}
            }
        }
    }

    /// Adds an entry. There is room.
    #[inline(always)]
    pub(super) fn push(&mut self, tag: u8, entry: (K, V), mark: MarkCell) {
        let i = self.get().own_len();
        debug_assert!(i < self.get().cap());
        // SAFETY: exclusive, and there is room for entry and mark.
        unsafe {
            self.entry_at(i).write(entry);
            if Trie::<K, V, C>::HAS_MARKS {
                self.mark_at(i).write(mark)
            }
        }
        self.set_tag(i, tag);
        self.set_len(i + 1);
    }

    /// The entry at `i` of the node itself; it counts as not stored from now on.
    #[inline(always)]
    pub(super) fn entry_mut(mut self, i: usize) -> &'a mut (K, V) {
        assert!(i < self.get().own_len());
        // SAFETY: the index is in bounds, and the node is exclusive for 'a.
        unsafe {
            if Trie::<K, V, C>::HAS_MARKS {
                self.mark_at(i).write(MarkCell::default())
            }
            &mut *self.entry_at(i)
        }
    }

    /// All entries of the node itself; they count as not stored from now on.
    pub(super) fn entries_mut(mut self) -> &'a mut [(K, V)] {
        let len = self.get().own_len();
        // SAFETY: exclusive for 'a; `len` entries, and marks if the type has them.
        unsafe {
            if Trie::<K, V, C>::HAS_MARKS {
                for i in 0..len {
                    self.mark_at(i).write(MarkCell::default())
                }
            }
            std::slice::from_raw_parts_mut(self.entry_at(0), len)
        }
    }

    /// Takes the last entry out.
    pub(super) fn pop(&mut self) -> Option<(K, V)> {
        let last = self.get().own_len().checked_sub(1)?;
        Some(self.swap_remove(last))
    }

    /// Takes the entry at `i` out of a leaf or collision leaf; the last one moves to its place.
    #[inline(always)]
    pub(super) fn swap_remove(&mut self, i: usize) -> (K, V) {
        let last = self.get().own_len() - 1;
        assert!(i <= last);
        let tag = self.get().tag_at(last);
        self.set_tag(i, tag);
        self.set_tag(last, 0);
        self.set_len(last);
        // SAFETY: exclusive; entry i is read once, and the last moves into its place, with its mark.
        unsafe {
            let entry = self.entry_at(i).read();
            self.entry_at(i).copy_from(self.entry_at(last), 1);
            if Trie::<K, V, C>::HAS_MARKS {
                let mark = (*self.mark_at(last)).get();
                (*self.mark_at(i)).set(mark);
            }
            entry
        }
    }

    /// Marks an entry of a leaf overlay's base as dead.
    pub(super) fn kill(&mut self, i: usize) {
        debug_assert!(self.0.tag() == LEAF_OVERLAY);
        // SAFETY: exclusive.
        unsafe { self.at().as_mut().extra |= 1 << i }
    }

    /// Leaves the part without entries; those not in `moved` are dropped.
    ///
    /// # Safety
    /// The entries in `moved` have been moved elsewhere.
    #[inline(always)]
    pub(super) unsafe fn abandon(&mut self, moved: u32) {
        let rest = mask(self.get().own_len()) & !moved;
        self.set_len(0);
        for i in bits(rest) {
            // SAFETY: the entry was not moved, and the length no longer counts it.
            unsafe { self.entry_at(i).drop_in_place() }
        }
    }

    /// Moves all entries of a leaf or collision leaf to another kind of node.
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
            to.push(tag, unsafe { self.entry_at(i).read() }, mark)
        }
    }
}
