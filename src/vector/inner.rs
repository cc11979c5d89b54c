//! Inner nodes: which child an element is in, and children changed in place.
//!
//! A strict node's children are full but for the last, so that an index is cut into digits; a relaxed node says where
//! each child ends.
//!
//! In: a node, its level, and how many elements it holds (who links to it knows). Out: children, as [`Tree`]s.
//! Must hold: V2 (ends grow, the last is the node's length; a strict node's children are full but for the last), L1, L3,
//! L8 (stored children have the node's origin).
//! Uses: `link`, `node`, `revive`, `error`.
#![allow(unsafe_code)] // Node layout: docs/ARCHITECTURE.md, "Unsafe".

use super::node::*;
use super::revive::load;
use crate::error::Result;
use crate::link::{Count, Header, Mark, Origin, Slot, Word};
use alloc::sync::Arc;
use core::marker::PhantomData;
use core::ptr::NonNull;

/// A node in its place: at this level (a leaf is at 0), with so many elements.
pub(super) struct Tree<'a, A, C: Count> {
    pub(super) node: NodeRef<'a, A, C>,
    pub(super) level: u32,
    pub(super) len: usize,
}

impl<A, C: Count> Clone for Tree<'_, A, C> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<A, C: Count> Copy for Tree<'_, A, C> {}

/// Borrows an inner node.
pub(super) struct Inner<'a, A, C: Count>(Word, PhantomData<NodeRef<'a, A, C>>);

impl<A, C: Count> Clone for Inner<'_, A, C> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<A, C: Count> Copy for Inner<'_, A, C> {}

impl<'a, A, C: Count> Inner<'a, A, C> {
    #[inline(always)]
    pub(super) fn new(node: NodeRef<'a, A, C>) -> Self {
        // SAFETY: the node lives for 'a; its tag is looked at there.
        unsafe { Self::from_word(node.word()) }
    }

    /// # Safety
    /// The word names an inner node of this tree that lives for `'a`.
    #[inline(always)]
    pub(super) unsafe fn from_word(word: Word) -> Self {
        debug_assert!(matches!(word.tag(), STRICT | RELAXED));
        Inner(word, PhantomData)
    }

    #[inline(always)]
    fn at(self) -> NonNull<InnerHead> {
        self.0.pointer(self.0.tag()).cast()
    }

