//! Node memory of the RRB vector: kinds, layouts, making and freeing.
//!
//! In: sizes and contents. Out: [`Node`] (owns a count) and [`NodeRef`] (borrows one).
//! Every node begins with the 16-byte [`Header`]; behind the heads below stand
//!
//! | kind | header's own fields | behind the head |
//! |---|---|---|
//! | leaf | len, cap = same elements in front, at the back; extra = room | elements, at [`Rrb::ELEMENTS`] |
//! | strict inner node | len, cap; extra = level, same children in front, at the back | `cap` slots |
//! | relaxed inner node | the same | `cap` ends: the elements up to and with each child, `usize::MAX` where none is; `cap` slots |
//! | spine | extra = the tree's level; a leaf's is 0 | |
//! | stub | | |
//!
//! A node does not know how many elements it holds: who links to it does. So a leaf can be cut short by a link, and
//! grow at its ends while versions share it ([`Edge`]).
//! "Same" counts, with `base`, say what a record may leave out that is written after a copy: `store.rs`.
//! Uses: `link`, `inner`.
#![allow(unsafe_code)] // Node layout: docs/ARCHITECTURE.md, "Unsafe".

use super::inner::Inner;
use crate::link::{Count, Edge, Header, Link, Mark, MarkCell, Origin, Owned, Slot, Tree, Word, each, release};
use alloc::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use alloc::sync::Arc;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ops::Range;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use smallvec::SmallVec;

pub(super) const LEAF: usize = 0;
pub(super) const STRICT: usize = 1;
pub(super) const RELAXED: usize = 2;
pub(super) const SPINE: usize = 3;
pub(super) const STUB: usize = 4;

/// An inner node has up to 2^5 children.
pub(super) const BITS: u32 = 5;
pub(super) const WIDTH: usize = 1 << BITS;
/// Inner nodes that are not at an edge of the tree have so many children at least (V3).
pub(super) const HALF_WIDTH: usize = WIDTH / 2;
/// Bytes of elements in a leaf, if there is a choice.
const LEAF_BYTES: usize = 512;
/// A node has room for so many children or [`WIDTH`], so that a search for an end knows where to look.
pub(super) const FEW: usize = 8;

/// The vector's nodes, as a [`Tree`].
pub(crate) struct Rrb<A, C>(PhantomData<(A, C)>);

/// Owns a count of a node.
pub(crate) type Node<A, C> = Owned<Rrb<A, C>>;
/// Borrows a node.
pub(crate) type NodeRef<'a, A, C> = Link<'a, Rrb<A, C>>;

/// No node: no head, no tree, no tail, an empty vector.
#[inline(always)]
pub(super) fn none<A, C: Count>() -> Node<A, C> {
    Node::plain(0)
}

/// A node, and how many elements of it count.
pub(super) struct Piece<A, C: Count> {
    pub(super) node: Node<A, C>,
    pub(super) len: usize,
}

/// Pieces of one level side by side: two nodes' children and what stands between them.
pub(super) type Pieces<A, C> = SmallVec<[Piece<A, C>; WIDTH + 1]>;

/// So many elements, or children, in front and at the back are those of a node that is stored whole.
#[derive(Clone, Copy)]
pub(super) struct Common {
    pub(super) base: Mark,
    pub(super) front: usize,
    pub(super) back: usize,
}

impl Common {
    pub(super) const NOTHING: Common = Common { base: Mark::NONE, front: 0, back: 0 };
}

/// What a leaf begins with.
#[repr(C)]
pub(super) struct LeafHead {
    pub(super) header: Header,
    /// Where the leaf is stored that this one was copied from.
    pub(super) base: MarkCell,
    /// The elements stand from here ...
    pub(super) first: Edge,
    /// ... to here.
    pub(super) end: Edge,
    /// Which places its own record has: from, and to in the upper half.
    stored: AtomicU32,
}

/// How a leaf is stored, or one that it is a copy of.
pub(super) struct StoredLeaf {
    pub(super) mark: Mark,
    /// What its record is a splice of; or, if it has none, what it would be one of.
    pub(super) base: Mark,
    /// What its record has.
    pub(super) places: Range<usize>,
}

