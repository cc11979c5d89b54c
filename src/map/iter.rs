//! Walks over all entries: borrowed, mutable, owned.
//!
//! In: a root. Out: every live entry once, in slot order (the order of the hashes' upper bits), within a leaf in
//! the order of its places.
//! Must hold: a walk thaws what it meets and changes nothing else; the mutable walk makes each node exclusive
//! before it gives out an entry of it.
//! Uses: `link`, `node`, `leaf`, `leaf_mut`, `inner`, `change`, `insert`, `overlay`, `overlay_mut`, `error`.
#![allow(unsafe_code)] // Iterators: docs/ARCHITECTURE.md, "Unsafe".

use super::change::*;
use super::inner::*;
use super::leaf::*;
use super::leaf_mut::*;
use super::node::*;
use super::overlay::*;
use super::overlay_mut::*;
use crate::error::{Result, cannot_thaw};
use crate::link::Count;
use alloc::vec::Vec;
use core::mem::MaybeUninit;
use core::slice;

/// Divided nodes on the longest path: 64 bits in steps of [`MOST_BITS`].
const MOST_LEVELS: usize = 64usize.div_ceil(MOST_BITS as usize);

/// Counts a leaf's entries down from those that the map still says it has: there are no more of them (M3). For the leaf, so that
/// an iterator counts without a look.
#[inline(always)]
fn count_down(left: &mut usize, len: usize) -> Result<()> {
    let rest = left.checked_sub(len);
    *left = rest.unwrap_or(0);
    if rest.is_some() { Ok(()) } else { Err(wrong_len()) }
}

/// A node on the path, and the slot to go on at.
struct Frame<'a, K, V, C: Count> {
    view: Divided<'a, K, V, C>,
    next: usize,
    end: usize,
}

impl<K, V, C: Count> Clone for Frame<'_, K, V, C> {
    fn clone(&self) -> Self {
        Frame { ..*self }
    }
}

/// A walk over the entries below a node.
pub(super) struct Walk<'a, K, V, C: Count> {
    /// The places of a leaf (or a leaf overlay's base and the overlay itself) that are still to come; of these the
    /// overlay's own; and where the entries stand.
    live: u32,
    own: u32,
    leaf: &'a [MaybeUninit<(K, V)>],
    /// What is still to come of a leaf overlay's own entries or of a collision leaf.
    entries: slice::Iter<'a, (K, V)>,
    stack: [Option<Frame<'a, K, V, C>>; MOST_LEVELS],
    depth: usize,
    /// How many entries there are behind this leaf, where that is known.
    left: Option<usize>,
}

impl<K, V, C: Count> Clone for Walk<'_, K, V, C> {
    fn clone(&self) -> Self {
        Walk { entries: self.entries.clone(), stack: self.stack.clone(), ..*self }
    }
}

impl<'a, K, V, C: Count> Walk<'a, K, V, C> {
    fn empty() -> Self {
        let stack = [const { None }; MOST_LEVELS];
        Walk { live: 0, own: 0, leaf: &[], entries: [].iter(), stack, depth: 0, left: None }
    }

    /// A walk over what is below `node`; a stub is thawed.
    pub(super) fn new(node: NodeRef<'a, K, V, C>) -> Result<Self> {
        let mut walk = Self::empty();
        walk.enter(through_stub(node)?)?;
        Ok(walk)
    }

    /// The same of a map that says it has so many entries: other than that is `Corrupt`.
    pub(super) fn of(node: NodeRef<'a, K, V, C>, len: usize) -> Result<Self> {
        let mut walk = Self::empty();
        walk.left = Some(len);
        walk.enter(through_stub(node)?)?;
        Ok(walk)
    }

    /// A walk over the blocks of slots `from..to` of a divided node; both ends are ends of blocks, or within one.
    pub(super) fn range(view: Divided<'a, K, V, C>, from: usize, to: usize) -> Self {
        let mut walk = Self::empty();
        walk.stack[0] = Some(Frame { view, next: from, end: to });
        walk.depth = 1;
        walk
    }

    #[inline(always)]
    fn enter(&mut self, node: NodeRef<'a, K, V, C>) -> Result<()> {
        match form(node.word()) {
            Form::Divided => {
                let view = Divided::new(node);
                let Some(frame) = self.stack.get_mut(self.depth) else { return Err(too_deep()) };
                *frame = Some(Frame { view, next: 0, end: 1 << view.bits() });
                self.depth += 1;
            }
            _ if is_leaf(node.tag()) => self.enter_leaf(Leaf::new(node))?,
            _ if node.word().is_node() => self.enter_other(Leaf::new(node))?,
            _ => {}
        }
        Ok(())
    }

    #[inline(always)]
    fn enter_leaf(&mut self, leaf: Leaf<'a, K, V, C>) -> Result<()> {
        if let Some(left) = &mut self.left {
            count_down(left, leaf.own_len())?
        }
        (self.live, self.own, self.leaf) = (leaf.live(), 0, leaf.room());
        Ok(())
    }

