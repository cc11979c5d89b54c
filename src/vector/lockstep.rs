//! Two vectors walked together, over what they share without reading it: `==` and `diff`.
//!
//! A cursor stands before a node, the largest that begins there. Where both cursors stand before the same node it is
//! skipped, wherever in the two vectors that is. Where they do not, the larger one is entered; and where two leaves are not
//! the same, leaves are read on both sides until one is found that is on both.
//!
//! In: two vectors. Out: whether they are equal; the ranges in which they differ.
//! Must hold: L7 (what is the same is not read); a difference names all elements that are not paired with an equal one.
//! Uses: `link`, `leaf`, `inner`, `spine`, `ends`, `node`, `revive`, `hash`, `error`.
#![allow(unsafe_code)] // Elements of leaves: docs/ARCHITECTURE.md, "Unsafe".

use super::ends::Body;
use super::inner::*;
use super::leaf::*;
use super::node::*;
use super::revive::through_stub;
use super::spine::*;
use crate::error::Result;
use crate::hash::Lookup;
use crate::link::{Count, Mark, Origin, Slot, same};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use smallvec::SmallVec;

/// A difference between two vectors: the elements `old` of the first have been replaced by the elements `new` of the
/// second. One of the two may be empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Splice {
    /// A range of the first vector.
    pub old: Range<usize>,
    /// What stands there in the second.
    pub new: Range<usize>,
}

/// A node that a cursor may stand before.
struct Item<'a, A, C: Count> {
    tree: Tree<'a, A, C>,
    /// Where a leaf's elements begin.
    first: usize,
    /// What its word thaws from, if that is stored.
    origin: Option<&'a Arc<Origin>>,
    /// The number in the parent above, if that is an inner node; else which part it is.
    place: usize,
}

impl<A, C: Count> Clone for Item<'_, A, C> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<A, C: Count> Copy for Item<'_, A, C> {}

const HEAD: usize = 0;
const TREE: usize = 1;
const TAIL: usize = 2;

/// Walks the nodes of a vector.
struct Cursor<'a, A, C: Count> {
    body: &'a Body<A, C>,
    /// Thawed.
    root: NodeRef<'a, A, C>,
    /// Head, tree and tail, the next last.
    parts: SmallVec<[Item<'a, A, C>; 3]>,
    /// Nodes that were entered, from the tree's root down; each with the number of the child that is next.
    entered: SmallVec<[(Tree<'a, A, C>, usize); 8]>,
    /// How many elements were passed.
    at: usize,
}

impl<'a, A, C: Count> Cursor<'a, A, C> {
    fn new(body: &'a Body<A, C>) -> Result<Self> {
        let (len, head) = (body.len(), body.ends.head());
        let root = through_stub(body.root.link(), body.ends)?;
        let item =
            |node, level, len, first, origin, place| Item { tree: Tree { node, level, len }, first, origin, place };
        let mut parts = SmallVec::new();
        if root.tag() == LEAF {
            parts.push(item(root, 0, len, 0, None, TAIL))
        } else if root.tag() == SPINE {
            let (spine, part) = (Spine::new(root), Spine::new(root).head());
            let (tree, origin) = (part.tree_len, part.origin.as_ref());
            // SAFETY: what a spine links to lives while the spine does.
            let node = |slot: &Slot| unsafe { NodeRef::from_word(slot.get()) };
            parts.push(item(node(&part.tail), 0, body.ends.tail(tree), 0, origin, TAIL));
            parts.push(item(node(&part.tree), spine.level(), tree, 0, origin, TREE));
            parts.push(item(node(&part.head), 0, head, part.places_in_front(head).start, origin, HEAD))
        }
        parts.retain(|part: &mut Item<'a, A, C>| part.tree.len > 0);
        Ok(Cursor { body, root, parts, entered: SmallVec::new(), at: 0 })
    }

    /// The node that begins here, not thawed.
    fn here(&self) -> Option<Item<'a, A, C>> {
        let Some(&(parent, k)) = self.entered.last() else { return self.parts.last().copied() };
        let inner = Inner::new(parent.node);
        // SAFETY: the child lives while its parent does.
        let node = unsafe { NodeRef::from_word(inner.word(k)) };
        let tree = Tree { node, level: parent.level - 1, len: inner.size(parent.level, parent.len, k) };
        Some(Item { tree, first: 0, origin: inner.origin(), place: k })
    }

    /// The same, thawed.
    fn thawed(&self) -> Result<Option<Item<'a, A, C>>> {
        let Some(mut item) = self.here() else { return Ok(None) };
        if !item.tree.node.word().is_stored() {
            return Ok(Some(item));
        }
        item.tree.node = match (self.entered.last(), item.place) {
            (Some((parent, _)), place) => Inner::new(parent.node).child(parent.level, parent.len, place)?.node,
            (None, HEAD) => Spine::new(self.root).front(item.tree.len)?,
            (None, TREE) => Spine::new(self.root).tree()?.node,
            (None, _) => Spine::new(self.root).back(item.tree.len)?,
        };
        Ok(Some(item))
    }

    /// Passes the node that begins here.
    fn skip(&mut self) {
        let Some(item) = self.here() else { return };
        self.at += item.tree.len;
        while let Some((parent, k)) = self.entered.last_mut() {
            *k += 1;
            if *k < Inner::new(parent.node).n() {
                return;
            }
            self.entered.pop();
        }
        self.parts.pop();
    }

    /// Goes before the first child of the node that begins here.
    fn enter(&mut self) -> Result<()> {
        if let Some(item) = self.thawed()? {
            self.entered.push((item.tree, 0))
        }
        Ok(())
    }

    /// Goes back to before the leaf that begins at `at`.
    fn back_to(&mut self, at: usize) -> Result<()> {
        if at < self.at {
            *self = Cursor::new(self.body)?
        }
        while let Some(item) = self.here()
            && self.at < at
        {
            match self.at + item.tree.len <= at {
                true => self.skip(),
                false => self.enter()?,
            }
        }
        Ok(())
    }

    /// The leaf that begins here.
    fn leaf(&mut self) -> Result<Option<Item<'a, A, C>>> {
        while self.here().is_some_and(|item| item.tree.level > 0) {
            self.enter()?
        }
        self.thawed()
    }
}