impl StoredLeaf {
    /// True if its record has all elements of the places, and no base.
    pub(super) fn is_whole(&self) -> bool {
        self.mark.is_place() && self.base == Mark::NONE
    }
}

impl LeafHead {
    /// How it is stored; none while a thread sets that.
    pub(super) fn stored(&self) -> Option<StoredLeaf> {
        let with = || (self.base.get(), self.stored_places());
        self.header.mark_with(with).map(|(mark, (base, places))| StoredLeaf { mark, base, places })
    }

    pub(super) fn stored_places(&self) -> Range<usize> {
        let stored = self.stored.load(Relaxed) as usize;
        stored & 0xffff..stored >> 16
    }

    pub(super) fn set_stored_places(&self, places: Range<usize>) {
        self.stored.store((places.start | places.end << 16) as u32, Relaxed)
    }
}

/// What an inner node begins with.
#[repr(C)]
pub(super) struct InnerHead {
    pub(super) header: Header,
    pub(super) origin: Option<Arc<Origin>>,
    /// Where the node is stored that this one was copied from.
    pub(super) base: MarkCell,
}

/// A vector of more than one leaf: a leaf at either end to push to and pop from, and a tree between them.
#[repr(C)]
pub(super) struct SpineHead {
    pub(super) header: Header,
    pub(super) origin: Option<Arc<Origin>>,
    /// A leaf whose elements end at `head_end`; where they begin a version knows.
    pub(super) head: Slot,
    pub(super) tree: Slot,
    /// A leaf whose elements begin at 0; how many they are a version knows.
    pub(super) tail: Slot,
    pub(super) tree_len: usize,
    pub(super) head_end: u32,
    /// What its record has of the leaves at the ends: so many elements in front, and at the back in the upper half.
    stored: AtomicU32,
}

impl SpineHead {
    /// The places of the leaf in front, if a version sees so many of its elements.
    #[inline(always)]
    pub(super) fn places_in_front(&self, len: usize) -> Range<usize> {
        self.head_end as usize - len..self.head_end as usize
    }

    /// How many elements in front, and at the back, its record has.
    pub(super) fn stored_ends(&self) -> (usize, usize) {
        let stored = self.stored.load(Relaxed) as usize;
        (stored & 0xffff, stored >> 16)
    }

    pub(super) fn set_stored_ends(&self, (head, tail): (usize, usize)) {
        self.stored.store((head | tail << 16) as u32, Relaxed)
    }
}

/// Stands for a root that is stored.
#[repr(C)]
pub(super) struct StubHead {
    pub(super) header: Header,
    pub(super) origin: Option<Arc<Origin>>,
    pub(super) root: Slot,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<LeafHead>() == 32 && size_of::<InnerHead>() == 32 && size_of::<SpineHead>() == 64);

impl<A, C> Rrb<A, C> {
    /// Elements of a full leaf: about 512 bytes of them, at least 2.
    pub(super) const LEAF_BITS: u32 = {
        let fit = LEAF_BYTES / if size_of::<A>() == 0 { 1 } else { size_of::<A>() };
        match fit {
            0..4 => 1,
            _ => fit.ilog2(),
        }
    };
    pub(super) const LEAF_MAX: usize = 1 << Self::LEAF_BITS;
    /// Leaves that are not at an edge of the tree have so many elements at least (V3).
    pub(super) const LEAF_HALF: usize = Self::LEAF_MAX / 2;
    /// Where the elements of a leaf begin.
    pub(super) const ELEMENTS: usize = 32usize.next_multiple_of(align_of::<A>());
    const ALIGN: usize = if align_of::<A>() > 16 { align_of::<A>() } else { 16 };

    /// log2 of the elements of a full node of this level; a leaf's is 0.
    #[inline(always)]
    pub(super) const fn full_bits(level: u32) -> u32 {
        let bits = Self::LEAF_BITS + BITS * level;
        // More than a vector can hold: no node is full then.
        if bits < 62 { bits } else { 62 }
    }

