//! Pushing and popping at both ends.
//!
//! The leaves at the ends have free room beyond their elements. An owner claims the next place of it ([`Edge`]) and has
//! a new version that shares the leaf with the old one, which sees as much of it as before. Where the place is taken
//! already (two versions grew from one) the leaf is copied.
//!
//! In: a vector. Out: the vector with an element more or less at an end.
//! Must hold: V1, L1 (a claim changes nothing that any version sees), a leaf leaves for the tree when it is full.
//! Uses: `link`, `node`, `leaf`, `spine`, `find`, `revive`, `error`.
#![allow(unsafe_code)] // Writes into claimed places: docs/ARCHITECTURE.md, "Unsafe".

use super::leaf::*;
use super::node::*;
use super::revive::through_stub;
use super::spine::*;
use crate::error::Result;
use crate::link::{Count, Edge, Mark};
use core::ops::Range;

const HEAD_BITS: u32 = 16;

/// The first leaf of a vector has room for so many elements.
const FIRST_ROOM: usize = 4;

/// How many elements a vector has, and how many of them are in its head: in 8 bytes, so that a handle is small.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ends(u64);

impl Ends {
    /// Most elements of a vector: 2^48 - 1.
    pub(super) const MOST: usize = u64::MAX as usize >> HEAD_BITS;

    #[inline(always)]
    pub(super) fn new(len: usize, head: usize) -> Self {
        debug_assert!(len <= Self::MOST && head <= len && head <= u16::MAX as usize);
        Ends((len as u64) << HEAD_BITS | head as u64)
    }

    /// Both in a word, as records have them.
    #[cfg(feature = "timeline")]
    pub(crate) fn word(self) -> u64 {
        self.0
    }

    /// Of a vector of so many elements, all of which stand elsewhere than in a head.
    #[cfg(feature = "timeline")]
    pub(crate) fn of_len(len: usize) -> Self {
        Ends::new(len, 0)
    }

    /// What a word says; none if that are no ends.
    #[cfg(feature = "timeline")]
    pub(crate) fn of_word(word: u64) -> Option<Self> {
        let ends = Ends(word);
        (ends.head() <= ends.len()).then_some(ends)
    }

    /// So many elements and another leaf full; where the length of a vector grows by more than a claim.
    ///
    /// # Panics
    /// If that is more than a vector has; only elements without size can be so many, and a vector joined with itself.
    #[inline(always)]
    pub(super) fn check(len: usize) {
        assert!(len <= Self::MOST - u16::MAX as usize, "a vector has at most 2^48 - 2^16 elements")
    }

    /// One element more, or less, at this end.
    #[inline(always)]
    fn more(self, side: Side) -> Self {
        Ends(self.0 + (1 << HEAD_BITS) + (side == Side::Front) as u64)
    }

    #[inline(always)]
    fn less(self, side: Side) -> Self {
        Ends(self.0 - (1 << HEAD_BITS) - (side == Side::Front) as u64)
    }

    #[inline(always)]
    pub(crate) fn len(self) -> usize {
        (self.0 >> HEAD_BITS) as usize
    }

    #[inline(always)]
    pub(crate) fn head(self) -> usize {
        (self.0 & ((1 << HEAD_BITS) - 1)) as usize
    }

    /// As many in the tail, if the tree has so many.
    #[inline(always)]
    pub(super) fn tail(self, tree: usize) -> usize {
        self.len() - self.head() - tree
    }
}

/// A vector, but for the name of its kind of counts.
pub(crate) struct Body<A, C: Count> {
    pub(crate) root: Node<A, C>,
    pub(crate) ends: Ends,
}

impl<A, C: Count> Body<A, C> {
    /// An empty vector.
    #[inline(always)]
    pub(super) fn new() -> Self {
        Body { root: none(), ends: Ends::new(0, 0) }
    }

    /// A vector of one element.
    pub(super) fn unit(element: A) -> Self {
        let mut body = Self::new();
        body.root = Rrb::<A, C>::new_leaf(FIRST_ROOM.min(Rrb::<A, C>::LEAF_MAX), 0);
        let left = body.claim_back(element);
        debug_assert!(left.is_none(), "a new leaf has room");
        body
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }
}

impl<A, C: Count> Clone for Body<A, C> {
    #[inline]
    fn clone(&self) -> Self {
        Body { root: self.root.clone(), ends: self.ends }
    }
}

/// The spine of a vector, exclusive and with this part resident: made if the vector is empty or one leaf, which becomes
/// its tail. The root is resident.
pub(super) fn own_spine<A, C: Count>(root: &mut Node<A, C>, ends: Ends, part: Part) -> Result<SpineMut<'_, A, C>> {
    debug_assert!(root.word().tag() != STUB);
    if root.word().tag() != SPINE {
        let tail = core::mem::replace(root, Rrb::new_spine());
        let spine = SpineMut::new(root);
        *spine.tail = tail;
        return Ok(spine);
    }
    SpineMut::own(root, ends, part)
}

