//! Overlays that are ours: overrides added, replaced, folded into their base.
//!
//! In: an exclusive overlay. Out: the same with a [`Change`] in it; or the inner node that it stands for, when its base
//! has become ours too.
//! Must hold: L1 (it is exclusive), M2; its lender keeps alive what it does not count itself.
//! Uses: `link`, `node`, `inner`, `overlay`, `change`.
#![allow(unsafe_code)] // Node layout: docs/ARCHITECTURE.md, "Unsafe".

use super::change::*;
use super::inner::*;
use super::node::*;
use super::overlay::*;
use crate::link::{Count, Header, Slot, Word, release};
use core::ptr::NonNull;
use smallvec::SmallVec;

/// An exclusive overlay.
pub(super) struct OverlayMut<'a, K, V, C: Count>(&'a mut Node<K, V, C>);

impl<'a, K, V, C: Count> OverlayMut<'a, K, V, C> {
    /// `node` is exclusive and an overlay.
    #[inline(always)]
    pub(super) fn new(node: &'a mut Node<K, V, C>) -> Self {
        debug_assert!(node.is_exclusive() && node.word().tag() == OVERLAY);
        OverlayMut(node)
    }

    #[inline(always)]
    pub(super) fn get(&self) -> Overlay<'_, K, V, C> {
        // SAFETY: the node is an overlay, and we borrow its owner.
        unsafe { Overlay::from_word(self.0.word()) }
    }

    fn at(&mut self) -> NonNull<Header> {
        self.0.word().pointer(OVERLAY)
    }

    /// # Safety
    /// There is room; the block is aligned and covered by no other override. If the override is to be the
    /// overlay's own the count of `word` is passed on, else the lender keeps its node alive.
    pub(super) unsafe fn push(&mut self, first: usize, k: u32, word: Word, own: bool) {
        let mut at = self.at();
        // SAFETY: exclusive, and there is room.
        unsafe {
            let j = at.as_ref().len as usize;
            debug_assert!(j < at.as_ref().cap as usize);
            field::<u8>(at, 24 + j).write(first as u8);
            field::<u8>(at, 32 + j).write((u8::MAX as u32 & !((1 << k) - 1)) as u8);
            field::<Slot>(at, 48).add(j).write(Slot::new(word));
            at.as_mut().len = j as u8 + 1;
            at.as_mut().extra |= (own as u16) << j;
        }
    }

    /// The owner in override `j`, which is the overlay's own.
    #[inline(always)]
    pub(super) fn child_mut(self, j: usize) -> &'a mut Node<K, V, C> {
        let place = self.get().slot(j).place();
        // SAFETY: as `InnerMut::divided_mut`.
        unsafe { &mut *place.cast::<Node<K, V, C>>() }
    }

    /// Puts `change` in: in place where there is room, else as a new node.
    pub(super) fn apply(mut self, change: Change<K, V, C>, gone: &mut Gone<K, V, C>) {
        let view = Divided::new(self.0.link());
        // SAFETY: exclusive.
        let cap = unsafe { self.0.word().pointer(OVERLAY).as_ref().cap as usize };
        let total = self.get().len() - count(change.covered(self.get())) + change.len();
        if change.depth > view.bits() || total > cap.min(OVERLAY_MAX) {
            let new = view.with(change);
            return gone.push(core::mem::replace(self.0, new));
        }
        self.replace(change, gone)
    }

    /// Takes the overrides of another overlay over the same base, counted or borrowed. This one has none yet, but
    /// room for them.
    #[inline(always)]
    pub(super) fn copy(&mut self, from: Overlay<'_, K, V, C>, counted: bool, may_be_stored: bool) {
        let mut at = self.at();
        let len = from.len();
        let mut own = 0;
        // SAFETY: exclusive, and there is room; what is not counted here the lender keeps alive.
        unsafe {
            field::<[u64; 2]>(at, 24).write(from.covers());
            let to = field::<Slot>(at, 48);
            if counted || may_be_stored {
                for j in 0..len {
                    let word = from.slot(j).get();
                    if counted {
                        core::mem::forget(NodeRef::<K, V, C>::from_word(word).to_owned())
                    }
                    // A stored word has no count; once thawed in the new node it is that node's.
                    if counted || word.is_stored() {
                        own |= 1 << j
                    }
                    to.add(j).write(Slot::new(word));
                }
            } else if at.as_ref().cap.min(from.cap()) as usize == OVERLAY_FEW {
                // Nothing thaws below a base without an origin, so that nobody writes to a slot while it is shared.
                to.copy_from_nonoverlapping(from.slots(), OVERLAY_FEW)
            } else {
                to.copy_from_nonoverlapping(from.slots(), OVERLAY_MAX)
            }
            at.as_mut().len = len as u8;
            at.as_mut().extra |= own;
        }
    }

    /// Puts the blocks of `change` beside the overrides that are there. There is room, and they cover none.
    #[inline(always)]
    fn push_all(&mut self, change: Change<K, V, C>) {
        let bits = self.get().base().bits();
        for (prefix, depth, word) in change.into_blocks() {
            // SAFETY: there is room; the blocks are aligned, and each passes its count on.
            unsafe { self.push(prefix << (bits - depth), bits - depth, word, true) }
        }
    }

    /// Puts `change` in. There is room for all overrides that are there and those of the change, less those it covers.
    #[inline]
    pub(super) fn replace(&mut self, change: Change<K, V, C>, gone: &mut Gone<K, V, C>) {
        let covered = change.covered(self.get());
        if covered != 0 {
            self.clear(covered, gone)
        }
        self.push_all(change)
    }

    /// Takes out the overrides for which the high bit of a byte is set, as [`Overlay::covered`] says.
    pub(super) fn clear(&mut self, covered: u64, gone: &mut Gone<K, V, C>) {
        let mut at = self.at();
        // SAFETY: exclusive. Overrides that stay are moved down, those that go give their counts up.
        unsafe {
            let len = self.get().len();
            let (firsts, masks) = (field::<u8>(at, 24), field::<u8>(at, 32));
            let slots = field::<Slot>(at, 48);
            let was = at.as_ref().extra;
            at.as_mut().extra &= !255;
            let mut n = 0;
            for j in 0..len {
                if covered >> (8 * j + 7) & 1 == 0 {
                    firsts.add(n).write(*firsts.add(j));
                    masks.add(n).write(*masks.add(j));
                    slots.add(n).write(Slot::new((*slots.add(j)).get()));
                    at.as_mut().extra |= (was >> j & 1) << n;
                    n += 1;
                } else if was >> j & 1 == 1 {
                    gone.push(Node::from_word((*slots.add(j)).get()))
                }
            }
            firsts.add(n).write_bytes(255, 8 - n);
            masks.add(n).write_bytes(255, 8 - n);
            at.as_mut().len = n as u8
        }
    }

    /// Puts another child into override `j`.
    #[inline(always)]
    pub(super) fn set_child(&mut self, j: usize, child: Node<K, V, C>) {
        let mut at = self.at();
        // SAFETY: exclusive. The old child is released, at the end, if it was the overlay's own.
        unsafe {
            let slot = field::<Slot>(at, 48).add(j);
            let old = (*slot).get();
            slot.write(Slot::new(child.into_word()));
            let own = at.as_ref().extra >> j & 1 == 1;
            at.as_mut().extra |= 1 << j;
            if own {
                release::<Trie<K, V, C>>(old)
            }
        }
    }

    /// Counts what the overlay borrows, and gives the lender back: the base alone stands behind it then.
    fn settle(&mut self) {
        count!(LenderReturned);
        let mut at = self.at();
        let base = self.get().base();
        let (lender, len, extra) = (self.get().lender(), self.get().len(), self.get().extra());
        for j in (0..len).filter(|j| extra >> j & 1 == 0) {
            // SAFETY: the lender keeps the child alive until it is released below.
            unsafe { core::mem::forget(NodeRef::<K, V, C>::from_word(self.get().slot(j).get()).to_owned()) }
        }
        // SAFETY: exclusive. The base's new count stands where the lender's was, which is given up.
        unsafe {
            at.as_mut().extra = ((base.lenders() as u16 + 1) << 8) | ((1 << len) - 1);
            field::<Word>(at, 40).write(base.to_owned().into_word());
            release::<Trie<K, V, C>>(lender);
        }
    }

    /// The base with the overrides put into it. Both are exclusive, and neither borrows.
    #[inline(never)]
    fn fold(self) {
        count!(Fold);
        let overlay = self.get();
        let base = overlay.base();
        let mut gone = SmallVec::<[Word; 8]>::new();
        let mut inner_node;
        // SAFETY: both nodes are exclusive; the overrides' counts move into the base, those of the blocks they
        // cover are released at the end, the shell is given back. A base block may lie under several overrides:
        // it is counted at its first slot.
        unsafe {
            for j in 0..overlay.len() {
                let (first, k) = overlay.range(j);
                for s in first..first + (1 << k) {
                    let word = base.peek(s);
                    let own_first = s >> base.block(s) << base.block(s) == s;
                    if word.is_node() && own_first {
                        gone.push(word)
                    }
                }
            }
            inner_node = Node::from_word(base.word());
            for j in 0..overlay.len() {
                let (first, k) = overlay.range(j);
                InnerMut::new(&mut inner_node).fill(first, k, overlay.slot(j).get());
            }
            let shell = core::mem::replace(self.0, inner_node).into_word();
            Trie::<K, V, C>::free_shell(shell);
            for word in gone {
                release::<Trie<K, V, C>>(word)
            }
        }
    }
}

