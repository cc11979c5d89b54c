//! What follows from the elements of a vector, block by block from the front: a function of the contents, whatever the nodes.
//!
//! In: a vector, and a [`Fold`]. Out: what that makes of each block.
//! Must hold: a whole block that lies in an inner node is known by that node's mark and by where it lies in it, and is not
//! asked again, and nothing of it is read; what is stored is loaded for as long as it is looked at.
//! Uses: `link`, `node`, `leaf`, `inner`, `spine`, `revive`, `ends`, `error`.
#![allow(unsafe_code)] // The elements of leaves: docs/ARCHITECTURE.md, "Unsafe".

use super::ends::Ends;
use super::inner::*;
use super::leaf::*;
use super::node::*;
use super::revive::{load, load_root, peek_stub, through_stub};
use super::spine::*;
use crate::error::Result;
use crate::link::{Count, Mark, Slot, Word};
use core::ops::Range;

/// Makes one thing of each block of a vector's elements.
pub(crate) trait Fold<A> {
    type Out: Copy;

    /// So many elements has a block; the last one may have fewer.
    const BLOCK: usize;

    /// What was made of the whole block that begins here in the node with this mark before.
    fn known(&mut self, at: Mark, from: usize) -> Option<Self::Out>;

    /// Notes what was made of it; the mark may be none.
    fn learn(&mut self, at: Mark, from: usize, out: Self::Out);

    /// Adds elements to the block that is begun.
    ///
    /// # Errors
    /// What is wrong with the elements.
    fn add(&mut self, elements: &[A]) -> Result<()>;

    /// Ends the block that is begun, and begins another one.
    fn end(&mut self) -> Self::Out;
}

/// A node that is resident, or was loaded to be looked at.
enum Held<'a, A, C: Count> {
    Here(NodeRef<'a, A, C>),
    Loaded(Node<A, C>),
}

impl<A, C: Count> Held<'_, A, C> {
    fn link(&self) -> NodeRef<'_, A, C> {
        match self {
            Held::Here(node) => *node,
            Held::Loaded(node) => node.link(),
        }
    }
}

/// A subtree, and where in the vector its elements stand. Of a leaf those from a place on.
struct Part<'a, A, C: Count> {
    node: Held<'a, A, C>,
    level: u32,
    place: usize,
    elements: Range<usize>,
}

/// What `f` makes of each block of a vector with these ends.
///
/// # Errors
/// What the storage says, and `f`.
pub(crate) fn fold<A, C: Count, F: Fold<A>>(root: NodeRef<'_, A, C>, ends: Ends, f: &mut F) -> Result<Vec<F::Out>> {
    let (mut from, mut out) = (0, Vec::new());
    if ends.len() == 0 {
        return Ok(out);
    }
    let (word, origin) = peek_stub(root);
    let root = match word.is_stored() {
        true => Held::Loaded(load_root(word, origin, ends)?),
        false => Held::Here(through_stub(root, ends)?),
    };
    let parts = match root.link().tag() {
        LEAF => vec![Part { node: Held::Here(root.link()), level: 0, place: 0, elements: 0..ends.len() }],
        _ => parts(Spine::new(root.link()), ends)?,
    };
    while from < ends.len() {
        let has_all = |part: &&Part<'_, A, C>| {
            part.level > 0 && part.elements.start <= from && from + F::BLOCK <= part.elements.end
        };
        match parts.iter().find(has_all) {
            Some(Part { node, level, elements, .. }) => {
                let (start, len) = (elements.start, elements.len());
                from = start + blocks(Inner::new(node.link()), *level, len, from - start, f, &mut out)?
            }
            None => {
                let to = ends.len().min(from + F::BLOCK);
                for Part { node, level, place, elements } in &parts {
                    let within = from.max(elements.start)..to.min(elements.end);
                    if !within.is_empty() {
                        let (from, to) = (within.start - elements.start, within.end - elements.start);
                        add(node.link(), *level, elements.len(), place + from..place + to, f)?
                    }
                }
                out.push(f.end());
                from = to
            }
        }
    }
    Ok(out)
}