/// A leaf at an end: where its elements stand, and whether nobody else can reach it.
struct End<'a, A, C: Count> {
    leaf: Leaf<'a, A, C>,
    places: Range<usize>,
    alone: bool,
}

impl<A, C: Count> Body<A, C> {
    /// Makes the root resident, which is no stub then. True if it was none.
    pub(super) fn thaw_root(&mut self) -> Result<bool> {
        let is_stub = self.root.word().tag() == STUB;
        if is_stub {
            self.root = through_stub(self.root.link(), self.ends)?.to_owned()
        }
        Ok(is_stub)
    }

    /// Makes the root and the leaf at this end resident. True if one of them was not.
    fn thaw_end(&mut self, side: Side) -> Result<bool> {
        let mut is_new = self.thaw_root()?;
        if self.root.word().tag() == SPINE {
            let spine = Spine::new(self.root.link());
            let (slot, seen) = match side {
                Side::Front => (&spine.head().head, self.ends.head()),
                Side::Back => (&spine.head().tail, self.tail_len()),
            };
            if seen > 0 && slot.get().is_stored() {
                is_new = true;
                match side {
                    Side::Front => spine.front(seen)?,
                    Side::Back => spine.back(seen)?,
                };
            }
        }
        Ok(is_new)
    }

    /// How many elements the tail has, or the one leaf that there is. The root is resident.
    pub(super) fn tail_len(&self) -> usize {
        debug_assert!(self.root.word().tag() != STUB);
        match self.root.word().tag() {
            SPINE => self.ends.tail(Spine::new(self.root.link()).head().tree_len),
            _ => self.ends.len(),
        }
    }

    /// The leaf at this end, if there is one and it is resident.
    #[inline(always)]
    fn end(&self, side: Side) -> Option<End<'_, A, C>> {
        let (root, ends) = (self.root.link(), self.ends);
        let owners = |word: crate::link::Word| {
            // SAFETY: the word names a node that we hold.
            unsafe { word.header() }.owners()
        };
        match root.tag() {
            LEAF => Some(End { leaf: Leaf::new(root), places: 0..ends.len(), alone: owners(root.word()) == 1 }),
            SPINE => {
                let head = Spine::new(root).head();
                let (word, places) = match side {
                    Side::Front => (head.head.get(), head.places_in_front(ends.head())),
                    Side::Back => (head.tail.get(), 0..ends.tail(head.tree_len)),
                };
                if word.tag() != LEAF {
                    return None;
                }
                let alone = owners(root.word()) == 1 && owners(word) == 1;
                // SAFETY: a leaf of the spine, which lives as long.
                Some(End { leaf: unsafe { Leaf::from_word(word) }, places, alone })
            }
            _ => None,
        }
    }

    /// Pushes if that takes no more than a claim; else gives the element back.
    #[inline(always)]
    fn claim_back(&mut self, element: A) -> Option<A> {
        let Some(End { leaf, places, alone }) = self.end(Side::Back) else { return Some(element) };
        let at = places.end;
        // What is as in its base at the back would not be at the back any more.
        let is_free = at < leaf.room() && (leaf.head().header.cap == 0 || leaf.head().base.get() == Mark::NONE);
        if !is_free || !claim::<C>(&leaf.head().end, alone, at, at + 1) {
            return Some(element);
        }
        // SAFETY: claimed, so that nobody else reads or writes there.
        unsafe { leaf.places().add(at).write(element) }
        self.ends = self.ends.more(Side::Back);
        None
    }

    /// The same in front; a vector of one leaf has no room there.
    #[inline(always)]
    fn claim_front(&mut self, element: A) -> Option<A> {
        if self.root.word().tag() != SPINE {
            return Some(element);
        }
        let Some(End { leaf, places, alone }) = self.end(Side::Front) else { return Some(element) };
        let at = places.start;
        let is_free = at > 0 && (leaf.head().header.len == 0 || leaf.head().base.get() == Mark::NONE);
        if !is_free || !claim::<C>(&leaf.head().first, alone, at, at - 1) {
            return Some(element);
        }
        // SAFETY: as above.
        unsafe { leaf.places().add(at - 1).write(element) }
        self.ends = self.ends.more(Side::Front);
        None
    }

    /// Takes the last element out of its leaf, if nobody else sees it.
    #[inline(always)]
    fn take_back(&mut self) -> Option<A> {
        let End { leaf, places, alone } = self.end(Side::Back)?;
        if !alone || places.is_empty() || leaf.head().end.get() != places.end || !leaf.is_unstored() {
            return None;
        }
        leaf.head().end.set(places.end - 1);
        // SAFETY: ours alone, and no element of the leaf any more.
        let element = unsafe { leaf.places().add(places.end - 1).read() };
        self.ends = self.ends.less(Side::Back);
        Some(element)
    }

    /// Takes the first element out of its leaf, if nobody else sees it.
    #[inline(always)]
    fn take_front(&mut self) -> Option<A> {
        if self.root.word().tag() != SPINE {
            return None;
        }
        let End { leaf, places, alone } = self.end(Side::Front)?;
        if !alone || places.is_empty() || leaf.head().first.get() != places.start || !leaf.is_unstored() {
            return None;
        }
        leaf.head().first.set(places.start + 1);
        // SAFETY: ours alone, and no element of the leaf any more.
        let element = unsafe { leaf.places().add(places.start).read() };
        self.ends = self.ends.less(Side::Front);
        Some(element)
    }
}

