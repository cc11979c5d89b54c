//! Remove: the short way in place, and the long way with the merges that keep the trie canonical.
//!
//! In: a root, a hash and a key. Out: the root without the entry, and what was wanted of it.
//! Must hold: M1 afterwards; L1; an absent key copies nothing; all user code (`Eq`, `Clone`) and all thawing run
//! before the first change, so that a panic or an error leaves the map as it was. (A node that falls to 15 entries
//! becomes a leaf, which only empty blocks can join: that can neither fail nor panic.)
//! Uses: `link`, `node`, `leaf`, `leaf_mut`, `pour`, `inner`, `change`, `insert`, `taken`. Source: Steindorfer & Vinju, OOPSLA 2015, section 3.
#![allow(unsafe_code)] // In-place edits of exclusive nodes: docs/ARCHITECTURE.md, "Unsafe".

use super::change::*;
use super::inner::*;
use super::insert::{cloned_collision, leaf_overlay, resident_root};
use super::leaf::*;
use super::leaf_mut::*;
use super::node::*;
use super::pour::*;
use super::taken::*;
use crate::error::Result;
use crate::link::Count;
use equivalent::Equivalent;

/// The short way of a remove: down exclusive inner nodes, out of an exclusive leaf that merges with nothing. None
/// if the long way must be gone.
#[inline(always)]
pub(super) fn remove_short<K, V, Q, C>(root: &mut Node<K, V, C>, hash: u64, key: &Q) -> Option<(K, V)>
where
    Q: Equivalent<K> + ?Sized,
    C: Count,
{
    let (node, shift, word) = exclusive_path(root, hash);
    let (inner, word) = (Inner::if_exclusive(node)?, word?);
    // SAFETY: the word stands in an exclusive node, which we borrow.
    let mut leaf = unsafe { LeafMut::<K, V, C>::if_exclusive_leaf(word) }?;
    let s = slot_of(hash, shift, inner.bits());
    // SAFETY: for k < bits the sibling block is in the node; a leaf never fills the whole of a node.
    let sibling = unsafe {
        let mut k = 0;
        while inner.at_slot(((s >> k) ^ 1) << k) == word {
            k += 1
        }
        inner.at_slot(((s >> k) ^ 1) << k)
    };
    leaf_prefetch(sibling);
    let place = leaf.get().find_tagged(hash, key, 0)?;
    let len = leaf.get().own_len();
    // A leaf beside may merge; of anything but a divided node the long way knows more.
    let stays = match sibling.tag() {
        // SAFETY: a child lives while its parent does.
        LEAF => len + unsafe { sibling.header() }.len as usize > LEAF_MAX + 1,
        tag => tag <= MOST_BITS as usize,
    };
    (stays && len > 1).then(|| leaf.take(place))
}

/// Takes the entry with this key out. The map is as it was if there is none.
pub(super) fn remove<K, V, Q, C>(
    root: &mut Node<K, V, C>,
    hash: u64,
    key: &Q,
    want: Want,
) -> Result<Option<Taken<K, V>>>
where
    K: Clone,
    V: Clone,
    Q: Equivalent<K> + ?Sized,
    C: Count,
{
    resident_root(root)?;
    if form(root.word()) == Form::Divided {
        return remove_below(root, 0, hash, key, want);
    }
    if !root.word().is_node() {
        return Ok(None);
    }
    let Some(place) = Leaf::new(root.link()).find(hash, key) else { return Ok(None) };
    let (new, taken) = remove_from(root.link(), root.is_exclusive(), 0, hash, place, want);
    if let Some(new) = new {
        *root = new
    }
    Ok(Some(taken))
}

