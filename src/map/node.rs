//! Node memory of the hash trie: kinds, layouts, making and freeing.
//!
//! In: sizes and contents. Out: [`Node`] (owns a count) and [`NodeRef`] (borrows one), and what kind they are.
//! The layouts, in bytes from the node's start; every node begins with the 16-byte [`Header`]:
//!
//! | kind | header's own fields | 16.. | 24.. | then |
//! |---|---|---|---|---|
//! | inner, 2^b slots | extra = lenders | origin | slots | if it has lenders: lender, own mask (u64) |
//! | overlay | len, cap, extra = own mask, lenders | base | first slot of 8 blocks, then 8 masks | lender at 40, child slots at 48 |
//! | leaf | len, cap, extra = a depth it stood at, or 0 | 16 tags, 0 where no entry is | | entries |
//! | leaf overlay | len, cap, extra = dead mask | base | 4 tags, own places (u16) | entries |
//! | lazy leaf, lazy leaf overlay | as without lazy | | | entries, marks, [`Rest`] |
//! | collision leaf | | len, cap (u32) | | entries |
//! | stub | | origin | one slot | |
//!
//! Entries stand at [`Trie::ENTRIES`]; behind `cap` of them follow their marks, if the type has them.
//!
//! A node made from another *borrows* the children that it takes over: it holds one count of that node, its *lender*,
//! instead of one of each. Its own mask says which children it counts itself. (Counting every sibling is the cost
//! of a persistent write; this way a copy costs one.) The number of lenders in a row is bounded.
//! A word says the kind in its tag, an inner node's b too, so that a lookup does not touch headers.
//! Uses: `link`, `inner`, `lazy`, `leaf`, `overlay`, `id`.
#![allow(unsafe_code)] // Node layout: docs/ARCHITECTURE.md, "Unsafe".

use super::inner::Inner;
use super::lazy::Rest;
use super::leaf::{Leaf, bits};
use super::overlay::{Overlay, slots};
use crate::id::Address;
use crate::link::{Count, Header, Link, Mark, MarkCell, Origin, Owned, STORED, Slot, Tree, Word, each, release};
use alloc::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use alloc::sync::Arc;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use smallvec::SmallVec;

/// Tags 1 to `MOST_BITS` are inner nodes with 2^tag slots.
pub(crate) const MOST_BITS: u32 = 6;
/// With those below it: divided nodes.
pub(super) const OVERLAY: usize = 7;
pub(super) const LEAF: usize = 8;
/// As the leaf and the leaf overlay before it, but some entries may be in the log only.
pub(super) const LAZY_LEAF: usize = 9;
pub(super) const LEAF_OVERLAY: usize = 10;
pub(super) const LAZY_OVERLAY: usize = 11;
pub(super) const COLLISION: usize = 12;
pub(super) const STUB: usize = 13;

/// M1: a prefix with more entries than this is divided.
pub(super) const LEAF_MAX: usize = 15;
/// Entries of a leaf overlay.
pub(super) const LEAF_OVERLAY_MAX: usize = 4;
/// Overrides of an overlay.
pub(super) const OVERLAY_MAX: usize = 7;
/// Nodes of fewer than 2^3 slots are copied instead: that costs as much.
pub(super) const OVERLAY_LEAST: u32 = 3;
/// Room for overrides in a small overlay; the other size is [`OVERLAY_MAX`].
pub(super) const OVERLAY_FEW: usize = 4;
/// Low bits of a hash that a mark has no room for.
pub(super) const HASH_LOST: u32 = Address::SPARE_BITS;
/// Lenders in a row behind a node of 2^bits slots: three quarters of its slots, so that the counting of all children
/// which ends a row costs about one count for each edit in it. What lenders hold beyond what the last borrower
/// shows is memory that a dropped version would have freed, so this is also how many edits' worth of it may stay.
#[inline(always)]
pub(super) fn most_lenders(bits: u32) -> usize {
    const MOST: [u8; MOST_BITS as usize + 1] = {
        let mut most = [OVERLAY_MAX as u8; MOST_BITS as usize + 1];
        let mut bits = 0;
        while bits < most.len() {
            let three_quarters = (3 << bits) / 4;
            if three_quarters > OVERLAY_MAX {
                most[bits] = three_quarters as u8 - 1
            }
            bits += 1
        }
        most
    };
    MOST[bits as usize] as usize
}

