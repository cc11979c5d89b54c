//! Insert: one path, in place where it is ours alone, copied where it is shared.
//!
//! In: a root, a hash and an entry. Out: the root with the entry in it, and what was wanted of the one before.
//! An edit walks down while nodes are exclusive, changes the leaf, and hands a [`Change`] to the node above it. From the
//! first shared node on it works bottom-up and makes new nodes instead.
//! Must hold: M1 afterwards; L1; all user code (`Hash`, `Eq`, `Clone`) and all thawing run before the first
//! change, so that a panic or an error leaves the map as it was.
//! Uses: `link`, `node`, `leaf`, `leaf_mut`, `pour`, `inner`, `change`, `split`, `taken`, `overlay`, `overlay_mut`,
//! `error`.
#![allow(unsafe_code)] // In-place edits of exclusive nodes: docs/ARCHITECTURE.md, "Unsafe".

use super::change::*;
use super::inner::*;
use super::leaf::*;
use super::leaf_mut::*;
use super::node::*;
use super::overlay::*;
use super::overlay_mut::*;
use super::pour::*;
use super::split::{split, split_own};
use super::taken::*;
use crate::error::Result;
use crate::link::{Count, MarkCell};
use core::hash::{BuildHasher, Hash};
use core::mem::ManuallyDrop;

/// An entry on its way in.
pub(super) struct Put<'h, K, V, S, C: Count> {
    pub(super) hasher: &'h S,
    pub(super) hash: u64,
    /// Taken when the entry finds its place.
    pub(super) entry: Option<(K, V)>,
    /// What the caller wants of the entry that was there before; it costs a clone if that is shared.
    pub(super) want: Want,
    pub(super) old: Option<Taken<K, V>>,
    pub(super) added: bool,
    /// Where in its leaf the entry has found its place.
    pub(super) place: Place,
    /// Dropped last.
    pub(super) gone: Gone<K, V, C>,
}

impl<'h, K, V, S, C: Count> Put<'h, K, V, S, C> {
    /// An entry of whose key nothing is known, of which nothing is wanted.
    #[inline(always)]
    pub(super) fn new(hasher: &'h S, hash: u64, entry: (K, V)) -> Self {
        let entry = Some(entry);
        Put { hasher, hash, entry, want: Want::Nothing, old: None, added: false, place: 0, gone: Gone::new() }
    }

    #[inline(always)]
    fn key(&self) -> &K {
        &self.entry.as_ref().expect("not placed yet").0
    }

    /// The entry, to be put at this place.
    #[inline(always)]
    pub(super) fn take_for(&mut self, place: Place) -> (K, V) {
        self.place = place;
        self.entry.take().expect("placed once")
    }

    /// Puts the entry at the lowest free place of a leaf. There is room.
    #[inline(always)]
    pub(super) fn put_in(&mut self, leaf: &mut LeafMut<'_, K, V, C>) {
        let entry = self.entry.take().expect("placed once");
        self.place = leaf.put_free(self.hash, entry)
    }
}

/// Thaws the root if it is stored, or is a leaf of which entries are missing. Edits begin with it.
pub(super) fn resident_root<K, V, C: Count>(root: &mut Node<K, V, C>) -> Result<()> {
    if form(root.word()) == Form::Stored || is_lazy(root.word()) {
        let resident = through_stub(root.link())?.to_owned();
        *root = resident;
    }
    Ok(())
}

/// What the short way of an insert came to.
pub(super) enum Short<'a, K, V, C: Count> {
    Added(Place),
    Replaced((K, V), Place),
    /// The key is not there, and its leaf is full; it stands below this node, which begins at bit `shift`.
    Full(&'a mut Node<K, V, C>, u32, (K, V)),
    /// Go on from this node, which begins at bit `shift`.
    Rest(&'a mut Node<K, V, C>, u32, (K, V)),
}

/// The short way of an insert: down exclusive inner nodes into an exclusive leaf that has the key, or room.
/// If the leaf is full the rest is left to [`insert_full`], everything else to [`insert`].
#[inline(always)]
pub(super) fn insert_short<K: Eq, V, C: Count>(
    root: &mut Node<K, V, C>,
    hash: u64,
    entry: (K, V),
) -> Short<'_, K, V, C> {
    let ExclusivePath { node, shift, at } = exclusive_path(root, hash);
    // SAFETY: the word stands in an exclusive node, which we borrow.
    let Some(mut leaf) = at.and_then(|(_, word)| unsafe { LeafMut::<K, V, C>::if_exclusive_leaf(word) }) else {
        return Short::Rest(node, shift, entry);
    };
    if let Some(place) = leaf.get().find_tagged(hash, &entry.0, 0) {
        // SAFETY: a place in use of a leaf that is ours.
        return Short::Replaced(core::mem::replace(unsafe { leaf.entry_unchecked(place) }, entry), place);
    }
    if leaf.get().own_len() == leaf.get().cap() {
        return Short::Full(node, shift, entry);
    }
    Short::Added(leaf.put_free(hash, entry))
}