    #[inline(always)]
    pub(super) fn head(self) -> &'a InnerHead {
        // SAFETY: the node lives for 'a.
        unsafe { self.at().as_ref() }
    }

    #[inline(always)]
    pub(super) fn is_relaxed(self) -> bool {
        self.0.tag() == RELAXED
    }

    /// How many children there are.
    #[inline(always)]
    pub(super) fn n(self) -> usize {
        self.head().header.len as usize
    }

    #[inline(always)]
    pub(super) fn cap(self) -> usize {
        self.head().header.cap as usize
    }

    #[inline(always)]
    pub(super) fn level(self) -> u32 {
        self.head().header.extra as u32 & 15
    }

    /// Where it is stored, and what of: a base that its record is a splice of, or would be one of. None while a thread sets
    /// that.
    pub(super) fn stored(self) -> Option<(Mark, Mark)> {
        self.head().header.mark_with(|| self.head().base.get())
    }

    /// What the children have in common with those of a node that is stored with all its children.
    pub(super) fn common(self) -> Common {
        self.stored().map_or(Common::NOTHING, |(mark, base)| self.common_with(mark, base))
    }

    /// The same if this is how it is stored.
    pub(super) fn common_with(self, mark: Mark, base: Mark) -> Common {
        if mark.is_place() && base == Mark::NONE {
            return Common { base: mark, front: self.n(), back: self.n() };
        }
        let (front, back) = self.same();
        Common { base, front, back }
    }

    /// How many children in front, and at the back, are as in the base.
    fn same(self) -> (usize, usize) {
        let same = self.head().header.extra as usize >> 4;
        (same & 63, same >> 6)
    }

    #[inline(always)]
    pub(super) fn origin(self) -> Option<&'a Arc<Origin>> {
        self.head().origin.as_ref()
    }

    #[inline(always)]
    fn slots(self) -> *mut Slot {
        let ends = if self.is_relaxed() { self.cap() } else { 0 };
        self.tables().wrapping_add(ends).cast()
    }

    /// # Safety
    /// The node is relaxed.
    #[inline(always)]
    unsafe fn ends_at(self) -> *mut usize {
        debug_assert!(self.is_relaxed());
        self.tables()
    }

    /// What stands behind the head: ends, if there are some, and slots.
    #[inline(always)]
    fn tables(self) -> *mut usize {
        self.at().as_ptr().wrapping_byte_add(size_of::<InnerHead>()).cast()
    }

    /// Where each child ends, if the node is relaxed.
    #[inline(always)]
    pub(super) fn ends(self) -> Option<&'a [usize]> {
        // SAFETY: a relaxed node has `n` ends, which do not change while it is borrowed.
        self.is_relaxed().then(|| unsafe { core::slice::from_raw_parts(self.ends_at(), self.n()) })
    }

    #[inline(always)]
    pub(super) fn slot(self, k: usize) -> &'a Slot {
        debug_assert!(k < self.n());
        // SAFETY: an inner node has `n` slots and lives for 'a.
        unsafe { &*self.slots().add(k) }
    }

    /// The word of child `k`, not thawed.
    #[inline(always)]
    pub(super) fn word(self, k: usize) -> Word {
        self.slot(k).get()
    }

    /// Where child `k` of a node of this level begins; `k` may be one too many in a relaxed node.
    #[inline(always)]
    pub(super) fn start(self, level: u32, k: usize) -> usize {
        match self.ends() {
            _ if k == 0 => 0,
            Some(ends) => ends[k - 1],
            None => k << Rrb::<A, C>::full_bits(level - 1),
        }
    }

    /// How many elements child `k` has.
    #[inline(always)]
    pub(super) fn size(self, level: u32, len: usize, k: usize) -> usize {
        let end = match self.ends() {
            Some(ends) => ends[k],
            None if k + 1 == self.n() => len,
            None => (k + 1) << Rrb::<A, C>::full_bits(level - 1),
        };
        end - self.start(level, k)
    }

    /// The child with element `i`, and what number the element has there.
    #[inline(always)]
    pub(super) fn find(self, level: u32, i: usize) -> (usize, usize) {
        self.find_by(Rrb::<A, C>::full_bits(level - 1), i)
    }

    /// The same in a node whose children have up to 2^bits elements.
    #[inline(always)]
    pub(super) fn find_by(self, bits: u32, i: usize) -> (usize, usize) {
        if !self.is_relaxed() {
            return (i.wrapping_shr(bits), i & !usize::MAX.wrapping_shl(bits));
        }
        // SAFETY: there is room for `cap` ends, and all of it is filled (V2).
        unsafe {
            let ends = self.ends_at();
            let k = child_of(ends, self.cap() > FEW, i);
            (k, if k == 0 { i } else { i - *ends.add(k - 1) })
        }
    }

    /// Child `k`, thawed if it is stored.
    #[inline(always)]
    pub(super) fn child(self, level: u32, len: usize, k: usize) -> Result<Tree<'a, A, C>> {
        let word = self.word(k);
        let len = self.size(level, len, k);
        let word = if word.is_stored() { self.thaw(level, len, k, word)? } else { word };
        // SAFETY: the slot holds a word of this tree and its count; it keeps them while the node lives (L3).
        Ok(Tree { node: unsafe { NodeRef::from_word(word) }, level: level - 1, len })
    }

    #[cold]
    #[inline(never)]
    fn thaw(self, level: u32, len: usize, k: usize, stored: Word) -> Result<Word> {
        self.slot(k).thaw::<Rrb<A, C>>(stored, || load(stored, self.origin(), level - 1, 0..len))
    }
}