/// A hash trie's nodes, as a [`Tree`].
pub(crate) struct Trie<K, V, C>(PhantomData<(K, V, C)>);

/// Owns a count of a node of the trie.
pub(crate) type Node<K, V, C> = Owned<Trie<K, V, C>>;
/// Nodes that an edit has replaced. They are dropped when the map is whole again, its length included: a user's `Drop`
/// may panic.
pub(super) type Gone<K, V, C> = SmallVec<[Node<K, V, C>; 4]>;
/// Borrows a node of the trie.
pub(crate) type NodeRef<'a, K, V, C> = Link<'a, Trie<K, V, C>>;

/// The word of an empty block; its local depth makes it differ from the words beside it.
#[inline(always)]
pub(super) fn empty<K, V, C: Count>(depth: u32) -> Node<K, V, C> {
    Node::plain(depth as usize)
}

/// True for a leaf, lazy or not.
#[inline(always)]
pub(super) fn is_leaf(tag: usize) -> bool {
    tag & !1 == LEAF
}

/// True for a leaf overlay, lazy or not.
#[inline(always)]
pub(super) fn is_leaf_overlay(tag: usize) -> bool {
    tag & !1 == LEAF_OVERLAY
}

/// True for a lazy leaf or leaf overlay: see `lazy`.
#[inline(always)]
pub(super) fn is_lazy(word: Word) -> bool {
    matches!(word.tag(), LAZY_LEAF | LAZY_OVERLAY)
}

/// What a word names, as far as an algorithm must tell apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// Divided: an inner node or an overlay.
    Divided,
    /// No entry, or up to [`LEAF_MAX`] in a leaf or a leaf overlay.
    Leaf,
    /// Entries with one 64-bit hash, more than [`LEAF_MAX`].
    Collision,
    /// In the log only, or a stub: thaw it to know.
    Stored,
}

#[inline(always)]
pub(super) fn form(word: Word) -> Form {
    match word.tag() {
        ..=OVERLAY => Form::Divided,
        COLLISION => Form::Collision,
        STUB | STORED => Form::Stored,
        _ => Form::Leaf,
    }
}

// ---- layouts ----

impl<K, V, C> Trie<K, V, C> {
    const ALIGN: usize = if align_of::<(K, V)>() > 16 { align_of::<(K, V)>() } else { 16 };
    /// Where the entries of a leaf, a leaf overlay or a collision leaf begin.
    pub(super) const ENTRIES: usize = 32usize.next_multiple_of(align_of::<(K, V)>());
    /// Entries that may be stored out of line know their own place in the log: those that own memory or are
    /// larger than 32 bytes.
    pub(super) const HAS_MARKS: bool = core::mem::needs_drop::<(K, V)>() || size_of::<(K, V)>() > 32;

    /// The mark of an entry that is stored nowhere: it carries the upper bits of its hash, so that a split need not
    /// hash the key again.
    #[inline(always)]
    pub(super) fn new_mark(hash: u64) -> MarkCell {
        if Self::HAS_MARKS { MarkCell::new(Mark::nowhere(hash >> HASH_LOST)) } else { MarkCell::default() }
    }

    /// Where the marks behind `cap` entries begin.
    #[inline(always)]
    pub(super) fn marks_at(cap: usize) -> usize {
        (Self::ENTRIES + cap * size_of::<(K, V)>()).next_multiple_of(8)
    }

    #[inline(always)]
    fn entries_layout(cap: usize) -> Layout {
        let size = match Self::HAS_MARKS {
            true => Self::marks_at(cap) + 8 * cap,
            false => Self::ENTRIES + cap * size_of::<(K, V)>(),
        };
        Layout::from_size_align(size, Self::ALIGN).expect("a node's entries fit the address space")
    }

    /// Where the [`Rest`] of a lazy leaf stands.
    #[inline(always)]
    pub(super) fn rest_at(cap: usize) -> usize {
        Self::marks_at(cap) + 8 * cap
    }

    fn lazy_layout(cap: usize) -> Layout {
        Layout::from_size_align(Self::rest_at(cap) + size_of::<Rest>(), Self::ALIGN).expect("a node's entries fit")
    }

