//! Lookups: from a root down to an entry.
//!
//! In: a root, a hash and a key. Out: the entry, borrowed; or borrowed mutably, if its whole path is exclusive.
//! Must hold: nothing is copied, and what is stored is thawed only on the key's path.
//! Uses: `link`, `node`, `leaf`, `leaf_mut`, `inner`, `lazy`, `overlay`, `error`.
#![allow(unsafe_code)] // The hot loop indexes slots by hash bits: docs/ARCHITECTURE.md, "Unsafe".

use super::inner::*;
use super::lazy::get_in;
use super::leaf::*;
use super::leaf_mut::*;
use super::node::*;
use super::overlay::*;
use crate::error::Result;
use crate::error::thawed;
use crate::link::Count;
use equivalent::Equivalent;

/// The entry whose key equals `key`.
#[inline(always)]
pub(super) fn find<'a, K, V, C, Q>(root: NodeRef<'a, K, V, C>, hash: u64, key: &Q) -> Result<Option<&'a (K, V)>>
where
    C: Count,
    Q: Equivalent<K> + ?Sized,
{
    match find_near(root, hash, key) {
        Near::Found(found) => Ok(found),
        Near::Rest(met, rest) => find_rest(root, met, rest, hash, key),
    }
}

/// What `of` says of the entry whose key equals `key`; panics where [`find`] fails.
#[inline(always)]
pub(super) fn find_or_panic<'a, K, V, C, Q, R>(
    root: NodeRef<'a, K, V, C>,
    hash: u64,
    key: &Q,
    of: impl Fn(&'a (K, V)) -> R,
) -> Option<R>
where
    C: Count,
    Q: Equivalent<K> + ?Sized,
{
    // `of` stands in each arm, so that where nothing was found nothing is asked again.
    match find_near(root, hash, key) {
        Near::Found(found) => found.map(of),
        Near::Rest(met, rest) => rest_or_panic(root, met, rest, hash, key).map(of),
    }
}

/// What the common way of a lookup came to.
enum Near<'a, K, V, C: Count> {
    Found(Option<&'a (K, V)>),
    /// Go on from this node; the nodes above it have left this of the hash.
    Rest(NodeRef<'a, K, V, C>, u64),
}

/// The common way: through inner nodes to a leaf.
#[inline(always)]
fn find_near<'a, K, V, C, Q>(root: NodeRef<'a, K, V, C>, hash: u64, key: &Q) -> Near<'a, K, V, C>
where
    C: Count,
    Q: Equivalent<K> + ?Sized,
{
    let (mut node, mut rest) = (root, hash);
    while Inner::<K, V, C>::is(node.word()) {
        // SAFETY: an inner node.
        (node, rest) = unsafe { step(node, rest) }
    }
    if node.tag() == LEAF { Near::Found(Leaf::new(node).get(hash, key)) } else { Near::Rest(node, rest) }
}

/// From an inner node to the child there; and the rest of the hash below it.
///
/// # Safety
/// `node` is an inner node.
#[inline(always)]
unsafe fn step<K, V, C: Count>(node: NodeRef<'_, K, V, C>, rest: u64) -> (NodeRef<'_, K, V, C>, u64) {
    let bits = node.tag() as u32;
    // SAFETY: an inner node has 2^bits slots; the top `bits` bits of `rest` index them. A child lives as long as its
    // parent.
    unsafe {
        let inner = Inner::<K, V, C>::from_word(node.word());
        let s = rest.wrapping_shr(64 - bits) as usize;
        (NodeRef::from_word(inner.slots().get_unchecked(s).get()), rest << bits)
    }
}

/// As [`find_rest`]; panics where that fails. Apart, so that the common way needs few registers.
#[inline(never)]
fn rest_or_panic<'a, K, V, C, Q>(
    root: NodeRef<'a, K, V, C>,
    met: NodeRef<'a, K, V, C>,
    rest: u64,
    hash: u64,
    key: &Q,
) -> Option<&'a (K, V)>
where
    C: Count,
    Q: Equivalent<K> + ?Sized,
{
    thawed(find_rest(root, met, rest, hash, key))
}