fn parts<'a, A, C: Count>(spine: Spine<'a, A, C>, ends: Ends) -> Result<Vec<Part<'a, A, C>>> {
    let head = spine.head();
    let (head_len, tree_len, tail_len) = (ends.head(), head.tree_len, ends.tail(head.tree_len));
    let mut parts = Vec::with_capacity(3);
    let mut part = |slot: &Slot, level, places: Range<usize>, here: &dyn Fn() -> Result<NodeRef<'a, A, C>>| {
        let start = parts.last().map_or(0, |part: &Part<'a, A, C>| part.elements.end);
        if !places.is_empty() {
            let (word, elements) = (slot.get(), start..start + places.len());
            let place = places.start;
            let node = match word.is_stored() {
                true => Held::Loaded(load(word, head.origin.as_ref(), level, places)?),
                false => Held::Here(here()?),
            };
            parts.push(Part { node, level, place, elements })
        }
        Ok::<(), crate::error::Error>(())
    };
    part(&head.head, 0, head.places_in_front(head_len), &|| spine.front(head_len))?;
    part(&head.tree, spine.level(), 0..tree_len, &|| spine.tree().map(|tree| tree.node))?;
    part(&head.tail, 0, 0..tail_len, &|| spine.back(tail_len))?;
    Ok(parts)
}

/// Child `k` of a node of this level and length.
fn child<'a, A, C: Count>(node: Inner<'a, A, C>, level: u32, len: usize, k: usize) -> Result<Held<'a, A, C>> {
    let word: Word = node.word(k);
    match word.is_stored() {
        true => load(word, node.origin(), level - 1, 0..node.size(level, len, k)).map(Held::Loaded),
        false => node.child(level, len, k).map(|child| Held::Here(child.node)),
    }
}

/// Of the whole blocks that lie in the node, in a row from the one that begins at `from` on. Gives where the last of them ends.
fn blocks<A, C: Count, F: Fold<A>>(
    node: Inner<'_, A, C>,
    level: u32,
    len: usize,
    mut from: usize,
    f: &mut F,
    out: &mut Vec<F::Out>,
) -> Result<usize> {
    let at = node.head().header.mark();
    while from + F::BLOCK <= len {
        if let Some(known) = f.known(at, from) {
            out.push(known);
            from += F::BLOCK;
            continue;
        }
        let (k, inside) = node.find(level, from);
        let (size, first) = (node.size(level, len, k), out.len());
        if level > 1 && inside + F::BLOCK <= size {
            let below = child(node, level, len, k)?;
            blocks(Inner::new(below.link()), level - 1, size, inside, f, out)?;
        } else {
            inner(node, level, len, from..from + F::BLOCK, f)?;
            out.push(f.end())
        }
        for &new in &out[first..] {
            f.learn(at, from, new);
            from += F::BLOCK
        }
    }
    Ok(from)
}

/// Adds the elements in these places of a node.
fn add<A, C: Count, F: Fold<A>>(
    node: NodeRef<'_, A, C>,
    level: u32,
    len: usize,
    places: Range<usize>,
    f: &mut F,
) -> Result<()> {
    match level {
        // SAFETY: a version sees these places: they are within its part, or within what a link says (V1).
        0 => f.add(unsafe { Leaf::new(node).slice(places) }),
        _ => inner(Inner::new(node), level, len, places, f),
    }
}

fn inner<A, C: Count, F: Fold<A>>(
    node: Inner<'_, A, C>,
    level: u32,
    len: usize,
    mut places: Range<usize>,
    f: &mut F,
) -> Result<()> {
    while !places.is_empty() {
        let (k, inside) = node.find(level, places.start);
        let size = node.size(level, len, k);
        let to = size.min(inside + places.len());
        add(child(node, level, len, k)?.link(), level - 1, size, inside..to, f)?;
        places.start += to - inside
    }
    Ok(())
}