    /// log2 of the elements of a full child of a node of this level; of no meaning at level 0.
    #[inline(always)]
    pub(super) const fn child_bits(level: u32) -> u32 {
        (Self::LEAF_BITS + BITS * level).wrapping_sub(BITS)
    }

    /// The elements of a full node of this level.
    #[inline(always)]
    pub(super) const fn full(level: u32) -> usize {
        1 << Self::full_bits(level)
    }

    fn leaf_layout(room: usize) -> Layout {
        let size = Self::ELEMENTS + room * size_of::<A>();
        Layout::from_size_align(size, Self::ALIGN).expect("a leaf fits the address space")
    }

    fn inner_layout(tag: usize, cap: usize) -> Layout {
        let size = size_of::<InnerHead>() + 8 * cap * tag;
        const { assert!(STRICT == 1 && RELAXED == 2, "the tag is the number of tables") };
        Layout::from_size_align(size, 16).expect("small")
    }

    /// Room in a new node for `n` children.
    #[inline(always)]
    pub(super) fn cap(n: usize) -> usize {
        debug_assert!(n <= WIDTH);
        if n <= FEW { FEW } else { WIDTH }
    }

    /// Room in a new leaf for `n` elements: in steps of an eighth, so that what is inserted soon has room, and what is not
    /// wastes little.
    #[inline(always)]
    pub(super) fn room(n: usize) -> usize {
        debug_assert!(n <= Self::LEAF_MAX);
        let step = if Self::LEAF_MAX < 32 { 4.min(Self::LEAF_MAX) } else { Self::LEAF_MAX / 8 };
        n.next_multiple_of(step).max(step)
    }
}

fn memory<T>(layout: Layout) -> NonNull<T> {
    debug_assert!(layout.size() >= size_of::<T>());
    // SAFETY: every layout here is larger than a header.
    let Some(node) = NonNull::new(unsafe { alloc(layout) }.cast::<T>()) else { handle_alloc_error(layout) };
    node
}

// ---- making nodes ----

impl<A, C: Count> Rrb<A, C> {
    /// # Safety
    /// The node is whole, of the kind `tag`, with one count that the caller gives up.
    #[inline(always)]
    unsafe fn own<T>(node: NonNull<T>, tag: usize) -> Node<A, C> {
        // SAFETY: the caller's promise.
        unsafe { Node::from_word(Word::node(node.cast(), tag)) }
    }

    /// A leaf without elements, which will stand from `first` on.
    #[inline]
    pub(super) fn new_leaf(room: usize, first: usize) -> Node<A, C> {
        debug_assert!(room <= Self::LEAF_MAX && first <= room);
        let node = memory::<LeafHead>(Self::leaf_layout(room));
        let mut header = Header::new(0, 0);
        header.extra = room as u16;
        let (first, end) = (Edge::new(first), Edge::new(first));
        // SAFETY: fresh memory, large enough and aligned; with its head a leaf without elements is whole.
        unsafe {
            node.write(LeafHead { header, base: MarkCell::default(), first, end, stored: AtomicU32::new(0) });
            Self::own(node, LEAF)
        }
    }

    /// An inner node without children: what has none is not in a tree yet.
    #[inline]
    pub(super) fn new_inner(tag: usize, level: u32, cap: usize, origin: Option<Arc<Origin>>) -> Node<A, C> {
        debug_assert!(matches!(tag, STRICT | RELAXED) && (1..16).contains(&level) && matches!(cap, FEW | WIDTH));
        let node = memory::<InnerHead>(Self::inner_layout(tag, cap));
        let mut header = Header::new(0, cap as u8);
        header.extra = level as u16;
        // SAFETY: fresh memory, large enough and aligned; with its head a node without children is whole.
        unsafe {
            node.write(InnerHead { header, origin, base: MarkCell::default() });
            if tag == RELAXED {
                let ends = node.as_ptr().add(1).cast::<usize>();
                core::slice::from_raw_parts_mut(ends.cast::<MaybeUninit<usize>>(), cap)
                    .fill(MaybeUninit::new(usize::MAX))
            }
            Self::own(node, tag)
        }
    }

