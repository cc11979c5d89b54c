//! Spines: a leaf at either end of a tree.
//!
//! In: a spine. Out: its three parts, read, or owned and changed in place.
//! Must hold: V4, L1, L3, L8.
//! Uses: `link`, `node`, `inner`, `ends`, `revive`, `error`.
#![allow(unsafe_code)] // Node layout: docs/ARCHITECTURE.md, "Unsafe".

use super::ends::Ends;
use super::inner::*;
use super::node::*;
use super::revive::load;
use crate::error::Result;
use crate::link::{Count, Origin, Slot};
use alloc::sync::Arc;
use core::marker::PhantomData;
use core::ops::Range;

/// Which end of a vector.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    Front,
    Back,
}

/// Borrows a spine.
pub(super) struct Spine<'a, A, C: Count>(&'a SpineHead, PhantomData<NodeRef<'a, A, C>>);

impl<A, C: Count> Clone for Spine<'_, A, C> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<A, C: Count> Copy for Spine<'_, A, C> {}

impl<'a, A, C: Count> Spine<'a, A, C> {
    #[inline(always)]
    pub(super) fn new(node: NodeRef<'a, A, C>) -> Self {
        // SAFETY: a spine lives for 'a.
        Spine(unsafe { node.word().pointer(SPINE).cast().as_ref() }, PhantomData)
    }

    #[inline(always)]
    pub(super) fn head(self) -> &'a SpineHead {
        self.0
    }

    /// The tree's level; a leaf's is 0.
    #[inline(always)]
    pub(super) fn level(self) -> u32 {
        self.0.header.extra as u32
    }

    #[inline(always)]
    fn thawed(self, slot: &'a Slot, level: u32, places: Range<usize>) -> Result<NodeRef<'a, A, C>> {
        let word = slot.get();
        let word = match word.is_stored() {
            true => slot.thaw::<Rrb<A, C>>(word, || load(word, self.0.origin.as_ref(), level, places))?,
            false => word,
        };
        // SAFETY: the slot holds a word of this tree and its count; it keeps them while the spine lives (L3).
        Ok(unsafe { NodeRef::from_word(word) })
    }

    /// The leaf in front, of which a version sees `len` elements.
    #[inline(always)]
    pub(super) fn front(self, len: usize) -> Result<NodeRef<'a, A, C>> {
        self.thawed(&self.0.head, 0, self.0.places_in_front(len))
    }

    /// The leaf at the back, of which a version sees `len` elements.
    #[inline(always)]
    pub(super) fn back(self, len: usize) -> Result<NodeRef<'a, A, C>> {
        self.thawed(&self.0.tail, 0, 0..len)
    }

    /// The tree between them; a plain word if there is none.
    #[inline(always)]
    pub(super) fn tree(self) -> Result<Tree<'a, A, C>> {
        let (level, len) = (self.level(), self.0.tree_len);
        Ok(Tree { node: self.thawed(&self.0.tree, level, 0..len)?, level, len })
    }
}

/// Which part of a vector.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part {
    Head,
    Tree,
    Tail,
    All,
}

/// The parts of an exclusive spine; those that were asked for are resident.
pub(super) struct SpineMut<'a, A, C: Count> {
    pub(super) head: &'a mut Node<A, C>,
    pub(super) tail: &'a mut Node<A, C>,
    pub(super) head_end: &'a mut u32,
    origin: &'a mut Option<Arc<Origin>>,
    pub(super) tree: TreeMut<'a, A, C>,
}

/// A tree in an exclusive spine.
pub(super) struct TreeMut<'a, A, C: Count> {
    pub(super) node: &'a mut Node<A, C>,
    pub(super) level: &'a mut u16,
    pub(super) len: &'a mut usize,
}

