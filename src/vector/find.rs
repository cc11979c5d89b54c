//! Lookups.
//!
//! In: a vector's root and an index. Out: the element, or the slice of its leaf.
//! Must hold: L3 (what a lookup borrows lives as long as the vector does). The fast loop has no test for stored nodes:
//! it gives up on a word it does not know, and the lookup starts again, thawing.
//! Uses: `link`, `node`, `leaf`, `inner`, `spine`, `ends`, `revive`, `error`.
#![allow(unsafe_code)] // Node layout: docs/ARCHITECTURE.md, "Unsafe".

use super::ends::Ends;
use super::inner::*;
use super::leaf::*;
use super::node::*;
use super::revive::through_stub;
use super::spine::*;
use crate::error::Result;
use crate::link::{Count, Mark, Slot, Word};
use core::ops::Range;

/// Element `i`, which there is; none if something on the way is stored.
#[inline(always)]
pub(super) fn element<A, C: Count>(root: NodeRef<'_, A, C>, ends: Ends, i: usize) -> Option<&A> {
    debug_assert!(i < ends.len());
    match root.tag() {
        // SAFETY: the version sees all `len` of them.
        LEAF => Some(unsafe { Leaf::new(root).element(i) }),
        SPINE => {
            let spine = Spine::new(root);
            let (head, at) = (spine.head(), i.wrapping_sub(ends.head()));
            if at < head.tree_len {
                return in_tree::<A, C>(head.tree.get(), spine.level(), at);
            }
            let (word, place) = match i < ends.head() {
                true => (head.head.get(), head.head_end as usize - ends.head() + i),
                false => (head.tail.get(), at - head.tree_len),
            };
            // SAFETY: a leaf of the spine, which lives as long; the version sees the place.
            (word.tag() == LEAF).then(|| unsafe { Leaf::<A, C>::from_word(word).element(place) })
        }
        _ => None,
    }
}

/// Element `i` of a tree, which has it.
#[inline(always)]
fn in_tree<'a, A, C: Count>(mut word: Word, level: u32, mut i: usize) -> Option<&'a A> {
    let mut bits = Rrb::<A, C>::child_bits(level);
    loop {
        // SAFETY: the tags say what the words name, and the nodes live as long as the root does.
        unsafe {
            match word.tag() {
                LEAF => return Some(Leaf::<A, C>::from_word(word).element(i)),
                STRICT | RELAXED => {
                    let inner: Inner<'a, A, C> = Inner::from_word(word);
                    let (k, below) = inner.find_by(bits, i);
                    (word, i) = (inner.word(k), below);
                    bits = bits.wrapping_sub(BITS)
                }
                _ => return None,
            }
        }
    }
}

/// Where element `i` stands, which there is, if all nodes on the way are ours and neither they nor what they were copied
/// from is stored: nothing is to be copied or noted then.
#[inline(always)]
pub(super) fn own_element<A, C: Count>(root: NodeRef<'_, A, C>, ends: Ends, i: usize) -> Option<*mut A> {
    // SAFETY: each node is reached from its owner; the tags say what the words name.
    unsafe {
        if !root.header()?.is_exclusive() {
            return None;
        }
        let in_leaf = |word: Word, place: usize| {
            let leaf: Leaf<'_, A, C> = Leaf::from_word(word);
            (leaf.head().header.is_exclusive() && leaf.head().base.get() == Mark::NONE)
                .then(|| leaf.places().wrapping_add(place))
        };
        if root.tag() != SPINE {
            return if root.tag() == LEAF { in_leaf(root.word(), i) } else { None };
        }
        let spine = Spine::new(root);
        let (head, at) = (spine.head(), i.wrapping_sub(ends.head()));
        if at >= head.tree_len {
            let (word, place) = match i < ends.head() {
                true => (head.head.get(), head.head_end as usize - ends.head() + i),
                false => (head.tail.get(), at - head.tree_len),
            };
            return if word.tag() == LEAF { in_leaf(word, place) } else { None };
        }
        let (mut word, mut bits, mut at) = (head.tree.get(), Rrb::<A, C>::child_bits(spine.level()), at);
        loop {
            match word.tag() {
                LEAF => return in_leaf(word, at),
                STRICT | RELAXED => {
                    let inner: Inner<'_, A, C> = Inner::from_word(word);
                    // A child that is as in its base is marked, so that its parent has nothing to note.
                    if !inner.head().header.is_exclusive() {
                        return None;
                    }
                    let (k, below) = inner.find_by(bits, at);
                    (word, at) = (inner.word(k), below);
                    bits = bits.wrapping_sub(BITS)
                }
                _ => return None,
            }
        }
    }
}

