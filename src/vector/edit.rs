//! Edits anywhere in a vector, in whichever of its parts that is.
//!
//! In: a vector and an index. Out: the vector with the edit; two vectors made one, one made two.
//! Must hold: V1 to V4, and that an edit which fails (thawing) or panics (a `Clone`) leaves the elements as they were;
//! but for `append`, which may have put the first of a few others behind them. What is replaced is dropped last: a
//! `Drop` may panic too.
//! Uses: `link`, `node`, `leaf`, `spine`, `find`, `ends`, `middle`, `join`, `error`.
#![allow(unsafe_code)] // An element of exclusive nodes: docs/ARCHITECTURE.md, "Unsafe".

use super::ends::{Body, Ends, own_spine};
use super::find::{chunk, element_thawed, leaf_slot, own_element};
use super::join::Leaves;
use super::leaf::*;
use super::middle::{leaf_mut, own_above};
use super::node::*;
use super::spine::*;
use crate::error::Result;
use crate::link::Count;
use core::ops::Range;

impl<A: Clone, C: Count> Body<A, C> {
    /// Element `index`, which there is, to be changed.
    #[inline]
    pub(super) fn element_mut(&mut self, index: usize) -> Result<&mut A> {
        // SAFETY: ours alone, and the vector is borrowed mutably.
        self.place_mut(index).map(|place| unsafe { &mut *place })
    }

    /// Where element `index` stands, which there is, to be changed: in an exclusive leaf, of which other elements may be
    /// borrowed.
    #[inline]
    pub(super) fn place_mut(&mut self, index: usize) -> Result<*mut A> {
        own_element(self.root.link(), self.ends, index).map_or_else(|| self.place_owned(index), Ok)
    }

    /// The same, copying what is shared.
    #[inline(never)]
    fn place_owned(&mut self, index: usize) -> Result<*mut A> {
        let (leaf, at) = self.leaf_mut(index)?;
        leaf.touch(leaf.len(), at, 1);
        Ok(leaf.elements().cast::<A>().wrapping_add(at))
    }

    /// Where the slice stands that element `index` is in, to be changed, and where it begins. Some of it may be borrowed.
    pub(super) fn chunk_mut(&mut self, index: usize) -> Result<(usize, *mut [A])> {
        let (leaf, at) = self.leaf_mut(index)?;
        leaf.touch(leaf.len(), 0, leaf.len());
        Ok((index - at, leaf.elements()))
    }

    /// Makes all exclusive that lies above the leaves of this range; leaves are resident then, and head and tail exclusive.
    pub(super) fn own_above_leaves(&mut self, range: Range<usize>) -> Result<()> {
        if self.len() == 0 {
            return Ok(());
        }
        self.chunk_mut(0)?;
        self.chunk_mut(self.len() - 1)?;
        if self.root.word().tag() == LEAF {
            return Ok(());
        }
        let (head, spine) = (self.ends.head(), own_spine(&mut self.root, self.ends, Part::All)?);
        let of_tree = |i: usize| i.saturating_sub(head).min(*spine.tree.len);
        let range = of_tree(range.start)..of_tree(range.end);
        own_above(spine.tree.node, *spine.tree.level as u32, *spine.tree.len, range)
    }

    /// Where the slice stands that element `index` is in, to be changed, and where it begins; after
    /// [`own_above_leaves`](Self::own_above_leaves).
    ///
    /// # Safety
    /// Nobody else asks for this leaf at the same time, unless it is exclusive.
    pub(super) unsafe fn chunk_below(&self, index: usize) -> (usize, *mut [A]) {
        let (start, places, slot) = leaf_slot(self.root.link(), self.ends, index);
        let place = slot.map_or(core::ptr::from_ref(&self.root).cast_mut(), |slot| slot.place().cast());
        // SAFETY: what lies above is exclusive. The leaf is, or nobody else looks at its slot (the caller's promise), which
        // then holds one count, as an `Owned` does.
        unsafe {
            let len = places.len();
            if !(*place).is_exclusive() {
                LeafMut::own(&mut *place, places.clone(), len);
            }
            let leaf = Leaf::new((*place).link());
            if leaf.is_as_base() {
                LeafMut::new(&mut *place).touch(len, 0, len)
            }
            // A copy begins at 0; head and tail are none.
            let first = if leaf.head().first.get() == places.start { places.start } else { 0 };
            (start, core::ptr::slice_from_raw_parts_mut(leaf.places().add(first), len))
        }
    }

