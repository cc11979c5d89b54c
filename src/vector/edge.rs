//! Whole leaves into and out of a tree, at its edges.
//!
//! In: a tree, a leaf, a side. Out: the tree with the leaf, or a leaf and the tree without it.
//! Must hold: V2, V3 (nodes at an edge may have fewer children than half), V4. Everything that can fail (thawing) is done
//! before anything moves.
//! Uses: `link`, `node`, `leaf`, `inner`, `middle`, `spine`, `error`.

use super::inner::*;
use super::leaf::*;
use super::middle::{leaf_mut, level_out};
use super::node::*;
use super::spine::*;
use crate::error::Result;
use crate::link::Count;
use smallvec::SmallVec;

impl<A: Clone, C: Count> TreeMut<'_, A, C> {
    /// Puts a leaf of so many elements at this side; takes it out of `leaf`.
    ///
    /// Time: O(log n).
    /// Source: Bagwell & Rompf, "RRB-Trees", 2011, section 2.
    pub(super) fn push_leaf(&mut self, leaf: &mut Node<A, C>, leaf_len: usize, side: Side) -> Result<()> {
        if self.is_none() {
            self.set(core::mem::replace(leaf, none()), 0, leaf_len);
            return Ok(());
        }
        if side == Side::Back && self.push_strict(leaf, leaf_len) {
            return Ok(());
        }
        let edge_len = edge_leaf_len(self.view(), side)?;
        if edge_len >= Rrb::<A, C>::LEAF_HALF {
            return self.push_beside(leaf, leaf_len, side);
        }
        // It will be no edge any more (V3): the two share what they have.
        LeafMut::own(leaf, 0..leaf_len, leaf_len);
        own_edge(self.reborrow(), side, edge_len, false)?;
        if edge_len < *self.len {
            // What will be the way to this edge cannot fail to be read then.
            let beside = if side == Side::Back { *self.len - edge_len - 1 } else { edge_len };
            thaw_above(self.view(), beside)?
        }
        let old = self.pop_leaf(side)?;
        let new = Piece { node: core::mem::replace(leaf, none()), len: leaf_len };
        let (a, b) = if side == Side::Back { (old, new) } else { (new, old) };
        let mut leaves = two_leaves(a, b);
        if side == Side::Front {
            leaves.reverse()
        }
        for mut leaf in leaves {
            match self.is_none() {
                true => drop(self.set(leaf.node, 0, leaf.len)),
                false => self.push_beside(&mut leaf.node, leaf.len, side)?,
            }
        }
        Ok(())
    }
}

impl<A, C: Count> TreeMut<'_, A, C> {
    /// The short way to the back: all leaves are full, and all nodes at that edge strict and exclusive. False if that is
    /// not so, or there is no room beside the last leaf.
    fn push_strict(&mut self, leaf: &mut Node<A, C>, leaf_len: usize) -> bool {
        let (mut node, mut level) = (&mut *self.node, *self.level as u32);
        if level == 0 || !self.len.is_multiple_of(Rrb::<A, C>::LEAF_MAX) {
            return false;
        }
        while node.word().tag() == STRICT && node.is_exclusive() {
            let mut own = InnerMut::of_level(node, level);
            let n = own.get().n();
            if level == 1 {
                let has_room = n < own.get().cap();
                if has_room {
                    own.insert(n, Piece { node: core::mem::replace(leaf, none()), len: leaf_len });
                    *self.len += leaf_len
                }
                return has_room;
            }
            node = own.into_child(n - 1);
            level -= 1
        }
        false
    }

    /// Beside a leaf that is half full at least.
    fn push_beside(&mut self, leaf: &mut Node<A, C>, leaf_len: usize, side: Side) -> Result<()> {
        let (level, len) = (*self.level as u32, *self.len);
        let piece = match level {
            0 => Some(Piece { node: core::mem::replace(leaf, none()), len: leaf_len }),
            _ => push(self.node, level, len, leaf, leaf_len, side)?,
        };
        let Some(piece) = piece else {
            *self.len += leaf_len;
            return Ok(());
        };
        count!(Raised);
        let old = Piece { node: core::mem::replace(self.node, none()), len };
        let pieces = match side {
            Side::Back => [old, piece],
            Side::Front => [piece, old],
        };
        self.set(node_of(level + 1, pieces.into_iter().collect(), None), level + 1, len + leaf_len);
        Ok(())
    }

    /// Takes the leaf at this side out. The tree has one.
    ///
    /// Time: O(log n).
    pub(super) fn pop_leaf(&mut self, side: Side) -> Result<Piece<A, C>> {
        let (level, len) = (*self.level as u32, *self.len);
        if level == 0 {
            return Ok(Piece { node: self.set(none(), 0, 0), len });
        }
        let piece = pop(self.node, level, len, side)?;
        *self.len -= piece.len;
        self.lower();
        Ok(piece)
    }
}

/// Thaws the inner nodes above element `i`.
fn thaw_above<A, C: Count>(mut tree: Tree<'_, A, C>, mut i: usize) -> Result<()> {
    while tree.level > 1 {
        let inner = Inner::new(tree.node);
        let (k, below) = inner.find(tree.level, i);
        tree = inner.child(tree.level, tree.len, k)?;
        i = below
    }
    Ok(())
}