/// Puts an entry with an absent key into a full leaf that is ours, below an exclusive inner node that begins at bit
/// `shift`: the leaf grows, or is split. Gives the entry's place.
#[inline(never)]
pub(super) fn insert_full<K, V, S, C>(
    node: &mut Node<K, V, C>,
    shift: u32,
    hash: u64,
    entry: (K, V),
    hasher: &S,
) -> Place
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
    C: Count,
{
    let mut inner = InnerMut::new(node);
    let s = slot_of(hash, shift, inner.get().bits());
    let word = inner.get().slots()[s].get();
    // SAFETY: the slot's own count, not given up: only the link in the slot changes, below.
    let mut leaf = ManuallyDrop::new(unsafe { Node::<K, V, C>::from_word(word) });
    if Leaf::new(leaf.link()).own_len() == LEAF_MAX {
        return split_own(inner, shift, s, hash, entry, hasher);
    }
    grow_leaf(&mut leaf);
    let place = LeafMut::new(&mut leaf).put_free(hash, entry);
    // SAFETY: same count, new place.
    unsafe { inner.replace_word(s, leaf.word()) }
    place
}

/// More room in a full leaf of fewer than 15 entries.
#[inline]
fn grow_leaf<K, V, C: Count>(leaf: &mut Node<K, V, C>) {
    count!(LeafGrown);
    let len = Leaf::new(leaf.link()).own_len();
    Trie::grow(leaf, if len < 8 { len + 4 } else { LEAF_MAX })
}

/// Puts an entry in below a node that begins at bit `shift`, over one with an equal key if there is one.
#[inline(never)]
pub(super) fn insert<K, V, S, C>(node: &mut Node<K, V, C>, shift: u32, put: &mut Put<'_, K, V, S, C>) -> Result<()>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
    C: Count,
{
    let (mut node, mut shift) = (node, shift);
    loop {
        resident_root(node)?;
        if !node.is_exclusive() {
            let new = inserted(node.link(), shift, put)?;
            put.gone.push(core::mem::replace(node, new));
            return Ok(());
        }
        own_up(node);
        if form(node.word()) != Form::Divided {
            insert_at_root(node, put);
            return Ok(());
        }
        Divided::at(node.link(), shift)?;
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
        insert_below(inner, shift, s, put);
        return Ok(());
    }
}

/// Into the block at slot `s` of an exclusive inner node; the block is a leaf, a collision leaf or empty.
#[inline]
fn insert_below<K, V, S, C>(mut inner: InnerMut<'_, K, V, C>, shift: u32, s: usize, put: &mut Put<'_, K, V, S, C>)
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
        let fit = insert_own(&mut child, put);
        if child.word() != word {
            // SAFETY: same count, new place.
            unsafe { inner.replace_word(s, child.word()) }
        }
        match fit {
            Fit::Placed => {}
            Fit::Full if child.word().tag() == LEAF => {
                let entry = put.entry.take().expect("not placed yet");
                put.place = split_own(inner, shift, s, put.hash, entry, put.hasher);
                put.added = true
            }
            Fit::Full => {
                let depth = inner.get().bits() - inner.get().block(s);
                let change = split(child.link(), true, shift, depth, put);
                inner.apply(change, &mut put.gone)
            }
        }
        return;
    }
    let change = changed_leaf(Divided { base: inner.get(), overlay: None }, child.link(), shift, s, put);
    inner.apply(change, &mut put.gone)
}

/// Into a root that is empty, a leaf or a collision leaf, and exclusive.
fn insert_at_root<K, V, S, C>(root: &mut Node<K, V, C>, put: &mut Put<'_, K, V, S, C>)
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
    C: Count,
{
    if let Fit::Full = insert_own(root, put) {
        let new = split(root.link(), true, 0, 0, put).into_node();
        put.gone.push(core::mem::replace(root, new))
    }
}

type Below<'a, K, V, C> = Option<(&'a mut Node<K, V, C>, u32)>;

/// Into an exclusive overlay over a shared base. Gives the node to go on with, if the edit is not done here.
#[inline(never)]
fn insert_over<'a, K, V, S, C>(
    node: &'a mut Node<K, V, C>,
    shift: u32,
    put: &mut Put<'_, K, V, S, C>,
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
    OverlayMut::new(node).apply(change, &mut put.gone);
    Ok(None)
}

/// A new root: `root`, which stays as it is, with the entry in it.
#[inline(always)]
pub(super) fn updated<K, V, S, C>(root: NodeRef<'_, K, V, C>, put: &mut Put<'_, K, V, S, C>) -> Result<Node<K, V, C>>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
    C: Count,
{
    inserted(through_stub(root)?, 0, put)
}

