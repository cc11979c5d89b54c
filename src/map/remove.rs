//! Remove: the short way in place, and the long way with the merges that keep the trie canonical.
//!
//! In: a root, a hash and a key. Out: the root without the entry, and what was wanted of it.
//! Must hold: M1 afterwards; L1; an absent key copies nothing; all user code (`Eq`, `Clone`) and all thawing run
//! before the first change, so that a panic or an error leaves the map as it was. (A node that falls to 15 entries
//! becomes a leaf, which only empty blocks can join: that can neither fail nor panic.)
//! Uses: `link`, `node`, `leaf`, `leaf_mut`, `pour`, `inner`, `change`, `insert`, `taken`, `overlay`, `overlay_mut`,
//! `error`. Source: Steindorfer & Vinju, OOPSLA 2015, section 3.
#![allow(unsafe_code)] // In-place edits of exclusive nodes: docs/ARCHITECTURE.md, "Unsafe".

use super::change::*;
use super::inner::*;
use super::insert::{cloned_collision, leaf_overlay, resident_root};
use super::leaf::*;
use super::leaf_mut::*;
use super::node::*;
use super::overlay::*;
use super::overlay_mut::*;
use super::pour::*;
use super::taken::*;
use crate::error::Result;
use crate::link::{Count, PLAIN, Word};
use core::ops::Range;
use equivalent::Equivalent;

/// The short way of a remove: down exclusive inner nodes, out of an exclusive leaf that stays as it is, or merges with
/// an exclusive leaf beside it. None if the long way must be gone.
#[inline(always)]
pub(super) fn remove_short<K, V, Q, C>(root: &mut Node<K, V, C>, hash: u64, key: &Q) -> Option<(K, V)>
where
    Q: Equivalent<K> + ?Sized,
    C: Count,
{
    let path = exclusive_path(root, hash);
    let (s, word) = path.at?;
    // SAFETY: the word stands in an exclusive node, which we borrow.
    let mut leaf = unsafe { LeafMut::<K, V, C>::if_exclusive_leaf(word) }?;
    let inner = InnerMut::new(path.node);
    let k = inner.get().leaf_block(s, word);
    // SAFETY: for k < bits the sibling block is in the node; a leaf never fills the whole of a node.
    let sibling = unsafe { inner.get().at_slot(((s >> k) ^ 1) << k) }.get();
    leaf_prefetch(sibling);
    let place = leaf.get().find_tagged(hash, key, 0)?;
    let len = leaf.get().own_len();
    // A leaf beside may merge; of anything but a divided node the long way knows more.
    let stays = match sibling.tag() {
        // SAFETY: a child lives while its parent does.
        LEAF => len + unsafe { sibling.header() }.len as usize > LEAF_MAX + 1,
        tag => tag <= MOST_BITS as usize,
    };
    match stays && len > 1 {
        true => Some(leaf.take(place)),
        false => remove_merging(inner, s, k, place),
    }
}