/// How many elements the leaf at this side has.
pub(super) fn edge_leaf_len<A, C: Count>(mut tree: Tree<'_, A, C>, side: Side) -> Result<usize> {
    while tree.level > 0 {
        tree = edge_child(tree, side)?
    }
    Ok(tree.len)
}

pub(super) fn edge_child<A, C: Count>(tree: Tree<'_, A, C>, side: Side) -> Result<Tree<'_, A, C>> {
    let inner = Inner::new(tree.node);
    inner.child(tree.level, tree.len, at_edge(inner, side))
}

/// Makes the leaf at this side exclusive, which has so many elements; the one beside it too, if `both`.
pub(super) fn own_edge<A: Clone, C: Count>(
    tree: TreeMut<'_, A, C>,
    side: Side,
    leaf_len: usize,
    both: bool,
) -> Result<()> {
    let (level, len) = (*tree.level as u32, *tree.len);
    let (at, beside) = match side {
        Side::Back => (len - 1, (len - leaf_len).wrapping_sub(1)),
        Side::Front => (0, leaf_len),
    };
    leaf_mut(tree.node, level, len, at)?;
    if both && beside < len {
        leaf_mut(tree.node, level, len, beside)?;
    }
    Ok(())
}

/// Two exclusive leaves as one, or as two that are half full.
pub(super) fn two_leaves<A: Clone, C: Count>(mut a: Piece<A, C>, mut b: Piece<A, C>) -> SmallVec<[Piece<A, C>; 2]> {
    let total = a.len + b.len;
    a.len = level_out(&mut a.node, a.len, &mut b.node, b.len);
    b.len = total - a.len;
    [a, b].into_iter().filter(|piece| piece.len > 0).collect()
}

/// The number of the child at this side.
fn at_edge<A, C: Count>(inner: Inner<'_, A, C>, side: Side) -> usize {
    match side {
        Side::Front => 0,
        Side::Back => inner.n() - 1,
    }
}

/// True if a leaf fits in at this side.
fn has_room<A, C: Count>(tree: Tree<'_, A, C>, side: Side) -> Result<bool> {
    let inner = Inner::new(tree.node);
    Ok(inner.n() < WIDTH || tree.level > 1 && has_room(inner.child(tree.level, tree.len, at_edge(inner, side))?, side)?)
}

/// Into a node of level 1 or more. Gives a node of that level to stand beside it, if there is no room.
fn push<A, C: Count>(
    node: &mut Node<A, C>,
    level: u32,
    len: usize,
    leaf: &mut Node<A, C>,
    leaf_len: usize,
    side: Side,
) -> Result<Option<Piece<A, C>>> {
    let inner = Inner::new(node.link());
    let edge = at_edge(inner, side);
    if level > 1 {
        let child = inner.child(level, len, edge)?;
        if has_room(child, side)? {
            let size = child.len;
            let mut own = InnerMut::own(node, level, len);
            let beside = push(own.child_mut(edge), level - 1, size, leaf, leaf_len, side)?;
            debug_assert!(beside.is_none());
            own.add(edge, leaf_len);
            return Ok(None);
        }
    }
    let n = inner.n();
    if n == WIDTH {
        return Ok(Some(chain(core::mem::replace(leaf, none()), leaf_len, 0, level)));
    }
    // A strict node stays one if all but the last child are full.
    let before_last = match side {
        Side::Back => inner.size(level, len, n - 1),
        Side::Front => leaf_len,
    };
    let relaxed = before_last != Rrb::<A, C>::full(level - 1);
    let mut own = InnerMut::own_with(node, level, len, relaxed, n + 1);
    let piece = chain(core::mem::replace(leaf, none()), leaf_len, 0, level - 1);
    own.insert(if side == Side::Back { n } else { 0 }, piece);
    Ok(None)
}

/// A node of level `to` with nothing but this node of level `from`.
pub(super) fn chain<A, C: Count>(mut node: Node<A, C>, len: usize, from: u32, to: u32) -> Piece<A, C> {
    for level in from + 1..=to {
        count!(Chained);
        node = node_of(level, [Piece { node, len }].into_iter().collect(), None)
    }
    Piece { node, len }
}

/// Out of a node of level 1 or more, which may have no child left then.
fn pop<A, C: Count>(node: &mut Node<A, C>, level: u32, len: usize, side: Side) -> Result<Piece<A, C>> {
    let inner = Inner::new(node.link());
    let edge = at_edge(inner, side);
    let size = inner.child(level, len, edge)?.len;
    // Without its first leaf a strict node's first child is not full.
    let relaxed = side == Side::Front && level > 1 && inner.n() > 1;
    let mut own = InnerMut::own_with(node, level, len, relaxed, 0);
    if level == 1 {
        return Ok(Piece { node: own.remove(edge, size), len: size });
    }
    let piece = pop(own.child_mut(edge), level - 1, size, side)?;
    own.sub(edge, piece.len);
    if piece.len == size {
        drop(own.remove(edge, 0))
    }
    Ok(piece)
}
