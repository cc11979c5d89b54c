//! Edits anywhere in a tree: one element changed, put in or taken out.
//!
//! In: a tree and an index. Out: the tree with the edit; nodes that are shared are copied on the way down.
//! Must hold: V2, V3 (a node that gets too small joins the one beside it or takes children from it). Thawing and clones,
//! which may fail, come before the first change of a length.
//! Uses: `link`, `node`, `leaf`, `inner`, `spine`, `error`.

use super::inner::*;
use super::leaf::*;
use super::node::*;
use super::spine::*;
use crate::error::Result;
use crate::link::Count;
use core::ops::Range;

/// The leaf with element `i`, exclusive, and what number the element has there.
#[inline]
pub(super) fn leaf_mut<A: Clone, C: Count>(
    mut node: &mut Node<A, C>,
    mut level: u32,
    mut len: usize,
    mut i: usize,
) -> Result<(LeafMut<'_, A, C>, usize)> {
    while level > 0 {
        let own = InnerMut::own(node, level, len);
        let (k, below) = own.get().find(level, i);
        (len, i) = (own.get().child(level, len, k)?.len, below);
        node = own.into_child(k);
        level -= 1
    }
    Ok((LeafMut::own(node, 0..len, len), i))
}

/// Makes the inner nodes exclusive that have elements of this range, and the leaves below them resident.
pub(super) fn own_above<A, C: Count>(node: &mut Node<A, C>, level: u32, len: usize, range: Range<usize>) -> Result<()> {
    if level == 0 || range.start >= range.end {
        return Ok(());
    }
    let mut own = InnerMut::own(node, level, len);
    let ((first, _), (last, _)) = (own.get().find(level, range.start), own.get().find(level, range.end - 1));
    for k in first..=last {
        let (start, size) = (own.get().start(level, k), own.get().child(level, len, k)?.len);
        let below = range.start.saturating_sub(start)..(range.end - start).min(size);
        own_above(own.child_mut(k), level - 1, size, below)?
    }
    Ok(())
}

impl<A: Clone, C: Count> TreeMut<'_, A, C> {
    /// Puts an element before the one numbered `i`.
    ///
    /// Time: O(log n).
    /// Source: Bayer & McCreight, "Organization and Maintenance of Large Ordered Indexes", 1972; with counts as keys.
    pub(super) fn insert(&mut self, i: usize, element: A) -> Result<()> {
        let (level, len) = (*self.level as u32, *self.len);
        let beside = insert(self.node, level, len, i, element)?;
        *self.len += 1;
        if let Some(piece) = beside {
            count!(Raised);
            let first = Piece { node: core::mem::replace(self.node, none()), len: len + 1 - piece.len };
            self.set(node_of(level + 1, [first, piece].into_iter().collect(), None), level + 1, len + 1);
        }
        Ok(())
    }

    /// Takes element `i` out.
    ///
    /// Time: O(log n).
    pub(super) fn remove(&mut self, i: usize) -> Result<A> {
        let element = remove(self.node, *self.level as u32, *self.len, i)?;
        *self.len -= 1;
        self.lower();
        Ok(element)
    }
}

/// Gives the upper part of the node, if it had to be split.
fn insert<A: Clone, C: Count>(
    node: &mut Node<A, C>,
    level: u32,
    len: usize,
    i: usize,
    element: A,
) -> Result<Option<Piece<A, C>>> {
    if level == 0 {
        return Ok(insert_into_leaf(node, len, i, element));
    }
    let inner = Inner::new(node.link());
    let n = inner.n();
    let (k, below) = match i == len {
        true => (n - 1, inner.size(level, len, n - 1)),
        false => inner.find(level, i),
    };
    let size = inner.child(level, len, k)?.len;
    // The last child of a strict node may have any length.
    let relaxed = k + 1 < n || size == Rrb::<A, C>::full(level - 1);
    let mut own = InnerMut::own_with(node, level, len, relaxed, 0);
    let beside = insert(own.child_mut(k), level - 1, size, below, element)?;
    own.add(k, 1);
    let Some(piece) = beside else { return Ok(None) };
    let len = len + 1;
    if n < WIDTH {
        let mut own = InnerMut::own_with(node, level, len, true, n + 1);
        own.sub(k, piece.len);
        own.insert(k + 1, piece);
        return Ok(None);
    }
    count!(NodeSplit);
    let mut own = InnerMut::own_with(node, level, len, true, 0);
    own.sub(k, piece.len);
    let mut upper = own.drain(len - piece.len, HALF_WIDTH);
    match k < HALF_WIDTH {
        true => InnerMut::own(node, level, 0).insert(k + 1, piece),
        false => upper.insert(k + 1 - HALF_WIDTH, piece),
    }
    let upper_len = upper.iter().map(|piece| piece.len).sum();
    let origin = Inner::new(node.link()).origin().cloned();
    Ok(Some(Piece { node: node_of(level, upper, origin), len: upper_len }))
}