    #[inline(always)]
    fn inner_layout(bits: u32, borrows: bool) -> Layout {
        layout(24 + (8 << bits) + if borrows { 16 } else { 0 })
    }

    #[inline(always)]
    fn overlay_layout(cap: usize) -> Layout {
        layout(48 + 8 * cap)
    }
}

#[inline(always)]
fn layout(size: usize) -> Layout {
    const { assert!(size_of::<Header>() == 16 || cfg!(loom)) };
    // A constant alignment and sizes below 2^16: cannot fail.
    Layout::from_size_align(size, 16).expect("small")
}

/// A pointer `offset` bytes into a node.
#[inline(always)]
pub(super) fn field<T>(node: NonNull<Header>, offset: usize) -> *mut T {
    node.as_ptr().wrapping_byte_add(offset).cast()
}

/// Memory for a node, its header written.
#[inline(always)]
fn make(layout: Layout, len: usize, cap: usize) -> NonNull<Header> {
    // SAFETY: every layout here is larger than a header.
    let Some(node) = NonNull::new(unsafe { alloc(layout) }.cast::<Header>()) else { handle_alloc_error(layout) };
    debug_assert!(len < 256 && cap < 256);
    // SAFETY: fresh memory, aligned to 16 and large enough.
    unsafe { node.write(Header::new(len as u8, cap as u8)) };
    node
}

// ---- making nodes ----

impl<K, V, C: Count> Trie<K, V, C> {
    /// # Safety
    /// The node is whole, of the kind `tag`, with one count that the caller gives up.
    #[inline(always)]
    unsafe fn own(node: NonNull<Header>, tag: usize) -> Node<K, V, C> {
        // SAFETY: the caller's promise.
        unsafe { Node::from_word(Word::node(node, tag)) }
    }

    /// A leaf without entries. Leaf tags are all 0: free.
    #[inline(always)]
    pub(super) fn new_leaf(cap: usize) -> Node<K, V, C> {
        debug_assert!(cap <= 16);
        let node = make(Self::entries_layout(cap), 0, cap);
        // SAFETY: bytes 16 to 32 are the tags; with them the leaf is whole.
        unsafe {
            field::<[u64; 2]>(node, 16).write([0; 2]);
            Self::own(node, LEAF)
        }
    }

    /// Notes at which depth below its node a leaf stands, if that is what the node is, and it is ours: a guess that saves
    /// time ([`Inner::leaf_block`]).
    #[inline(always)]
    pub(super) fn note_depth(node: &Node<K, V, C>, depth: u32) {
        if node.word().tag() == LEAF && node.is_exclusive() {
            // SAFETY: exclusive, so nobody else looks.
            unsafe { node.word().pointer(LEAF).as_mut().extra = depth as u16 }
        }
    }

    /// A leaf overlay without entries over `base`, whose entries in `dead` do not count.
    pub(super) fn new_leaf_overlay(base: Node<K, V, C>, dead: u16, cap: usize) -> Node<K, V, C> {
        debug_assert!(is_leaf(base.word().tag()) && cap <= LEAF_OVERLAY_MAX);
        let mut node = make(Self::entries_layout(cap), 0, cap);
        // SAFETY: bytes 16 to 32 are base and tags; with them the overlay is whole.
        unsafe {
            node.as_mut().extra = dead;
            field::<Word>(node, 16).write(base.into_word());
            field::<u64>(node, 24).write(0);
            Self::own(node, LEAF_OVERLAY)
        }
    }