    /// The part of a spine that element `index` is in. The root is resident.
    fn part(&self, index: usize) -> Part {
        if self.root.word().tag() != SPINE {
            return Part::Tail;
        }
        let tree = Spine::new(self.root.link()).head().tree_len;
        match index.checked_sub(self.ends.head()) {
            None => Part::Head,
            Some(at) if at < tree => Part::Tree,
            Some(_) => Part::Tail,
        }
    }

    /// The leaf with element `index`, exclusive, and what number the element has there.
    fn leaf_mut(&mut self, index: usize) -> Result<(LeafMut<'_, A, C>, usize)> {
        let (len, head) = (self.len(), self.ends.head());
        self.thaw_root()?;
        if self.root.word().tag() == LEAF {
            return Ok((LeafMut::own(&mut self.root, 0..len, len), index));
        }
        let part = self.part(index);
        let spine = own_spine(&mut self.root, self.ends, part)?;
        let tree = *spine.tree.len;
        if index < head {
            let end = *spine.head_end as usize;
            let leaf = LeafMut::own(spine.head, end - head..end, head);
            *spine.head_end = leaf.get().head().end.get() as u32;
            return Ok((leaf, index));
        }
        if index - head < tree {
            return leaf_mut(spine.tree.node, *spine.tree.level as u32, tree, index - head);
        }
        let tail = len - head - tree;
        Ok((LeafMut::own(spine.tail, 0..tail, tail), index - head - tree))
    }

    pub(super) fn insert(&mut self, index: usize, value: A) -> Result<()> {
        let (len, head) = (self.len(), self.ends.head());
        if index == len {
            return self.push(Side::Back, value);
        }
        if index == 0 {
            return self.push(Side::Front, value);
        }
        Ends::check(len);
        let most = Rrb::<A, C>::LEAF_MAX;
        let ends = Ends::new(len + 1, head);
        self.thaw_root()?;
        if self.root.word().tag() == LEAF && len < most {
            LeafMut::own(&mut self.root, 0..len, len + 1).insert(index, value);
            self.ends = ends;
            return Ok(());
        }
        let part = self.part(index);
        let is_full = part == Part::Head && head == most || part == Part::Tail && self.tail_len() == most;
        let mut spine = own_spine(&mut self.root, self.ends, if is_full { Part::All } else { part })?;
        let tree = *spine.tree.len;
        let tail = len - head - tree;
        if index < head {
            if head == most {
                spine.tree.push_leaf(spine.head, head, Side::Front)?;
                self.ends = Ends::new(len, 0);
                return self.insert(index, value);
            }
            let end = *spine.head_end as usize;
            let leaf = LeafMut::own(spine.head, end - head..end, head);
            leaf.align();
            *spine.head_end = head as u32;
            LeafMut::own(spine.head, 0..head, head + 1).insert(index, value);
            *spine.head_end = (head + 1) as u32;
            self.ends = Ends::new(len + 1, head + 1);
            return Ok(());
        }
        let at = index - head;
        if at < tree || at == tree && tail == 0 {
            spine.tree.insert(at, value)?
        } else if tail < most {
            LeafMut::own(spine.tail, 0..tail, tail + 1).insert(at - tree, value)
        } else {
            spine.tree.push_leaf(spine.tail, tail, Side::Back)?;
            return self.insert(index, value);
        }
        self.ends = ends;
        Ok(())
    }