/// Below a divided node, exclusive or not.
fn remove_below<K, V, Q, C>(
    node: &mut Node<K, V, C>,
    shift: u32,
    hash: u64,
    key: &Q,
    want: Want,
) -> Result<Option<Taken<K, V>>>
where
    K: Clone,
    V: Clone,
    Q: Equivalent<K> + ?Sized,
    C: Count,
{
    let exclusive = node.is_exclusive();
    if exclusive {
        own_up(node)
    }
    let view = Divided::new(node.link());
    let s = slot_of(hash, shift, view.bits());
    let child = view.child(s)?;
    let bits = view.bits();
    // What the node's own path leads to may be changed in place.
    let mine = exclusive && view.owns(s);
    if form(child.word()) == Form::Divided {
        if mine {
            let own = child_mut(node, s);
            let Some(taken) = remove_below(own, shift + bits, hash, key, want)? else { return Ok(None) };
            // A child that fell to 15 entries is a leaf now; only empty siblings can join it.
            if form(own.word()) != Form::Divided {
                join_empty(node, s)
            }
            return Ok(Some(taken));
        }
        let mut new = child.to_owned();
        let Some(taken) = remove_below(&mut new, shift + bits, hash, key, want)? else { return Ok(None) };
        let divided = form(new.word()) == Form::Divided;
        put_change(node, Change::one(bits, s, new));
        if !divided {
            join_empty(node, s)
        }
        return Ok(Some(taken));
    }
    if !child.word().is_node() {
        return Ok(None);
    }
    let leaf = Leaf::new(child);
    let Some(place) = leaf.find(hash, key) else { return Ok(None) };
    remove_and_settle(node, s, hash, place, want).map(Some)
}

/// The owner of the divided child at slot `s` of an exclusive node.
fn child_mut<K, V, C: Count>(node: &mut Node<K, V, C>, s: usize) -> &mut Node<K, V, C> {
    match Divided::new(node.link()).over(s) {
        Some(j) => OverlayMut::new(node).child_mut(j),
        None => InnerMut::new(node).divided_mut(s),
    }
}

/// Puts a change in: in place if the node is exclusive.
fn put_change<K, V, C: Count>(node: &mut Node<K, V, C>, change: Change<K, V, C>) {
    if Inner::if_exclusive(node).is_some() {
        InnerMut::new(node).apply(change)
    } else if node.word().tag() == OVERLAY && node.is_exclusive() {
        OverlayMut::new(node).apply(change)
    } else {
        *node = Divided::new(node.link()).with(change)
    }
}

/// How many siblings, from the block at `s` upward, it merges with when it holds `len` entries: the number of
/// levels, and the entries together. Reads no stored node (notes tell the lengths).
fn merging<K, V, C: Count>(view: Divided<'_, K, V, C>, s: usize, len: usize) -> (u32, usize) {
    let (mut k, mut total) = (view.block(s), len);
    let below = k;
    while k < view.bits() {
        let sibling = ((s >> k) ^ 1) << k;
        match len_of_word(view, sibling) {
            Some(n) if total + n <= LEAF_MAX && view.block(sibling) == k => total += n,
            _ => break,
        }
        k += 1
    }
    (k - below, total)
}

/// The entries of the leaf or empty block at slot `s`; None for anything else.
fn len_of_word<K, V, C: Count>(view: Divided<'_, K, V, C>, s: usize) -> Option<usize> {
    let word = view.peek(s);
    if word.is_stored() {
        return Some(Note::of(word).len).filter(|&n| n > 0);
    }
    // SAFETY: the child lives while its parent does.
    Leaf::len_of(unsafe { NodeRef::<K, V, C>::from_word(word) })
}

/// Lets the leaf at slot `s` take the place of a block that is empty but for it, and so on upward. Runs no user
/// code and reads nothing. The node is exclusive.
fn join_empty<K, V, C: Count>(node: &mut Node<K, V, C>, s: usize) {
    let view = Divided::new(node.link());
    let Some(len) = len_of_word(view, s) else { return };
    let (levels, total) = merging(view, s, len);
    debug_assert!(total == len, "a leaf of 15 entries joins with empty blocks only");
    if levels == 0 {
        return;
    }
    count!(RootCollapse);
    // SAFETY: the child lives while its parent does.
    let leaf = unsafe { NodeRef::<K, V, C>::from_word(view.peek(s)) }.to_owned();
    raise(node, s, levels, leaf)
}

/// Puts `leaf` where the block of `s` and its siblings on `levels` levels were. The node is exclusive.
fn raise<K, V, C: Count>(node: &mut Node<K, V, C>, s: usize, levels: u32, leaf: Node<K, V, C>) {
    let view = Divided::new(node.link());
    let k = view.block(s) + levels;
    if k == view.bits() {
        *node = leaf;
        return;
    }
    let change = Change::one(view.bits() - k, s >> k, leaf);
    put_change(node, change);
    if Inner::if_exclusive(node).is_some() {
        InnerMut::new(node).shrink()
    }
}

/// The leaf that takes a leaf's place, none if that was changed in place; and what was taken out.
type Removed<K, V, C> = (Option<Node<K, V, C>>, Taken<K, V>);

