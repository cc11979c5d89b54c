//! Insert and remove: one path, in place where it is ours alone, copied where it is shared.
//!
//! In: a root, a hash, a key or an entry. Out: the root with the edit in it, and what was there before.
//! An edit walks down while nodes are exclusive, changes the leaf, and hands a [`Change`] to the node above it. From the
//! first shared node on it works bottom-up and makes new nodes instead.
//! Must hold: M1 afterwards; L1; all user code (`Hash`, `Eq`, `Clone`) and all thawing run before the first
//! change, so that a panic or an error leaves the map as it was.
//! Uses: `link`, `node`, `leaf`, `inner`. Source: Steindorfer & Vinju, OOPSLA 2015, for the canonical remove.
#![allow(unsafe_code)] // In-place edits of exclusive nodes: DESIGN.md, section 7.

use super::inner::*;
use super::leaf::*;
use super::node::*;
use crate::error::Result;
use crate::link::{Count, MarkCell};
use equivalent::Equivalent;
use std::hash::{BuildHasher, Hash};
use std::mem::ManuallyDrop;

/// An entry on its way in.
pub(super) struct Put<'h, K, V, S> {
    pub(super) hasher: &'h S,
    pub(super) hash: u64,
    /// Taken when the entry finds its place.
    pub(super) entry: Option<(K, V)>,
    /// The key is known not to be there.
    pub(super) absent: bool,
    /// What the caller wants of the entry that was there before; it costs a clone if that is shared.
    pub(super) want: Want,
    pub(super) old: Option<Taken<K, V>>,
    pub(super) added: bool,
}

impl<K, V, S> Put<'_, K, V, S> {
    #[inline(always)]
    fn key(&self) -> &K {
        &self.entry.as_ref().expect("not placed yet").0
    }

    #[inline(always)]
    fn take(&mut self) -> (K, V) {
        self.entry.take().expect("placed once")
    }
}

/// What a remove took out: moved if it was ours, cloned if it was shared and wanted.
#[derive(Debug)]
pub(crate) struct Taken<K, V> {
    pub(crate) key: Option<K>,
    pub(crate) value: Option<V>,
}

/// What of a removed entry the caller wants.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    Nothing,
    Value,
    Entry,
}

/// Room for `n` entries in a new leaf: rounded to what the allocator would round to anyway.
#[inline(always)]
pub(super) fn leaf_cap<K, V>(n: usize) -> usize {
    let step = match size_of::<(K, V)>() {
        0..16 => 4,
        _ => 2,
    };
    n.next_multiple_of(step).min(LEAF_MAX)
}

/// Thaws the root if it is stored. Edits begin with it.
pub(super) fn resident_root<K, V, C: Count>(root: &mut Node<K, V, C>) -> Result<()> {
    if form(root.word()) == Form::Stored {
        let resident = through_stub(root.link())?.to_owned();
        *root = resident;
    }
    Ok(())
}

/// What the short way of an insert came to.
pub(super) enum Short<'a, K, V, C: Count> {
    Added,
    Replaced((K, V)),
    /// The entry back, and the node to go on from, with its shift; and whether the key is known to be absent.
    Rest(&'a mut Node<K, V, C>, u32, (K, V), bool),
}

/// The short way of an insert: down exclusive inner nodes into an exclusive leaf that has the key, or room.
/// Everything else is left to [`insert`].
#[inline(always)]
pub(super) fn insert_short<K: Eq, V, C: Count>(
    root: &mut Node<K, V, C>,
    hash: u64,
    entry: (K, V),
) -> Short<'_, K, V, C> {
    let (mut node, mut shift) = (root, 0);
    while let Some(inner) = Inner::if_exclusive(node) {
        let bits = inner.bits();
        let s = slot_of(hash, shift, bits);
        // SAFETY: `s` is `bits` bits of the hash.
        let word = unsafe { inner.at_slot(s) };
        if Inner::<K, V, C>::is(word) {
            (node, shift) = (InnerMut::new(node).divided_mut(s), shift + bits);
            continue;
        }
        // SAFETY: the word stands in an exclusive node, which we borrow.
        let Some(mut leaf) = (unsafe { LeafMut::<K, V, C>::if_exclusive_leaf(word) }) else {
            return Short::Rest(node, shift, entry, false);
        };
        if let Some(i) = leaf.get().find_tagged(hash, &entry.0, 0) {
            return Short::Replaced(std::mem::replace(leaf.entry_mut(i), entry));
        }
        if leaf.get().own_len() == leaf.get().cap() {
            return Short::Rest(node, shift, entry, true);
        }
        leaf.push(tag_of(hash), entry, MarkCell::default());
        return Short::Added;
    }
    Short::Rest(node, shift, entry, false)
}

