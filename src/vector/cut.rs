//! A tree cut in two.
//!
//! In: a tree and where to cut. Out: two trees.
//! Must hold: V2 to V4 of both. Thawing and clones come before anything moves.
//! Uses: `link`, `node`, `leaf`, `inner`, `spine`, `error`.

use super::inner::*;
use super::leaf::*;
use super::node::*;
use super::spine::*;
use crate::error::Result;
use crate::link::Count;

impl<A: Clone, C: Count> TreeMut<'_, A, C> {
    /// Takes the elements from `at` on out, as a tree with its level. There are some on both sides.
    ///
    /// Time: O(log n).
    /// Source: Stucki et al., "RRB Vector: A Practical General Purpose Immutable Sequence", 2015, section 3.3.
    pub(super) fn cut(&mut self, at: usize) -> Result<(Piece<A, C>, u32)> {
        debug_assert!(0 < at && at < *self.len);
        let (level, len) = (*self.level as u32, *self.len);
        own_path(self.node, level, len, at)?;
        count!(Cut);
        let node = core::mem::replace(self.node, none());
        let (left, right) = cut(node, level, len, at);
        self.set(left.node, level, left.len);
        self.lower();
        let (mut node, mut level, mut len) = (right.node, level as u16, right.len);
        TreeMut { node: &mut node, level: &mut level, len: &mut len }.lower();
        Ok((Piece { node, len }, level as u32))
    }
}

/// Makes the nodes exclusive that a cut goes through.
fn own_path<A: Clone, C: Count>(
    mut node: &mut Node<A, C>,
    mut level: u32,
    mut len: usize,
    mut at: usize,
) -> Result<()> {
    while level > 0 && at > 0 {
        let own = InnerMut::own(node, level, len);
        let (k, below) = own.get().find(level, at);
        (len, at) = (own.get().child(level, len, k)?.len, below);
        node = own.into_child(k);
        level -= 1
    }
    if at > 0 {
        LeafMut::own(node, 0..len, len);
    }
    Ok(())
}

/// Cuts a node whose path is exclusive.
fn cut<A, C: Count>(mut node: Node<A, C>, level: u32, len: usize, at: usize) -> (Piece<A, C>, Piece<A, C>) {
    if level == 0 {
        let right = LeafMut::new(&mut node).split(at, len - at);
        return (Piece { node, len: at }, Piece { node: right, len: len - at });
    }
    let mut own = InnerMut::own(&mut node, level, len);
    let (k, below) = own.get().find(level, at);
    let origin = own.get().origin().cloned();
    let mut right = own.drain(len, k);
    if below > 0 {
        let Piece { node: child, len: child_len } = right.remove(0);
        let (lower, upper) = cut(child, level - 1, child_len, below);
        own = InnerMut::own(&mut node, level, at - below);
        own.insert(k, lower);
        right.insert(0, upper)
    }
    (Piece { node, len: at }, Piece { node: node_of(level, right, origin), len: len - at })
}