/// Takes the entry at `place` out of the exclusive leaf that fills the 2^k slots with `s`, and merges the leaf with an
/// exclusive leaf beside it, into the larger of the two. None, and nothing done, where that is not all.
#[inline(never)]
fn remove_merging<K, V, C: Count>(mut inner: InnerMut<'_, K, V, C>, s: usize, k: u32, place: Place) -> Option<(K, V)> {
    let word_at = |s: usize| inner.get().slots()[s].get();
    let beside = ((s >> k) ^ 1) << k;
    // SAFETY: the words stand in an exclusive node, which we borrow; they are different nodes.
    let (mut leaf, other) =
        unsafe { (LeafMut::from_word(word_at(s)), LeafMut::<K, V, C>::if_exclusive_leaf(word_at(beside))?) };
    let total = leaf.get().own_len() - 1 + other.get().own_len();
    // Not the leaf of a smaller block; no empty block above, which would join too; and not the whole node.
    let is_pair = k == 0 || word_at(beside ^ 1 << (k - 1)) == word_at(beside);
    let is_all = k + 1 < inner.get().bits() && word_at(((s >> (k + 1)) ^ 1) << (k + 1)).tag() != PLAIN;
    if total > LEAF_MAX || !is_pair || !is_all {
        return None;
    }
    count!(LeafMerge);
    let taken = leaf.take(place);
    // As `Pour::merged`.
    let (stays, goes) = match leaf.get().own_len() >= other.get().own_len() {
        true => (leaf, other),
        false => (other, leaf),
    };
    let kept = stays.get().live();
    let all = and_lowest_free(kept, goes.get().own_len());
    // SAFETY: the slots' own counts: one goes to all slots of the two blocks, the other is given up.
    unsafe {
        let (mut new, gone) = (Node::from_word(stays.get().word()), goes.get().word());
        if Leaf::new(new.link()).cap() < places(all) {
            Trie::grow(&mut new, leaf_cap::<K, V>(places(all)))
        }
        LeafMut::new(&mut new).move_in(goes, all & !kept);
        Trie::note_depth(&new, inner.get().bits() - k - 1);
        Trie::<K, V, C>::free_shell(gone);
        inner.fill(s >> (k + 1) << (k + 1), k + 1, new.into_word())
    }
    inner.shrink();
    Some(taken)
}

/// An entry on its way out.
pub(super) struct Take<'q, K, V, Q: ?Sized, C: Count> {
    hash: u64,
    key: &'q Q,
    /// What the caller wants of the entry; it costs a clone if that is shared.
    want: Want,
    /// What was taken out; none if the key is not there.
    taken: Option<Taken<K, V>>,
    /// Dropped last.
    gone: Gone<K, V, C>,
}

/// What a remove has taken, and what is to be dropped last.
pub(super) type Removed<K, V, C> = (Option<Taken<K, V>>, Gone<K, V, C>);

/// Takes the entry with this key out. The map is as it was if there is none.
pub(super) fn remove<K, V, Q, C>(root: &mut Node<K, V, C>, hash: u64, key: &Q, want: Want) -> Result<Removed<K, V, C>>
where
    K: Clone,
    V: Clone,
    Q: Equivalent<K> + ?Sized,
    C: Count,
{
    resident_root(root)?;
    let mut take = Take { hash, key, want, taken: None, gone: Gone::new() };
    if root.is_exclusive() {
        remove_own(root, 0, &mut take)?
    } else if let Some(new) = removed(root.link(), 0, &mut take)? {
        take.gone.push(core::mem::replace(root, new))
    }
    Ok((take.taken, take.gone))
}