/// The first child that ends behind element `i`, which is in one of them; the unused ends are `usize::MAX`. Without
/// branches on the ends, as nobody could predict them: first which group, then where in it.
///
/// # Safety
/// There are [`WIDTH`] ends if they are `many`, else [`FEW`].
#[inline(always)]
unsafe fn child_of(ends: *const usize, many: bool, i: usize) -> usize {
    // SAFETY: the caller's promise.
    let is_before = |k: usize| unsafe { *ends.add(k) <= i };
    let mut k = 0;
    if many {
        k = is_before(FEW - 1) as usize + is_before(2 * FEW - 1) as usize + is_before(3 * FEW - 1) as usize;
        k *= FEW
    }
    // Two sums of different types: side by side, where one would be a chain.
    let lower: u32 = (0..FEW / 2).map(|n| is_before(k + n) as u32).sum();
    let upper: usize = (FEW / 2..FEW).map(|n| is_before(k + n) as usize).sum();
    k + lower as usize + upper
}

/// An exclusive inner node of this level.
pub(super) struct InnerMut<'a, A, C: Count> {
    node: &'a mut Node<A, C>,
    level: u32,
}

impl<'a, A, C: Count> InnerMut<'a, A, C> {
    /// The node, which holds `len` elements, made exclusive: copied if it is shared.
    #[inline]
    pub(super) fn own(node: &'a mut Node<A, C>, level: u32, len: usize) -> Self {
        if !node.is_exclusive() {
            let inner = Inner::new(node.link());
            *node = moved_or_copied(inner, level, len, false, inner.n(), true)
        }
        InnerMut { node, level }
    }

    /// The same, with the ends of its children if `relaxed`, and room for so many of them.
    #[inline]
    pub(super) fn own_with(node: &'a mut Node<A, C>, level: u32, len: usize, relaxed: bool, room: usize) -> Self {
        let inner = Inner::new(node.link());
        let exclusive = node.is_exclusive();
        if !exclusive || (relaxed && !inner.is_relaxed()) || inner.cap() < room {
            let new = moved_or_copied(inner, level, len, relaxed, room.max(inner.n()), !exclusive);
            let old = core::mem::replace(node, new);
            if exclusive {
                // SAFETY: its children are the new node's; only the origin is still its own.
                unsafe {
                    let word = old.into_word();
                    word.pointer(word.tag()).cast::<InnerHead>().as_mut().origin = None;
                    Rrb::<A, C>::free_shell(word)
                }
            }
        }
        InnerMut { node, level }
    }

    /// The node, which is exclusive and of this level.
    pub(super) fn of_level(node: &'a mut Node<A, C>, level: u32) -> Self {
        debug_assert!(node.is_exclusive());
        InnerMut { node, level }
    }