/// A new node: the shared node `node` with the entry in it.
fn inserted<K, V, S, C>(node: NodeRef<'_, K, V, C>, shift: u32, put: &mut Put<'_, K, V, S, C>) -> Result<Node<K, V, C>>
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
    let view = Divided::at(node, shift)?;
    let s = slot_of(put.hash, shift, view.bits());
    let (child, over) = view.child_over(s)?;
    let new = match form(child.word()) {
        Form::Divided => inserted(child, shift + view.bits(), put)?,
        _ => match insert_shared(child, put) {
            Some(leaf) => leaf,
            None => {
                let depth = view.bits() - view.block(s);
                return Ok(view.with(split(child, false, shift, depth, put)));
            }
        },
    };
    Ok(view.with_child(s, over, || view.base.leaf_block(s, child.word()), new))
}

/// The change that puts the entry into the shared leaf at slot `s`.
#[inline]
fn changed_leaf<K, V, S, C>(
    view: Divided<'_, K, V, C>,
    child: NodeRef<'_, K, V, C>,
    shift: u32,
    s: usize,
    put: &mut Put<'_, K, V, S, C>,
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
fn insert_own<K, V, S, C>(leaf: &mut Node<K, V, C>, put: &mut Put<'_, K, V, S, C>) -> Fit
where
    K: Hash + Eq + Clone,
    V: Clone,
    C: Count,
{
    if leaf.word().tag() != LEAF {
        return insert_own_rare(leaf, put);
    }
    let view = Leaf::new(leaf.link());
    if let Some(place) = view.find(put.hash, put.key()) {
        replace(leaf, place, put);
        return Fit::Placed;
    }
    if view.own_len() == LEAF_MAX {
        return Fit::Full;
    }
    if view.own_len() == view.cap() {
        grow_leaf(leaf)
    }
    put.added = true;
    put.put_in(&mut LeafMut::new(leaf));
    Fit::Placed
}

/// Replaces the entry at a place, if it is one of the node itself and not of a base.
#[inline]
fn replace<K, V, S, C: Count>(leaf: &mut Node<K, V, C>, place: Place, put: &mut Put<'_, K, V, S, C>) -> bool {
    let Some(entry) = LeafMut::new(leaf).entry_mut(place) else { return false };
    put.old = Some(taken_whole(core::mem::replace(entry, put.take_for(place))));
    true
}

#[inline(never)]
fn insert_own_rare<K, V, S, C>(leaf: &mut Node<K, V, C>, put: &mut Put<'_, K, V, S, C>) -> Fit
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
    if place.is_some_and(|place| replace(leaf, place, put)) {
        return Fit::Placed;
    }
    let view = Leaf::new(leaf.link());
    if leaf.word().tag() == COLLISION {
        if view.own_len() == view.cap() {
            let mut larger = Trie::new_collision(view.cap() as u32 * 2);
            LeafMut::new(leaf).move_all(&mut LeafMut::new(&mut larger), 0);
            *leaf = larger;
        }
        put.added = true;
        let end = Leaf::new(leaf.link()).own_len();
        LeafMut::new(leaf).push(put.take_for(end), MarkCell::default());
        return Fit::Placed;
    }
    if place.is_none() && view.len() == LEAF_MAX {
        return Fit::Full;
    }
    // Over a base that others use too, or that is ours now.
    let (base, _) = view.base().expect("a leaf overlay");
    if let Some(place) = place {
        old_of(view.entry(place), put)
    }
    put.added = place.is_none();
    if view.own_len() == LEAF_OVERLAY_MAX || base.header().is_exclusive() {
        let new = flattened(leaf.link(), true, place, put);
        put.gone.push(core::mem::replace(leaf, new));
        return Fit::Placed;
    }
    count!(LeafOverlayGrown);
    let at = place.unwrap_or_else(|| view.free_place());
    if view.own_len() == view.cap() {
        Trie::grow(leaf, (view.cap() + 2).min(LEAF_OVERLAY_MAX))
    }
    let mut leaf = LeafMut::new(leaf);
    if place.is_some() {
        leaf.kill(at)
    }
    leaf.put_over(at, tag_of(put.hash), put.take_for(at), Trie::<K, V, C>::new_mark(put.hash));
    Fit::Placed
}

/// Notes what the caller wants of an entry that is going to be replaced.
#[inline(always)]
fn old_of<K: Clone, V: Clone, S, C: Count>(entry: &(K, V), put: &mut Put<'_, K, V, S, C>) {
    put.old = Some(taken_clone(entry, put.want))
}

fn single<K, V, S, C: Count>(put: &mut Put<'_, K, V, S, C>) -> Node<K, V, C> {
    let mut leaf = Trie::new_leaf(leaf_cap::<K, V>(1));
    put.added = true;
    put.put_in(&mut LeafMut::new(&mut leaf));
    leaf
}

/// A plain leaf: the live entries of `leaf`, and the new one in place of the one at `replaced`.
fn flattened<K, V, S, C>(
    leaf: NodeRef<'_, K, V, C>,
    mine: bool,
    replaced: Option<Place>,
    put: &mut Put<'_, K, V, S, C>,
) -> Node<K, V, C>
where
    K: Clone,
    V: Clone,
    C: Count,
{
    count!(LeafFlattened);
    let live = Leaf::new(leaf).live();
    let at = replaced.unwrap_or_else(|| Leaf::new(leaf).free_place());
    let mut pour = Pour::new();
    // SAFETY: the caller's path is exclusive if it says mine.
    unsafe { pour.add(leaf, mine, replaced) };
    let mut new = poured(pour, leaf_cap::<K, V>(places(live | 1 << at)));
    LeafMut::new(&mut new).put_at(at, tag_of(put.hash), put.take_for(at), Trie::<K, V, C>::new_mark(put.hash));
    new
}

/// A new leaf: the shared one (or empty block) with the entry in it. None if it is full and must be split.
fn insert_shared<K, V, S, C>(leaf: NodeRef<'_, K, V, C>, put: &mut Put<'_, K, V, S, C>) -> Option<Node<K, V, C>>
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
        let at = place.unwrap_or(view.own_len());
        return Some(cloned_collision(view, place, Some(put.take_for(at))));
    }
    let at = place.unwrap_or_else(|| view.free_place());
    let own = if is_leaf_overlay(leaf.tag()) { view.own_places() } else { 0 };
    if view.own_len() == LEAF_OVERLAY_MAX && own != 0 && own >> at & 1 == 0 {
        return Some(flattened(leaf, false, place, put));
    }
    Some(leaf_overlay(view, at, Some((put.hash, put.take_for(at)))))
}

