//! Two trees made one.
//!
//! The nodes along the seam are taken apart, level by level from the leaves up, and made again: no fuller than they may
//! be, and at least half full.
//!
//! In: two trees, and leaves to stand between them. Out: one tree.
//! Must hold: V2 to V4. Thawing and clones come before anything moves.
//! Uses: `link`, `node`, `leaf`, `inner`, `spine`, `edge`, `error`.

use super::edge::*;
use super::inner::*;
use super::leaf::*;
use super::node::*;
use super::spine::*;
use crate::error::Result;
use crate::link::{Count, Origin};
use alloc::sync::Arc;
use smallvec::SmallVec;

/// The nodes along an edge, taken apart: of each level from 1 up the children but the one that is taken apart too.
type Apart<A, C> = SmallVec<[Pieces<A, C>; 4]>;
/// Leaves where they stand, each with its length.
pub(super) type Leaves<'a, A, C> = SmallVec<[(&'a mut Node<A, C>, usize); 2]>;
/// Nodes by their level.
type Levels<'a, A, C> = SmallVec<[SmallVec<[Tree<'a, A, C>; 4]>; 8]>;

impl<A: Clone, C: Count> TreeMut<'_, A, C> {
    /// Puts leaves and another tree behind this one; takes them out of `leaves` and `other`. Neither tree is empty.
    ///
    /// Time: O(log n).
    /// Source: Bagwell & Rompf, "RRB-Trees", 2011, section 3, with the fill bounds of a B-tree instead of a search step.
    pub(super) fn join(&mut self, mut leaves: Leaves<'_, A, C>, mut other: TreeMut<'_, A, C>) -> Result<()> {
        let origins = prepare(self.view(), other.view())?;
        let last = edge_leaf_len(self.view(), Side::Back)?;
        let first = edge_leaf_len(other.view(), Side::Front)?;
        let seam = [last, first].into_iter().chain(leaves.iter().map(|(_, len)| *len));
        if seam.clone().any(|len| len < Rrb::<A, C>::LEAF_HALF) {
            let is_little = seam.sum::<usize>() < Rrb::<A, C>::LEAF_HALF;
            own_edge(self.reborrow(), Side::Back, last, is_little)?;
            own_edge(other.reborrow(), Side::Front, first, is_little)?;
            for (leaf, len) in &mut leaves {
                LeafMut::own(leaf, 0..*len, *len);
            }
        }
        count!(Joined);
        let levels = (*self.level).max(*other.level) as u32;
        let (left_level, right_level, len) = (*self.level as u32, *other.level as u32, *self.len);
        let (left, last) = take_apart(self.set(none(), 0, 0), left_level, len, Side::Back);
        let len = *other.len;
        let (right, first) = take_apart(other.set(none(), 0, 0), right_level, len, Side::Front);
        let mut seam = Pieces::new();
        seam.push(last);
        seam.extend(leaves.into_iter().map(|(leaf, len)| Piece { node: core::mem::replace(leaf, none()), len }));
        seam.push(first);
        let (mut left, mut right) = (left.into_iter(), right.into_iter());
        let mut level = 0;
        while level < levels || seam.len() > 1 {
            let (mut before, mut behind) = (left.next().unwrap_or_default(), right.next().unwrap_or_default());
            let origin = |level: u32| origins.get(level as usize).cloned().flatten();
            fill_up(level, &mut seam, &mut before, &mut behind, &origins);
            before.extend(seam);
            before.extend(behind);
            level += 1;
            seam = in_nodes(level, before, origin(level))
        }
        let root = seam.pop().expect("two trees have a seam");
        self.set(root.node, level, root.len);
        self.lower();
        Ok(())
    }
}