    #[inline(always)]
    pub(super) fn get(&self) -> Inner<'_, A, C> {
        Inner::new(self.node.link())
    }

    #[inline(always)]
    fn header(&mut self) -> &mut Header {
        let mut at = self.get().at();
        // SAFETY: exclusive, and borrowed mutably.
        unsafe { &mut at.as_mut().header }
    }

    fn ends_mut(&mut self) -> Option<&mut [usize]> {
        let inner = self.get();
        let n = inner.n();
        // SAFETY: exclusive, and borrowed mutably; a relaxed node has `n` ends.
        inner.is_relaxed().then(|| unsafe { core::slice::from_raw_parts_mut(inner.ends_at(), n) })
    }

    /// Children `k..k + removed` will be replaced, or something in them.
    #[inline(always)]
    fn touch(&mut self, k: usize, removed: usize) {
        let (front, back) = self.get().same();
        let n = self.get().n();
        self.set_same(front.min(k), back.min(n - k - removed))
    }

    /// Notes what the children have in common with those of a stored node.
    pub(super) fn set_base(&mut self, common: Common) {
        self.get().head().base.set(common.base);
        self.set_same(common.front, common.back)
    }

    #[inline(always)]
    fn set_same(&mut self, front: usize, back: usize) {
        let level = self.level;
        self.header().extra = (level as usize | front << 4 | back << 10) as u16
    }

    /// Child `k`, to be changed.
    #[inline(always)]
    pub(super) fn child_mut(&mut self, k: usize) -> &mut Node<A, C> {
        self.touch(k, 1);
        let place = self.get().slot(k).place();
        // SAFETY: exclusive and borrowed mutably, so the slot is ours to change; it holds one count, as an `Owned` does,
        // and has its layout.
        unsafe { &mut *place.cast() }
    }

    /// The same, for as long as the node is borrowed.
    #[inline(always)]
    pub(super) fn into_child(mut self, k: usize) -> &'a mut Node<A, C> {
        let child: *mut Node<A, C> = self.child_mut(k);
        // SAFETY: `self` borrows the node for 'a and ends here.
        unsafe { &mut *child }
    }

    /// Children `k` and `k + 1`, to be changed.
    pub(super) fn two_mut(&mut self, k: usize) -> (&mut Node<A, C>, &mut Node<A, C>) {
        let second: *mut Node<A, C> = self.child_mut(k + 1);
        // SAFETY: two slots, and the node is borrowed mutably for both.
        (self.child_mut(k), unsafe { &mut *second })
    }

    /// So many elements more in child `k`.
    #[inline(always)]
    pub(super) fn add(&mut self, k: usize, more: usize) {
        if let Some(ends) = self.ends_mut() {
            ends[k..].iter_mut().for_each(|end| *end += more)
        }
    }

    /// So many elements less in child `k`.
    #[inline(always)]
    pub(super) fn sub(&mut self, k: usize, less: usize) {
        if let Some(ends) = self.ends_mut() {
            ends[k..].iter_mut().for_each(|end| *end -= less)
        }
    }

    /// Moves `n` elements over the border from child `k` to child `k + 1`.
    pub(super) fn shift_up(&mut self, k: usize, n: usize) {
        self.ends_mut().expect("relaxed")[k] -= n
    }

    /// Moves `n` elements over the border from child `k + 1` to child `k`.
    pub(super) fn shift_down(&mut self, k: usize, n: usize) {
        self.ends_mut().expect("relaxed")[k] += n
    }

    /// Puts a child before the one numbered `k`. There is room; a strict node stays one (the caller's care).
    pub(super) fn insert(&mut self, k: usize, piece: Piece<A, C>) {
        let (n, inner) = (self.get().n(), self.get());
        assert!(k <= n && n < inner.cap());
        let ends = inner.is_relaxed();
        // SAFETY: exclusive, and there is room: all from `k` moves up by one; the count goes into the slot.
        unsafe {
            let at = inner.slots().add(k);
            at.copy_to(at.add(1), n - k);
            at.write(Slot::new(piece.node.into_word()));
            if ends {
                let at = inner.ends_at().add(k);
                at.copy_to(at.add(1), n - k);
                at.write(if k == 0 { 0 } else { *at.sub(1) })
            }
        }
        self.touch(k, 0);
        self.header().len += 1;
        self.add(k, piece.len)
    }

    /// Takes child `k` out, which has so many elements.
    pub(super) fn remove(&mut self, k: usize, len: usize) -> Node<A, C> {
        self.touch(k, 1);
        self.sub(k, len);
        let (n, inner) = (self.get().n(), self.get());
        // SAFETY: exclusive; all behind `k` moves down by one; the count goes to the caller.
        let node = unsafe {
            let at = inner.slots().add(k);
            let node = Node::from_word((*at).get());
            at.copy_from(at.add(1), n - k - 1);
            if inner.is_relaxed() {
                let at = inner.ends_at().add(k);
                at.copy_from(at.add(1), n - k - 1);
                inner.ends_at().add(n - 1).write(usize::MAX)
            }
            node
        };
        self.header().len -= 1;
        node
    }

    /// Takes the children out from number `k` on.
    pub(super) fn drain(mut self, len: usize, k: usize) -> Pieces<A, C> {
        let (n, level) = (self.get().n(), self.level);
        self.touch(k, n - k);
        let inner = self.get();
        // SAFETY: the counts go to the caller; the node forgets these children.
        let piece = |k| unsafe { Piece { node: Node::from_word(inner.word(k)), len: inner.size(level, len, k) } };
        let pieces = (k..n).map(piece).collect();
        if let Some(ends) = self.ends_mut() {
            ends[k..].fill(usize::MAX)
        }
        self.header().len = k as u8;
        pieces
    }
}