fn insert_into_leaf<A: Clone, C: Count>(
    node: &mut Node<A, C>,
    len: usize,
    i: usize,
    element: A,
) -> Option<Piece<A, C>> {
    let (most, half) = (Rrb::<A, C>::LEAF_MAX, Rrb::<A, C>::LEAF_HALF);
    if len < most {
        LeafMut::own(node, 0..len, len + 1).insert(i, element);
        return None;
    }
    count!(LeafSplit);
    let mut upper = LeafMut::own(node, 0..len, len).split(half, most - half + 1);
    let mut upper_len = most - half;
    match i <= half {
        true => LeafMut::new(node).insert(i, element),
        false => {
            LeafMut::new(&mut upper).insert(i - half, element);
            upper_len += 1
        }
    }
    Some(Piece { node: upper, len: upper_len })
}

/// True if the node will be too small with less in it.
fn is_least<A, C: Count>(tree: Tree<'_, A, C>) -> bool {
    match tree.level {
        0 => tree.len <= Rrb::<A, C>::LEAF_HALF,
        _ => Inner::new(tree.node).n() <= HALF_WIDTH,
    }
}

/// From a node of any level, which may be empty then.
fn remove<A: Clone, C: Count>(node: &mut Node<A, C>, level: u32, len: usize, i: usize) -> Result<A> {
    if level == 0 {
        return Ok(LeafMut::own(node, 0..len, len).remove(i));
    }
    let inner = Inner::new(node.link());
    let n = inner.n();
    let (k, below) = inner.find(level, i);
    let child = inner.child(level, len, k)?;
    let size = child.len;
    let beside = (n > 1 && is_least(child)).then(|| if k > 0 { k - 1 } else { 1 });
    if let Some(beside) = beside {
        let beside = inner.child(level, len, beside)?;
        if level > 1 {
            mixed([child, beside])?;
        }
    }
    let mut own = InnerMut::own_with(node, level, len, k + 1 < n || beside.is_some(), 0);
    if let (1, Some(beside)) = (level, beside) {
        // Clones, if it is shared: before anything has moved.
        let size = own.get().size(level, len, beside);
        LeafMut::own(own.child_mut(beside), 0..size, size);
    }
    let element = remove(own.child_mut(k), level - 1, size, below)?;
    own.sub(k, 1);
    if size == 1 {
        drop(own.remove(k, 0))
    } else if let Some(beside) = beside {
        let sizes = |k| own.get().size(level, len - 1, k);
        let lower = k.min(beside);
        let sizes = (sizes(lower), sizes(lower + 1));
        match level {
            1 => balance_leaves(own, lower, sizes),
            _ if Inner::new(own.get().child(level, len - 1, k)?.node).n() < HALF_WIDTH => {
                balance_nodes(own, level, lower, sizes)
            }
            _ => {}
        }
    }
    Ok(element)
}

/// Makes two exclusive leaves of so many elements one, which is the lower, or two that are half full. Gives how many the lower
/// has then.
pub(super) fn level_out<A: Clone, C: Count>(
    lower: &mut Node<A, C>,
    a: usize,
    upper: &mut Node<A, C>,
    b: usize,
) -> usize {
    let total = a + b;
    if total <= Rrb::<A, C>::LEAF_MAX {
        count!(LeafMerge);
        LeafMut::own(lower, 0..a, total).take_front(LeafMut::new(upper), b);
        return total;
    }
    count!(LeafBalance);
    let half = total / 2;
    if a < half {
        LeafMut::own(lower, 0..a, half).take_front(LeafMut::new(upper), half - a)
    } else {
        LeafMut::own(upper, 0..b, total - half).take_back(LeafMut::new(lower), a - half)
    }
    half
}

/// Makes leaves `k` and `k + 1`, which are exclusive and one of which is too small, one leaf or two that are not.
fn balance_leaves<A: Clone, C: Count>(mut own: InnerMut<'_, A, C>, k: usize, (a, b): (usize, usize)) {
    let (lower, upper) = own.two_mut(k);
    match level_out(lower, a, upper, b) {
        now if now < a => own.shift_up(k, a - now),
        now => {
            own.shift_down(k, now - a);
            if now == a + b {
                drop(own.remove(k + 1, 0))
            }
        }
    }
}

/// The same for inner nodes below a node of this level; their children fit into one (`mixed`).
fn balance_nodes<A, C: Count>(mut own: InnerMut<'_, A, C>, level: u32, k: usize, (a, b): (usize, usize)) {
    let (lower, upper) = own.two_mut(k);
    let below = level - 1;
    let origin = [&*lower, &*upper].into_iter().find_map(|node| Inner::new(node.link()).origin().cloned());
    let mut pieces = into_pieces(core::mem::replace(lower, none()), below, a);
    pieces.extend(into_pieces(core::mem::replace(upper, none()), below, b));
    if pieces.len() <= WIDTH {
        count!(NodeMerge);
        *lower = node_of(below, pieces, origin);
        own.shift_down(k, b);
        return drop(own.remove(k + 1, 0));
    }
    count!(NodeBalance);
    let rest: Pieces<A, C> = pieces.drain(pieces.len() / 2..).collect();
    let size: usize = pieces.iter().map(|piece| piece.len).sum();
    *lower = node_of(below, pieces, origin.clone());
    *upper = node_of(below, rest, origin);
    match size < a {
        true => own.shift_up(k, a - size),
        false => own.shift_down(k, size - a),
    }
}