/// True if two nodes are the same, and as much of them counts.
fn is_same<A, C: Count>(a: &Item<'_, A, C>, b: &Item<'_, A, C>) -> bool {
    if a.tree.len != b.tree.len || a.first != b.first {
        return false;
    }
    let (x, y) = (a.tree.node.word(), b.tree.node.word());
    // SAFETY: both live.
    x == y && !x.is_stored() || is_as_stored(a) && is_as_stored(b) && unsafe { same(x, a.origin, y, b.origin) }
}

/// True if all that counts of a node is what its mark names: a leaf may have grown at its ends since it was stored.
fn is_as_stored<A, C: Count>(item: &Item<'_, A, C>) -> bool {
    if item.tree.level > 0 || item.tree.node.word().is_stored() {
        return true;
    }
    let stored = Leaf::new(item.tree.node).head().stored_places();
    stored.start <= item.first && item.first + item.tree.len <= stored.end
}

fn elements<'a, A, C: Count>(item: &Item<'a, A, C>) -> &'a [A] {
    // SAFETY: a version sees these places.
    unsafe { Leaf::new(item.tree.node).slice(item.first..item.first + item.tree.len) }
}

/// True if the two have the same elements.
pub(super) fn is_equal<A: PartialEq, C: Count>(a: &Body<A, C>, b: &Body<A, C>) -> Result<bool> {
    if a.len() != b.len() {
        return Ok(false);
    }
    let (mut a, mut b) = (Cursor::new(a)?, Cursor::new(b)?);
    // What is left of a leaf on either side, while the cursors are not at one place.
    let (mut left, mut right): (&[A], &[A]) = (&[], &[]);
    loop {
        if left.is_empty() && right.is_empty() {
            meet(&mut a, &mut b)?
        }
        if left.is_empty()
            && let Some(leaf) = a.leaf()?
        {
            left = elements(&leaf);
            a.skip()
        }
        if right.is_empty()
            && let Some(leaf) = b.leaf()?
        {
            right = elements(&leaf);
            b.skip()
        }
        let n = left.len().min(right.len());
        if n == 0 {
            return Ok(true);
        }
        if left[..n] != right[..n] {
            return Ok(false);
        }
        (left, right) = (&left[n..], &right[n..])
    }
}

/// Skips what is the same from here on, until both stand before leaves that are not, or one is at its end.
fn meet<'a, A, C: Count>(a: &mut Cursor<'a, A, C>, b: &mut Cursor<'a, A, C>) -> Result<()> {
    while let (Some(x), Some(y)) = (a.here(), b.here()) {
        if is_same(&x, &y) {
            a.skip();
            b.skip();
            continue;
        }
        let (in_a, in_b) = (x.tree.level, y.tree.level);
        if in_a == 0 && in_b == 0 {
            return Ok(());
        }
        if in_a >= in_b {
            a.enter()?
        }
        if in_b >= in_a {
            b.enter()?
        }
    }
    Ok(())
}