    pub(super) fn remove(&mut self, index: usize) -> Result<A> {
        let (len, head) = (self.len(), self.ends.head());
        if index + 1 == len {
            return self.pop(Side::Back);
        }
        if index == 0 {
            return self.pop(Side::Front);
        }
        self.thaw_root()?;
        let mut head_left = head;
        let element = if self.root.word().tag() == LEAF {
            LeafMut::own(&mut self.root, 0..len, len).remove(index)
        } else {
            let part = self.part(index);
            let mut spine = own_spine(&mut self.root, self.ends, part)?;
            let tree = *spine.tree.len;
            if index < head {
                let end = *spine.head_end as usize;
                LeafMut::own(spine.head, end - head..end, head).align();
                *spine.head_end = head as u32;
                let element = LeafMut::own(spine.head, 0..head, head).remove(index);
                *spine.head_end = (head - 1) as u32;
                head_left = head - 1;
                element
            } else if index - head < tree {
                spine.tree.remove(index - head)?
            } else {
                let tail = len - head - tree;
                LeafMut::own(spine.tail, 0..tail, tail).remove(index - head - tree)
            }
        };
        self.ends = Ends::new(len - 1, head_left);
        Ok(element)
    }

    pub(super) fn append(&mut self, mut other: Self) -> Result<()> {
        if other.len() == 0 {
            return Ok(());
        }
        if self.len() == 0 {
            *self = other;
            return Ok(());
        }
        self.thaw_root()?;
        other.thaw_root()?;
        if !other.has_tree() {
            while other.len() > 0 {
                let element = other.pop(Side::Front)?;
                self.push(Side::Back, element)?
            }
            return Ok(());
        }
        if !self.has_tree() {
            for i in (0..self.len()).rev() {
                let element = element_thawed(self.root.link(), self.ends, i)?.clone();
                other.push(Side::Front, element)?
            }
            *self = other;
            return Ok(());
        }
        let (len, head) = (self.len(), self.ends.head());
        let (other_len, other_head) = (other.len(), other.ends.head());
        Ends::check(len + other_len);
        let ends = Ends::new(len + other_len, head);
        let mut spine = own_spine(&mut self.root, self.ends, Part::All)?;
        let mut behind = own_spine(&mut other.root, other.ends, Part::All)?;
        let tail = len - head - *spine.tree.len;
        let mut leaves = Leaves::new();
        if tail > 0 {
            leaves.push((&mut *spine.tail, tail))
        }
        if other_head > 0 {
            let end = *behind.head_end as usize;
            if end != other_head {
                // A head is a leaf of the tree from 0 on.
                LeafMut::own(behind.head, end - other_head..end, other_head).align();
                *behind.head_end = other_head as u32
            }
            leaves.push((&mut *behind.head, other_head))
        }
        spine.tree.join(leaves, behind.tree.reborrow())?;
        // A tail of which nothing is seen may still have elements.
        let gone = core::mem::replace(spine.tail, core::mem::replace(behind.tail, none()));
        self.ends = ends;
        drop(gone);
        Ok(())
    }

    /// True if the elements `start..end` lie in one leaf, which can have `new` ones in their place and be neither too
    /// full nor less than half full by it: that leaf is exclusive then, and nothing can fail that is done to it element
    /// by element.
    pub(super) fn own_leaf_of(&mut self, start: usize, end: usize, new: usize) -> Result<bool> {
        let (half, gone) = (Rrb::<A, C>::LEAF_HALF, end - start);
        if self.len() == 0 || gone + new > half {
            return Ok(false);
        }
        let within = start.min(self.len() - 1);
        let (at, slice) = chunk(self.root.link(), self.ends, within, &(0..self.len()))?;
        let then = (slice.len() + new).saturating_sub(gone);
        let fits = end <= at + slice.len() && then <= Rrb::<A, C>::LEAF_MAX && (new >= gone || then >= half);
        if fits {
            self.leaf_mut(within)?;
        }
        Ok(fits)
    }

    pub(super) fn has_tree(&self) -> bool {
        self.root.word().tag() == SPINE && Spine::new(self.root.link()).head().tree_len > 0
    }

