//! Nodes as they come back from a log: made from the parts of a record, their links stored.
//!
//! In: the parts of a stored node and the origin they came from; what a link to the node says of it. Out: a resident node,
//! marked; or a vector's stored root.
//! Must hold: parts that do not make a node, and a node that is not what its link says, are `Corrupt`, never a vector that
//! breaks V1, V2 or L8. (Nodes that are less full than V3 asks for are slower, and no more.)
//! Uses: `link`, `node`, `leaf`, `inner`, `spine`, `ends`, `store`, `id`, `error`.
#![allow(unsafe_code)] // Words from storage: docs/ARCHITECTURE.md, "Unsafe".

use super::GenericVector;
use super::ends::{Body, Ends};
use super::inner::*;
use super::leaf::*;
use super::node::*;
use super::spine::*;
use super::store::{SpineParts, StoredLink};
use crate::error::{Error, Result};
use crate::id::Address;
use crate::link::{self, Count, Kind, Mark, Origin, Word};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

/// Where most of a node is stored, by a node that has these elements, or children, in front and at the back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) at: Address,
    pub(crate) front: usize,
    pub(crate) back: usize,
}

/// The parts of a stored node. What a record leaves out because its base has it is there again.
pub(crate) enum NodeParts<A> {
    /// Elements, from this place on.
    Leaf {
        base: Option<Base>,
        first: usize,
        elements: Vec<A>,
    },
    /// Children of the level below.
    Inner {
        base: Option<Base>,
        level: u32,
        links: Vec<StoredLink>,
    },
    Spine(SpineParts),
}

/// Levels that a vector's tree can have.
const LEVELS: u32 = 16;

fn corrupt(at: Address, what: &str) -> Error {
    link::corrupt(at, format_args!("vector node: {what}"))
}

/// Makes the node stored at `at` resident. Its links stay stored.
///
/// # Errors
/// `Corrupt` if the parts do not make a node.
pub(crate) fn revive<A, C: Count>(parts: NodeParts<A>, at: Address, origin: &Arc<Origin>) -> Result<Node<A, C>> {
    let mark = Mark::new(origin.session, at);
    let node = match parts {
        NodeParts::Leaf { base, first, elements } => {
            let (len, most) = (elements.len(), Rrb::<A, C>::LEAF_MAX);
            if len == 0 || first > most || len > most - first {
                return Err(corrupt(at, "a leaf of a wrong size"));
            }
            let mut node = Rrb::<A, C>::new_leaf(Rrb::<A, C>::room(first + len), first);
            let leaf = LeafMut::new(&mut node);
            leaf.set_base(checked(base, len, at, origin)?);
            fill(leaf, elements.into_iter());
            Leaf::new(node.link()).head().set_stored_places(first..first + len);
            node
        }
        NodeParts::Inner { base, level, links } => {
            if !(1..LEVELS).contains(&level) || links.is_empty() || links.len() > WIDTH {
                return Err(corrupt(at, "an inner node of a wrong size"));
            }
            let full = Rrb::<A, C>::full(level - 1);
            if links.iter().any(|link| link.len == 0 || link.len > full) {
                return Err(corrupt(at, "a child of a wrong length"));
            }
            let base = checked(base, links.len(), at, origin)?;
            let stored = |link: StoredLink| Piece { node: stored_word(link.address), len: link.len };
            let mut node = node_of(level, links.into_iter().map(stored).collect(), Some(origin.clone()));
            InnerMut::of_level(&mut node, level).set_base(base);
            node
        }
        NodeParts::Spine(SpineParts { level, head_end, head, tree, tail }) => {
            let most = Rrb::<A, C>::LEAF_MAX;
            let len = |link: Option<StoredLink>| link.map_or(0, |link| link.len);
            let (head_len, tail_len) = (len(head), len(tail));
            let is_empty = |link: Option<StoredLink>| link.is_some_and(|link| link.len == 0);
            if level >= LEVELS || head_len > head_end || head_end > most || tail_len > most {
                return Err(corrupt(at, "a spine with a wrong head or tail"));
            }
            if len(tree) > Rrb::<A, C>::full(level) || [head, tree, tail].into_iter().any(is_empty) {
                return Err(corrupt(at, "a spine with a tree of a wrong length"));
            }
            let mut node = Rrb::new_spine();
            let word = |link: Option<StoredLink>| link.map_or_else(none, |link| stored_word(link.address));
            SpineMut::new(&mut node).fill(origin, word(head), head_end, word(tail));
            SpineMut::new(&mut node).tree.set(word(tree), level, len(tree));
            Spine::new(node.link()).head().set_stored_ends((head_len, tail_len));
            node
        }
    };
    if let Some(header) = node.link().header() {
        header.set_mark(mark)
    }
    Ok(node)
}

/// What is said of a base, as a node of so many parts notes it.
fn checked(base: Option<Base>, n: usize, at: Address, origin: &Arc<Origin>) -> Result<Common> {
    let Some(base) = base else { return Ok(Common::NOTHING) };
    if base.front + base.back > n || base.at >= at {
        return Err(corrupt(at, "a node with more of its base than it has"));
    }
    Ok(Common { base: Mark::new(origin.session, base.at), front: base.front, back: base.back })
}