impl<'a, A, C: Count> SpineMut<'a, A, C> {
    /// The spine made exclusive, a copy if it is shared, and this part resident. A version has these ends; a stored leaf
    /// of which it sees nothing goes, unread.
    pub(super) fn own(node: &'a mut Node<A, C>, ends: Ends, part: Part) -> Result<Self> {
        let spine = Spine::new(node.link());
        let (head, tail) = (ends.head(), ends.tail(spine.0.tree_len));
        if matches!(part, Part::Head | Part::All) && head > 0 {
            spine.front(head)?;
        }
        if matches!(part, Part::Tree | Part::All) {
            spine.tree()?;
        }
        if matches!(part, Part::Tail | Part::All) && tail > 0 {
            spine.back(tail)?;
        }
        if !node.is_exclusive() {
            let new = Rrb::new_spine();
            // The very words that go into the spine are counted: read again, one may have been thawed.
            let words = [&spine.0.head, &spine.0.tree, &spine.0.tail].map(Slot::get);
            // SAFETY: what the words name lives while the spine does.
            let counted = |word| unsafe { NodeRef::<A, C>::from_word(word) }.to_owned().into_word();
            // SAFETY: new, so exclusive; the slots take the counts.
            unsafe {
                let to = new.word().pointer(SPINE).cast::<SpineHead>().as_mut();
                [to.head, to.tree, to.tail] = words.map(|word| Slot::new(counted(word)));
                if words.iter().any(|word| word.is_stored()) {
                    to.origin = spine.0.origin.clone()
                }
                (to.tree_len, to.head_end) = (spine.0.tree_len, spine.0.head_end);
                to.header.extra = spine.0.header.extra;
            }
            *node = new
        }
        let own = Self::new(node);
        for (end, seen) in [(&mut *own.head, head), (&mut *own.tail, tail)] {
            if seen == 0 && end.word().is_stored() {
                *end = none()
            }
        }
        Ok(own)
    }

    /// Puts stored leaves of this origin at the ends of a spine that has none.
    pub(super) fn fill(self, origin: &Arc<Origin>, head: Node<A, C>, head_end: usize, tail: Node<A, C>) {
        *self.origin = Some(origin.clone());
        (*self.head, *self.head_end, *self.tail) = (head, head_end as u32, tail)
    }

    /// The parts of a spine that is exclusive.
    pub(super) fn new(node: &'a mut Node<A, C>) -> Self {
        debug_assert!(node.is_exclusive());
        // SAFETY: exclusive and borrowed for 'a. A slot holds one count, as an `Owned` does, and has its layout.
        unsafe {
            let head = node.word().pointer(SPINE).cast::<SpineHead>().as_mut();
            let part = |slot: &Slot| &mut *slot.place().cast::<Node<A, C>>();
            SpineMut {
                head: part(&head.head),
                tail: part(&head.tail),
                head_end: &mut head.head_end,
                origin: &mut head.origin,
                tree: TreeMut { node: part(&head.tree), level: &mut head.header.extra, len: &mut head.tree_len },
            }
        }
    }
}

impl<A, C: Count> TreeMut<'_, A, C> {
    /// The same, borrowed for a shorter time.
    pub(super) fn reborrow(&mut self) -> TreeMut<'_, A, C> {
        TreeMut { node: self.node, level: self.level, len: self.len }
    }

    pub(super) fn is_none(&self) -> bool {
        !self.node.word().is_node()
    }

    pub(super) fn view(&self) -> Tree<'_, A, C> {
        Tree { node: self.node.link(), level: *self.level as u32, len: *self.len }
    }

    /// Puts another tree there.
    pub(super) fn set(&mut self, node: Node<A, C>, level: u32, len: usize) -> Node<A, C> {
        (*self.level, *self.len) = (level as u16, len);
        core::mem::replace(self.node, node)
    }

    /// A tree whose children would fit into one node becomes that node (V4); unless they cannot be read.
    pub(super) fn lower(&mut self) {
        loop {
            if *self.len == 0 {
                self.set(none(), 0, 0);
                return;
            }
            if *self.level == 0 {
                return;
            }
            let (level, len) = (*self.level as u32, *self.len);
            let inner = Inner::new(self.node.link());
            match inner.n() {
                1 => {
                    let Ok(child) = inner.child(level, len, 0) else { return };
                    let child = child.node.to_owned();
                    count!(Lowered);
                    self.set(child, level - 1, len);
                }
                2 if level > 1 => {
                    let (Ok(a), Ok(b)) = (inner.child(level, len, 0), inner.child(level, len, 1)) else { return };
                    let (below, above) = (Inner::new(a.node), Inner::new(b.node));
                    if below.n() + above.n() > WIDTH {
                        return;
                    }
                    let Ok(origin) = mixed([a, b]) else { return };
                    count!(Lowered);
                    let mut nodes = into_pieces(core::mem::replace(self.node, none()), level, len).into_iter();
                    let mut pieces = Pieces::new();
                    for piece in nodes.by_ref() {
                        pieces.extend(into_pieces(piece.node, level - 1, piece.len))
                    }
                    self.set(node_of(level - 1, pieces, origin), level - 1, len);
                }
                _ => return,
            }
        }
    }
}