/// Puts an entry in below a node that begins at bit `shift`, over one with an equal key if there is one.
#[inline(never)]
pub(super) fn insert<K, V, S, C>(node: &mut Node<K, V, C>, shift: u32, put: &mut Put<'_, K, V, S>) -> Result<()>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
    C: Count,
{
    let (mut node, mut shift) = (node, shift);
    loop {
        if form(node.word()) == Form::Stored {
            resident_root(node)?
        }
        if !node.is_exclusive() {
            *node = inserted(node.link(), shift, put)?;
            return Ok(());
        }
        own_up(node);
        if form(node.word()) != Form::Divided {
            return insert_at_root(node, put);
        }
        if node.word().tag() == OVERLAY {
            match insert_over(node, shift, put)? {
                Some(next) => (node, shift) = next,
                None => return Ok(()),
            }
            continue;
        }
        let inner = InnerMut::new(node);
        let bits = inner.get().bits();
        let s = slot_of(put.hash, shift, bits);
        let child = inner.get().child(s)?.word();
        if form(child) == Form::Divided {
            (node, shift) = (inner.divided_mut(s), shift + bits);
            continue;
        }
        return insert_below(inner, shift, s, put);
    }
}

/// Into the block at slot `s` of an exclusive inner node; the block is a leaf, a collision leaf or empty.
#[inline]
fn insert_below<K, V, S, C>(
    mut inner: InnerMut<'_, K, V, C>,
    shift: u32,
    s: usize,
    put: &mut Put<'_, K, V, S>,
) -> Result<()>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
    C: Count,
{
    let word = inner.get().slots()[s].get();
    // SAFETY: the slot's own count, not given up: only the link in the slot may change, below.
    let mut child = ManuallyDrop::new(unsafe { Node::<K, V, C>::from_word(word) });
    if child.is_exclusive() {
        let k = inner.get().block(s);
        match insert_own(&mut child, put) {
            Fit::Placed if child.word() == word => {}
            // SAFETY: same count, new place.
            Fit::Placed => unsafe { inner.fill(s >> k << k, k, child.word()) },
            Fit::Full => {
                let change = split(child.link(), true, shift, inner.get().bits() - k, put);
                inner.apply(change)
            }
        }
        return Ok(());
    }
    let change = changed_leaf(Divided { base: inner.get(), overlay: None }, child.link(), shift, s, put);
    inner.apply(change);
    Ok(())
}

/// Into a root that is empty, a leaf or a collision leaf, and exclusive.
fn insert_at_root<K, V, S, C>(root: &mut Node<K, V, C>, put: &mut Put<'_, K, V, S>) -> Result<()>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
    C: Count,
{
    if let Fit::Full = insert_own(root, put) {
        *root = split(root.link(), true, 0, 0, put).into_node();
    }
    Ok(())
}

type Below<'a, K, V, C> = Option<(&'a mut Node<K, V, C>, u32)>;

/// Into an exclusive overlay over a shared base. Gives the node to go on with, if the edit is not done here.
#[inline(never)]
fn insert_over<'a, K, V, S, C>(
    node: &'a mut Node<K, V, C>,
    shift: u32,
    put: &mut Put<'_, K, V, S>,
) -> Result<Below<'a, K, V, C>>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
    C: Count,
{
    let view = Divided::new(node.link());
    let bits = view.bits();
    let s = slot_of(put.hash, shift, bits);
    let child = view.child(s)?;
    let change = match (form(child.word()), view.over(s)) {
        (Form::Divided, Some(j)) if view.owns(s) => {
            return Ok(Some((OverlayMut::new(node).child_mut(j), shift + bits)));
        }
        (Form::Divided, _) => Change::one(bits, s, inserted(child, shift + bits, put)?),
        (_, Some(j)) if view.owns(s) && child.header().is_some_and(|h| h.is_exclusive()) => {
            let own = OverlayMut::new(node).child_mut(j);
            match insert_own(own, put) {
                Fit::Placed => return Ok(None),
                Fit::Full => {
                    let depth = bits - Divided::new(node.link()).block(s);
                    // SAFETY: as in insert_below.
                    let own = unsafe { NodeRef::from_word(Divided::new(node.link()).peek(s)) };
                    split(own, true, shift, depth, put)
                }
            }
        }
        _ => changed_leaf(view, child, shift, s, put),
    };
    OverlayMut::new(node).apply(change);
    Ok(None)
}

