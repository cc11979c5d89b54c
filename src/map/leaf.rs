//! Leaves: up to 15 entries with a tag byte each, small overlays over them, and collision leaves.
//!
//! A tag is the low byte of the entry's hash (0 stands for a free place, so a 0 becomes 1): one 16-byte
//! comparison finds the candidates. A *leaf overlay* holds up to 4 entries over a base leaf, some of whose
//! entries are dead; a one-key version then costs the clones of at most 3 entries, not 14.
//!
//! In: a hash and a key. Out: places of entries, and entries.
//! Must hold: M2 (tags match hashes; a leaf and a leaf overlay are not empty once linked, and hold at most 15
//! live entries; a leaf overlay's base is a leaf).
//! Uses: `link`, `node`, `lazy`. Source of the tags: Steindorfer & Vinju 2015; SIMD search as in Swiss tables.
#![allow(unsafe_code)] // Node layout: docs/ARCHITECTURE.md, "Unsafe".

use super::lazy::Lazy;
use super::node::*;
use crate::link::{Count, Header, MarkCell, Word};
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use equivalent::Equivalent;

/// The tag byte of a hash; never 0.
#[inline(always)]
pub(crate) fn tag_of(hash: u64) -> u8 {
    let tag = hash as u8;
    tag + (tag == 0) as u8
}

/// The high bit of each byte that is 0, exactly.
#[inline(always)]
pub(super) fn zero_bytes(x: u64) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    !(((x & LOW) + LOW) | x | LOW)
}