/// Removes the entry at `place` from a leaf of any kind that stands `depth` bits below its node. Gives the leaf
/// that takes its place, or none if it was ours and changed in place.
fn remove_from<K, V, C>(
    child: NodeRef<'_, K, V, C>,
    own: bool,
    depth: u32,
    hash: u64,
    place: Place,
    want: Want,
) -> Removed<K, V, C>
where
    K: Clone,
    V: Clone,
    C: Count,
{
    let leaf = Leaf::new(child);
    let left = leaf.len() - 1;
    // SAFETY: `own` says that the node is exclusive and reached through exclusive nodes, which the caller borrows.
    let own_leaf = || unsafe { LeafMut::<K, V, C>::from_word(child.word()) };
    let falls = child.tag() == COLLISION && left == LEAF_MAX;
    let of_base = child.tag() == LEAF_OVERLAY && leaf.own_places() >> place & 1 == 0;
    if own && !of_base {
        let taken = taken_whole(own_leaf().take(place));
        if left == 0 {
            return (Some(empty(depth)), taken);
        }
        let new = falls.then(|| {
            let mut new = Trie::new_leaf(leaf_cap::<K, V>(left));
            own_leaf().move_all(&mut LeafMut::new(&mut new), tag_of(hash));
            new
        });
        return (new, taken);
    }
    let taken = taken_clone(leaf.entry(place), want);
    if left == 0 {
        return (Some(empty(depth)), taken);
    }
    if own {
        own_leaf().kill(place);
        return (None, taken);
    }
    let new = match child.tag() {
        COLLISION if falls => {
            let mut copy = cloned_collision(leaf, Some(place), None);
            let mut new = Trie::new_leaf(leaf_cap::<K, V>(left));
            LeafMut::new(&mut copy).move_all(&mut LeafMut::new(&mut new), tag_of(hash));
            new
        }
        COLLISION => cloned_collision(leaf, Some(place), None),
        _ => leaf_overlay(leaf, place, None),
    };
    (Some(new), taken)
}

/// Removes the entry at `place` of the leaf at slot `s`, and merges the leaf with its siblings where the rule
/// (M1) says so.
fn remove_and_settle<K, V, C>(
    node: &mut Node<K, V, C>,
    s: usize,
    hash: u64,
    place: Place,
    want: Want,
) -> Result<Taken<K, V>>
where
    K: Clone,
    V: Clone,
    C: Count,
{
    let exclusive = node.is_exclusive();
    let view = Divided::new(node.link());
    let (bits, k) = (view.bits(), view.block(s));
    let child = view.child(s)?;
    let is_mine = |s: usize| exclusive && view.owns(s);
    let levels = match child.tag() {
        COLLISION => 0,
        _ => merging(view, s, Leaf::new(child).len() - 1).0,
    };
    if levels == 0 {
        let own = is_mine(s) && child.header().is_some_and(|h| h.is_exclusive());
        let (new, taken) = remove_from(child, own, bits - k, hash, place, want);
        if let Some(new) = new {
            let fell = child.tag() == COLLISION && new.word().tag() == LEAF;
            if fell {
                count!(CollisionUndone);
            }
            put_change(node, Change::one(bits - k, s >> k, new));
            if fell {
                join_empty(node, s)
            }
        }
        return Ok(taken);
    }
    count!(LeafMerge);
    // Thaw the siblings, then clone all that is shared; from there on no user code runs.
    let leaf = Leaf::new(child);
    let mut pour = Pour::<_, _, _, SIBLINGS>::new();
    // SAFETY: `is_mine` says whether the path is exclusive; the blocks are different nodes.
    unsafe {
        pour.add(child, is_mine(s), Some(place));
        for level in k..k + levels {
            let sibling = ((s >> level) ^ 1) << level;
            pour.add(view.child(sibling)?, is_mine(sibling), None);
        }
    }
    let taken = match pour.is_mine() && child.tag() == LEAF {
        // SAFETY: ours, and the entry does not go: nobody reads it again.
        true => taken_whole(unsafe { LeafMut::<K, V, C>::from_word(leaf.word()) }.take(place)),
        false => taken_clone(leaf.entry(place), want),
    };
    let new = pour.merged();
    if exclusive {
        raise(node, s, levels, new)
    } else {
        let k = k + levels;
        *node = if k == bits { new } else { view.with(Change::one(bits - k, s >> k, new)) }
    }
    Ok(taken)
}