    fn enter_other(&mut self, leaf: Leaf<'a, K, V, C>) -> Result<()> {
        if let Some(left) = &mut self.left {
            count_down(left, leaf.len())?
        }
        if let Some((base, _)) = leaf.base() {
            (self.live, self.own, self.leaf) = (leaf.live(), leaf.own_places(), base.room())
        }
        self.entries = leaf.own_entries().iter();
        Ok(())
    }

    /// The next entry.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Result<Option<&'a (K, V)>> {
        loop {
            if self.live != 0 {
                let place = self.live.trailing_zeros() as usize;
                self.live &= self.live - 1;
                if self.own >> place & 1 == 0 {
                    // SAFETY: the place is in use, by an entry that lives for 'a.
                    return Ok(Some(unsafe { self.leaf.get_unchecked(place).assume_init_ref() }));
                }
                return Ok(self.entries.next());
            }
            if let Some(entry) = self.entries.next() {
                return Ok(Some(entry));
            }
            if !self.advance()? {
                return Ok(None);
            }
        }
    }

    /// Cuts off about half of what is to come, as a walk of its own; none once a leaf is reached.
    #[cfg(feature = "rayon")]
    pub(super) fn divide(&mut self) -> Result<Option<Self>> {
        while self.depth == 1 {
            let frame = self.stack[0].as_mut().expect("below depth");
            let (view, from, end) = (frame.view, frame.next, frame.end);
            let (middle, mut at) = (from + (end - from) / 2, from);
            // The first block that begins at the middle or behind it, or the last one.
            let only = loop {
                let child = view.child(at)?;
                let after = view.after(at, child.word());
                if after >= end {
                    break child;
                }
                at = after;
                if at >= middle {
                    break child;
                }
            };
            if at > from {
                frame.end = at;
                return Ok(Some(Self::range(view, at, end)));
            }
            self.depth = 0;
            self.enter(only)?
        }
        Ok(None)
    }

    /// To the next leaf; false if there is none.
    #[inline(never)]
    fn advance(&mut self) -> Result<bool> {
        while self.depth > 0 {
            let frame = self.stack[self.depth - 1].as_mut().expect("below depth");
            let view = frame.view;
            if frame.next >= frame.end {
                self.depth -= 1;
                continue;
            }
            let child = view.child(frame.next)?;
            frame.next = view.after(frame.next, child.word());
            let leaf = form(child.word()) != Form::Divided && child.word().is_node();
            self.enter(child)?;
            if leaf {
                return Ok(true);
            }
        }
        if self.left.is_none_or(|left| left == 0) { Ok(false) } else { Err(wrong_len()) }
    }
}

/// A mutable walk: owns its path as it goes.
pub(super) struct WalkMut<'a, K, V, C: Count> {
    /// The rest of a leaf, and which of its next places are in use.
    leaf: slice::IterMut<'a, MaybeUninit<(K, V)>>,
    live: u32,
    /// The rest of a collision leaf.
    entries: slice::IterMut<'a, (K, V)>,
    stack: Vec<FrameMut<'a, K, V, C>>,
    /// How many entries there are behind this leaf, or fewer: a panic of users' code may have made the walk skip some.
    left: usize,
}

struct FrameMut<'a, K, V, C: Count> {
    node: InnerMut<'a, K, V, C>,
    next: usize,
}

impl<'a, K: Clone, V: Clone, C: Count> WalkMut<'a, K, V, C> {
    /// Of a map that says it has so many entries: more than that is `Corrupt`.
    pub(super) fn new(root: &'a mut Node<K, V, C>, len: usize) -> Result<Self> {
        super::insert::resident_root(root)?;
        let mut walk = WalkMut { leaf: [].iter_mut(), live: 0, entries: [].iter_mut(), stack: Vec::new(), left: len };
        make_plain(root);
        walk.enter(root)?;
        Ok(walk)
    }