/// A new node: the shared node `node` with the entry in it.
fn inserted<K, V, S, C>(node: NodeRef<'_, K, V, C>, shift: u32, put: &mut Put<'_, K, V, S>) -> Result<Node<K, V, C>>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
    C: Count,
{
    if form(node.word()) != Form::Divided {
        // A root of another form.
        return Ok(match insert_shared(node, put) {
            Some(leaf) => leaf,
            None => split(node, false, shift, 0, put).into_node(),
        });
    }
    let view = Divided::new(node);
    let s = slot_of(put.hash, shift, view.bits());
    let child = view.child(s)?;
    let change = match form(child.word()) {
        Form::Divided => Change::one(view.bits(), s, inserted(child, shift + view.bits(), put)?),
        _ => changed_leaf(view, child, shift, s, put),
    };
    Ok(view.with(change))
}

/// The change that puts the entry into the shared leaf at slot `s`.
#[inline]
fn changed_leaf<K, V, S, C>(
    view: Divided<'_, K, V, C>,
    child: NodeRef<'_, K, V, C>,
    shift: u32,
    s: usize,
    put: &mut Put<'_, K, V, S>,
) -> Change<K, V, C>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
    C: Count,
{
    let k = view.block(s);
    match insert_shared(child, put) {
        Some(leaf) => Change::one(view.bits() - k, s >> k, leaf),
        None => split(child, false, shift, view.bits() - k, put),
    }
}

enum Fit {
    Placed,
    /// Nothing was changed: 15 entries are there, and none has the key.
    Full,
}

