//! Which values of a node are there, of those that are read one by one.
//!
//! In: values, from any thread. Out: each of them once, to all.
//! Must hold: a place is set once, by the thread that claimed it, and is there from then on; who sees that it is there sees what
//! was written. Who sees a node whole sees all that whoever made it so saw.
//! Uses: nothing of ours.

use super::sync::{AtomicU32, Ordering, yield_now};

/// The places of a node that are set, at most [`MOST`](Self::MOST).
pub(crate) struct Presence(AtomicU32);

/// In the lower half a bit for each place that is there, in the upper one for each that is claimed; the last says that the node
/// is whole.
const CLAIMED: u32 = 16;
const WHOLE: u32 = 1 << 31;

impl Presence {
    pub(crate) const MOST: usize = 15;

    pub(crate) fn new() -> Self {
        Presence(AtomicU32::new(0))
    }

    /// Which places are there, a bit each. What was written to them may be read.
    #[inline(always)]
    pub(crate) fn there(&self) -> u32 {
        self.0.load(Ordering::Acquire) & ((1 << Self::MOST) - 1)
    }

    #[inline(always)]
    pub(crate) fn is_whole(&self) -> bool {
        self.0.load(Ordering::Acquire) & WHOLE != 0
    }

    /// All that this thread saw to be there, of this node and of others that belong to it, may be read by who sees this.
    pub(crate) fn set_whole(&self) {
        self.0.fetch_or(WHOLE, Ordering::Release);
    }

    /// Sets a place by `write`, unless another thread is faster; then waits until that has.
    pub(crate) fn put(&self, i: usize, write: impl FnOnce()) {
        debug_assert!(i < Self::MOST);
        let claim = 1 << (CLAIMED + i as u32);
        if self.0.fetch_or(claim, Ordering::Relaxed) & claim == 0 {
            write();
            self.0.fetch_or(1 << i, Ordering::Release);
            return;
        }
        while self.there() >> i & 1 == 0 {
            // The other thread is moving a value: a few instructions, unless it was stopped just there.
            yield_now()
        }
    }
}