/// The slice that element `i` is in, which there is, as far as it lies in this range; and where it begins. Others may
/// change elements that are not in the range.
pub(super) fn chunk<'a, A, C: Count>(
    root: NodeRef<'a, A, C>,
    ends: Ends,
    i: usize,
    range: &Range<usize>,
) -> Result<(usize, &'a [A])> {
    let root = through_stub(root, ends)?;
    // A leaf whose first element in these places has this number.
    let slice = |at: usize, leaf: NodeRef<'a, A, C>, places: Range<usize>| {
        let (from, to) = (range.start.saturating_sub(at), places.len().min(range.end - at));
        // SAFETY: a version sees these places.
        (at + from, unsafe { Leaf::new(leaf).slice(places.start + from..places.start + to) })
    };
    if root.tag() == LEAF {
        return Ok(slice(0, root, 0..ends.len()));
    }
    let spine = Spine::new(root);
    let (head, tree_len) = (ends.head(), spine.head().tree_len);
    if i < head {
        return Ok(slice(0, spine.front(head)?, spine.head().places_in_front(head)));
    }
    if i - head >= tree_len {
        let tail = ends.len() - head - tree_len;
        return Ok(slice(head + tree_len, spine.back(tail)?, 0..tail));
    }
    let (mut tree, mut at) = (spine.tree()?, i - head);
    while tree.level > 0 {
        let inner = Inner::new(tree.node);
        let (k, below) = inner.find(tree.level, at);
        tree = inner.child(tree.level, tree.len, k)?;
        at = below
    }
    Ok(slice(i - at, tree.node, 0..tree.len))
}

/// Where the leaf with element `i` is linked, which of its places count and which number the first of these has. None
/// for the slot of a vector's root. All on the way is resident.
pub(super) fn leaf_slot<A, C: Count>(
    root: NodeRef<'_, A, C>,
    ends: Ends,
    i: usize,
) -> (usize, Range<usize>, Option<&Slot>) {
    if root.tag() == LEAF {
        return (0, 0..ends.len(), None);
    }
    let spine = Spine::new(root);
    let (head, part) = (ends.head(), spine.head());
    if i < head {
        return (0, part.places_in_front(head), Some(&part.head));
    }
    if i - head >= part.tree_len {
        return (head + part.tree_len, 0..ends.tail(part.tree_len), Some(&part.tail));
    }
    let (mut slot, mut level, mut len, mut at) = (&part.tree, spine.level(), part.tree_len, i - head);
    while level > 0 {
        // SAFETY: a resident inner node, which lives as long as the root does.
        let inner: Inner<'_, A, C> = unsafe { Inner::from_word(slot.get()) };
        let (k, below) = inner.find(level, at);
        (len, at) = (inner.size(level, len, k), below);
        slot = inner.slot(k);
        level -= 1
    }
    (i - at, 0..len, Some(slot))
}

/// Element `i`, which there is, thawed if need be.
#[cold]
#[inline(never)]
pub(super) fn element_thawed<A, C: Count>(root: NodeRef<'_, A, C>, ends: Ends, i: usize) -> Result<&A> {
    let (_, slice) = chunk(root, ends, i, &(i..i + 1))?;
    Ok(&slice[0])
}