    /// A spine without head, tree and tail.
    pub(super) fn new_spine() -> Node<A, C> {
        let node = memory::<SpineHead>(Layout::new::<SpineHead>().align_to(16).expect("small"));
        let none = || Slot::new(Word::plain(0));
        let header = Header::new(0, 0);
        // SAFETY: fresh memory, large enough and aligned; with its head a spine is whole.
        unsafe {
            node.write(SpineHead {
                header,
                origin: None,
                head: none(),
                tree: none(),
                tail: none(),
                tree_len: 0,
                head_end: 0,
                stored: AtomicU32::new(0),
            });
            Self::own(node, SPINE)
        }
    }

    /// A stub: the stored root of a vector, until it is thawed.
    ///
    /// # Safety
    /// The source of `origin` loads nodes of this tree.
    pub(super) unsafe fn new_stub(stored: Word, origin: Arc<Origin>) -> Node<A, C> {
        let node = memory::<StubHead>(Layout::new::<StubHead>().align_to(16).expect("small"));
        // SAFETY: fresh memory, large enough and aligned.
        unsafe {
            node.write(StubHead { header: Header::new(0, 0), origin: Some(origin), root: Slot::new(stored) });
            Self::own(node, STUB)
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
            let layout = match node.tag() {
                LEAF => Self::leaf_layout(at.as_ref().extra as usize),
                SPINE => Layout::new::<SpineHead>().align_to(16).expect("small"),
                STUB => Layout::new::<StubHead>().align_to(16).expect("small"),
                tag => Self::inner_layout(tag, at.as_ref().cap as usize),
            };
            dealloc(at.as_ptr().cast(), layout)
        }
    }
}

// SAFETY: `free` drops elements, children and origin of each kind above, then the memory.
unsafe impl<A, C: Count> Tree for Rrb<A, C> {
    type Count = C;

    // Recursion is bounded by the height of the tree.
    #[inline(never)]
    unsafe fn free(node: Word) {
        struct Shell<A, C: Count>(Word, PhantomData<Rrb<A, C>>);
        impl<A, C: Count> Drop for Shell<A, C> {
            fn drop(&mut self) {
                // SAFETY: its contents are dropped, or being dropped.
                unsafe { Rrb::<A, C>::free_shell(self.0) }
            }
        }
        // A user's `Drop` may panic: the rest goes all the same.
        let _shell = Shell::<A, C>(node, PhantomData);
        let at = node.pointer(node.tag());
        // SAFETY: nobody else uses the node (the caller's promise), so its contents are ours to drop, one count each.
        unsafe {
            match node.tag() {
                LEAF => {
                    if core::mem::needs_drop::<A>() {
                        let head = at.cast::<LeafHead>().as_ref();
                        let (first, end) = (head.first.get(), head.end.get());
                        let elements = at.as_ptr().byte_add(Self::ELEMENTS).cast::<A>();
                        core::ptr::slice_from_raw_parts_mut(elements.add(first), end - first).drop_in_place()
                    }
                }
                SPINE => {
                    let head = &mut *at.cast::<SpineHead>().as_ptr();
                    let _origin = head.origin.take();
                    release_all::<A, C>([head.head.get(), head.tree.get(), head.tail.get()])
                }
                STUB => {
                    let head = &mut *at.cast::<StubHead>().as_ptr();
                    let _origin = head.origin.take();
                    release::<Self>(head.root.get())
                }
                _ => {
                    let _origin = (*at.cast::<InnerHead>().as_ptr()).origin.take();
                    let inner: Inner<'_, A, C> = Inner::from_word(node);
                    release_all::<A, C>((0..inner.n()).map(|k| inner.word(k)))
                }
            }
        }
    }
}

/// Gives up a count of each; of those behind it too if a user's `Drop` panics. Apart, so that little stack is in use where one
/// vector lies in another.
///
/// # Safety
/// As [`release`].
unsafe fn release_all<A, C: Count>(words: impl IntoIterator<Item = Word>) {
    // SAFETY: the caller's promise.
    each(words.into_iter(), |word| unsafe { release::<Rrb<A, C>>(word) })
}