    /// Into a node that is exclusive and no overlay.
    fn enter(&mut self, node: &'a mut Node<K, V, C>) -> Result<()> {
        match form(node.word()) {
            Form::Divided if self.stack.len() == MOST_LEVELS => return Err(too_deep()),
            Form::Divided => self.stack.push(FrameMut { node: InnerMut::new(node), next: 0 }),
            _ if node.word().tag() == COLLISION => {
                count_down(&mut self.left, Leaf::new(node.link()).len())?;
                self.entries = LeafMut::new(node).entries_mut().iter_mut()
            }
            _ if node.word().is_node() => {
                count_down(&mut self.left, Leaf::new(node.link()).len())?;
                self.live = Leaf::new(node.link()).live();
                self.leaf = LeafMut::new(node).room_mut().iter_mut()
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn next(&mut self) -> Result<Option<&'a mut (K, V)>> {
        loop {
            if self.live != 0 {
                let skip = self.live.trailing_zeros();
                self.live = self.live >> skip >> 1;
                let entry = self.leaf.nth(skip as usize).expect("a place within the room");
                // SAFETY: the place is in use.
                return Ok(Some(unsafe { entry.assume_init_mut() }));
            }
            if let Some(entry) = self.entries.next() {
                return Ok(Some(entry));
            }
            let Some(frame) = self.stack.last_mut() else { return Ok(None) };
            let s = frame.next;
            if s >> frame.node.get().bits() != 0 {
                self.stack.pop();
                continue;
            }
            let k = frame.node.get().block(s);
            frame.next += 1 << k;
            frame.node.get().child(s)?;
            // SAFETY: each block is visited once, so that no two borrows of a child live together; the parent is
            // exclusive and borrowed for 'a, and the walk does not touch the block again.
            let (child, gone) = unsafe { frame.node.child_for_walk(s, k, make_plain) };
            self.enter(child)?;
            // Last: a user's `Drop` may panic.
            drop(gone)
        }
    }
}

/// Makes a resident node exclusive and no overlay: its children are shared, its entries cloned. Gives the node that it
/// was, if it is another now.
fn make_plain<K: Clone, V: Clone, C: Count>(node: &mut Node<K, V, C>) -> Option<Node<K, V, C>> {
    if node.is_exclusive() {
        own_up(node)
    }
    let plain = match form(node.word()) {
        Form::Divided => Inner::if_exclusive(node).is_some(),
        _ => !node.word().is_node() || (node.is_exclusive() && node.word().tag() != LEAF_OVERLAY),
    };
    if plain {
        return None;
    }
    let new = match form(node.word()) {
        Form::Divided => Divided::new(node.link()).copied(),
        _ => super::insert::copied_leaf(node.link(), node.is_exclusive()),
    };
    Some(core::mem::replace(node, new))
}

/// An owning walk: entries are moved out of what is ours alone and cloned out of what is shared.
pub(super) struct WalkOwned<K, V, C: Count> {
    /// The leaf being read, all of its entries ours.
    leaf: Option<Node<K, V, C>>,
    /// Divided nodes still to read, and the slot to go on at.
    stack: Vec<(Node<K, V, C>, usize)>,
    /// As of [`WalkMut`].
    left: usize,
}

impl<K: Clone, V: Clone, C: Count> Clone for WalkOwned<K, V, C> {
    fn clone(&self) -> Self {
        // The leaf must be ours alone in both walks; the nodes on the stack are shared from now on.
        let leaf = self.leaf.as_ref().map(|leaf| super::insert::copied_leaf(leaf.link(), false));
        WalkOwned { leaf, stack: self.stack.clone(), left: self.left }
    }
}

impl<K: Clone, V: Clone, C: Count> WalkOwned<K, V, C> {
    /// As of [`WalkMut`].
    pub(super) fn new(mut root: Node<K, V, C>, len: usize) -> Result<Self> {
        super::insert::resident_root(&mut root)?;
        let mut walk = WalkOwned { leaf: None, stack: Vec::new(), left: len };
        walk.enter(root)?;
        Ok(walk)
    }

    fn enter(&mut self, mut node: Node<K, V, C>) -> Result<()> {
        if form(node.word()) == Form::Divided {
            if self.stack.len() == MOST_LEVELS {
                return Err(too_deep());
            }
            if node.is_exclusive() {
                own_up(&mut node)
            }
            self.stack.push((node, 0))
        } else if node.word().is_node() {
            count_down(&mut self.left, Leaf::new(node.link()).len())?;
            make_plain(&mut node);
            if node.word().tag() == COLLISION {
                // It is taken from its end.
                LeafMut::new(&mut node).entries_mut().reverse()
            }
            self.leaf = Some(node)
        }
        Ok(())
    }

    pub(super) fn next(&mut self) -> Result<Option<(K, V)>> {
        loop {
            if let Some(leaf) = &mut self.leaf {
                if let Some(entry) = LeafMut::new(leaf).pop() {
                    return Ok(Some(entry));
                }
                self.leaf = None;
            }
            let Some((node, next)) = self.stack.last_mut() else { return Ok(None) };
            let s = *next;
            let view = Divided::new(node.link());
            if s >> view.bits() != 0 {
                self.stack.pop();
                continue;
            }
            let child = view.child(s)?;
            let after = s + (1 << view.block(s));
            *next = after;
            let owned = match Inner::if_exclusive(node) {
                None => child.to_owned(),
                // Out of our own node: an empty block stays in its place.
                Some(_) => InnerMut::new(node).take_block(s),
            };
            self.enter(owned)?
        }
    }
}

impl<'a, K, V, C: Count> Walk<'a, K, V, C> {
    /// The next entry, for an infallible iterator.
    #[inline(always)]
    pub(super) fn next_or_panic(&mut self) -> Option<&'a (K, V)> {
        match self.next() {
            Ok(entry) => entry,
            Err(e) => cannot_thaw(e),
        }
    }
}