    pub(super) fn split_off(&mut self, index: usize) -> Result<Self> {
        let (len, head) = (self.len(), self.ends.head());
        let mut right = Self::new();
        if index == len {
            return Ok(right);
        }
        if index == 0 {
            core::mem::swap(self, &mut right);
            return Ok(right);
        }
        self.thaw_root()?;
        if self.part(index) == Part::Tree && index > head {
            // What lies on either side of the cut will stand at the ends: it cannot fail to be read when all is cut.
            for i in [index - 1, index] {
                element_thawed(self.root.link(), self.ends, i)?;
            }
        }
        if self.root.word().tag() == LEAF {
            right.root = LeafMut::own(&mut self.root, 0..len, len).split(index, len - index);
            right.ends = Ends::new(len - index, 0);
            self.ends = Ends::new(index, 0);
            return Ok(right);
        }
        let tree = Spine::new(self.root.link()).head().tree_len;
        match index {
            _ if index >= head + tree => self.cut_in_tail(index),
            _ if index > head => self.cut_in_tree(index),
            _ => self.cut_in_head(index),
        }
    }

    /// Cuts off what is behind `index`, which lies in the tail or just before it.
    fn cut_in_tail(&mut self, index: usize) -> Result<Self> {
        let (len, head) = (self.len(), self.ends.head());
        let mut right = Self::new();
        let spine = own_spine(&mut self.root, self.ends, Part::All)?;
        let before = head + *spine.tree.len;
        right.root = match index > before {
            true => LeafMut::own(spine.tail, 0..len - before, len - before).split(index - before, len - index),
            false => core::mem::replace(spine.tail, none()),
        };
        right.ends = Ends::new(len - index, 0);
        self.ends = Ends::new(index, head);
        Ok(right)
    }

    /// Cuts off what is behind `index`, which lies within the tree. The leaves on either side of it are resident.
    fn cut_in_tree(&mut self, index: usize) -> Result<Self> {
        let (len, head) = (self.len(), self.ends.head());
        let mut right = Self::new();
        let mut spine = own_spine(&mut self.root, self.ends, Part::All)?;
        right.root = Rrb::new_spine();
        let to = SpineMut::new(&mut right.root);
        let mut to_tree = to.tree;
        let (piece, level) = spine.tree.cut(index - head)?;
        to_tree.set(piece.node, level, piece.len);
        *to.tail = core::mem::replace(spine.tail, none());
        right.ends = Ends::new(len - index, 0);
        self.ends = Ends::new(index, head);
        // The leaf that was cut: the ends are good for less than half of one.
        *spine.tail = spine.tree.pop_leaf(Side::Back)?.node;
        let first = to_tree.pop_leaf(Side::Front)?;
        (*to.head, *to.head_end) = (first.node, first.len as u32);
        right.ends = Ends::new(len - index, first.len);
        Ok(right)
    }

    /// Cuts off what is behind `index`, which lies in the head or just behind it.
    fn cut_in_head(&mut self, index: usize) -> Result<Self> {
        let (len, head) = (self.len(), self.ends.head());
        let mut right = Self::new();
        let mut spine = own_spine(&mut self.root, self.ends, Part::All)?;
        right.root = Rrb::new_spine();
        let to = SpineMut::new(&mut right.root);
        let mut to_tree = to.tree;
        if index < head {
            let end = *spine.head_end as usize;
            LeafMut::own(spine.head, end - head..end, head).align();
            *spine.head_end = head as u32;
            *to.head = LeafMut::own(spine.head, 0..head, head).split(index, head - index);
            *to.head_end = (head - index) as u32;
            *spine.head_end = index as u32;
        }
        let (level, tree) = (*spine.tree.level as u32, *spine.tree.len);
        to_tree.set(core::mem::replace(spine.tree.node, none()), level, tree);
        spine.tree.set(none(), 0, 0);
        *to.tail = core::mem::replace(spine.tail, none());
        right.ends = Ends::new(len - index, head - index);
        self.ends = Ends::new(index, index);
        Ok(right)
    }
}