/// A new inner node with the children of `inner`, and with ends if it has some or `relaxed`. They are counted, or else
/// moved.
#[inline(never)]
fn moved_or_copied<A, C: Count>(
    inner: Inner<'_, A, C>,
    level: u32,
    len: usize,
    relaxed: bool,
    room: usize,
    counted: bool,
) -> Node<A, C> {
    let relaxed = relaxed || inner.is_relaxed();
    let n = inner.n();
    let cap = Rrb::<A, C>::cap(room);
    let mut node = Rrb::new_inner(if relaxed { RELAXED } else { STRICT }, level, cap, inner.origin().cloned());
    let mut new = InnerMut { node: &mut node, level };
    let to = new.get();
    for k in 0..n {
        let word = inner.word(k);
        // SAFETY: the new node has room; the count is its own, or was the old one's. The very word that goes into the
        // node is counted: read again, one that was stored may have been thawed.
        unsafe {
            if counted {
                core::mem::forget(NodeRef::<A, C>::from_word(word).to_owned())
            }
            to.slots().add(k).write(Slot::new(word))
        }
    }
    if relaxed {
        for k in 0..n {
            // SAFETY: as above.
            unsafe { to.ends_at().add(k).write(inner.start(level, k) + inner.size(level, len, k)) }
        }
    }
    new.header().len = n as u8;
    new.set_base(inner.common());
    node
}

/// An inner node of these children, one at least; strict if they allow it. Stored ones are of this origin.
pub(super) fn node_of<A, C: Count>(level: u32, pieces: Pieces<A, C>, origin: Option<Arc<Origin>>) -> Node<A, C> {
    let n = pieces.len();
    debug_assert!((1..=WIDTH).contains(&n));
    let is_strict = pieces[..n - 1].iter().all(|piece| piece.len == Rrb::<A, C>::full(level - 1));
    let cap = Rrb::<A, C>::cap(n);
    let mut node = Rrb::new_inner(if is_strict { STRICT } else { RELAXED }, level, cap, origin);
    let mut new = InnerMut { node: &mut node, level };
    for (k, piece) in pieces.into_iter().enumerate() {
        new.insert(k, piece)
    }
    node
}

/// The children of a node: moved out if it is ours, else counted.
pub(super) fn into_pieces<A, C: Count>(mut node: Node<A, C>, level: u32, len: usize) -> Pieces<A, C> {
    if node.is_exclusive() {
        return InnerMut { node: &mut node, level }.drain(len, 0);
    }
    let inner = Inner::new(node.link());
    // SAFETY: the child lives while its parent does.
    let owned = |k| unsafe { NodeRef::from_word(inner.word(k)) }.to_owned();
    (0..inner.n()).map(|k| Piece { node: owned(k), len: inner.size(level, len, k) }).collect()
}

/// Makes the children of these nodes fit into one: those that are stored elsewhere than those of the first node with an
/// origin are thawed (L8). Gives that origin.
pub(super) fn mixed<'a, A: 'a, C: Count>(
    nodes: impl IntoIterator<Item = Tree<'a, A, C>>,
) -> Result<Option<Arc<Origin>>> {
    let mut first: Option<&Arc<Origin>> = None;
    for tree in nodes {
        let inner = Inner::new(tree.node);
        match (first, inner.origin()) {
            (None, origin) => first = origin,
            (Some(one), Some(other)) if !Arc::ptr_eq(one, other) => {
                count!(MixedOrigins);
                for k in 0..inner.n() {
                    inner.child(tree.level, tree.len, k)?;
                }
            }
            _ => {}
        }
    }
    Ok(first.cloned())
}