/// Where the second vector differs from the first, in order.
pub(super) fn diff<A: PartialEq, C: Count>(a: &Body<A, C>, b: &Body<A, C>) -> Result<Vec<Splice>> {
    let (mut a, mut b) = (Cursor::new(a)?, Cursor::new(b)?);
    let mut found = Vec::new();
    loop {
        meet(&mut a, &mut b)?;
        let (old, new) = apart(&mut a, &mut b)?;
        if old.len() == 0 && new.len() == 0 {
            return Ok(found);
        }
        splices(&old, &new, &mut found)
    }
}

/// Leaves side by side.
struct Run<'a, A> {
    /// Where the first begins.
    start: usize,
    slices: Vec<&'a [A]>,
}

impl<'a, A> Run<'a, A> {
    fn len(&self) -> usize {
        self.slices.iter().map(|slice| slice.len()).sum()
    }
    fn iter(&self) -> impl DoubleEndedIterator<Item = &'a A> + use<'a, '_, A> {
        self.slices.iter().copied().flatten()
    }
}

/// One side of [`apart`]: the leaves read so far, and where each of them is among those.
struct Read<'a, A, C: Count> {
    leaves: Vec<Item<'a, A, C>>,
    numbers: Lookup<Key, usize>,
    start: usize,
    /// Behind each of the leaves.
    ends: Vec<usize>,
}

/// What tells a leaf from others: where it is stored, if all of it is, else where it is in memory; and its places.
type Key = (Mark, usize, usize, usize);

impl<'a, A, C: Count> Read<'a, A, C> {
    fn new(at: usize) -> Self {
        Read { leaves: Vec::new(), numbers: Lookup::new(), start: at, ends: Vec::new() }
    }

    fn key(item: &Item<'a, A, C>) -> Key {
        let head = Leaf::new(item.tree.node).head();
        let (mark, place) = match head.header.mark() {
            mark if mark.is_place() && is_as_stored(item) => (mark, 0),
            _ => (Mark::NONE, core::ptr::from_ref(head).addr()),
        };
        (mark, place, item.first, item.tree.len)
    }

    /// Reads a leaf. Gives its key.
    fn read(&mut self, cursor: &mut Cursor<'a, A, C>) -> Result<Option<Key>> {
        let Some(leaf) = cursor.leaf()? else { return Ok(None) };
        let key = Self::key(&leaf);
        self.numbers.entry(key).or_insert(self.leaves.len());
        self.leaves.push(leaf);
        cursor.skip();
        self.ends.push(cursor.at);
        Ok(Some(key))
    }

    fn into_run(self, n: usize) -> Run<'a, A> {
        Run { start: self.start, slices: self.leaves[..n].iter().map(elements).collect() }
    }
}

/// Reads leaves of both until one is found on both sides, which both cursors stand behind then. Gives those before it.
fn apart<'a, A, C: Count>(a: &mut Cursor<'a, A, C>, b: &mut Cursor<'a, A, C>) -> Result<(Run<'a, A>, Run<'a, A>)> {
    let (mut old, mut new) = (Read::new(a.at), Read::new(b.at));
    loop {
        let in_a = old.read(a)?;
        let in_b = new.read(b)?;
        let met = in_a
            .and_then(|key| Some((old.leaves.len() - 1, *new.numbers.get(&key)?)))
            .or_else(|| in_b.and_then(|key| Some((*old.numbers.get(&key)?, new.leaves.len() - 1))));
        if let Some((n, m)) = met {
            // The one that was read too far goes back to behind the leaf.
            a.back_to(old.ends[n])?;
            b.back_to(new.ends[m])?;
            return Ok((old.into_run(n), new.into_run(m)));
        }
        if in_a.is_none() && in_b.is_none() {
            let (n, m) = (old.leaves.len(), new.leaves.len());
            return Ok((old.into_run(n), new.into_run(m)));
        }
    }
}

/// The differences between two runs: of as many elements, wherever two at the same place differ; else what is left
/// between the elements that are equal in front and at the back.
fn splices<A: PartialEq>(old: &Run<'_, A>, new: &Run<'_, A>, found: &mut Vec<Splice>) {
    let (n, m) = (old.len(), new.len());
    if n == m {
        let mut pairs = old.iter().zip(new.iter()).enumerate();
        while let Some((first, _)) = pairs.find(|(_, (x, y))| x != y) {
            let end = pairs.find(|(_, (x, y))| x == y).map_or(n, |(end, _)| end);
            found.push(Splice { old: old.start + first..old.start + end, new: new.start + first..new.start + end })
        }
        return;
    }
    let front = old.iter().zip(new.iter()).take_while(|(x, y)| x == y).count();
    let most = n.min(m) - front;
    let back = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(x, y)| x == y).count();
    found.push(Splice { old: old.start + front..old.start + n - back, new: new.start + front..new.start + m - back })
}