    /// A leaf without entries, which are read when they are looked up (see `lazy`), with the tag and the mark of each
    /// place; or a leaf overlay over a base with this dead mask and these own places.
    pub(super) fn new_lazy(
        tags: &[u8],
        marks: &[Mark],
        base: Option<(Node<K, V, C>, u16, u16)>,
        origin: Arc<Origin>,
    ) -> Node<K, V, C> {
        let cap = tags.len();
        debug_assert!(Self::HAS_MARKS && marks.len() == cap && cap <= LEAF_MAX);
        let mut node = make(Self::lazy_layout(cap), tags.iter().filter(|&&tag| tag != 0).count(), cap);
        // SAFETY: all that is written lies within the layout: 16 to 32 as a leaf or a leaf overlay has it, marks behind the
        // room for entries, the rest behind them. With them the node is whole but for its entries, which `Rest` knows.
        unsafe {
            field::<[u64; 2]>(node, 16).write([0; 2]);
            let (tags_at, kind) = match base {
                None => (16, LAZY_LEAF),
                Some((base, dead, own)) => {
                    node.as_mut().extra = dead;
                    field::<Word>(node, 16).write(base.into_word());
                    field::<u16>(node, 28).write(own);
                    (24, LAZY_OVERLAY)
                }
            };
            field::<u8>(node, tags_at).copy_from_nonoverlapping(tags.as_ptr(), cap);
            for (i, &mark) in marks.iter().enumerate() {
                field::<MarkCell>(node, Self::marks_at(cap)).add(i).write(MarkCell::new(mark))
            }
            field::<Rest>(node, Self::rest_at(cap)).write(Rest::new(origin));
            Self::own(node, kind)
        }
    }

    /// A collision leaf without entries.
    pub(super) fn new_collision(cap: u32) -> Node<K, V, C> {
        let node = make(Self::entries_layout(cap as usize), 0, 0);
        // SAFETY: bytes 16 to 24 are len and cap; with them the node is whole.
        unsafe {
            field::<[u32; 2]>(node, 16).write([0, cap]);
            Self::own(node, COLLISION)
        }
    }

    /// An inner node with these words in its slots, a power of two of them.
    ///
    /// # Safety
    /// They are valid words of this tree in aligned runs, one count for each run.
    /// Stored words among them are of `origin`, whose source loads nodes of this tree (L8).
    #[inline(always)]
    pub(super) unsafe fn new_inner(words: &[Word], origin: Option<Arc<Origin>>) -> Node<K, V, C> {
        let bits = words.len().trailing_zeros();
        debug_assert!((1..=MOST_BITS).contains(&bits) && words.len().is_power_of_two());
        let node = make(Self::inner_layout(bits, false), 0, 0);
        // SAFETY: origin and slots lie within the layout; with them the node is whole. A slot is a word in an atomic.
        unsafe {
            field::<Option<Arc<Origin>>>(node, 16).write(origin);
            field::<Word>(node, 24).copy_from_nonoverlapping(words.as_ptr(), words.len());
            Self::own(node, bits as usize)
        }
    }

    /// As [`new_inner`](Self::new_inner), but the node borrows the blocks that are not in `own` (a bit for each slot)
    /// from `lender`.
    ///
    /// # Safety
    /// As [`new_inner`](Self::new_inner), but one count only for each run in `own`; `lender` keeps the others alive.
    #[inline(always)]
    pub(super) unsafe fn new_borrower(
        words: &[Word],
        origin: Option<Arc<Origin>>,
        lender: Node<K, V, C>,
        lenders: usize,
        own: u64,
    ) -> Node<K, V, C> {
        debug_assert!((1..=most_lenders(words.len().trailing_zeros())).contains(&lenders));
        let bits = words.len().trailing_zeros();
        let mut node = make(Self::inner_layout(bits, true), 0, 0);
        // SAFETY: origin, slots, lender and mask lie within the layout; with them the node is whole.
        unsafe {
            node.as_mut().extra = lenders as u16;
            field::<Option<Arc<Origin>>>(node, 16).write(origin);
            field::<Word>(node, 24).copy_from_nonoverlapping(words.as_ptr(), words.len());
            field::<Word>(node, 24 + 8 * words.len()).write(lender.into_word());
            field::<u64>(node, 32 + 8 * words.len()).write(own);
            Self::own(node, bits as usize)
        }
    }

