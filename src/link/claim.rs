//! Claims on the free room of a node that versions share.
//!
//! In: how far an owner of a node sees it filled. Out: the next free place, for one owner only.
//! Must hold: an [`Edge`] moves away from what owners see, so that no owner's elements change; each place is claimed once.
//! Uses: nothing of ours.

use super::sync::{AtomicU16, Ordering};

/// How far a node's room is taken, at one of its ends.
#[doc(hidden)]
pub struct Edge(AtomicU16);

impl Edge {
    #[inline(always)]
    pub(crate) fn new(at: usize) -> Self {
        debug_assert!(at <= u16::MAX as usize);
        Edge(AtomicU16::new(at as u16))
    }

    /// Relaxed: whoever reads behind another owner's claim got the node from it, which orders the rest.
    #[inline(always)]
    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed) as usize
    }

    /// For the only owner of the node.
    #[inline(always)]
    pub(crate) fn set(&self, at: usize) {
        debug_assert!(at <= u16::MAX as usize);
        self.0.store(at as u16, Ordering::Relaxed)
    }

    /// Moves the edge, unless somebody else has moved it. Relaxed: the count of the node orders what its owners wrote
    /// before it is freed.
    #[inline(always)]
    pub(super) fn exchange(&self, from: usize, to: usize) -> bool {
        self.0.compare_exchange(from as u16, to as u16, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}