/// Makes an exclusive divided node one that can be changed in place: an inner node that borrows nothing; or an
/// overlay over a base that others use too, where only its own overrides can be.
#[inline(always)]
pub(super) fn own_up<K, V, C: Count>(node: &mut Node<K, V, C>) {
    debug_assert!(node.is_exclusive());
    if form(node.word()) == Form::Divided && Inner::if_exclusive(node).is_none() {
        own_up_rare(node)
    }
}

#[inline(never)]
fn own_up_rare<K, V, C: Count>(node: &mut Node<K, V, C>) {
    if node.word().tag() != OVERLAY {
        *node = Divided::new(node.link()).copied();
        return;
    }
    let mut overlay = OverlayMut::new(node);
    // SAFETY: an overlay owns a count of its lender.
    if overlay.get().lender() != overlay.get().base().word() && unsafe { overlay.get().lender().header() }.owners() == 1
    {
        overlay.settle()
    }
    let base = overlay.get().base();
    // SAFETY: the base lives; if it is its own lender, the overlay owns its count.
    let base_is_ours = overlay.get().lender() == base.word() && unsafe { base.word().header() }.is_exclusive();
    if base_is_ours && base.lenders() == 0 {
        overlay.fold()
    } else if base_is_ours {
        *node = Divided::new(node.link()).copied()
    }
}