    /// An overlay without overrides, with room for `cap` at least, over the inner node `base`, which `lender` keeps
    /// alive: the base itself, or another overlay over it.
    ///
    /// # Safety
    /// `lender` does keep `base` alive.
    pub(super) unsafe fn new_overlay(base: Word, lender: Node<K, V, C>, lenders: usize, cap: usize) -> Node<K, V, C> {
        debug_assert!(
            base.tag() <= MOST_BITS as usize && cap <= OVERLAY_MAX && lenders <= most_lenders(base.tag() as u32)
        );
        // Two sizes, so that a copy is one or the other and memory is used again.
        let cap = if cap <= OVERLAY_FEW { OVERLAY_FEW } else { OVERLAY_MAX };
        let mut node = make(Self::overlay_layout(cap), 0, cap);
        // SAFETY: bytes 16 to 48 are base, first slots, masks and lender; with them the overlay is whole. A mask of
        // 255 over a first slot of 255 covers no slot.
        unsafe {
            node.as_mut().extra = (lenders as u16) << 8;
            field::<Word>(node, 16).write(base);
            field::<[u64; 2]>(node, 24).write([u64::MAX; 2]);
            field::<Word>(node, 40).write(lender.into_word());
            Self::own(node, OVERLAY)
        }
    }

    /// An overlay without overrides that holds its base itself.
    pub(super) fn new_overlay_over(base: Inner<'_, K, V, C>, cap: usize) -> Node<K, V, C> {
        // SAFETY: the overlay owns a count of its base.
        unsafe { Self::new_overlay(base.word(), base.to_owned(), base.lenders() + 1, cap) }
    }

    /// A stub: the stored root of a map, until it is thawed.
    ///
    /// # Safety
    /// The source of `origin` loads nodes of this tree.
    pub(super) unsafe fn new_stub(stored: Word, origin: Arc<Origin>) -> Node<K, V, C> {
        let node = make(Self::inner_layout(0, false), 0, 0);
        // SAFETY: origin and slot lie within the layout; with them the stub is whole.
        unsafe {
            field::<Option<Arc<Origin>>>(node, 16).write(Some(origin));
            field::<Slot>(node, 24).write(Slot::new(stored));
            Self::own(node, STUB)
        }
    }

    /// More room in an exclusive leaf or leaf overlay.
    #[inline]
    pub(super) fn grow(leaf: &mut Node<K, V, C>, cap: usize) {
        debug_assert!(leaf.is_exclusive() && matches!(leaf.word().tag(), LEAF | LEAF_OVERLAY));
        let tag = leaf.word().tag();
        let old = leaf.word().pointer(tag);
        // New memory and a copy: that takes the allocator's short way, as `realloc` does not.
        // SAFETY: exclusive, so nobody else sees the contents move; the layouts are those of the two capacities; the old
        // word is forgotten, not dropped. Marks stand behind the room.
        unsafe {
            let was = old.as_ref().cap as usize;
            debug_assert!(cap > was && cap <= 16);
            let mut node = make(Self::entries_layout(cap), 0, cap);
            let bytes = Self::ENTRIES + was * size_of::<(K, V)>();
            node.cast::<u8>().copy_from_nonoverlapping(old.cast(), bytes);
            (node.as_mut().cap, node.as_mut().extra) = (cap as u8, old.as_ref().extra);
            if Self::HAS_MARKS {
                let from = field::<MaybeUninit<MarkCell>>(old, Self::marks_at(was));
                from.copy_to_nonoverlapping(field(node, Self::marks_at(cap)), was);
            }
            dealloc(old.as_ptr().cast(), Self::entries_layout(was));
            let old = core::mem::replace(leaf, Self::own(node, tag));
            let _ = old.into_word();
        }
    }

    /// Gives back the memory of a node whose contents have moved elsewhere.
    ///
    /// # Safety
    /// `node` is not used again, and what it owned is owned by others now.
    pub(super) unsafe fn free_shell(node: Word) {
        let at = node.pointer(node.tag());
        // SAFETY: the layouts are those the kinds are made with.
        unsafe {
            let cap = at.as_ref().cap as usize;
            let layout = match node.tag() {
                LEAF | LEAF_OVERLAY => Self::entries_layout(cap),
                LAZY_LEAF | LAZY_OVERLAY => Self::lazy_layout(cap),
                COLLISION => Self::entries_layout((*field::<[u32; 2]>(at, 16))[1] as usize),
                OVERLAY => Self::overlay_layout(cap),
                STUB => Self::inner_layout(0, false),
                bits => Self::inner_layout(bits as u32, at.as_ref().extra != 0),
            };
            dealloc(at.as_ptr().cast(), layout)
        }
    }
}