/// A new root: `root`, which stays as it is, without the entry with this key. None if there is none.
pub(super) fn without<K, V, Q, C>(root: NodeRef<'_, K, V, C>, hash: u64, key: &Q) -> Result<Option<Node<K, V, C>>>
where
    K: Clone,
    V: Clone,
    Q: Equivalent<K> + ?Sized,
    C: Count,
{
    removed(through_stub(root)?, 0, &mut Take { hash, key, want: Want::Nothing, taken: None, gone: Gone::new() })
}

/// From an exclusive node.
fn remove_own<K, V, Q, C>(node: &mut Node<K, V, C>, shift: u32, take: &mut Take<'_, K, V, Q, C>) -> Result<()>
where
    K: Clone,
    V: Clone,
    Q: Equivalent<K> + ?Sized,
    C: Count,
{
    own_up(node);
    if form(node.word()) != Form::Divided {
        // The root.
        if let Some(place) = Leaf::new(node.link()).find(take.hash, take.key)
            && let Some(new) = remove_from(node.link(), true, 0, place, take)
        {
            take.gone.push(core::mem::replace(node, new))
        }
        return Ok(());
    }
    let view = Divided::at(node.link(), shift)?;
    let bits = view.bits();
    let s = slot_of(take.hash, shift, bits);
    let child = view.child(s)?;
    if form(child.word()) == Form::Divided {
        let divided = if view.owns(s) && child.header().is_some_and(|h| h.is_exclusive()) {
            let own = child_mut(node, s);
            remove_own(own, shift + bits, take)?;
            form(own.word()) == Form::Divided
        } else {
            let Some(new) = removed(child, shift + bits, take)? else { return Ok(()) };
            let divided = form(new.word()) == Form::Divided;
            put_change(node, Change::one(bits, s, new), &mut take.gone);
            divided
        };
        // A child that fell to 15 entries is a leaf now; only empty siblings can join it.
        if !divided {
            join_empty(node, s, &mut take.gone)
        }
        return Ok(());
    }
    if !child.word().is_node() {
        return Ok(());
    }
    let Some(place) = Leaf::new(child).find(take.hash, take.key) else { return Ok(()) };
    let fell = child.tag() == COLLISION;
    let below = view.leaf_block(s, view.over(s), child.word());
    let beside = (below, beside_of(view, s, below));
    if let Some(Settled { k, new, rises }) = settle(view, true, child, s, beside, place, take)? {
        raise(node, s, k, new, rises, &mut take.gone);
        if fell {
            join_empty(node, s, &mut take.gone)
        }
    }
    Ok(())
}

/// A new node: the shared node `node` without the entry. None if it is not there.
fn removed<K, V, Q, C>(
    node: NodeRef<'_, K, V, C>,
    shift: u32,
    take: &mut Take<'_, K, V, Q, C>,
) -> Result<Option<Node<K, V, C>>>
where
    K: Clone,
    V: Clone,
    Q: Equivalent<K> + ?Sized,
    C: Count,
{
    if !node.word().is_node() {
        return Ok(None);
    }
    if form(node.word()) != Form::Divided {
        // The root.
        let place = Leaf::new(node).find(take.hash, take.key);
        return Ok(place.and_then(|place| remove_from(node, false, 0, place, take)));
    }
    let view = Divided::at(node, shift)?;
    let bits = view.bits();
    let s = slot_of(take.hash, shift, bits);
    let (child, over) = view.child_over(s)?;
    let (new, fell) = if form(child.word()) == Form::Divided {
        let Some(new) = removed(child, shift + bits, take)? else { return Ok(None) };
        let fell = form(new.word()) != Form::Divided;
        (Settled { k: 0, new, rises: false }, fell)
    } else {
        if !child.word().is_node() {
            return Ok(None);
        }
        let below = view.leaf_block(s, over, child.word());
        // Whether it must merge its sibling's length will tell.
        let beside = beside_of(view, s, below);
        leaf_prefetch(beside);
        let Some(place) = Leaf::new(child).find(take.hash, take.key) else { return Ok(None) };
        let new = settle(view, false, child, s, (below, beside), place, take)?
            .expect("what is shared is not changed in place");
        (new, child.tag() == COLLISION)
    };
    let mut node = match new {
        Settled { k, new, .. } if k == bits => return Ok(Some(new)),
        Settled { k, new, rises: false } => view.with_child(s, over, || k, new),
        Settled { k, new, .. } => view.with(Change::one(bits - k, s >> k, new)),
    };
    if fell {
        join_empty(&mut node, s, &mut take.gone)
    }
    Ok(Some(node))
}

/// The owner of the divided child at slot `s` of an exclusive node.
fn child_mut<K, V, C: Count>(node: &mut Node<K, V, C>, s: usize) -> &mut Node<K, V, C> {
    match Divided::new(node.link()).over(s) {
        Some(j) => OverlayMut::new(node).child_mut(j),
        None => InnerMut::new(node).divided_mut(s),
    }
}

/// Puts a change into an exclusive node.
fn put_change<K, V, C: Count>(node: &mut Node<K, V, C>, change: Change<K, V, C>, gone: &mut Gone<K, V, C>) {
    if Inner::if_exclusive(node).is_some() {
        InnerMut::new(node).apply(change, gone)
    } else if node.word().tag() == OVERLAY {
        OverlayMut::new(node).apply(change, gone)
    } else {
        let new = Divided::new(node.link()).with(change);
        gone.push(core::mem::replace(node, new))
    }
}

/// log2 of the slots that the block at `s`, now of 2^k slots, fills when it holds `len` entries: it merges with its
/// siblings, level after level, while it holds 15 or fewer. Reads no stored node (notes tell the lengths).
/// `beside` is the word of the first sibling.
#[inline(always)]
fn merging<K, V, C: Count>(view: Divided<'_, K, V, C>, s: usize, k: u32, len: usize, beside: Word) -> u32 {
    let (mut k, mut total, mut word) = (k, len, beside);
    while k < view.bits() {
        // SAFETY: a child of the view, which lives as long.
        match unsafe { leaf_len::<K, V, C>(word) } {
            Some(n) if total + n <= LEAF_MAX && view.fills(((s >> k) ^ 1) << k, k) => total += n,
            _ => break,
        }
        k += 1;
        word = beside_of(view, s, k)
    }
    k
}

/// The word of the sibling of the 2^k slots with `s`; a plain one if they are the whole node.
#[inline(always)]
fn beside_of<K, V, C: Count>(view: Divided<'_, K, V, C>, s: usize, k: u32) -> Word {
    if k < view.bits() { view.peek(((s >> k) ^ 1) << k) } else { Word::plain(0) }
}

/// Lets the leaf at slot `s` take the place of a block that is empty but for it, and so on upward. Runs no user
/// code and reads nothing. The node is exclusive.
fn join_empty<K, V, C: Count>(node: &mut Node<K, V, C>, s: usize, gone: &mut Gone<K, V, C>) {
    if form(node.word()) != Form::Divided {
        return;
    }
    let view = Divided::new(node.link());
    // SAFETY: the child lives while its parent does.
    let Some(len) = (unsafe { leaf_len::<K, V, C>(view.peek(s)) }) else { return };
    let below = view.block(s);
    let k = merging(view, s, below, len, beside_of(view, s, below));
    if k == below {
        return;
    }
    count!(RootCollapse);
    // SAFETY: the child lives while its parent does.
    let leaf = unsafe { NodeRef::<K, V, C>::from_word(view.peek(s)) }.to_owned();
    debug_assert!(len == LEAF_MAX, "a leaf of 15 entries joins with empty blocks only");
    raise(node, s, k, leaf, true, gone)
}

/// Puts `leaf` where the 2^k slots with `s` were, one block or several. The node is exclusive.
fn raise<K, V, C: Count>(
    node: &mut Node<K, V, C>,
    s: usize,
    k: u32,
    leaf: Node<K, V, C>,
    rises: bool,
    gone: &mut Gone<K, V, C>,
) {
    let bits = Divided::new(node.link()).bits();
    if k == bits {
        return gone.push(core::mem::replace(node, leaf));
    }
    put_change(node, Change::one(bits - k, s >> k, leaf), gone);
    if rises && Inner::if_exclusive(node).is_some() {
        InnerMut::new(node).shrink()
    }
}

/// Removes the entry at `place` from a leaf of any kind that stands `depth` bits below its node. Gives the leaf
/// that takes its place, or none if it was ours and changed in place.
fn remove_from<K, V, Q: ?Sized, C>(
    child: NodeRef<'_, K, V, C>,
    own: bool,
    depth: u32,
    place: Place,
    take: &mut Take<'_, K, V, Q, C>,
) -> Option<Node<K, V, C>>
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
    if falls {
        count!(CollisionUndone);
    }
    let of_base = is_leaf_overlay(child.tag()) && leaf.own_places() >> place & 1 == 0;
    if own && !of_base {
        take.taken = Some(taken_whole(own_leaf().take(place)));
        if left == 0 {
            return Some(empty(depth));
        }
        return falls.then(|| {
            let mut new = Trie::new_leaf(leaf_cap::<K, V>(left));
            own_leaf().move_all(&mut LeafMut::new(&mut new), tag_of(take.hash));
            new
        });
    }
    take.taken = Some(taken_clone(leaf.entry(place), take.want));
    if left == 0 {
        return Some(empty(depth));
    }
    if own {
        own_leaf().kill(place);
        return None;
    }
    Some(match child.tag() {
        COLLISION if falls => {
            let mut copy = cloned_collision(leaf, Some(place), None);
            let mut new = Trie::new_leaf(leaf_cap::<K, V>(left));
            LeafMut::new(&mut copy).move_all(&mut LeafMut::new(&mut new), tag_of(take.hash));
            new
        }
        COLLISION => cloned_collision(leaf, Some(place), None),
        _ => leaf_overlay(leaf, place, None),
    })
}

/// The leaf that takes the place of 2^k slots, and whether those were several blocks.
struct Settled<K, V, C: Count> {
    k: u32,
    new: Node<K, V, C>,
    rises: bool,
}

/// Removes the entry at `place` of the leaf `child` at slot `s`, which fills 2^below slots `beside` another, and merges
/// the leaf with its siblings where the rule (M1) says so. Gives none if the leaf was changed in place.
#[inline(always)]
fn settle<K, V, Q: ?Sized, C>(
    view: Divided<'_, K, V, C>,
    exclusive: bool,
    child: NodeRef<'_, K, V, C>,
    s: usize,
    (below, beside): (u32, Word),
    place: Place,
    take: &mut Take<'_, K, V, Q, C>,
) -> Result<Option<Settled<K, V, C>>>
where
    K: Clone,
    V: Clone,
    C: Count,
{
    let k = match child.tag() {
        COLLISION => below,
        _ => merging(view, s, below, Leaf::new(child).len() - 1, beside),
    };
    if k == below {
        let own = exclusive && view.owns(s) && child.header().is_some_and(|h| h.is_exclusive());
        let new = remove_from(child, own, view.bits() - k, place, take);
        return Ok(new.map(|new| Settled { k, new, rises: false }));
    }
    let new = merge(view, exclusive, s, below..k, place, take)?;
    Ok(Some(Settled { k, new, rises: true }))
}

/// The leaf at slot `s` without the entry at `place`, merged with its siblings on these levels.
#[inline(never)]
fn merge<K, V, Q: ?Sized, C>(
    view: Divided<'_, K, V, C>,
    exclusive: bool,
    s: usize,
    levels: Range<u32>,
    place: Place,
    take: &mut Take<'_, K, V, Q, C>,
) -> Result<Node<K, V, C>>
where
    K: Clone,
    V: Clone,
    C: Count,
{
    count!(LeafMerge);
    // Thaw the siblings, then clone all that is shared; from there on no user code runs.
    let child = view.child(s)?;
    let is_mine = |s: usize| exclusive && view.owns(s);
    let leaf = Leaf::new(child);
    let mut pour = Pour::<_, _, _, SIBLINGS>::new();
    // SAFETY: `is_mine` says whether the path is exclusive; the blocks are different nodes.
    unsafe {
        pour.add(child, is_mine(s), Some(place));
        for level in levels {
            let sibling = ((s >> level) ^ 1) << level;
            pour.add(view.child(sibling)?, is_mine(sibling), None);
        }
    }
    take.taken = Some(match pour.is_mine() && child.tag() == LEAF {
        // SAFETY: ours, and the entry does not go: nobody reads it again.
        true => taken_whole(unsafe { LeafMut::<K, V, C>::from_word(leaf.word()) }.take(place)),
        false => taken_clone(leaf.entry(place), take.want),
    });
    Ok(pour.merged())
}