/// Which of 16 tags equal `tag`, a bit each.
#[inline(always)]
pub(super) fn matches(tags: &[u8; 16], tag: u8) -> u32 {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::*;
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
    let wanted = tag as u64 * 0x0101_0101_0101_0101;
    let half = |i: usize| {
        let x = u64::from_le_bytes(tags[8 * i..8 * i + 8].try_into().expect("8 bytes")) ^ wanted;
        // The eight bits side by side.
        ((zero_bytes(x) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
    };
    half(0) | half(1) << 8
}

/// Which of 4 tags equal `tag`, a bit each.
#[inline(always)]
pub(super) fn matches_few(tags: [u8; LEAF_OVERLAY_MAX], tag: u8) -> u32 {
    let x = u32::from_le_bytes(tags) ^ (tag as u32 * 0x0101_0101);
    // The high bit of each zero byte, exactly; then the four bits side by side.
    let zero = !(((x & 0x7f7f_7f7f) + 0x7f7f_7f7f) | x | 0x7f7f_7f7f);
    (zero >> 7).wrapping_mul(0x0102_0408) >> 24 & 15
}

fn mask(len: usize) -> u32 {
    (1 << len) - 1
}

/// Asks for the first line of a node that is going to be looked at.
#[inline(always)]
pub(super) fn leaf_prefetch(word: Word) {
    #[cfg(target_arch = "x86_64")]
    if word.is_node() {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing that the program could see, whatever the address.
        unsafe { _mm_prefetch(word.pointer(word.tag()).as_ptr().cast::<i8>(), _MM_HINT_T0) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = word;
}

/// Where an entry is in a leaf. A leaf and a leaf overlay have 15 places, some of them free; a base's entry and
/// the overlay's own one stand in the same place as in a leaf that was changed in place. In a collision leaf it is
/// the entry's index.
pub(super) type Place = usize;

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
        debug_assert!((LEAF..=COLLISION).contains(&node.tag()));
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

    /// The first `own_len` entries in the node itself, of a leaf overlay or a collision leaf.
    #[inline(always)]
    pub(super) fn own_entries(self) -> &'a [(K, V)] {
        debug_assert!(!is_leaf(self.0.tag()));
        // SAFETY: own_len entries stand at ENTRIES without gaps and live for 'a.
        unsafe { core::slice::from_raw_parts(field(self.at(), Trie::<K, V, C>::ENTRIES), self.own_len()) }
    }

    /// Where the node's own entries stand.
    #[inline(always)]
    pub(super) fn entries_at(self) -> *const (K, V) {
        field::<(K, V)>(self.at(), Trie::<K, V, C>::ENTRIES)
    }

    /// The room of a leaf, by place.
    #[inline(always)]
    pub(super) fn room(self) -> &'a [MaybeUninit<(K, V)>] {
        debug_assert!(is_leaf(self.0.tag()));
        // SAFETY: there is room for `cap` entries, and it lives for 'a.
        unsafe { core::slice::from_raw_parts(self.entries_at().cast(), self.cap()) }
    }

    /// Where an entry at a place in use stands: the node, and the index there.
    #[inline(always)]
    pub(super) fn at_place(self, place: Place) -> (Self, usize) {
        match self.base() {
            None => (self, place),
            Some((base, _)) => match self.own_places() {
                own if own >> place & 1 == 1 => (self, rank(own, place)),
                _ => (base, place),
            },
        }
    }

    /// True if there is an entry at this place.
    pub(super) fn is_used(self, place: Place) -> bool {
        if self.0.tag() == COLLISION { place < self.own_len() } else { self.live() >> place & 1 == 1 }
    }

    /// The entry at a place in use.
    #[inline(always)]
    pub(super) fn entry(self, place: Place) -> &'a (K, V) {
        debug_assert!(self.is_used(place));
        let (node, i) = self.at_place(place);
        debug_assert!(!is_lazy(node.0) || Lazy::new(node).there() >> i & 1 == 1, "M4: read a lazy leaf whole");
        // SAFETY: the place is in use (M2, and the callers' affair), so the entry stands there and lives for 'a.
        unsafe { &*node.entries_at().wrapping_add(i) }
    }

    /// The mark of the entry at a place in use, if the type has marks.
    #[inline(always)]
    pub(super) fn mark_cell(self, place: Place) -> Option<&'a MarkCell> {
        if !Trie::<K, V, C>::HAS_MARKS {
            return None;
        }
        debug_assert!(self.is_used(place));
        let (node, i) = self.at_place(place);
        // SAFETY: marks stand behind the room for entries, and that of an entry in use is set.
        unsafe { Some(&*field::<MarkCell>(node.at(), Trie::<K, V, C>::marks_at(node.cap())).wrapping_add(i)) }
    }

    /// A copy of the mark of the entry at a place in use.
    #[inline(always)]
    pub(super) fn mark_of(self, place: Place) -> MarkCell {
        self.mark_cell(place).map_or_else(MarkCell::default, |m| MarkCell::new(m.get()))
    }

    /// The tags of a leaf, by place; 0 is a free place.
    #[inline(always)]
    pub(super) fn tags(self) -> &'a [u8; 16] {
        debug_assert!(is_leaf(self.0.tag()));
        // SAFETY: a leaf has its tags at 16.
        unsafe { &*field(self.at(), 16) }
    }

    /// The tags of a leaf overlay's own entries.
    #[inline(always)]
    pub(super) fn overlay_tags(self) -> &'a [u8; LEAF_OVERLAY_MAX] {
        debug_assert!(is_leaf_overlay(self.0.tag()));
        // SAFETY: a leaf overlay has its tags at 24.
        unsafe { &*field(self.at(), 24) }
    }

    /// The places of a leaf overlay's own entries, which stand in their order.
    #[inline(always)]
    pub(super) fn own_places(self) -> u32 {
        debug_assert!(is_leaf_overlay(self.0.tag()));
        // SAFETY: a leaf overlay has them at 28.
        unsafe { *field::<u16>(self.at(), 28) as u32 }
    }

    /// The tag of the entry at a place in use; 0 in a collision leaf.
    #[inline(always)]
    pub(super) fn tag_at(self, place: Place) -> u8 {
        if self.0.tag() == COLLISION {
            return 0;
        }
        let (node, i) = self.at_place(place);
        if is_leaf(node.0.tag()) { node.tags()[i] } else { node.overlay_tags()[i] }
    }

    /// The base of a leaf overlay, and which of its entries are dead.
    #[inline(always)]
    pub(super) fn base(self) -> Option<(Leaf<'a, K, V, C>, u32)> {
        if !is_leaf_overlay(self.0.tag()) {
            return None;
        }
        // SAFETY: a leaf overlay has its base at 16 and owns a count of it.
        let base = unsafe { *field(self.at(), 16) };
        Some((Leaf(base, PhantomData), self.header().extra as u32))
    }

    /// The places in use of a leaf or leaf overlay, a bit each.
    #[inline(always)]
    pub(super) fn live(self) -> u32 {
        match self.base() {
            None => !matches(self.tags(), 0) & 0xffff,
            Some((base, dead)) => base.live() & !dead | self.own_places(),
        }
    }

    /// The lowest free place.
    #[inline(always)]
    pub(super) fn free_place(self) -> Place {
        self.live().trailing_ones() as usize
    }

    /// Live entries.
    #[inline(always)]
    pub(super) fn len(self) -> usize {
        match self.base() {
            None => self.own_len(),
            Some((base, dead)) => self.own_len() + base.own_len() - dead.count_ones() as usize,
        }
    }

    /// Where `key` is in a leaf, among the entries that are not dead.
    #[inline(always)]
    pub(super) fn find_tagged<Q: Equivalent<K> + ?Sized>(self, hash: u64, key: &Q, dead: u32) -> Option<Place> {
        let mut hits = matches(self.tags(), tag_of(hash)) & !dead;
        while hits != 0 {
            let i = hits.trailing_zeros() as usize;
            // SAFETY: only places in use have a tag, and tag_of is never 0 (M2).
            if key.equivalent(unsafe { &(*self.entries_at().add(i)).0 }) {
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
        if is_leaf(self.0.tag()) {
            return self.find_tagged(hash, key, 0);
        }
        self.find_elsewhere(hash, key)
    }

    #[inline(never)]
    fn find_elsewhere<Q: Equivalent<K> + ?Sized>(self, hash: u64, key: &Q) -> Option<Place> {
        let own = self.own_entries();
        let Some((base, dead)) = self.base() else { return own.iter().position(|entry| key.equivalent(&entry.0)) };
        let mut hits = matches_few(*self.overlay_tags(), tag_of(hash)) & mask(own.len());
        while hits != 0 {
            let i = hits.trailing_zeros() as usize;
            if key.equivalent(&own[i].0) {
                return bits(self.own_places()).nth(i);
            }
            hits &= hits - 1
        }
        base.find_tagged(hash, key, dead)
    }

    /// The live entry that equals `key`.
    #[inline(always)]
    pub(super) fn get<Q: Equivalent<K> + ?Sized>(self, hash: u64, key: &Q) -> Option<&'a (K, V)> {
        if is_leaf(self.0.tag()) {
            let i = self.find_tagged(hash, key, 0)?;
            // SAFETY: find_tagged gives places in use.
            return Some(unsafe { &*self.entries_at().add(i) });
        }
        self.find_elsewhere(hash, key).map(|place| self.entry(place))
    }

    /// The places in use, in order, whatever kind of leaf it is.
    #[inline(always)]
    pub(super) fn places(self) -> impl Iterator<Item = Place> {
        // A collision leaf has more entries than a set of bits holds.
        let (live, rest) = if self.0.tag() == COLLISION { (0, self.own_len()) } else { (self.live(), 0) };
        bits(live).chain(0..rest)
    }
}

/// How many of the bits set are below bit `place`.
#[inline(always)]
pub(super) fn rank(set: u32, place: Place) -> usize {
    (set & ((1 << place) - 1)).count_ones() as usize
}

/// How many places a leaf must have room for to hold these.
#[inline(always)]
pub(super) fn places(live: u32) -> usize {
    (u32::BITS - live.leading_zeros()) as usize
}

/// These places, and the `n` lowest that are free of them.
#[inline(always)]
pub(super) fn and_lowest_free(places: u32, n: usize) -> u32 {
    (0..n).fold(places, |all, _| all | (all + 1))
}

/// The indices of the bits set.
#[inline(always)]
pub(super) fn bits(mut set: u32) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        if set == 0 {
            return None;
        }
        let i = set.trailing_zeros() as usize;
        set &= set - 1;
        Some(i)
    })
}