/// A leaf overlay with what the shared leaf holds, but at one place the new entry or none.
pub(super) fn leaf_overlay<K: Clone, V: Clone, C: Count>(
    leaf: Leaf<'_, K, V, C>,
    at: Place,
    new: Option<(u64, (K, V))>,
) -> Node<K, V, C> {
    count!(LeafOverlaid);
    let (base, dead, own) = leaf.base().map_or((leaf, 0, 0), |(base, dead)| (base, dead, leaf.own_places()));
    let (own, of_own) = (own & !(1 << at), (own >> at & 1) as usize);
    let dead = dead | base.live() & 1 << at;
    let own_len = leaf.base().map_or(0, |_| leaf.own_len());
    // Two sizes, so that memory is used again.
    let cap = if own_len - of_own + (new.is_some() as usize) <= 2 { 2 } else { LEAF_OVERLAY_MAX };
    let mut node = Trie::new_leaf_overlay(base.to_owned(), dead as u16, cap);
    let mut to = LeafMut::new(&mut node);
    if own != 0 {
        for (i, (place, entry)) in bits(leaf.own_places()).zip(leaf.own_entries()).enumerate() {
            if place != at {
                to.push_over(place, leaf.overlay_tags()[i], entry.clone(), leaf.mark_of(place))
            }
        }
    }
    if let Some((hash, entry)) = new {
        to.put_over(at, tag_of(hash), entry, Trie::<K, V, C>::new_mark(hash))
    }
    node
}

/// A plain leaf or collision leaf with the entries of the leaf, moved out of it if it is ours.
pub(super) fn copied_leaf<K: Clone, V: Clone, C: Count>(leaf: NodeRef<'_, K, V, C>, mine: bool) -> Node<K, V, C> {
    if leaf.tag() == COLLISION {
        return cloned_collision(Leaf::new(leaf), None, None);
    }
    let mut pour = Pour::new();
    // SAFETY: the caller's path is exclusive if it says mine.
    unsafe { pour.add(leaf, mine, None) };
    poured(pour, leaf_cap::<K, V>(places(Leaf::new(leaf).live())))
}

/// A copy of a collision leaf without the entry at `skip`, where `new` stands if there is one; else at the end. With
/// room for one more.
pub(super) fn cloned_collision<K: Clone, V: Clone, C: Count>(
    view: Leaf<'_, K, V, C>,
    skip: Option<Place>,
    mut new: Option<(K, V)>,
) -> Node<K, V, C> {
    let mut node = Trie::new_collision(view.own_len() as u32 + 1);
    let mut to = LeafMut::new(&mut node);
    for (i, entry) in view.own_entries().iter().enumerate() {
        if skip != Some(i) {
            to.push(entry.clone(), view.mark_of(i))
        } else if let Some(new) = new.take() {
            to.push(new, MarkCell::default())
        }
    }
    if let Some(new) = new {
        to.push(new, MarkCell::default())
    }
    node
}