/// Moves an edge; the only owner of the leaf needs no exchange.
#[inline(always)]
fn claim<C: Count>(edge: &Edge, alone: bool, from: usize, to: usize) -> bool {
    let is_ours = match alone {
        true => edge.get() == from,
        false => C::claim(edge, from, to),
    };
    if alone && is_ours {
        edge.set(to)
    }
    if is_ours {
        count!(Claimed);
    } else {
        count!(ClaimLost);
    }
    is_ours
}

impl<A: Clone, C: Count> Body<A, C> {
    /// Puts an element at this end.
    #[inline(always)]
    pub(super) fn push(&mut self, side: Side, element: A) -> Result<()> {
        match side {
            Side::Back => self.claim_back(element).map_or(Ok(()), |element| self.push_back(element)),
            Side::Front => self.claim_front(element).map_or(Ok(()), |element| self.push_front(element)),
        }
    }

    /// Takes an element out of this end. There is one.
    #[inline(always)]
    pub(super) fn pop(&mut self, side: Side) -> Result<A> {
        match side {
            Side::Back => self.take_back().map_or_else(|| self.pop_back(), Ok),
            Side::Front => self.take_front().map_or_else(|| self.pop_front(), Ok),
        }
    }

    /// Pushes where [`claim_back`](Self::claim_back) could not.
    #[cold]
    #[inline(never)]
    fn push_back(&mut self, element: A) -> Result<()> {
        if self.thaw_end(Side::Back)? {
            return self.push(Side::Back, element);
        }
        let (len, head) = (self.ends.len(), self.ends.head());
        Ends::check(len);
        let most = Rrb::<A, C>::LEAF_MAX;
        let ends = Ends::new(len + 1, head);
        if self.root.word() == none::<A, C>().word() {
            self.root = Rrb::<A, C>::new_leaf(FIRST_ROOM.min(most), 0)
        }
        if self.root.word().tag() == LEAF && len < most {
            LeafMut::own(&mut self.root, 0..len, len + 1).insert(len, element)
        } else {
            let is_full = self.tail_len() == most;
            let mut spine = own_spine(&mut self.root, self.ends, if is_full { Part::All } else { Part::Tail })?;
            let mut tail = len - head - *spine.tree.len;
            if is_full {
                count!(Flushed);
                spine.tree.push_leaf(spine.tail, tail, Side::Back)?;
                tail = 0
            }
            if !spine.tail.word().is_node() {
                *spine.tail = Rrb::<A, C>::new_leaf(most, 0)
            }
            LeafMut::own(spine.tail, 0..tail, most).insert(tail, element)
        }
        self.ends = ends;
        Ok(())
    }

    /// Pushes where [`claim_front`](Self::claim_front) could not.
    #[cold]
    #[inline(never)]
    fn push_front(&mut self, element: A) -> Result<()> {
        if self.thaw_end(Side::Front)? {
            return self.push(Side::Front, element);
        }
        let (len, head) = (self.ends.len(), self.ends.head());
        Ends::check(len);
        let most = Rrb::<A, C>::LEAF_MAX;
        if self.root.word().tag() != SPINE && len < most {
            if self.root.word() == none::<A, C>().word() {
                self.root = Rrb::<A, C>::new_leaf(FIRST_ROOM.min(most), 0)
            }
            LeafMut::own(&mut self.root, 0..len, len + 1).insert(0, element);
            self.ends = Ends::new(len + 1, 0);
            return Ok(());
        }
        let ends = Ends::new(len + 1, head + 1);
        let mut spine = own_spine(&mut self.root, self.ends, if head == most { Part::All } else { Part::Head })?;
        let end = *spine.head_end as usize;
        if head == most {
            count!(Flushed);
            spine.tree.push_leaf(spine.head, head, Side::Front)?;
            // The element that comes is the head then: until it is there, there is none.
            self.ends = Ends::new(len, 0);
            return self.push_front(element);
        }
        // To the end of its room, so that there is room in front.
        let mut new = Rrb::<A, C>::new_leaf(most, most - head - 1);
        let leaf = LeafMut::new(&mut new);
        if head == 0 {
            fill(leaf, [element].into_iter())
        } else {
            let owned = LeafMut::own(spine.head, end - head..end, head);
            fill(leaf, core::iter::once(element).chain(owned.drain()))
        }
        // A head of which nothing is seen may still have elements, whose `Drop` may panic.
        let gone = core::mem::replace(spine.head, new);
        *spine.head_end = most as u32;
        self.ends = ends;
        drop(gone);
        Ok(())
    }