// SAFETY: `free` drops entries, children, base and origin of each kind above, then the memory.
unsafe impl<K, V, C: Count> Tree for Trie<K, V, C> {
    type Count = C;

    #[inline(never)]
    unsafe fn free(node: Word) {
        struct Shell<K, V, C: Count>(Word, PhantomData<Trie<K, V, C>>);
        impl<K, V, C: Count> Drop for Shell<K, V, C> {
            fn drop(&mut self) {
                // SAFETY: its contents are dropped, or being dropped.
                unsafe { Trie::<K, V, C>::free_shell(self.0) }
            }
        }
        // A user's `Drop` may panic: the rest goes all the same.
        let _shell = Shell::<K, V, C>(node, PhantomData);
        let at = node.pointer(node.tag());
        // SAFETY: nobody else uses the node (the caller's promise), so its contents are ours to drop.
        // Children are released through the first slot of their run: one count each.
        let release = |word| unsafe { release::<Self>(word) };
        // SAFETY: as above.
        unsafe {
            match node.tag() {
                LEAF => drop_those::<K, V, C>(at, Leaf::<K, V, C>::new(NodeRef::from_word(node)).live()),
                LEAF_OVERLAY => {
                    let _base = Node::<K, V, C>::from_word(*field::<Word>(at, 16));
                    drop_entries::<K, V, C>(at, at.as_ref().len as usize)
                }
                tag @ (LAZY_LEAF | LAZY_OVERLAY) => {
                    let rest = field::<Rest>(at, Self::rest_at(at.as_ref().cap as usize)).read();
                    let _base = (tag == LAZY_OVERLAY).then(|| Node::<K, V, C>::from_word(*field::<Word>(at, 16)));
                    drop_those::<K, V, C>(at, rest.there())
                }
                COLLISION => drop_entries::<K, V, C>(at, (*field::<[u32; 2]>(at, 16))[0] as usize),
                OVERLAY => {
                    let overlay: Overlay<'_, K, V, C> = Overlay::from_word(node);
                    let own = (0..overlay.len()).filter(|&j| overlay.owns(j)).map(|j| overlay.slot(j).get());
                    each(own.chain([overlay.lender()]), release)
                }
                _ => {
                    let origin = field::<Option<Arc<Origin>>>(at, 16);
                    match node.tag() {
                        STUB => release((*field::<Slot>(at, 24)).get()),
                        _ => free_children(Inner::<K, V, C>::from_word(node), release),
                    }
                    origin.drop_in_place()
                }
            }
        }
    }
}

/// Gives back what an inner node counts, its lender last.
fn free_children<K, V, C: Count>(inner: Inner<'_, K, V, C>, release: impl Fn(Word)) {
    let (lender, own) = inner.loan().unzip();
    let (mut own, words) = (own.unwrap_or_else(|| slots(0, inner.bits())), inner.slots());
    let children = core::iter::from_fn(|| {
        while own != 0 {
            let child = words[own.trailing_zeros() as usize].get();
            own &= own - 1;
            // What never thawed is no node.
            if child.is_node() {
                while own != 0 && words[own.trailing_zeros() as usize].get() == child {
                    own &= own - 1
                }
                return Some(child);
            }
        }
        None
    });
    each(children.chain(lender), release)
}

/// # Safety
/// The node has `len` entries, which nobody uses again.
#[inline(always)]
unsafe fn drop_entries<K, V, C>(at: NonNull<Header>, len: usize) {
    if core::mem::needs_drop::<(K, V)>() {
        // SAFETY: the caller's promise.
        unsafe {
            core::ptr::slice_from_raw_parts_mut(field::<(K, V)>(at, Trie::<K, V, C>::ENTRIES), len).drop_in_place()
        }
    }
}

/// Drops these entries of a leaf, by place, or of a lazy leaf overlay, by index.
///
/// # Safety
/// They are there, and nobody uses them again.
unsafe fn drop_those<K, V, C>(at: NonNull<Header>, which: u32) {
    if core::mem::needs_drop::<(K, V)>() {
        let entries = field::<(K, V)>(at, Trie::<K, V, C>::ENTRIES);
        // SAFETY: the caller's promise.
        each(bits(which), |i| unsafe { entries.wrapping_add(i).drop_in_place() })
    }
}