fn stored_word<A, C: Count>(address: Address) -> Node<A, C> {
    // SAFETY: a word without a node. It goes into a node with the origin it is of.
    unsafe { Node::from_word(Word::stored(address, 0)) }
}

/// The node of a stored word that stands in no node yet: of this level, and with elements in these places.
pub(super) fn load<A, C: Count>(
    stored: Word,
    origin: Option<&Arc<Origin>>,
    level: u32,
    places: Range<usize>,
) -> Result<Node<A, C>> {
    let (node, address) = read(stored, origin)?;
    let is_as_said = match node.word().tag() {
        LEAF => level == 0 && has_places(node.link(), places),
        STRICT | RELAXED => {
            let inner = Inner::new(node.link());
            level > 0 && inner.level() == level && fits(inner, level, places.end)
        }
        _ => false,
    };
    if !is_as_said {
        return Err(corrupt(address, "it is not what the link to it says"));
    }
    Ok(node)
}

fn read<A, C: Count>(stored: Word, origin: Option<&Arc<Origin>>) -> Result<(Node<A, C>, Address)> {
    count!(Thaw);
    let origin = origin.expect("L8: stored links have an origin");
    let address = stored.address().expect("stored");
    // SAFETY: origins in nodes of this tree load nodes of this tree, and the count is ours.
    Ok((unsafe { Node::from_word(origin.source.load(origin, address)?) }, address))
}

fn has_places<A, C: Count>(leaf: NodeRef<'_, A, C>, places: Range<usize>) -> bool {
    let head = Leaf::new(leaf).head();
    head.first.get() <= places.start && places.end <= head.end.get()
}

/// True if the node's children can make up so many elements.
fn fits<A, C: Count>(inner: Inner<'_, A, C>, level: u32, len: usize) -> bool {
    let (n, full) = (inner.n(), Rrb::<A, C>::full(level - 1));
    match inner.ends() {
        Some(ends) => ends.last() == Some(&len),
        None => n > 0 && (n - 1) * full < len && len <= n * full,
    }
}

/// The node behind a stub, thawed if it is stored.
#[inline(always)]
pub(super) fn through_stub<A, C: Count>(root: NodeRef<'_, A, C>, ends: Ends) -> Result<NodeRef<'_, A, C>> {
    if root.tag() == STUB { stub_thawed(root, ends) } else { Ok(root) }
}

#[cold]
#[inline(never)]
fn stub_thawed<A, C: Count>(stub: NodeRef<'_, A, C>, ends: Ends) -> Result<NodeRef<'_, A, C>> {
    // SAFETY: a stub lives for as long as it is borrowed.
    let head = unsafe { stub.word().pointer(STUB).cast::<StubHead>().as_ref() };
    let mut word = head.root.get();
    if word.is_stored() {
        word = head.root.thaw::<Rrb<A, C>>(word, || load_root(word, head.origin.as_ref(), ends))?
    }
    // SAFETY: the slot holds a word of this tree and its count; it keeps them while the stub lives (L3).
    Ok(unsafe { NodeRef::from_word(word) })
}

/// The root of a vector.
pub(super) fn load_root<A, C: Count>(stored: Word, origin: Option<&Arc<Origin>>, ends: Ends) -> Result<Node<A, C>> {
    let (node, address) = read::<A, C>(stored, origin)?;
    let is_as_said = match node.word().tag() {
        LEAF => ends.head() == 0 && has_places(node.link(), 0..ends.len()),
        SPINE => {
            let spine = Spine::new(node.link()).head();
            let (head, tail) = spine.stored_ends();
            let rest = ends.len().checked_sub(ends.head()).and_then(|rest| rest.checked_sub(spine.tree_len));
            ends.head() <= head && rest.is_some_and(|rest| rest <= tail)
        }
        _ => false,
    };
    if !is_as_said {
        return Err(corrupt(address, "it is no root of a vector of the length that was stored"));
    }
    Ok(node)
}

/// What a root says without thawing: its word, and what that thaws from.
pub(super) fn peek_stub<A, C: Count>(root: NodeRef<'_, A, C>) -> (Word, Option<&Arc<Origin>>) {
    if root.tag() != STUB {
        return (root.word(), None);
    }
    // SAFETY: a stub lives for as long as it is borrowed.
    let head = unsafe { root.word().pointer(STUB).cast::<StubHead>().as_ref() };
    (head.root.get(), head.origin.as_ref())
}

impl<A, P: Kind> GenericVector<A, P> {
    /// A vector whose root is stored: nothing is read before it is used.
    ///
    /// # Safety
    /// The source of `origin` loads nodes of this tree.
    pub(crate) unsafe fn stored(address: Address, ends: Ends, origin: Arc<Origin>) -> Self {
        // SAFETY: the caller's promise.
        GenericVector { body: Body { root: unsafe { Rrb::new_stub(Word::stored(address, 0), origin) }, ends } }
    }
}