    /// Pops where [`take_back`](Self::take_back) could not. There is an element.
    #[cold]
    #[inline(never)]
    fn pop_back(&mut self) -> Result<A> {
        if self.thaw_end(Side::Back)? {
            return self.pop(Side::Back);
        }
        let (len, head) = (self.ends.len(), self.ends.head());
        let (tail, is_leaf) = (self.tail_len(), self.root.word().tag() == LEAF);
        if tail > 0 {
            let is_ours = self.end(Side::Back).is_some_and(|end| end.alone && end.leaf.head().header.is_exclusive());
            let element = match is_ours {
                true if is_leaf => pop_last(&mut self.root, tail),
                true => pop_last(own_spine(&mut self.root, self.ends, Part::Tail)?.tail, tail),
                // What is shared stays: a version sees less of it.
                false => super::find::element_thawed(self.root.link(), self.ends, len - 1)?.clone(),
            };
            self.ends = Ends::new(len - 1, head);
            return Ok(element);
        }
        let mut spine = own_spine(&mut self.root, self.ends, Part::All)?;
        if !spine.tree.is_none() {
            count!(Pulled);
            *spine.tail = spine.tree.pop_leaf(Side::Back)?.node
        } else {
            // Its elements are the tail's now, from 0 on.
            let end = *spine.head_end as usize;
            LeafMut::own(spine.head, end - head..end, head).align();
            core::mem::swap(spine.tail, spine.head);
            *spine.head_end = 0;
            self.ends = Ends::new(len, 0)
        }
        self.pop_back()
    }

    /// Pops where [`take_front`](Self::take_front) could not. There is an element.
    #[cold]
    #[inline(never)]
    fn pop_front(&mut self) -> Result<A> {
        if self.thaw_end(Side::Front)? {
            return self.pop(Side::Front);
        }
        let (len, head) = (self.ends.len(), self.ends.head());
        if self.root.word().tag() == LEAF {
            let element = LeafMut::own(&mut self.root, 0..len, len).remove(0);
            self.ends = Ends::new(len - 1, 0);
            return Ok(element);
        }
        if head > 0 {
            let is_ours = self.end(Side::Front).is_some_and(|end| end.alone && end.leaf.head().header.is_exclusive());
            let element = match is_ours {
                true => {
                    let spine = own_spine(&mut self.root, self.ends, Part::Head)?;
                    let end = *spine.head_end as usize;
                    let (element, end) = pop_head(spine.head, end - head..end);
                    *spine.head_end = end as u32;
                    element
                }
                false => super::find::element_thawed(self.root.link(), self.ends, 0)?.clone(),
            };
            self.ends = Ends::new(len - 1, head - 1);
            return Ok(element);
        }
        let mut spine = own_spine(&mut self.root, self.ends, Part::All)?;
        let (leaf, pulled) = match spine.tree.is_none() {
            false => {
                count!(Pulled);
                let leaf = spine.tree.pop_leaf(Side::Front)?;
                (leaf.node, leaf.len)
            }
            true => (core::mem::replace(spine.tail, none()), len),
        };
        // A head of which nothing is seen may still have elements, whose `Drop` may panic.
        let gone = core::mem::replace(spine.head, leaf);
        *spine.head_end = pulled as u32;
        self.ends = Ends::new(len, pulled);
        drop(gone);
        self.pop_front()
    }
}

/// Takes the last element out of a leaf of which a version sees `len`.
fn pop_last<A: Clone, C: Count>(node: &mut Node<A, C>, len: usize) -> A {
    LeafMut::own(node, 0..len, len).remove(len - 1)
}

/// Takes the first element out of a head; says where the head ends then.
fn pop_head<A: Clone, C: Count>(node: &mut Node<A, C>, places: Range<usize>) -> (A, usize) {
    let len = places.len();
    LeafMut::own(node, places, len).pop_first()
}