/// Thaws what a join may take apart: the nodes along the seam, those beside them and what is at the seam's side of these;
/// and what would not fit together (L8).
/// Gives the origin of each level's children.
fn prepare<A, C: Count>(left: Tree<'_, A, C>, right: Tree<'_, A, C>) -> Result<SmallVec<[Option<Arc<Origin>>; 8]>> {
    let mut levels: Levels<'_, A, C> = SmallVec::new();
    for (mut tree, side) in [(left, Side::Back), (right, Side::Front)] {
        levels.resize(levels.len().max(tree.level as usize + 1), SmallVec::new());
        while tree.level > 0 {
            levels[tree.level as usize].push(tree);
            let inner = Inner::new(tree.node);
            let n = inner.n();
            let (edge, beside) = match side {
                Side::Back => (n - 1, n.checked_sub(2)),
                Side::Front => (0, (n > 1).then_some(1)),
            };
            if let Some(beside) = beside {
                let mut beside = inner.child(tree.level, tree.len, beside)?;
                while beside.level > 0 {
                    levels[beside.level as usize].push(beside);
                    beside = edge_child(beside, side)?
                }
            }
            tree = inner.child(tree.level, tree.len, edge)?
        }
    }
    levels.into_iter().map(mixed).collect()
}

/// Gives also the leaf at this side.
fn take_apart<A, C: Count>(node: Node<A, C>, level: u32, len: usize, side: Side) -> (Apart<A, C>, Piece<A, C>) {
    let mut apart = Apart::new();
    let mut edge = Piece { node, len };
    for level in (1..=level).rev() {
        let mut pieces = into_pieces(edge.node, level, edge.len);
        edge = match side {
            Side::Back => pieces.pop().expect("no node is empty"),
            Side::Front => pieces.remove(0),
        };
        apart.insert(0, pieces)
    }
    (apart, edge)
}

/// True if a node of this level needs company. What is stored stood in a tree and is no edge, so it does not.
fn is_small<A, C: Count>(level: u32, piece: &Piece<A, C>) -> bool {
    match level {
        _ if piece.node.word().is_stored() => false,
        0 => piece.len < Rrb::<A, C>::LEAF_HALF,
        _ => Inner::new(piece.node.link()).n() < HALF_WIDTH,
    }
}

/// Makes the nodes of the seam half full at least, as far as there are nodes beside them.
fn fill_up<A: Clone, C: Count>(
    level: u32,
    seam: &mut Pieces<A, C>,
    before: &mut Pieces<A, C>,
    behind: &mut Pieces<A, C>,
    origins: &[Option<Arc<Origin>>],
) {
    let origin = |level: u32| origins.get(level as usize).cloned().flatten();
    while let Some(small) = seam.iter().position(|piece| is_small(level, piece)) {
        if seam.len() == 1 {
            match before.pop() {
                Some(piece) => seam.insert(0, piece),
                None if behind.is_empty() => return,
                None => seam.push(behind.remove(0)),
            }
            continue;
        }
        let first = small.saturating_sub(1);
        let b = seam.remove(first + 1);
        let a = seam.remove(first);
        match level {
            0 => seam.insert_many(first, two_leaves(a, b)),
            _ => {
                let mut pieces = into_pieces(a.node, level, a.len);
                pieces.extend(into_pieces(b.node, level, b.len));
                // A small node without others beside it stood alone in its parent: now there are some.
                fill_up(level - 1, &mut pieces, &mut Pieces::new(), &mut Pieces::new(), origins);
                seam.insert_many(first, in_nodes(level, pieces, origin(level)))
            }
        }
    }
}

/// As few nodes of this level as the children need, as full as each other.
fn in_nodes<A, C: Count>(level: u32, mut pieces: Pieces<A, C>, origin: Option<Arc<Origin>>) -> Pieces<A, C> {
    let mut nodes = Pieces::new();
    let mut left = pieces.len().div_ceil(WIDTH);
    let mut rest = pieces.drain(..);
    let mut remaining = rest.len();
    while left > 0 {
        let n = remaining.div_ceil(left);
        let children: Pieces<A, C> = rest.by_ref().take(n).collect();
        let len = children.iter().map(|piece| piece.len).sum();
        nodes.push(Piece { node: node_of(level, children, origin.clone()), len });
        (left, remaining) = (left - 1, remaining - n)
    }
    nodes
}