/// Goes on from a node that is no inner node and no leaf.
fn find_rest<'a, K, V, C, Q>(
    root: NodeRef<'a, K, V, C>,
    met: NodeRef<'a, K, V, C>,
    rest: u64,
    hash: u64,
    key: &Q,
) -> Result<Option<&'a (K, V)>>
where
    C: Count,
    Q: Equivalent<K> + ?Sized,
{
    let (mut node, mut rest) = (met, rest);
    loop {
        match form(node.word()) {
            Form::Divided if node.tag() == OVERLAY => {
                let view = Divided::new(node);
                let s = slot_of(rest, 0, view.bits());
                // SAFETY: a child lives as long as its parent.
                node = unsafe { NodeRef::from_word(view.raw(s)) };
                rest <<= view.bits();
            }
            // SAFETY: the other divided nodes are inner nodes.
            Form::Divided => (node, rest) = unsafe { step(node, rest) },
            // Again from the root, thawing.
            Form::Stored => return find_stored(root, hash, key),
            _ if !node.word().is_node() => return Ok(None),
            _ => return get_in(Leaf::new(node), hash, key),
        }
    }
}

#[cold]
fn find_stored<'a, K, V, C, Q>(root: NodeRef<'a, K, V, C>, hash: u64, key: &Q) -> Result<Option<&'a (K, V)>>
where
    C: Count,
    Q: Equivalent<K> + ?Sized,
{
    find_below(met_root(root)?, 0, hash, key)
}

/// The entry whose key equals `key` below a node that begins at bit `shift`, thawing the path.
pub(super) fn find_below<'a, K, V, C, Q>(
    node: NodeRef<'a, K, V, C>,
    shift: u32,
    hash: u64,
    key: &Q,
) -> Result<Option<&'a (K, V)>>
where
    C: Count,
    Q: Equivalent<K> + ?Sized,
{
    let (mut node, mut shift) = (node, shift);
    while form(node.word()) == Form::Divided {
        let view = Divided::at(node, shift)?;
        node = view.met(slot_of(hash, shift, view.bits()))?;
        shift += view.bits();
    }
    if !node.word().is_node() {
        return Ok(None);
    }
    get_in(Leaf::new(node), hash, key)
}

/// The entry whose key equals `key`, to be changed in place; None if it is absent or not ours alone.
pub(super) fn find_exclusive<'a, K, V, C, Q>(root: &'a mut Node<K, V, C>, hash: u64, key: &Q) -> Option<&'a mut (K, V)>
where
    C: Count,
    Q: Equivalent<K> + ?Sized,
{
    let leaf = exclusive_leaf(root, hash)?;
    let place = leaf.get().find(hash, key)?;
    leaf.entry_mut(place)
}

/// The entry at a place of the leaf that this hash leads to, which was inserted there just now. Runs no user code.
pub(super) fn inserted_at<K, V, C: Count>(root: &mut Node<K, V, C>, hash: u64, place: Place) -> &mut (K, V) {
    let leaf = exclusive_leaf(root, hash).expect("an insert leaves its path exclusive");
    leaf.entry_mut(place).expect("an insert leaves the entry in a node of its own")
}

/// The leaf that a hash leads to, if it and its whole path are ours alone.
fn exclusive_leaf<K, V, C: Count>(root: &mut Node<K, V, C>, hash: u64) -> Option<LeafMut<'_, K, V, C>> {
    let (mut node, mut shift) = (root.link(), 0);
    loop {
        // A stored or empty word has no header and ends the walk.
        if !node.header().is_some_and(|h| h.is_exclusive()) {
            return None;
        }
        match form(node.word()) {
            Form::Divided => {
                let view = Divided::new(node);
                let s = slot_of(hash, shift, view.bits());
                if !view.owns(s) {
                    return None;
                }
                // SAFETY: a child lives as long as its parent.
                node = unsafe { NodeRef::from_word(view.peek(s)) };
                shift += view.bits();
            }
            Form::Stored => return None,
            // SAFETY: the node is exclusive, as are all above it, and we borrow the root mutably.
            Form::Leaf | Form::Collision => return Some(unsafe { LeafMut::from_word(node.word()) }),
        }
    }
}