/// Into a leaf of any kind that is ours alone (or empty).
#[inline]
fn insert_own<K, V, S, C>(leaf: &mut Node<K, V, C>, put: &mut Put<'_, K, V, S>) -> Fit
where
    K: Hash + Eq + Clone,
    V: Clone,
    C: Count,
{
    if leaf.word().tag() != LEAF {
        return insert_own_rare(leaf, put);
    }
    let view = Leaf::new(leaf.link());
    if !put.absent {
        if let Some(place) = view.find(put.hash, put.key()) {
            replace(leaf, place, put);
            return Fit::Placed;
        }
    }
    let (len, cap) = (view.own_len(), view.cap());
    if len == LEAF_MAX {
        return Fit::Full;
    }
    if len == cap {
        count!(LeafGrown);
        Trie::grow(leaf, leaf_cap::<K, V>(len + 4).min(LEAF_MAX))
    }
    put.added = true;
    LeafMut::new(leaf).push(tag_of(put.hash), put.take(), MarkCell::default());
    Fit::Placed
}

/// Replaces the entry at a place of the node itself.
#[inline]
fn replace<K, V, S, C: Count>(leaf: &mut Node<K, V, C>, place: Place, put: &mut Put<'_, K, V, S>) {
    let Place::Own(i) = place else { unreachable!("the caller checked") };
    let entry = LeafMut::new(leaf).entry_mut(i);
    put.old = Some(taken_whole(std::mem::replace(entry, put.take())));
}

#[inline(never)]
fn insert_own_rare<K, V, S, C>(leaf: &mut Node<K, V, C>, put: &mut Put<'_, K, V, S>) -> Fit
where
    K: Hash + Eq + Clone,
    V: Clone,
    C: Count,
{
    if !leaf.word().is_node() {
        *leaf = single(put);
        return Fit::Placed;
    }
    let view = Leaf::new(leaf.link());
    let place = view.find(put.hash, put.key());
    if let Some(place @ Place::Own(_)) = place {
        replace(leaf, place, put);
        return Fit::Placed;
    }
    if leaf.word().tag() == COLLISION {
        if view.own_len() == view.cap() {
            let mut larger = Trie::new_collision(view.cap() as u32 * 2);
            LeafMut::new(leaf).move_all(&mut LeafMut::new(&mut larger), 0);
            *leaf = larger;
        }
        put.added = true;
        LeafMut::new(leaf).push(0, put.take(), MarkCell::default());
        return Fit::Placed;
    }
    if place.is_none() && view.len() == LEAF_MAX {
        return Fit::Full;
    }
    let (base, _) = view.base().expect("a leaf overlay");
    let room = view.own_len() < LEAF_OVERLAY_MAX && !base.header().is_exclusive();
    if room {
        count!(LeafOverlayGrown);
        if let Some(place) = place {
            old_of(view.entry(place), put)
        }
        if view.own_len() == view.cap() {
            Trie::grow(leaf, (view.cap() + 2).min(LEAF_OVERLAY_MAX))
        }
        let mut leaf = LeafMut::new(leaf);
        if let Some(Place::Base(i)) = place {
            leaf.kill(i)
        }
        put.added = place.is_none();
        leaf.push(tag_of(put.hash), put.take(), MarkCell::default());
    } else {
        if let Some(place) = place {
            old_of(view.entry(place), put)
        }
        put.added = place.is_none();
        *leaf = flattened(leaf.link(), true, place, put);
    }
    Fit::Placed
}

/// Notes what the caller wants of an entry that is going to be replaced.
#[inline(always)]
fn old_of<K: Clone, V: Clone, S>(entry: &(K, V), put: &mut Put<'_, K, V, S>) {
    put.old = Some(taken_clone(entry, put.want))
}

fn single<K, V, S, C: Count>(put: &mut Put<'_, K, V, S>) -> Node<K, V, C> {
    let mut leaf = Trie::new_leaf(leaf_cap::<K, V>(1));
    put.added = true;
    LeafMut::new(&mut leaf).push(tag_of(put.hash), put.take(), MarkCell::default());
    leaf
}

/// A plain leaf: the live entries of `leaf` without the one at `skip`, and the new one.
fn flattened<K, V, S, C>(
    leaf: NodeRef<'_, K, V, C>,
    mine: bool,
    skip: Option<Place>,
    put: &mut Put<'_, K, V, S>,
) -> Node<K, V, C>
where
    K: Clone,
    V: Clone,
    C: Count,
{
    count!(LeafFlattened);
    let room = Leaf::new(leaf).len() + skip.is_none() as usize;
    let mut new = Trie::new_leaf(leaf_cap::<K, V>(room));
    let mut pour = Pour::<_, _, _, ONE_LEAF>::new();
    // SAFETY: the caller's path is exclusive if it says mine.
    unsafe { pour.add(leaf, mine, skip) };
    pour_into(pour, &mut new);
    LeafMut::new(&mut new).push(tag_of(put.hash), put.take(), MarkCell::default());
    new
}

/// All entries of `pour` into one new leaf.
pub(super) fn pour_into<K: Clone, V: Clone, C: Count, const PARTS: usize>(
    pour: Pour<'_, K, V, C, PARTS>,
    new: &mut Node<K, V, C>,
) {
    let mut to = Filler::new(new);
    pour.clone_shared(|_, tag, entry, mark| to.push(tag, entry, mark));
    pour.move_owned(|_, tag, entry, mark| to.push(tag, entry, mark));
}

/// A new leaf: the shared one (or empty block) with the entry in it. None if it is full and must be split.
fn insert_shared<K, V, S, C>(leaf: NodeRef<'_, K, V, C>, put: &mut Put<'_, K, V, S>) -> Option<Node<K, V, C>>
where
    K: Hash + Eq + Clone,
    V: Clone,
    C: Count,
{
    if !leaf.word().is_node() {
        return Some(single(put));
    }
    let view = Leaf::new(leaf);
    let place = view.find(put.hash, put.key());
    if place.is_none() && leaf.tag() != COLLISION && view.len() == LEAF_MAX {
        return None;
    }
    if let Some(place) = place {
        old_of(view.entry(place), put)
    }
    put.added = place.is_none();
    if leaf.tag() == COLLISION {
        let mut new = cloned_collision(view, place);
        LeafMut::new(&mut new).push(0, put.take(), MarkCell::default());
        return Some(new);
    }
    let own_place = match place {
        Some(Place::Own(i)) if leaf.tag() == LEAF_OVERLAY => Some(i),
        _ => None,
    };
    let own = if leaf.tag() == LEAF_OVERLAY { view.own_len() } else { 0 };
    if own == LEAF_OVERLAY_MAX && own_place.is_none() {
        return Some(flattened(leaf, false, place, put));
    }
    let mut new = leaf_overlay(leaf, place, own + own_place.is_none() as usize);
    LeafMut::new(&mut new).push(tag_of(put.hash), put.take(), MarkCell::default());
    Some(new)
}

/// A leaf overlay with what the shared leaf holds, without the entry at `skip`, and with room for `cap` entries.
fn leaf_overlay<K: Clone, V: Clone, C: Count>(
    leaf: NodeRef<'_, K, V, C>,
    skip: Option<Place>,
    cap: usize,
) -> Node<K, V, C> {
    count!(LeafOverlaid);
    let view = Leaf::new(leaf);
    let (base, mut dead) = match view.base() {
        Some((base, dead)) => (base, dead),
        None => (view, 0),
    };
    match skip {
        Some(Place::Base(i)) => dead |= 1 << i,
        Some(Place::Own(i)) if leaf.tag() == LEAF => dead |= 1 << i,
        _ => {}
    }
    let mut new = Trie::new_leaf_overlay(base.to_owned(), dead as u16, cap);
    if leaf.tag() == LEAF_OVERLAY {
        let mut to = LeafMut::new(&mut new);
        for (i, entry) in view.entries().iter().enumerate() {
            if skip != Some(Place::Own(i)) {
                to.push(view.tag_at(i), entry.clone(), view.mark_of(i))
            }
        }
    }
    new
}

/// A plain leaf or collision leaf with the entries of the leaf, moved out of it if it is ours.
pub(super) fn copied_leaf<K: Clone, V: Clone, C: Count>(leaf: NodeRef<'_, K, V, C>, mine: bool) -> Node<K, V, C> {
    if leaf.tag() == COLLISION {
        return cloned_collision(Leaf::new(leaf), None);
    }
    let mut new = Trie::new_leaf(leaf_cap::<K, V>(Leaf::new(leaf).len()));
    let mut pour = Pour::<_, _, _, ONE_LEAF>::new();
    // SAFETY: the caller's path is exclusive if it says mine.
    unsafe { pour.add(leaf, mine, None) };
    pour_into(pour, &mut new);
    new
}

/// A copy of a collision leaf without the entry at `skip`, with room for one more.
fn cloned_collision<K: Clone, V: Clone, C: Count>(view: Leaf<'_, K, V, C>, skip: Option<Place>) -> Node<K, V, C> {
    let mut new = Trie::new_collision(view.own_len() as u32 + 1);
    let mut to = LeafMut::new(&mut new);
    for (i, entry) in view.entries().iter().enumerate() {
        if skip != Some(Place::Own(i)) {
            to.push(0, entry.clone(), view.mark_of(i))
        }
    }
    new
}

// ---- split ----

/// Divides a full leaf, with the new entry, below a node that begins at bit `shift`; the leaf stands `depth` bits
/// below it. If it is ours its entries are moved out of it.
#[inline(never)]
fn split<K, V, S, C>(
    leaf: NodeRef<'_, K, V, C>,
    mine: bool,
    shift: u32,
    depth: u32,
    put: &mut Put<'_, K, V, S>,
) -> Change<K, V, C>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
    C: Count,
{
    count!(LeafSplit);
    let mut pour = Pour::<_, _, _, ONE_LEAF>::new();
    // SAFETY: the caller's path is exclusive if it says mine.
    unsafe { pour.add(leaf, mine, None) };
    let mut hashes = [0; LEAF_MAX];
    let mut differ = 0;
    for (n, (key, _)) in pour.entries().enumerate() {
        hashes[n] = put.hasher.hash_one(key);
        differ |= hashes[n] ^ put.hash;
    }
    // The first bit in which they differ, 64 if in none.
    let parting = differ.leading_zeros();
    let is_one = |hash: u64| parting < 64 && (hash << parting) >> 63 == 1;
    let mut ones = is_one(put.hash) as usize;
    hashes[..LEAF_MAX].iter().for_each(|&h| ones += is_one(h) as usize);
    let hash = put.hash;
    put.added = true;
    let (zero, one) = if parting == 64 {
        let mut all = Trie::new_collision(2 * LEAF_MAX as u32);
        pour.clone_shared(|_, _, entry, mark| LeafMut::new(&mut all).push(0, entry, mark));
        pour.move_owned(|_, _, entry, mark| LeafMut::new(&mut all).push(0, entry, mark));
        LeafMut::new(&mut all).push(0, put.take(), MarkCell::default());
        (all, None)
    } else {
        let mut zero = Trie::new_leaf(leaf_cap::<K, V>(LEAF_MAX + 1 - ones));
        let mut one = Trie::new_leaf(leaf_cap::<K, V>(ones));
        {
            let mut sides = [Filler::new(&mut zero), Filler::new(&mut one)];
            let mut place = |hash: u64, tag: u8, entry: (K, V), mark: MarkCell| {
                sides[is_one(hash) as usize].push(tag, entry, mark);
            };
            pour.clone_shared(|n, tag, entry, mark| place(hashes[n], tag, entry, mark));
            pour.move_owned(|n, tag, entry, mark| place(hashes[n], tag, entry, mark));
            place(hash, tag_of(hash), put.take(), MarkCell::default());
        }
        (zero, Some(one))
    };

    // The lowest node: the one in which they part, or the last before bit 64.
    let mut base = shift + (parting.min(63) - shift) / MOST_BITS * MOST_BITS;
    let from = |base: u32| if base == shift { depth } else { 0 };
    let down = if parting < 64 { parting - base + 1 } else { 64 - base };
    let prefix = slot_of(hash, base, down);
    let mut change = match one {
        Some(one) => Change { from: from(base), depth: down, prefix: prefix & !1, child: zero, other: Some(one) },
        None => {
            count!(CollisionMade);
            Change { from: from(base), depth: down, prefix, child: zero, other: None }
        }
    };
    while base > shift {
        base -= MOST_BITS;
        let prefix = slot_of(hash, base, MOST_BITS);
        change = Change { from: from(base), depth: MOST_BITS, prefix, child: change.into_node(), other: None };
    }
    change
}

// ---- remove ----

/// The short way of a remove: down exclusive inner nodes, out of an exclusive leaf that merges with nothing. None
/// if the long way must be gone.
#[inline(always)]
pub(super) fn remove_short<K, V, Q, C>(root: &mut Node<K, V, C>, hash: u64, key: &Q) -> Option<(K, V)>
where
    Q: Equivalent<K> + ?Sized,
    C: Count,
{
    let (mut node, mut shift) = (root, 0);
    loop {
        let inner = Inner::if_exclusive(node)?;
        let bits = inner.bits();
        let s = slot_of(hash, shift, bits);
        // SAFETY: `s` is `bits` bits of the hash.
        let word = unsafe { inner.at_slot(s) };
        if Inner::<K, V, C>::is(word) {
            (node, shift) = (InnerMut::new(node).divided_mut(s), shift + bits);
            continue;
        }
        // SAFETY: the word stands in an exclusive node, which we borrow.
        let mut leaf = unsafe { LeafMut::<K, V, C>::if_exclusive_leaf(word) }?;
        // SAFETY: for k < bits the sibling block is in the node; a leaf never fills the whole of a node.
        let sibling = unsafe {
            let mut k = 0;
            while inner.at_slot(((s >> k) ^ 1) << k) == word {
                k += 1
            }
            inner.at_slot(((s >> k) ^ 1) << k)
        };
        leaf_prefetch(sibling);
        let i = leaf.get().find_tagged(hash, key, 0)?;
        let len = leaf.get().own_len();
        // A leaf beside may merge; of anything but a divided node the long way knows more.
        let stays = match sibling.tag() {
            // SAFETY: a child lives while its parent does.
            LEAF => len + unsafe { sibling.header() }.len as usize > LEAF_MAX + 1,
            tag => len > 1 && tag <= MOST_BITS as usize,
        };
        return (stays && len > 1).then(|| leaf.swap_remove(i));
    }
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

fn taken_whole<K, V>((key, value): (K, V)) -> Taken<K, V> {
    Taken { key: Some(key), value: Some(value) }
}

fn taken_clone<K: Clone, V: Clone>(entry: &(K, V), want: Want) -> Taken<K, V> {
    Taken {
        key: (want == Want::Entry).then(|| entry.0.clone()),
        value: (want != Want::Nothing).then(|| entry.1.clone()),
    }
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

/// Removes the entry at `place` from a leaf of any kind that stands `depth` bits below its node. Gives the leaf
/// that takes its place, or none if it was ours and changed in place.
fn remove_from<K, V, C>(
    child: NodeRef<'_, K, V, C>,
    own: bool,
    depth: u32,
    hash: u64,
    place: Place,
    want: Want,
) -> (Option<Node<K, V, C>>, Taken<K, V>)
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
    if let (true, Place::Own(i)) = (own, place) {
        let taken = taken_whole(own_leaf().swap_remove(i));
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
    if let (true, Place::Base(i)) = (own, place) {
        own_leaf().kill(i);
        return (None, taken);
    }
    let new = match child.tag() {
        COLLISION if falls => {
            let mut new = Trie::new_leaf(leaf_cap::<K, V>(left));
            for (i, entry) in leaf.entries().iter().enumerate().filter(|&(i, _)| Place::Own(i) != place) {
                LeafMut::new(&mut new).push(tag_of(hash), entry.clone(), leaf.mark_of(i))
            }
            new
        }
        COLLISION => cloned_collision(leaf, Some(place)),
        LEAF => leaf_overlay(child, Some(place), 0),
        _ => leaf_overlay(child, Some(place), leaf.own_len()),
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
    let (levels, total) = match child.tag() {
        COLLISION => (0, 0),
        _ => merging(view, s, Leaf::new(child).len() - 1),
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
    let mut new = Trie::new_leaf(leaf_cap::<K, V>(total));
    let mut pour = Pour::<_, _, _, SIBLINGS>::new();
    // SAFETY: `is_mine` says whether the path is exclusive; the blocks are different nodes.
    unsafe {
        pour.add(child, is_mine(s), Some(place));
        for level in k..k + levels {
            let sibling = ((s >> level) ^ 1) << level;
            pour.add(view.child(sibling)?, is_mine(sibling), None);
        }
    }
    let taken = taken_clone(Leaf::new(child).entry(place), want);
    pour_into(pour, &mut new);
    if exclusive {
        raise(node, s, levels, new)
    } else {
        let k = k + levels;
        *node = if k == bits { new } else { view.with(Change::one(bits - k, s >> k, new)) }
    }
    Ok(taken)
}
